;; `path_link`, `path_readlink`, `path_symlink`, in the empty directory that is descriptor 3. Runs
;; with both previews: only the module name of the imports differs.
(module
  (import "wasi_snapshot_preview1" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_symlink" (func $path_symlink (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_readlink" (func $path_readlink (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_link" (func $path_link (param i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_unlink_file" (func $path_unlink_file (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "file")
  (data (i32.const 8) "link")
  (data (i32.const 16) "hard")
  (data (i32.const 24) "../../etc/passwd")
  (data (i32.const 48) "/etc/passwd")
  (data (i32.const 64) "out")
  (data (i32.const 72) "loop")
  (data (i32.const 80) "out/")
  (data (i32.const 88) "../x")

  ;; Exits with the number of the check if the result is not the expected one.
  (func $check (param $number i32) (param $answer i32) (param $expected i32)
    (if (i32.ne (local.get $answer) (local.get $expected)) (then (call $proc_exit (local.get $number)))))

  (func (export "_start")
    (call $check (i32.const 1) (call $path_open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 1) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 2) (call $path_symlink (i32.const 0) (i32.const 4) (i32.const 3) (i32.const 8) (i32.const 4)) (i32.const 0))
    (call $check (i32.const 3) (call $path_symlink (i32.const 0) (i32.const 4) (i32.const 3) (i32.const 8) (i32.const 4)) (i32.const 20)) ;; EXIST
    (call $check (i32.const 4) (call $path_readlink (i32.const 3) (i32.const 8) (i32.const 4) (i32.const 256) (i32.const 10) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 5) (i32.load (i32.const 128)) (i32.const 4))
    (call $check (i32.const 6) (i32.load (i32.const 256)) (i32.const 1701603686))
    (call $check (i32.const 7) (i32.load8_u (i32.const 260)) (i32.const 0))
    (call $check (i32.const 8) (call $path_readlink (i32.const 3) (i32.const 8) (i32.const 4) (i32.const 264) (i32.const 2) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 9) (i32.load (i32.const 128)) (i32.const 2))
    (call $check (i32.const 10) (i32.load (i32.const 264)) (i32.const 26982))
    (call $check (i32.const 11) (call $path_readlink (i32.const 3) (i32.const 0) (i32.const 4) (i32.const 256) (i32.const 10) (i32.const 128)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 12) (call $path_readlink (i32.const 3) (i32.const 16) (i32.const 4) (i32.const 256) (i32.const 10) (i32.const 128)) (i32.const 44)) ;; NOENT
    (call $check (i32.const 13) (call $path_readlink (i32.const 9) (i32.const 8) (i32.const 4) (i32.const 256) (i32.const 10) (i32.const 128)) (i32.const 8)) ;; BADF
    (call $check (i32.const 14) (call $path_readlink (i32.const 3) (i32.const 8) (i32.const 4) (i32.const 65536) (i32.const 10) (i32.const 128)) (i32.const 21)) ;; FAULT
    (call $check (i32.const 15) (call $path_readlink (i32.const 3) (i32.const 8) (i32.const 4) (i32.const 256) (i32.const 10) (i32.const 65536)) (i32.const 21)) ;; FAULT
    (call $check (i32.const 16) (call $path_readlink (i32.const 3) (i32.const 88) (i32.const 4) (i32.const 256) (i32.const 10) (i32.const 128)) (i32.const 76)) ;; NOTCAPABLE
    (call $check (i32.const 17) (call $path_link (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 3) (i32.const 16) (i32.const 4)) (i32.const 0))
    (call $check (i32.const 18) (call $path_link (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 3) (i32.const 16) (i32.const 4)) (i32.const 20)) ;; EXIST
    (call $check (i32.const 19) (call $path_unlink_file (i32.const 3) (i32.const 16) (i32.const 4)) (i32.const 0))
    (call $check (i32.const 20) (call $path_link (i32.const 3) (i32.const 1) (i32.const 8) (i32.const 4) (i32.const 3) (i32.const 16) (i32.const 4)) (i32.const 0))
    (call $check (i32.const 21) (call $path_readlink (i32.const 3) (i32.const 16) (i32.const 4) (i32.const 256) (i32.const 10) (i32.const 128)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 22) (call $path_link (i32.const 9) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 3) (i32.const 64) (i32.const 3)) (i32.const 8)) ;; BADF
    (call $check (i32.const 23) (call $path_link (i32.const 3) (i32.const 2) (i32.const 0) (i32.const 4) (i32.const 3) (i32.const 64) (i32.const 3)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 24) (call $path_link (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 3) (i32.const 3) (i32.const 72) (i32.const 4)) (i32.const 44)) ;; NOENT
    (call $check (i32.const 25) (call $path_link (i32.const 3) (i32.const 0) (i32.const 88) (i32.const 4) (i32.const 3) (i32.const 72) (i32.const 4)) (i32.const 76)) ;; NOTCAPABLE
    (call $check (i32.const 26) (call $path_link (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 3) (i32.const 88) (i32.const 4)) (i32.const 76)) ;; NOTCAPABLE
    (call $check (i32.const 27) (call $path_open (i32.const 3) (i32.const 0) (i32.const 8) (i32.const 4) (i32.const 0) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 128)) (i32.const 32)) ;; LOOP
    (call $check (i32.const 28) (call $path_open (i32.const 3) (i32.const 1) (i32.const 8) (i32.const 4) (i32.const 0) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 29) (call $path_symlink (i32.const 72) (i32.const 4) (i32.const 3) (i32.const 72) (i32.const 4)) (i32.const 0))
    (call $check (i32.const 30) (call $path_open (i32.const 3) (i32.const 1) (i32.const 72) (i32.const 4) (i32.const 0) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 128)) (i32.const 32)) ;; LOOP
    ;; Links that lead out can be created if they are relative, and are never followed.
    (call $check (i32.const 31) (call $path_symlink (i32.const 48) (i32.const 11) (i32.const 3) (i32.const 64) (i32.const 3)) (i32.const 76)) ;; NOTCAPABLE
    (call $check (i32.const 32) (call $path_symlink (i32.const 24) (i32.const 16) (i32.const 3) (i32.const 64) (i32.const 3)) (i32.const 0))
    (call $check (i32.const 33) (call $path_open (i32.const 3) (i32.const 1) (i32.const 64) (i32.const 3) (i32.const 0) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 128)) (i32.const 76)) ;; NOTCAPABLE
    (call $check (i32.const 34) (call $path_open (i32.const 3) (i32.const 0) (i32.const 80) (i32.const 4) (i32.const 0) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 128)) (i32.const 76)) ;; NOTCAPABLE
    (call $check (i32.const 35) (call $path_symlink (i32.const 0) (i32.const 4) (i32.const 3) (i32.const 88) (i32.const 4)) (i32.const 76)) ;; NOTCAPABLE
    (call $check (i32.const 36) (call $path_symlink (i32.const 0) (i32.const 0) (i32.const 3) (i32.const 16) (i32.const 4)) (i32.const 44)) ;; NOENT
    (call $check (i32.const 37) (call $path_symlink (i32.const 65536) (i32.const 4) (i32.const 3) (i32.const 16) (i32.const 4)) (i32.const 21)) ;; FAULT
    (call $check (i32.const 38) (call $path_symlink (i32.const 0) (i32.const 4) (i32.const 9) (i32.const 16) (i32.const 4)) (i32.const 8)))) ;; BADF
