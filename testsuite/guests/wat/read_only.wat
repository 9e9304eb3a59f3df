;; A read-only directory, descriptor 3, which contains `file`, and a writable empty one, descriptor
;; 4. Runs with both previews: only the module name of the imports differs.
(module
  (import "wasi_snapshot_preview1" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_link" (func $path_link (param i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_rename" (func $path_rename (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_symlink" (func $path_symlink (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_create_directory" (func $path_create_directory (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_unlink_file" (func $path_unlink_file (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_remove_directory" (func $path_remove_directory (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_filestat_set_times" (func $path_filestat_set_times (param i32 i32 i32 i32 i64 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_filestat_set_size" (func $fd_filestat_set_size (param i32 i64) (result i32)))
  (import "wasi_snapshot_preview1" "fd_filestat_set_times" (func $fd_filestat_set_times (param i32 i64 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_allocate" (func $fd_allocate (param i32 i64 i64) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "file")
  (data (i32.const 8) "new")
  (data (i32.const 16) "own")
  (data (i32.const 24) "dir")

  ;; Exits with the number of the check if the result is not the expected one.
  (func $check (param $number i32) (param $answer i32) (param $expected i32)
    (if (i32.ne (local.get $answer) (local.get $expected)) (then (call $proc_exit (local.get $number)))))

  (func (export "_start")
    (call $check (i32.const 1) (call $path_open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 8) (i64.const 0) (i64.const -1) (i32.const 0) (i32.const 2048)) (i32.const 69)) ;; ROFS
    (call $check (i32.const 2) (call $path_open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 8) (i64.const 2) (i64.const -1) (i32.const 0) (i32.const 2048)) (i32.const 69)) ;; ROFS
    (call $check (i32.const 3) (call $path_open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 1) (i64.const 2) (i64.const -1) (i32.const 0) (i32.const 2048)) (i32.const 0)) ;; it is there
    (call $check (i32.const 37) (call $fd_close (i32.const 5)) (i32.const 0))
    (call $check (i32.const 38) (call $path_open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 5) (i64.const 2) (i64.const -1) (i32.const 0) (i32.const 2048)) (i32.const 20)) ;; EXIST
    (call $check (i32.const 39) (call $path_open (i32.const 3) (i32.const 0) (i32.const 8) (i32.const 3) (i32.const 0) (i64.const 64) (i64.const -1) (i32.const 0) (i32.const 2048)) (i32.const 44)) ;; NOENT
    (call $check (i32.const 4) (call $path_open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 9) (i64.const 64) (i64.const -1) (i32.const 0) (i32.const 2048)) (i32.const 69)) ;; ROFS
    (call $check (i32.const 5) (call $path_open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 0) (i64.const 64) (i64.const -1) (i32.const 0) (i32.const 2048)) (i32.const 69)) ;; ROFS
    (call $check (i32.const 6) (call $path_open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 0) (i64.const 66) (i64.const -1) (i32.const 0) (i32.const 2048)) (i32.const 69)) ;; ROFS
    (call $check (i32.const 7) (call $path_open (i32.const 3) (i32.const 0) (i32.const 8) (i32.const 3) (i32.const 1) (i64.const 2) (i64.const -1) (i32.const 0) (i32.const 2048)) (i32.const 69)) ;; ROFS
    ;; wasi-libc does not request the right to write if it is not inherited, but requests others
    ;; that only apply to writable files.
    (call $check (i32.const 41) (call $path_open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 0) (i64.const 256) (i64.const -1) (i32.const 0) (i32.const 2048)) (i32.const 69)) ;; ROFS
    ;; No second name for the file, neither in the other directory (another file system) nor in its
    ;; own.
    (call $check (i32.const 8) (call $path_link (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 4) (i32.const 8) (i32.const 3)) (i32.const 75)) ;; XDEV
    (call $check (i32.const 9) (call $path_link (i32.const 3) (i32.const 1) (i32.const 0) (i32.const 4) (i32.const 4) (i32.const 8) (i32.const 3)) (i32.const 75)) ;; XDEV
    (call $check (i32.const 10) (call $path_rename (i32.const 3) (i32.const 0) (i32.const 4) (i32.const 4) (i32.const 8) (i32.const 3)) (i32.const 75)) ;; XDEV
    (call $check (i32.const 11) (call $path_link (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 3) (i32.const 8) (i32.const 3)) (i32.const 69)) ;; ROFS
    (call $check (i32.const 12) (call $path_link (i32.const 3) (i32.const 1) (i32.const 0) (i32.const 4) (i32.const 3) (i32.const 8) (i32.const 3)) (i32.const 69)) ;; ROFS
    (call $check (i32.const 13) (call $path_rename (i32.const 3) (i32.const 0) (i32.const 4) (i32.const 3) (i32.const 8) (i32.const 3)) (i32.const 69)) ;; ROFS
    ;; No file of the other directory can replace it.
    (call $check (i32.const 14) (call $path_open (i32.const 4) (i32.const 0) (i32.const 16) (i32.const 3) (i32.const 1) (i64.const 64) (i64.const -1) (i32.const 0) (i32.const 2048)) (i32.const 0))
    (call $check (i32.const 15) (call $fd_close (i32.const 5)) (i32.const 0))
    (call $check (i32.const 16) (call $path_rename (i32.const 4) (i32.const 16) (i32.const 3) (i32.const 3) (i32.const 0) (i32.const 4)) (i32.const 75)) ;; XDEV
    (call $check (i32.const 17) (call $path_link (i32.const 4) (i32.const 0) (i32.const 16) (i32.const 3) (i32.const 3) (i32.const 8) (i32.const 3)) (i32.const 69)) ;; ROFS
    ;; The entries do not change.
    (call $check (i32.const 18) (call $path_symlink (i32.const 0) (i32.const 4) (i32.const 3) (i32.const 8) (i32.const 3)) (i32.const 69)) ;; ROFS
    (call $check (i32.const 19) (call $path_create_directory (i32.const 3) (i32.const 8) (i32.const 3)) (i32.const 69)) ;; ROFS
    (call $check (i32.const 40) (call $path_create_directory (i32.const 3) (i32.const 24) (i32.const 3)) (i32.const 20)) ;; EXIST
    (call $check (i32.const 20) (call $path_unlink_file (i32.const 3) (i32.const 0) (i32.const 4)) (i32.const 69)) ;; ROFS
    (call $check (i32.const 21) (call $path_remove_directory (i32.const 3) (i32.const 24) (i32.const 3)) (i32.const 69)) ;; ROFS
    (call $check (i32.const 22) (call $path_filestat_set_times (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i64.const 0) (i64.const 0) (i32.const 5)) (i32.const 69)) ;; ROFS
    ;; A guest that requests all rights gets those that exist.
    (call $check (i32.const 23) (call $path_open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 0) (i64.const 268435135) (i64.const -1) (i32.const 0) (i32.const 2048)) (i32.const 0))
    (call $check (i32.const 24) (i32.load (i32.const 2048)) (i32.const 5))
    (call $check (i32.const 25) (call $fd_write (i32.const 5) (i32.const 0) (i32.const 0) (i32.const 2048)) (i32.const 8)) ;; BADF
    (call $check (i32.const 26) (call $fd_filestat_set_size (i32.const 5) (i64.const 0)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 27) (call $fd_filestat_set_times (i32.const 5) (i64.const 0) (i64.const 0) (i32.const 5)) (i32.const 69)) ;; ROFS
    (call $check (i32.const 28) (call $fd_allocate (i32.const 5) (i64.const 0) (i64.const 10)) (i32.const 8)) ;; BADF
    (call $check (i32.const 29) (call $fd_close (i32.const 5)) (i32.const 0))
    ;; A subdirectory has no more rights.
    (call $check (i32.const 30) (call $path_open (i32.const 3) (i32.const 0) (i32.const 24) (i32.const 3) (i32.const 2) (i64.const 268435135) (i64.const -1) (i32.const 0) (i32.const 2048)) (i32.const 0))
    (call $check (i32.const 31) (call $path_open (i32.const 5) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 8) (i64.const 2) (i64.const -1) (i32.const 0) (i32.const 2048)) (i32.const 69)) ;; ROFS
    (call $check (i32.const 32) (call $path_open (i32.const 5) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 0) (i64.const 64) (i64.const -1) (i32.const 0) (i32.const 2048)) (i32.const 69)) ;; ROFS
    (call $check (i32.const 33) (call $path_unlink_file (i32.const 5) (i32.const 0) (i32.const 4)) (i32.const 69)) ;; ROFS
    (call $check (i32.const 34) (call $path_rename (i32.const 5) (i32.const 0) (i32.const 4) (i32.const 4) (i32.const 8) (i32.const 3)) (i32.const 75)) ;; XDEV
    (call $check (i32.const 35) (call $path_link (i32.const 5) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 4) (i32.const 8) (i32.const 3)) (i32.const 75)) ;; XDEV
    (call $check (i32.const 36) (call $path_unlink_file (i32.const 4) (i32.const 16) (i32.const 3)) (i32.const 0))))
