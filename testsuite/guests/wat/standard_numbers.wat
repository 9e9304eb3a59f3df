;; The numbers 0 to 2 are reserved for the standard streams, even while these are closed: only
;; `fd_renumber` reuses them. The guest leaves a file that contains `to the file` and two empty ones
;; in the directory that is descriptor 3. Runs with both previews: only the module name of the
;; imports differs.
(module
  (import "wasi_snapshot_preview1" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_renumber" (func $fd_renumber (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "file")
  (data (i32.const 4) "kept")
  (data (i32.const 8) "other")
  (data (i32.const 32) "\80\00\00\00\0c\00\00\00")
  (data (i32.const 48) "\90\00\00\00\0e\00\00\00")
  (data (i32.const 64) "\00\04\00\00\10\00\00\00")
  (data (i32.const 128) "to the file\n")
  (data (i32.const 144) "to the output\n")

  ;; Exits with the number of the check if the result is not the expected one.
  (func $check (param $number i32) (param $answer i32) (param $expected i32)
    (if (i32.ne (local.get $answer) (local.get $expected)) (then (call $proc_exit (local.get $number)))))

  (func (export "_start")
    (call $check (i32.const 1) (call $path_open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 1) (i64.const 66) (i64.const 0) (i32.const 0) (i32.const 2048)) (i32.const 0))
    (call $check (i32.const 2) (i32.load (i32.const 2048)) (i32.const 4))
    (call $check (i32.const 3) (call $path_open (i32.const 3) (i32.const 0) (i32.const 4) (i32.const 4) (i32.const 1) (i64.const 66) (i64.const 0) (i32.const 0) (i32.const 2048)) (i32.const 0))
    (call $check (i32.const 4) (i32.load (i32.const 2048)) (i32.const 5))
    ;; Standard output is moved away: nothing that is opened now takes its number, and what is
    ;; written to it is lost.
    (call $check (i32.const 5) (call $fd_renumber (i32.const 1) (i32.const 5)) (i32.const 0))
    (call $check (i32.const 6) (call $path_open (i32.const 3) (i32.const 0) (i32.const 8) (i32.const 5) (i32.const 1) (i64.const 66) (i64.const 0) (i32.const 0) (i32.const 2048)) (i32.const 0))
    (call $check (i32.const 7) (i32.load (i32.const 2048)) (i32.const 6)) ;; not 1
    (call $check (i32.const 8) (call $fd_write (i32.const 1) (i32.const 32) (i32.const 1) (i32.const 128)) (i32.const 8)) ;; BADF
    (call $check (i32.const 9) (call $fd_renumber (i32.const 4) (i32.const 1)) (i32.const 0)) ;; a file replaces it
    (call $check (i32.const 10) (call $fd_write (i32.const 1) (i32.const 32) (i32.const 1) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 11) (call $fd_renumber (i32.const 5) (i32.const 1)) (i32.const 0)) ;; and standard output is restored
    (call $check (i32.const 12) (call $fd_write (i32.const 1) (i32.const 48) (i32.const 1) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 13) (call $fd_renumber (i32.const 6) (i32.const 4)) (i32.const 8)) ;; BADF
    ;; The same with a closed input and a closed output.
    (call $check (i32.const 14) (call $fd_close (i32.const 0)) (i32.const 0))
    (call $check (i32.const 15) (call $fd_close (i32.const 2)) (i32.const 0))
    (call $check (i32.const 16) (call $path_open (i32.const 3) (i32.const 0) (i32.const 4) (i32.const 4) (i32.const 0) (i64.const 66) (i64.const 0) (i32.const 0) (i32.const 2048)) (i32.const 0))
    (call $check (i32.const 17) (i32.load (i32.const 2048)) (i32.const 4))
    (call $check (i32.const 18) (call $fd_renumber (i32.const 0) (i32.const 2)) (i32.const 8)) ;; BADF
    (call $check (i32.const 19) (call $fd_renumber (i32.const 4) (i32.const 0)) (i32.const 0))
    (call $check (i32.const 20) (call $fd_read (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 21) (call $fd_renumber (i32.const 0) (i32.const 2)) (i32.const 0))
    (call $check (i32.const 22) (call $fd_read (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)) (i32.const 8)))) ;; BADF
