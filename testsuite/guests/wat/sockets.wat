;; `sock_recv`, `sock_send`, `sock_shutdown`, on standard input, a socket that has received `hello`,
;; and standard output, another socket. Runs with both previews: only the module name of the imports
;; differs.
(module
  (import "wasi_snapshot_preview1" "sock_recv" (func $sock_recv (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_send" (func $sock_send (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_shutdown" (func $sock_shutdown (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\00\04\00\00\02\00\00\00\10\04\00\00\10\00\00\00")

  ;; Exits with the number of the check if the result is not the expected one.
  (func $check (param $number i32) (param $answer i32) (param $expected i32)
    (if (i32.ne (local.get $answer) (local.get $expected)) (then (call $proc_exit (local.get $number)))))

  (func (export "_start")
    ;; At 0, a vector of 2 bytes at 1024 and 16 bytes at 1040.
    (call $check (i32.const 1) (call $sock_recv (i32.const 0) (i32.const 0) (i32.const 2) (i32.const 1) (i32.const 128) (i32.const 132)) (i32.const 0))
    (call $check (i32.const 2) (i32.load (i32.const 128)) (i32.const 5))
    (call $check (i32.const 3) (i32.load16_u (i32.const 132)) (i32.const 0))
    (call $check (i32.const 4) (call $sock_recv (i32.const 0) (i32.const 0) (i32.const 2) (i32.const 0) (i32.const 128) (i32.const 132)) (i32.const 0))
    (call $check (i32.const 5) (i32.load (i32.const 128)) (i32.const 5)) ;; the same once more
    (call $check (i32.const 6) (i32.load16_u (i32.const 1024)) (i32.const 25960))
    (call $check (i32.const 7) (i32.load16_u (i32.const 1040)) (i32.const 27756))
    (call $check (i32.const 8) (call $sock_recv (i32.const 0) (i32.const 0) (i32.const 2) (i32.const 4) (i32.const 128) (i32.const 132)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 9) (call $sock_recv (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 0) (i32.const 128) (i32.const 132)) (i32.const 21)) ;; FAULT
    (call $check (i32.const 10) (call $sock_recv (i32.const 0) (i32.const 0) (i32.const 2) (i32.const 0) (i32.const 65536) (i32.const 132)) (i32.const 21)) ;; FAULT
    (call $check (i32.const 11) (call $sock_recv (i32.const 0) (i32.const 0) (i32.const 2) (i32.const 0) (i32.const 128) (i32.const 133)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 12) (call $sock_recv (i32.const 9) (i32.const 0) (i32.const 2) (i32.const 0) (i32.const 128) (i32.const 132)) (i32.const 8)) ;; BADF
    (call $check (i32.const 13) (call $sock_recv (i32.const 3) (i32.const 0) (i32.const 2) (i32.const 0) (i32.const 128) (i32.const 132)) (i32.const 57)) ;; NOTSOCK
    (call $check (i32.const 14) (call $sock_send (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 15) (i32.load (i32.const 128)) (i32.const 2))
    (call $check (i32.const 16) (call $sock_send (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 1) (i32.const 128)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 17) (call $sock_send (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 128)) (i32.const 8)) ;; BADF
    (call $check (i32.const 18) (call $sock_send (i32.const 9) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 128)) (i32.const 8)) ;; BADF
    (call $check (i32.const 19) (call $sock_send (i32.const 3) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 128)) (i32.const 57)) ;; NOTSOCK
    (call $check (i32.const 20) (call $sock_send (i32.const 1) (i32.const 0) (i32.const -1) (i32.const 0) (i32.const 128)) (i32.const 21)) ;; FAULT
    (call $check (i32.const 21) (call $sock_send (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 65536)) (i32.const 21)) ;; FAULT
    (call $check (i32.const 22) (call $sock_shutdown (i32.const 1) (i32.const 0)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 23) (call $sock_shutdown (i32.const 1) (i32.const 4)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 24) (call $sock_shutdown (i32.const 9) (i32.const 1)) (i32.const 8)) ;; BADF
    (call $check (i32.const 25) (call $sock_shutdown (i32.const 3) (i32.const 1)) (i32.const 57)) ;; NOTSOCK
    (call $check (i32.const 26) (call $sock_shutdown (i32.const 1) (i32.const 2)) (i32.const 0))
    (call $check (i32.const 27) (call $sock_send (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 128)) (i32.const 64)))) ;; PIPE
