;; Functions on files, in the empty directory that is descriptor 3: `path_open`, `fd_advise`,
;; `fd_allocate`, `fd_close`, `fd_datasync`, `fd_fdstat_get`, `fd_fdstat_set_flags`,
;; `fd_fdstat_set_rights`, `fd_filestat_set_size`, `fd_filestat_set_times`, `fd_pread`, `fd_pwrite`,
;; `fd_read`, `fd_renumber`, `fd_sync`, `fd_tell`, `fd_write`. Runs with both previews: only the
;; module name of the imports differs.
(module
  (import "wasi_snapshot_preview1" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_tell" (func $fd_tell (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_pread" (func $fd_pread (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_pwrite" (func $fd_pwrite (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_advise" (func $fd_advise (param i32 i64 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_allocate" (func $fd_allocate (param i32 i64 i64) (result i32)))
  (import "wasi_snapshot_preview1" "fd_filestat_set_size" (func $fd_filestat_set_size (param i32 i64) (result i32)))
  (import "wasi_snapshot_preview1" "fd_filestat_set_times" (func $fd_filestat_set_times (param i32 i64 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_sync" (func $fd_sync (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_datasync" (func $fd_datasync (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_fdstat_get" (func $fd_fdstat_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_fdstat_set_flags" (func $fd_fdstat_set_flags (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_fdstat_set_rights" (func $fd_fdstat_set_rights (param i32 i64 i64) (result i32)))
  (import "wasi_snapshot_preview1" "fd_renumber" (func $fd_renumber (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "file")
  (data (i32.const 16) "hello world")
  (data (i32.const 32) "\10\00\00\00\05\00\00\00\15\00\00\00\06\00\00\00")
  (data (i32.const 64) "\00\04\00\00\05\00\00\00\10\04\00\00\10\00\00\00")

  ;; Exits with the number of the check if the result is not the expected one.
  (func $check (param $number i32) (param $answer i32) (param $expected i32)
    (if (i32.ne (local.get $answer) (local.get $expected)) (then (call $proc_exit (local.get $number)))))

  (func (export "_start")
    ;; At 32, a vector of the text at 16, in two parts; at 64, one of 5 bytes at 1024 and 16 bytes
    ;; at 1040.
    (call $check (i32.const 1) (call $path_open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 5) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 2) (i32.load (i32.const 128)) (i32.const 4))
    (call $check (i32.const 3) (call $path_open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 5) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 128)) (i32.const 20)) ;; EXIST
    (call $check (i32.const 4) (call $fd_write (i32.const 4) (i32.const 32) (i32.const 2) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 5) (i32.load (i32.const 128)) (i32.const 11))
    (call $check (i32.const 6) (call $fd_tell (i32.const 4) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 7) (i64.eq (i64.load (i32.const 128)) (i64.const 11)) (i32.const 1))
    (call $check (i32.const 8) (call $fd_read (i32.const 4) (i32.const 64) (i32.const 2) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 9) (i32.load (i32.const 128)) (i32.const 0)) ;; the end
    (call $check (i32.const 10) (call $fd_pread (i32.const 4) (i32.const 64) (i32.const 2) (i64.const 0) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 11) (i32.load (i32.const 128)) (i32.const 11))
    (call $check (i32.const 12) (i32.load (i32.const 1024)) (i32.const 1819043176))
    (call $check (i32.const 13) (i32.load (i32.const 1041)) (i32.const 1819438967))
    (call $check (i32.const 14) (call $fd_pwrite (i32.const 4) (i32.const 32) (i32.const 1) (i64.const 6) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 15) (i32.load (i32.const 128)) (i32.const 5))
    (call $check (i32.const 16) (call $fd_pread (i32.const 4) (i32.const 64) (i32.const 1) (i64.const 6) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 17) (i32.load (i32.const 1024)) (i32.const 1819043176))
    (call $check (i32.const 18) (call $fd_tell (i32.const 4) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 19) (i64.eq (i64.load (i32.const 128)) (i64.const 11)) (i32.const 1)) ;; where the descriptor stands has not changed
    ;; Vectors out of bounds, wrong descriptors, and invalid result addresses.
    (call $check (i32.const 20) (call $fd_read (i32.const 4) (i32.const 64) (i32.const -1) (i32.const 128)) (i32.const 21)) ;; FAULT
    (call $check (i32.const 21) (call $fd_read (i32.const 4) (i32.const 66) (i32.const 1) (i32.const 128)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 22) (call $fd_read (i32.const 4) (i32.const 64) (i32.const 1) (i32.const 65536)) (i32.const 21)) ;; FAULT
    (call $check (i32.const 23) (call $fd_read (i32.const 4) (i32.const 64) (i32.const 1) (i32.const 129)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 24) (call $fd_read (i32.const 9) (i32.const 64) (i32.const 1) (i32.const 128)) (i32.const 8)) ;; BADF
    (call $check (i32.const 25) (call $fd_read (i32.const 3) (i32.const 64) (i32.const 1) (i32.const 128)) (i32.const 31)) ;; ISDIR
    (call $check (i32.const 26) (call $fd_write (i32.const 4) (i32.const 64) (i32.const -1) (i32.const 128)) (i32.const 21)) ;; FAULT
    (call $check (i32.const 27) (call $fd_write (i32.const 4) (i32.const 66) (i32.const 1) (i32.const 128)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 28) (call $fd_write (i32.const 4) (i32.const 64) (i32.const 1) (i32.const 65536)) (i32.const 21)) ;; FAULT
    (call $check (i32.const 29) (call $fd_write (i32.const 4) (i32.const 64) (i32.const 1) (i32.const 129)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 30) (call $fd_write (i32.const 9) (i32.const 64) (i32.const 1) (i32.const 128)) (i32.const 8)) ;; BADF
    (call $check (i32.const 31) (call $fd_write (i32.const 3) (i32.const 64) (i32.const 1) (i32.const 128)) (i32.const 8)) ;; BADF
    (call $check (i32.const 32) (call $fd_pread (i32.const 4) (i32.const 64) (i32.const -1) (i64.const 0) (i32.const 128)) (i32.const 21)) ;; FAULT
    (call $check (i32.const 33) (call $fd_pread (i32.const 4) (i32.const 64) (i32.const 1) (i64.const -1) (i32.const 128)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 34) (call $fd_pread (i32.const 9) (i32.const 64) (i32.const 1) (i64.const 0) (i32.const 128)) (i32.const 8)) ;; BADF
    (call $check (i32.const 35) (call $fd_pread (i32.const 3) (i32.const 64) (i32.const 1) (i64.const 0) (i32.const 128)) (i32.const 31)) ;; ISDIR
    (call $check (i32.const 36) (call $fd_pwrite (i32.const 4) (i32.const 64) (i32.const -1) (i64.const 0) (i32.const 128)) (i32.const 21)) ;; FAULT
    (call $check (i32.const 37) (call $fd_pwrite (i32.const 4) (i32.const 64) (i32.const 1) (i64.const -1) (i32.const 128)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 38) (call $fd_pwrite (i32.const 9) (i32.const 64) (i32.const 1) (i64.const 0) (i32.const 128)) (i32.const 8)) ;; BADF
    (call $check (i32.const 39) (call $fd_pwrite (i32.const 3) (i32.const 64) (i32.const 1) (i64.const 0) (i32.const 128)) (i32.const 8)) ;; BADF
    (call $check (i32.const 40) (call $fd_tell (i32.const 9) (i32.const 128)) (i32.const 8)) ;; BADF
    (call $check (i32.const 41) (call $fd_tell (i32.const 4) (i32.const 65536)) (i32.const 21)) ;; FAULT
    (call $check (i32.const 42) (call $fd_tell (i32.const 4) (i32.const 132)) (i32.const 28)) ;; INVAL
    ;; Space, times and synchronization.
    (call $check (i32.const 43) (call $fd_advise (i32.const 4) (i64.const 0) (i64.const 0) (i32.const 0)) (i32.const 0))
    (call $check (i32.const 44) (call $fd_advise (i32.const 4) (i64.const 0) (i64.const 0) (i32.const 1)) (i32.const 0))
    (call $check (i32.const 45) (call $fd_advise (i32.const 4) (i64.const 0) (i64.const 0) (i32.const 2)) (i32.const 0))
    (call $check (i32.const 46) (call $fd_advise (i32.const 4) (i64.const 0) (i64.const 0) (i32.const 3)) (i32.const 0))
    (call $check (i32.const 47) (call $fd_advise (i32.const 4) (i64.const 0) (i64.const 0) (i32.const 4)) (i32.const 0))
    (call $check (i32.const 48) (call $fd_advise (i32.const 4) (i64.const 0) (i64.const 0) (i32.const 5)) (i32.const 0))
    (call $check (i32.const 49) (call $fd_advise (i32.const 4) (i64.const 0) (i64.const 0) (i32.const 6)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 50) (call $fd_advise (i32.const 4) (i64.const -1) (i64.const 1) (i32.const 0)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 51) (call $fd_advise (i32.const 9) (i64.const 0) (i64.const 0) (i32.const 0)) (i32.const 8)) ;; BADF
    (call $check (i32.const 52) (call $fd_allocate (i32.const 4) (i64.const 0) (i64.const 100)) (i32.const 0))
    (call $check (i32.const 53) (call $fd_allocate (i32.const 4) (i64.const 0) (i64.const 0)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 54) (call $fd_allocate (i32.const 9) (i64.const 0) (i64.const 1)) (i32.const 8)) ;; BADF
    (call $check (i32.const 55) (call $fd_allocate (i32.const 3) (i64.const 0) (i64.const 1)) (i32.const 8)) ;; BADF
    (call $check (i32.const 56) (call $fd_filestat_set_size (i32.const 4) (i64.const 5)) (i32.const 0))
    (call $check (i32.const 57) (call $fd_filestat_set_size (i32.const 4) (i64.const -1)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 58) (call $fd_filestat_set_size (i32.const 9) (i64.const 0)) (i32.const 8)) ;; BADF
    (call $check (i32.const 59) (call $fd_filestat_set_size (i32.const 3) (i64.const 0)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 60) (call $fd_pread (i32.const 4) (i32.const 64) (i32.const 2) (i64.const 0) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 61) (i32.load (i32.const 128)) (i32.const 5))
    (call $check (i32.const 62) (call $fd_filestat_set_times (i32.const 4) (i64.const 1) (i64.const 2) (i32.const 5)) (i32.const 0))
    (call $check (i32.const 63) (call $fd_filestat_set_times (i32.const 4) (i64.const -1) (i64.const -1) (i32.const 5)) (i32.const 0))
    (call $check (i32.const 64) (call $fd_filestat_set_times (i32.const 4) (i64.const 0) (i64.const 0) (i32.const 10)) (i32.const 0))
    (call $check (i32.const 65) (call $fd_filestat_set_times (i32.const 4) (i64.const 0) (i64.const 0) (i32.const 3)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 66) (call $fd_filestat_set_times (i32.const 4) (i64.const 0) (i64.const 0) (i32.const 12)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 67) (call $fd_filestat_set_times (i32.const 4) (i64.const 0) (i64.const 0) (i32.const 16)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 68) (call $fd_filestat_set_times (i32.const 9) (i64.const 0) (i64.const 0) (i32.const 1)) (i32.const 8)) ;; BADF
    (call $check (i32.const 69) (call $fd_sync (i32.const 4)) (i32.const 0))
    (call $check (i32.const 70) (call $fd_sync (i32.const 3)) (i32.const 0))
    (call $check (i32.const 71) (call $fd_sync (i32.const 9)) (i32.const 8)) ;; BADF
    (call $check (i32.const 72) (call $fd_datasync (i32.const 4)) (i32.const 0))
    (call $check (i32.const 73) (call $fd_datasync (i32.const 3)) (i32.const 0))
    (call $check (i32.const 74) (call $fd_datasync (i32.const 9)) (i32.const 8)) ;; BADF
    ;; Flags and rights.
    (call $check (i32.const 75) (call $fd_fdstat_get (i32.const 4) (i32.const 256)) (i32.const 0))
    (call $check (i32.const 76) (i32.load8_u (i32.const 256)) (i32.const 4)) ;; a regular file
    (call $check (i32.const 77) (i32.load16_u (i32.const 258)) (i32.const 0))
    (call $check (i32.const 78) (call $fd_fdstat_get (i32.const 9) (i32.const 256)) (i32.const 8)) ;; BADF
    (call $check (i32.const 79) (call $fd_fdstat_get (i32.const 4) (i32.const 65520)) (i32.const 21)) ;; FAULT
    (call $check (i32.const 80) (call $fd_fdstat_get (i32.const 4) (i32.const 65516)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 81) (call $fd_fdstat_set_flags (i32.const 4) (i32.const 1)) (i32.const 0))
    (call $check (i32.const 82) (call $fd_fdstat_get (i32.const 4) (i32.const 256)) (i32.const 0))
    (call $check (i32.const 83) (i32.load16_u (i32.const 258)) (i32.const 1))
    (call $check (i32.const 84) (call $fd_write (i32.const 4) (i32.const 32) (i32.const 1) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 85) (call $fd_tell (i32.const 4) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 86) (i64.eq (i64.load (i32.const 128)) (i64.const 10)) (i32.const 1)) ;; it was appended
    (call $check (i32.const 87) (call $fd_fdstat_set_flags (i32.const 4) (i32.const 32)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 88) (call $fd_fdstat_set_flags (i32.const 4) (i32.const 16)) (i32.const 58)) ;; NOTSUP
    (call $check (i32.const 89) (call $fd_fdstat_set_flags (i32.const 9) (i32.const 0)) (i32.const 8)) ;; BADF
    (call $check (i32.const 90) (call $fd_fdstat_set_rights (i32.const 4) (i64.const 34) (i64.const 0)) (i32.const 0))
    (call $check (i32.const 91) (call $fd_fdstat_get (i32.const 4) (i32.const 256)) (i32.const 0))
    (call $check (i32.const 92) (i64.eq (i64.load (i32.const 264)) (i64.const 34)) (i32.const 1))
    (call $check (i32.const 93) (i64.eq (i64.load (i32.const 272)) (i64.const 0)) (i32.const 1))
    (call $check (i32.const 94) (call $fd_fdstat_set_rights (i32.const 4) (i64.const 98) (i64.const 0)) (i32.const 76)) ;; NOTCAPABLE
    (call $check (i32.const 95) (call $fd_fdstat_set_rights (i32.const 4) (i64.const 34) (i64.const 1)) (i32.const 76)) ;; NOTCAPABLE
    (call $check (i32.const 96) (call $fd_fdstat_set_rights (i32.const 9) (i64.const 0) (i64.const 0)) (i32.const 8)) ;; BADF
    (call $check (i32.const 97) (call $fd_write (i32.const 4) (i32.const 32) (i32.const 1) (i32.const 128)) (i32.const 76)) ;; NOTCAPABLE
    (call $check (i32.const 98) (call $fd_pread (i32.const 4) (i32.const 64) (i32.const 1) (i64.const 0) (i32.const 128)) (i32.const 76)) ;; NOTCAPABLE
    (call $check (i32.const 99) (call $fd_sync (i32.const 4)) (i32.const 76)) ;; NOTCAPABLE
    (call $check (i32.const 100) (call $fd_advise (i32.const 4) (i64.const 0) (i64.const 0) (i32.const 0)) (i32.const 76)) ;; NOTCAPABLE
    (call $check (i32.const 101) (call $fd_tell (i32.const 4) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 102) (call $fd_read (i32.const 4) (i32.const 64) (i32.const 1) (i32.const 128)) (i32.const 0))
    ;; Opening, and descriptor numbers.
    (call $check (i32.const 103) (call $path_open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 0) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 104) (i32.load (i32.const 128)) (i32.const 5))
    (call $check (i32.const 105) (call $fd_renumber (i32.const 5) (i32.const 4)) (i32.const 0))
    (call $check (i32.const 106) (call $fd_close (i32.const 5)) (i32.const 8)) ;; BADF
    (call $check (i32.const 107) (call $fd_write (i32.const 4) (i32.const 32) (i32.const 1) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 108) (call $fd_renumber (i32.const 4) (i32.const 9)) (i32.const 8)) ;; BADF
    (call $check (i32.const 109) (call $fd_renumber (i32.const 9) (i32.const 4)) (i32.const 8)) ;; BADF
    (call $check (i32.const 110) (call $fd_renumber (i32.const 4) (i32.const 4)) (i32.const 0))
    (call $check (i32.const 111) (call $path_open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 2) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 128)) (i32.const 54)) ;; NOTDIR
    (call $check (i32.const 112) (call $path_open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 3) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 128)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 113) (call $path_open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 16) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 128)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 114) (call $path_open (i32.const 3) (i32.const 0) (i32.const 1) (i32.const 3) (i32.const 0) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 128)) (i32.const 44)) ;; NOENT
    (call $check (i32.const 115) (call $path_open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 128)) (i32.const 44)) ;; NOENT
    (call $check (i32.const 116) (call $path_open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 5) (i32.const 1) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 128)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 117) (call $path_open (i32.const 4) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 1) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 128)) (i32.const 54)) ;; NOTDIR
    (call $check (i32.const 118) (call $path_open (i32.const 9) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 1) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 128)) (i32.const 8)) ;; BADF
    (call $check (i32.const 119) (call $path_open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 1) (i64.const -1) (i64.const -1) (i32.const 32) (i32.const 128)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 120) (call $path_open (i32.const 3) (i32.const 2) (i32.const 0) (i32.const 4) (i32.const 1) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 128)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 121) (call $path_open (i32.const 3) (i32.const 0) (i32.const 65534) (i32.const 4) (i32.const 1) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 128)) (i32.const 21)) ;; FAULT
    (call $check (i32.const 122) (call $path_open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 1) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 65536)) (i32.const 21)) ;; FAULT
    (call $check (i32.const 123) (call $path_open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 1) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 130)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 124) (call $path_open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 5000) (i32.const 1) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 128)) (i32.const 37)) ;; NAMETOOLONG
    (call $check (i32.const 125) (call $path_open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 8) (i64.const 0) (i64.const -1) (i32.const 0) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 126) (call $fd_close (i32.const 5)) (i32.const 0))
    (call $check (i32.const 127) (call $fd_close (i32.const 4)) (i32.const 0))
    (call $check (i32.const 128) (call $fd_close (i32.const 4)) (i32.const 8)) ;; BADF
    (call $check (i32.const 129) (call $fd_close (i32.const -1)) (i32.const 8)))) ;; BADF
