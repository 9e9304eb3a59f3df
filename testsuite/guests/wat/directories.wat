;; `fd_prestat_get`, `fd_prestat_dir_name`, `fd_readdir`, `path_create_directory`,
;; `path_filestat_set_times`, `path_remove_directory`, `path_rename`, `path_unlink_file`, in the
;; empty directory `/`, descriptor 3. Runs with both previews: only the module name of the imports
;; differs.
(module
  (import "wasi_snapshot_preview1" "fd_prestat_get" (func $fd_prestat_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_prestat_dir_name" (func $fd_prestat_dir_name (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_create_directory" (func $path_create_directory (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_readdir" (func $fd_readdir (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_filestat_set_times" (func $path_filestat_set_times (param i32 i32 i32 i32 i64 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_remove_directory" (func $path_remove_directory (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_unlink_file" (func $path_unlink_file (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_rename" (func $path_rename (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "dir")
  (data (i32.const 8) "dir/sub")
  (data (i32.const 16) "new")
  (data (i32.const 24) "../x")
  (data (i32.const 32) "/abs")
  (data (i32.const 40) "dir/")
  (data (i32.const 48) "\ff\fe")

  ;; Exits with the number of the check if the result is not the expected one.
  (func $check (param $number i32) (param $answer i32) (param $expected i32)
    (if (i32.ne (local.get $answer) (local.get $expected)) (then (call $proc_exit (local.get $number)))))

  (func (export "_start")
    (call $check (i32.const 1) (call $fd_prestat_get (i32.const 3) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 2) (i32.load (i32.const 128)) (i32.const 0))
    (call $check (i32.const 3) (i32.load (i32.const 132)) (i32.const 1))
    (call $check (i32.const 4) (call $fd_prestat_dir_name (i32.const 3) (i32.const 136) (i32.const 1)) (i32.const 0))
    (call $check (i32.const 5) (i32.load8_u (i32.const 136)) (i32.const 47))
    (call $check (i32.const 6) (call $fd_prestat_dir_name (i32.const 3) (i32.const 136) (i32.const 0)) (i32.const 37)) ;; NAMETOOLONG
    (call $check (i32.const 7) (call $fd_prestat_get (i32.const 0) (i32.const 128)) (i32.const 8)) ;; BADF
    (call $check (i32.const 8) (call $fd_prestat_get (i32.const 9) (i32.const 128)) (i32.const 8)) ;; BADF
    (call $check (i32.const 9) (call $fd_prestat_dir_name (i32.const 9) (i32.const 136) (i32.const 1)) (i32.const 8)) ;; BADF
    (call $check (i32.const 10) (call $fd_prestat_get (i32.const 3) (i32.const 65536)) (i32.const 21)) ;; FAULT
    (call $check (i32.const 11) (call $fd_prestat_get (i32.const 3) (i32.const 130)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 12) (call $fd_prestat_dir_name (i32.const 3) (i32.const 65536) (i32.const 1)) (i32.const 21)) ;; FAULT
    (call $check (i32.const 13) (call $path_create_directory (i32.const 3) (i32.const 0) (i32.const 3)) (i32.const 0))
    (call $check (i32.const 14) (call $path_create_directory (i32.const 3) (i32.const 0) (i32.const 3)) (i32.const 20)) ;; EXIST
    (call $check (i32.const 15) (call $path_create_directory (i32.const 3) (i32.const 8) (i32.const 7)) (i32.const 0))
    (call $check (i32.const 16) (call $path_create_directory (i32.const 3) (i32.const 17) (i32.const 0)) (i32.const 44)) ;; NOENT
    ;; `.`, `..` and `dir`: three headers of 24 bytes, and 6 bytes of names.
    (call $check (i32.const 17) (call $fd_readdir (i32.const 3) (i32.const 1024) (i32.const 512) (i64.const 0) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 18) (i32.load (i32.const 128)) (i32.const 78))
    (call $check (i32.const 19) (call $fd_readdir (i32.const 3) (i32.const 1024) (i32.const 30) (i64.const 0) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 20) (i32.load (i32.const 128)) (i32.const 30)) ;; cut where the buffer ends
    (i64.store (i32.const 160) (i64.load (i32.const 1024)))
    (call $check (i32.const 21) (call $fd_readdir (i32.const 3) (i32.const 1024) (i32.const 512) (i64.load (i32.const 160)) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 22) (i32.or (i32.eq (i32.load (i32.const 128)) (i32.const 51)) (i32.or (i32.eq (i32.load (i32.const 128)) (i32.const 52)) (i32.eq (i32.load (i32.const 128)) (i32.const 53)))) (i32.const 1)) ;; all but the first
    (call $check (i32.const 23) (call $fd_readdir (i32.const 3) (i32.const 1024) (i32.const 512) (i64.const -1) (i32.const 128)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 24) (call $fd_readdir (i32.const 9) (i32.const 1024) (i32.const 512) (i64.const 0) (i32.const 128)) (i32.const 8)) ;; BADF
    (call $check (i32.const 25) (call $fd_readdir (i32.const 3) (i32.const 65536) (i32.const 1) (i64.const 0) (i32.const 128)) (i32.const 21)) ;; FAULT
    (call $check (i32.const 26) (call $fd_readdir (i32.const 3) (i32.const 1024) (i32.const 512) (i64.const 0) (i32.const 65536)) (i32.const 21)) ;; FAULT
    (call $check (i32.const 27) (call $fd_readdir (i32.const 3) (i32.const 1024) (i32.const 512) (i64.const 0) (i32.const 130)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 28) (call $path_filestat_set_times (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 3) (i64.const 1000000000) (i64.const 2000000000) (i32.const 5)) (i32.const 0))
    (call $check (i32.const 29) (call $path_filestat_set_times (i32.const 3) (i32.const 0) (i32.const 16) (i32.const 3) (i64.const 0) (i64.const 0) (i32.const 2)) (i32.const 44)) ;; NOENT
    (call $check (i32.const 30) (call $path_filestat_set_times (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 3) (i64.const 0) (i64.const 0) (i32.const 3)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 31) (call $path_filestat_set_times (i32.const 9) (i32.const 0) (i32.const 0) (i32.const 3) (i64.const 0) (i64.const 0) (i32.const 2)) (i32.const 8)) ;; BADF
    (call $check (i32.const 32) (call $path_filestat_set_times (i32.const 3) (i32.const 0) (i32.const 24) (i32.const 4) (i64.const 0) (i64.const 0) (i32.const 2)) (i32.const 76)) ;; NOTCAPABLE
    (call $check (i32.const 33) (call $path_remove_directory (i32.const 3) (i32.const 0) (i32.const 3)) (i32.const 55)) ;; NOTEMPTY
    (call $check (i32.const 34) (call $path_unlink_file (i32.const 3) (i32.const 0) (i32.const 3)) (i32.const 31)) ;; ISDIR
    (call $check (i32.const 35) (call $path_rename (i32.const 3) (i32.const 8) (i32.const 7) (i32.const 3) (i32.const 16) (i32.const 3)) (i32.const 0))
    (call $check (i32.const 36) (call $path_rename (i32.const 3) (i32.const 8) (i32.const 7) (i32.const 3) (i32.const 16) (i32.const 3)) (i32.const 44)) ;; NOENT
    (call $check (i32.const 37) (call $path_rename (i32.const 9) (i32.const 8) (i32.const 7) (i32.const 3) (i32.const 16) (i32.const 3)) (i32.const 8)) ;; BADF
    (call $check (i32.const 38) (call $path_rename (i32.const 3) (i32.const 16) (i32.const 3) (i32.const 9) (i32.const 0) (i32.const 3)) (i32.const 8)) ;; BADF
    (call $check (i32.const 39) (call $path_remove_directory (i32.const 3) (i32.const 40) (i32.const 4)) (i32.const 0))
    (call $check (i32.const 40) (call $path_remove_directory (i32.const 3) (i32.const 16) (i32.const 3)) (i32.const 0))
    (call $check (i32.const 41) (call $path_remove_directory (i32.const 3) (i32.const 16) (i32.const 3)) (i32.const 44)) ;; NOENT
    (call $check (i32.const 42) (call $path_open (i32.const 3) (i32.const 0) (i32.const 16) (i32.const 3) (i32.const 1) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 43) (call $path_remove_directory (i32.const 3) (i32.const 16) (i32.const 3)) (i32.const 54)) ;; NOTDIR
    (call $check (i32.const 44) (call $path_unlink_file (i32.const 3) (i32.const 16) (i32.const 3)) (i32.const 0))
    (call $check (i32.const 45) (call $path_unlink_file (i32.const 3) (i32.const 16) (i32.const 3)) (i32.const 44)) ;; NOENT
    ;; Paths that lead out, and invalid ones.
    (call $check (i32.const 46) (call $path_create_directory (i32.const 3) (i32.const 24) (i32.const 4)) (i32.const 76)) ;; NOTCAPABLE
    (call $check (i32.const 47) (call $path_create_directory (i32.const 3) (i32.const 32) (i32.const 4)) (i32.const 76)) ;; NOTCAPABLE
    (call $check (i32.const 48) (call $path_create_directory (i32.const 3) (i32.const 48) (i32.const 2)) (i32.const 25)) ;; ILSEQ
    (call $check (i32.const 49) (call $path_create_directory (i32.const 3) (i32.const 0) (i32.const 4)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 50) (call $path_create_directory (i32.const 3) (i32.const 65535) (i32.const 2)) (i32.const 21)) ;; FAULT
    (call $check (i32.const 51) (call $path_create_directory (i32.const 9) (i32.const 0) (i32.const 3)) (i32.const 8)) ;; BADF
    (call $check (i32.const 52) (call $path_create_directory (i32.const 4) (i32.const 0) (i32.const 3)) (i32.const 54)) ;; NOTDIR
    (call $check (i32.const 53) (call $path_remove_directory (i32.const 3) (i32.const 24) (i32.const 4)) (i32.const 76)) ;; NOTCAPABLE
    (call $check (i32.const 54) (call $path_remove_directory (i32.const 3) (i32.const 32) (i32.const 4)) (i32.const 76)) ;; NOTCAPABLE
    (call $check (i32.const 55) (call $path_remove_directory (i32.const 3) (i32.const 48) (i32.const 2)) (i32.const 25)) ;; ILSEQ
    (call $check (i32.const 56) (call $path_remove_directory (i32.const 3) (i32.const 0) (i32.const 4)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 57) (call $path_remove_directory (i32.const 3) (i32.const 65535) (i32.const 2)) (i32.const 21)) ;; FAULT
    (call $check (i32.const 58) (call $path_remove_directory (i32.const 9) (i32.const 0) (i32.const 3)) (i32.const 8)) ;; BADF
    (call $check (i32.const 59) (call $path_remove_directory (i32.const 4) (i32.const 0) (i32.const 3)) (i32.const 54)) ;; NOTDIR
    (call $check (i32.const 60) (call $path_unlink_file (i32.const 3) (i32.const 24) (i32.const 4)) (i32.const 76)) ;; NOTCAPABLE
    (call $check (i32.const 61) (call $path_unlink_file (i32.const 3) (i32.const 32) (i32.const 4)) (i32.const 76)) ;; NOTCAPABLE
    (call $check (i32.const 62) (call $path_unlink_file (i32.const 3) (i32.const 48) (i32.const 2)) (i32.const 25)) ;; ILSEQ
    (call $check (i32.const 63) (call $path_unlink_file (i32.const 3) (i32.const 0) (i32.const 4)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 64) (call $path_unlink_file (i32.const 3) (i32.const 65535) (i32.const 2)) (i32.const 21)) ;; FAULT
    (call $check (i32.const 65) (call $path_unlink_file (i32.const 9) (i32.const 0) (i32.const 3)) (i32.const 8)) ;; BADF
    (call $check (i32.const 66) (call $path_unlink_file (i32.const 4) (i32.const 0) (i32.const 3)) (i32.const 54)) ;; NOTDIR
    (call $check (i32.const 67) (call $path_rename (i32.const 3) (i32.const 24) (i32.const 4) (i32.const 3) (i32.const 16) (i32.const 3)) (i32.const 76)) ;; NOTCAPABLE
    (call $check (i32.const 68) (call $path_rename (i32.const 3) (i32.const 16) (i32.const 3) (i32.const 3) (i32.const 32) (i32.const 4)) (i32.const 76)))) ;; NOTCAPABLE
