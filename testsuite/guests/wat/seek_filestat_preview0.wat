;; `fd_seek`, `fd_filestat_get`, `path_filestat_get`, in the empty directory that is descriptor 3.
;; Preview 0: `whence` is 2 for the beginning, 0 for the current position, 1 for the end, and a
;; `filestat` has 56 bytes.
(module
  (import "wasi_unstable" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_unstable" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_unstable" "fd_seek" (func $fd_seek (param i32 i64 i32 i32) (result i32)))
  (import "wasi_unstable" "fd_filestat_get" (func $fd_filestat_get (param i32 i32) (result i32)))
  (import "wasi_unstable" "path_filestat_get" (func $path_filestat_get (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_unstable" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "file")
  (data (i32.const 32) "\10\00\00\00\05\00\00\00")

  ;; Exits with the number of the check if the result is not the expected one.
  (func $check (param $number i32) (param $answer i32) (param $expected i32)
    (if (i32.ne (local.get $answer) (local.get $expected)) (then (call $proc_exit (local.get $number)))))

  (func (export "_start")
    (call $check (i32.const 1) (call $path_open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 1) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 2) (call $fd_write (i32.const 4) (i32.const 32) (i32.const 1) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 3) (call $fd_seek (i32.const 4) (i64.const 2) (i32.const 2) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 4) (i64.eq (i64.load (i32.const 128)) (i64.const 2)) (i32.const 1))
    (call $check (i32.const 5) (call $fd_seek (i32.const 4) (i64.const 2) (i32.const 0) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 6) (i64.eq (i64.load (i32.const 128)) (i64.const 4)) (i32.const 1))
    (call $check (i32.const 7) (call $fd_seek (i32.const 4) (i64.const -1) (i32.const 1) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 8) (i64.eq (i64.load (i32.const 128)) (i64.const 4)) (i32.const 1))
    (call $check (i32.const 9) (call $fd_seek (i32.const 4) (i64.const 0) (i32.const 0) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 10) (i64.eq (i64.load (i32.const 128)) (i64.const 4)) (i32.const 1))
    (call $check (i32.const 11) (call $fd_seek (i32.const 4) (i64.const 9) (i32.const 2) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 12) (i64.eq (i64.load (i32.const 128)) (i64.const 9)) (i32.const 1))
    (call $check (i32.const 13) (call $fd_seek (i32.const 4) (i64.const -1) (i32.const 2) (i32.const 128)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 14) (call $fd_seek (i32.const 4) (i64.const -10) (i32.const 0) (i32.const 128)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 15) (call $fd_seek (i32.const 4) (i64.const -6) (i32.const 1) (i32.const 128)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 16) (call $fd_seek (i32.const 4) (i64.const 0) (i32.const 3) (i32.const 128)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 17) (call $fd_seek (i32.const 9) (i64.const 0) (i32.const 2) (i32.const 128)) (i32.const 8)) ;; BADF
    (call $check (i32.const 18) (call $fd_seek (i32.const 3) (i64.const 0) (i32.const 2) (i32.const 128)) (i32.const 31)) ;; ISDIR
    (call $check (i32.const 19) (call $fd_seek (i32.const 4) (i64.const 0) (i32.const 2) (i32.const 65536)) (i32.const 21)) ;; FAULT
    (call $check (i32.const 20) (call $fd_seek (i32.const 4) (i64.const 0) (i32.const 2) (i32.const 132)) (i32.const 28)) ;; INVAL
    (i64.store (i32.const 568) (i64.const -1))
    (call $check (i32.const 21) (call $fd_filestat_get (i32.const 4) (i32.const 512)) (i32.const 0))
    (call $check (i32.const 22) (i32.load8_u (i32.const 528)) (i32.const 4)) ;; a regular file
    (call $check (i32.const 23) (i32.load (i32.const 532)) (i32.const 1)) ;; one link
    (call $check (i32.const 24) (i64.eq (i64.load (i32.const 536)) (i64.const 5)) (i32.const 1))
    (call $check (i32.const 25) (i64.gt_u (i64.load (i32.const 544)) (i64.const 0)) (i32.const 1))
    (call $check (i32.const 26) (i64.eq (i64.load (i32.const 568)) (i64.const -1)) (i32.const 1)) ;; 56 bytes are written
    (call $check (i32.const 27) (call $fd_filestat_get (i32.const 4) (i32.const 65480)) (i32.const 0))
    (call $check (i32.const 28) (call $fd_filestat_get (i32.const 4) (i32.const 65488)) (i32.const 21)) ;; FAULT
    (call $check (i32.const 29) (call $fd_filestat_get (i32.const 4) (i32.const 516)) (i32.const 28)) ;; INVAL
    (i64.store (i32.const 568) (i64.const -1))
    (call $check (i32.const 30) (call $path_filestat_get (i32.const 3) (i32.const 1) (i32.const 0) (i32.const 4) (i32.const 512)) (i32.const 0))
    (call $check (i32.const 31) (i32.load8_u (i32.const 528)) (i32.const 4)) ;; a regular file
    (call $check (i32.const 32) (i32.load (i32.const 532)) (i32.const 1)) ;; one link
    (call $check (i32.const 33) (i64.eq (i64.load (i32.const 536)) (i64.const 5)) (i32.const 1))
    (call $check (i32.const 34) (i64.gt_u (i64.load (i32.const 544)) (i64.const 0)) (i32.const 1))
    (call $check (i32.const 35) (i64.eq (i64.load (i32.const 568)) (i64.const -1)) (i32.const 1)) ;; 56 bytes are written
    (call $check (i32.const 36) (call $path_filestat_get (i32.const 3) (i32.const 1) (i32.const 0) (i32.const 4) (i32.const 65480)) (i32.const 0))
    (call $check (i32.const 37) (call $path_filestat_get (i32.const 3) (i32.const 1) (i32.const 0) (i32.const 4) (i32.const 65488)) (i32.const 21)) ;; FAULT
    (call $check (i32.const 38) (call $path_filestat_get (i32.const 3) (i32.const 1) (i32.const 0) (i32.const 4) (i32.const 516)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 39) (call $fd_filestat_get (i32.const 3) (i32.const 512)) (i32.const 0))
    (call $check (i32.const 40) (i32.load8_u (i32.const 528)) (i32.const 3)) ;; a directory
    (call $check (i32.const 41) (call $fd_filestat_get (i32.const 9) (i32.const 512)) (i32.const 8)) ;; BADF
    (call $check (i32.const 42) (call $path_filestat_get (i32.const 9) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 512)) (i32.const 8)) ;; BADF
    (call $check (i32.const 43) (call $path_filestat_get (i32.const 4) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 512)) (i32.const 54)) ;; NOTDIR
    (call $check (i32.const 44) (call $path_filestat_get (i32.const 3) (i32.const 0) (i32.const 1) (i32.const 3) (i32.const 512)) (i32.const 44)) ;; NOENT
    (call $check (i32.const 45) (call $path_filestat_get (i32.const 3) (i32.const 2) (i32.const 0) (i32.const 4) (i32.const 512)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 46) (call $path_filestat_get (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 512)) (i32.const 44)) ;; NOENT
    (call $check (i32.const 47) (call $path_filestat_get (i32.const 3) (i32.const 0) (i32.const 65536) (i32.const 4) (i32.const 512)) (i32.const 21)))) ;; FAULT
