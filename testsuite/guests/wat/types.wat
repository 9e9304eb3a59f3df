;; The errors of functions on each type of descriptor: the type is checked first, then the access
;; mode. Runs with both previews: only the module name of the imports differs.
(module
  (import "wasi_snapshot_preview1" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_unlink_file" (func $path_unlink_file (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_pread" (func $fd_pread (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_pwrite" (func $fd_pwrite (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_tell" (func $fd_tell (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_advise" (func $fd_advise (param i32 i64 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_allocate" (func $fd_allocate (param i32 i64 i64) (result i32)))
  (import "wasi_snapshot_preview1" "fd_sync" (func $fd_sync (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_datasync" (func $fd_datasync (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_filestat_set_size" (func $fd_filestat_set_size (param i32 i64) (result i32)))
  (import "wasi_snapshot_preview1" "fd_readdir" (func $fd_readdir (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "file")
  (data (i32.const 32) "\80\00\00\00\05\00\00\00")
  (data (i32.const 64) "\00\04\00\00\05\00\00\00")

  ;; Exits with the number of the check if the result is not the expected one.
  (func $check (param $number i32) (param $answer i32) (param $expected i32)
    (if (i32.ne (local.get $answer) (local.get $expected)) (then (call $proc_exit (local.get $number)))))

  (func (export "_start")
    (call $check (i32.const 1) (call $path_open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 1) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 2048)) (i32.const 0))
    (call $check (i32.const 2) (call $path_open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 2048)) (i32.const 0))
    ;; Standard input, an in-memory stream.
    (call $check (i32.const 3) (call $fd_read (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 4) (call $fd_write (i32.const 0) (i32.const 32) (i32.const 1) (i32.const 128)) (i32.const 8)) ;; BADF
    (call $check (i32.const 5) (call $fd_pread (i32.const 0) (i32.const 64) (i32.const 1) (i64.const 0) (i32.const 128)) (i32.const 70)) ;; SPIPE
    (call $check (i32.const 6) (call $fd_pwrite (i32.const 0) (i32.const 32) (i32.const 1) (i64.const 0) (i32.const 128)) (i32.const 70)) ;; SPIPE
    (call $check (i32.const 7) (call $fd_tell (i32.const 0) (i32.const 128)) (i32.const 70)) ;; SPIPE
    (call $check (i32.const 8) (call $fd_advise (i32.const 0) (i64.const 0) (i64.const 8) (i32.const 0)) (i32.const 70)) ;; SPIPE
    (call $check (i32.const 9) (call $fd_allocate (i32.const 0) (i64.const 0) (i64.const 8)) (i32.const 8)) ;; BADF
    (call $check (i32.const 10) (call $fd_sync (i32.const 0)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 11) (call $fd_datasync (i32.const 0)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 12) (call $fd_filestat_set_size (i32.const 0) (i64.const 4)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 13) (call $fd_readdir (i32.const 0) (i32.const 1024) (i32.const 100) (i64.const 0) (i32.const 128)) (i32.const 54)) ;; NOTDIR
    ;; Standard output, an in-memory stream.
    (call $check (i32.const 14) (call $fd_read (i32.const 1) (i32.const 64) (i32.const 1) (i32.const 128)) (i32.const 8)) ;; BADF
    (call $check (i32.const 15) (call $fd_write (i32.const 1) (i32.const 32) (i32.const 1) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 16) (call $fd_pread (i32.const 1) (i32.const 64) (i32.const 1) (i64.const 0) (i32.const 128)) (i32.const 70)) ;; SPIPE
    (call $check (i32.const 17) (call $fd_pwrite (i32.const 1) (i32.const 32) (i32.const 1) (i64.const 0) (i32.const 128)) (i32.const 70)) ;; SPIPE
    (call $check (i32.const 18) (call $fd_tell (i32.const 1) (i32.const 128)) (i32.const 70)) ;; SPIPE
    (call $check (i32.const 19) (call $fd_advise (i32.const 1) (i64.const 0) (i64.const 8) (i32.const 0)) (i32.const 70)) ;; SPIPE
    (call $check (i32.const 20) (call $fd_allocate (i32.const 1) (i64.const 0) (i64.const 8)) (i32.const 70)) ;; SPIPE
    (call $check (i32.const 21) (call $fd_sync (i32.const 1)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 22) (call $fd_datasync (i32.const 1)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 23) (call $fd_filestat_set_size (i32.const 1) (i64.const 4)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 24) (call $fd_readdir (i32.const 1) (i32.const 1024) (i32.const 100) (i64.const 0) (i32.const 128)) (i32.const 54)) ;; NOTDIR
    ;; A directory.
    (call $check (i32.const 25) (call $fd_read (i32.const 3) (i32.const 64) (i32.const 1) (i32.const 128)) (i32.const 31)) ;; ISDIR
    (call $check (i32.const 26) (call $fd_write (i32.const 3) (i32.const 32) (i32.const 1) (i32.const 128)) (i32.const 8)) ;; BADF
    (call $check (i32.const 27) (call $fd_pread (i32.const 3) (i32.const 64) (i32.const 1) (i64.const 0) (i32.const 128)) (i32.const 31)) ;; ISDIR
    (call $check (i32.const 28) (call $fd_pwrite (i32.const 3) (i32.const 32) (i32.const 1) (i64.const 0) (i32.const 128)) (i32.const 8)) ;; BADF
    (call $check (i32.const 29) (call $fd_tell (i32.const 3) (i32.const 128)) (i32.const 31)) ;; ISDIR
    (call $check (i32.const 30) (call $fd_advise (i32.const 3) (i64.const 0) (i64.const 8) (i32.const 0)) (i32.const 0))
    (call $check (i32.const 31) (call $fd_allocate (i32.const 3) (i64.const 0) (i64.const 8)) (i32.const 8)) ;; BADF
    (call $check (i32.const 32) (call $fd_sync (i32.const 3)) (i32.const 0))
    (call $check (i32.const 33) (call $fd_datasync (i32.const 3)) (i32.const 0))
    (call $check (i32.const 34) (call $fd_filestat_set_size (i32.const 3) (i64.const 4)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 35) (call $fd_readdir (i32.const 3) (i32.const 1024) (i32.const 100) (i64.const 0) (i32.const 128)) (i32.const 0))
    ;; A write-only file.
    (call $check (i32.const 36) (call $fd_read (i32.const 4) (i32.const 64) (i32.const 1) (i32.const 128)) (i32.const 8)) ;; BADF
    (call $check (i32.const 37) (call $fd_write (i32.const 4) (i32.const 32) (i32.const 1) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 38) (call $fd_pread (i32.const 4) (i32.const 64) (i32.const 1) (i64.const 0) (i32.const 128)) (i32.const 8)) ;; BADF
    (call $check (i32.const 39) (call $fd_pwrite (i32.const 4) (i32.const 32) (i32.const 1) (i64.const 0) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 40) (call $fd_tell (i32.const 4) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 41) (call $fd_advise (i32.const 4) (i64.const 0) (i64.const 8) (i32.const 0)) (i32.const 0))
    (call $check (i32.const 42) (call $fd_allocate (i32.const 4) (i64.const 0) (i64.const 8)) (i32.const 0))
    (call $check (i32.const 43) (call $fd_sync (i32.const 4)) (i32.const 0))
    (call $check (i32.const 44) (call $fd_datasync (i32.const 4)) (i32.const 0))
    (call $check (i32.const 45) (call $fd_filestat_set_size (i32.const 4) (i64.const 4)) (i32.const 0))
    (call $check (i32.const 46) (call $fd_readdir (i32.const 4) (i32.const 1024) (i32.const 100) (i64.const 0) (i32.const 128)) (i32.const 54)) ;; NOTDIR
    ;; A read-only file.
    (call $check (i32.const 47) (call $fd_read (i32.const 5) (i32.const 64) (i32.const 1) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 48) (call $fd_write (i32.const 5) (i32.const 32) (i32.const 1) (i32.const 128)) (i32.const 8)) ;; BADF
    (call $check (i32.const 49) (call $fd_pread (i32.const 5) (i32.const 64) (i32.const 1) (i64.const 0) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 50) (call $fd_pwrite (i32.const 5) (i32.const 32) (i32.const 1) (i64.const 0) (i32.const 128)) (i32.const 8)) ;; BADF
    (call $check (i32.const 51) (call $fd_tell (i32.const 5) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 52) (call $fd_advise (i32.const 5) (i64.const 0) (i64.const 8) (i32.const 0)) (i32.const 0))
    (call $check (i32.const 53) (call $fd_allocate (i32.const 5) (i64.const 0) (i64.const 8)) (i32.const 8)) ;; BADF
    (call $check (i32.const 54) (call $fd_sync (i32.const 5)) (i32.const 0))
    (call $check (i32.const 55) (call $fd_datasync (i32.const 5)) (i32.const 0))
    (call $check (i32.const 56) (call $fd_filestat_set_size (i32.const 5) (i64.const 4)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 57) (call $fd_readdir (i32.const 5) (i32.const 1024) (i32.const 100) (i64.const 0) (i32.const 128)) (i32.const 54)) ;; NOTDIR
    ;; A descriptor that does not exist.
    (call $check (i32.const 58) (call $fd_read (i32.const 9) (i32.const 64) (i32.const 1) (i32.const 128)) (i32.const 8)) ;; BADF
    (call $check (i32.const 59) (call $fd_write (i32.const 9) (i32.const 32) (i32.const 1) (i32.const 128)) (i32.const 8)) ;; BADF
    (call $check (i32.const 60) (call $fd_pread (i32.const 9) (i32.const 64) (i32.const 1) (i64.const 0) (i32.const 128)) (i32.const 8)) ;; BADF
    (call $check (i32.const 61) (call $fd_pwrite (i32.const 9) (i32.const 32) (i32.const 1) (i64.const 0) (i32.const 128)) (i32.const 8)) ;; BADF
    (call $check (i32.const 62) (call $fd_tell (i32.const 9) (i32.const 128)) (i32.const 8)) ;; BADF
    (call $check (i32.const 63) (call $fd_advise (i32.const 9) (i64.const 0) (i64.const 8) (i32.const 0)) (i32.const 8)) ;; BADF
    (call $check (i32.const 64) (call $fd_allocate (i32.const 9) (i64.const 0) (i64.const 8)) (i32.const 8)) ;; BADF
    (call $check (i32.const 65) (call $fd_sync (i32.const 9)) (i32.const 8)) ;; BADF
    (call $check (i32.const 66) (call $fd_datasync (i32.const 9)) (i32.const 8)) ;; BADF
    (call $check (i32.const 67) (call $fd_filestat_set_size (i32.const 9) (i64.const 4)) (i32.const 8)) ;; BADF
    (call $check (i32.const 68) (call $fd_readdir (i32.const 9) (i32.const 1024) (i32.const 100) (i64.const 0) (i32.const 128)) (i32.const 8)) ;; BADF
    (call $check (i32.const 69) (call $path_unlink_file (i32.const 3) (i32.const 0) (i32.const 4)) (i32.const 0))))
