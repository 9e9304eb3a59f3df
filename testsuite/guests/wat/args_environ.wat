;; `args_get`, `args_sizes_get`, `environ_get`, `environ_sizes_get`, with its own name and `two
;; words` as arguments, and the variable `A=1`. Runs with both previews: only the module name of the
;; imports differs.
(module
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $environ_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)

  ;; Exits with the number of the check if the result is not the expected one.
  (func $check (param $number i32) (param $answer i32) (param $expected i32)
    (if (i32.ne (local.get $answer) (local.get $expected)) (then (call $proc_exit (local.get $number)))))

  (func (export "_start")
    (call $check (i32.const 1) (call $args_sizes_get (i32.const 0) (i32.const 4)) (i32.const 0))
    (call $check (i32.const 2) (i32.load (i32.const 0)) (i32.const 2))
    (call $check (i32.const 3) (i32.load (i32.const 4)) (i32.const 27))
    (call $check (i32.const 4) (call $args_get (i32.const 0) (i32.const 100)) (i32.const 0))
    (call $check (i32.const 5) (i32.load (i32.const 0)) (i32.const 100))
    (call $check (i32.const 6) (i32.load (i32.const 4)) (i32.const 117))
    (call $check (i32.const 7) (i32.load (i32.const 100)) (i32.const 1936159329))
    (call $check (i32.const 8) (i32.load8_u (i32.const 116)) (i32.const 0))
    (call $check (i32.const 9) (i32.load (i32.const 117)) (i32.const 544175988))
    (call $check (i32.const 10) (i32.load8_u (i32.const 126)) (i32.const 0))
    (call $check (i32.const 11) (call $environ_sizes_get (i32.const 0) (i32.const 4)) (i32.const 0))
    (call $check (i32.const 12) (i32.load (i32.const 0)) (i32.const 1))
    (call $check (i32.const 13) (i32.load (i32.const 4)) (i32.const 4))
    (call $check (i32.const 14) (call $environ_get (i32.const 0) (i32.const 100)) (i32.const 0))
    (call $check (i32.const 15) (i32.load (i32.const 0)) (i32.const 100))
    (call $check (i32.const 16) (i32.load (i32.const 100)) (i32.const 3226945))
    ;; Addresses out of bounds, and misaligned ones.
    (call $check (i32.const 17) (call $args_sizes_get (i32.const 65536) (i32.const 4)) (i32.const 21)) ;; FAULT
    (call $check (i32.const 18) (call $args_sizes_get (i32.const 0) (i32.const 65534)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 19) (call $args_sizes_get (i32.const 1) (i32.const 4)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 20) (call $environ_sizes_get (i32.const 65536) (i32.const 4)) (i32.const 21)) ;; FAULT
    (call $check (i32.const 21) (call $environ_sizes_get (i32.const 0) (i32.const 65534)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 22) (call $environ_sizes_get (i32.const 1) (i32.const 4)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 23) (call $args_get (i32.const 0) (i32.const 65522)) (i32.const 21)) ;; FAULT
    (call $check (i32.const 24) (call $args_get (i32.const 65532) (i32.const 100)) (i32.const 21)) ;; FAULT
    (call $check (i32.const 25) (call $args_get (i32.const 2) (i32.const 100)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 26) (call $environ_get (i32.const 0) (i32.const 65533)) (i32.const 21)) ;; FAULT
    (call $check (i32.const 27) (call $environ_get (i32.const 65536) (i32.const 100)) (i32.const 21)))) ;; FAULT
