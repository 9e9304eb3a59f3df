;; Attempts to escape from a directory or to crash the host, which succeeded on other hosts.
;; Descriptor 3 is the directory `/`, which contains only `file` and `dir/file`. Runs with both
;; previews: only the module name of the imports differs.
(module
  (import "wasi_snapshot_preview1" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_filestat_get" (func $path_filestat_get (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_filestat_set_times" (func $path_filestat_set_times (param i32 i32 i32 i32 i64 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_link" (func $path_link (param i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_readlink" (func $path_readlink (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_rename" (func $path_rename (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_symlink" (func $path_symlink (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_create_directory" (func $path_create_directory (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_remove_directory" (func $path_remove_directory (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_unlink_file" (func $path_unlink_file (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_prestat_get" (func $fd_prestat_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_renumber" (func $fd_renumber (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_readdir" (func $fd_readdir (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "new")
  (data (i32.const 8) "file")
  (data (i32.const 16) "/etc/passwd")
  (data (i32.const 32) "../secret")
  (data (i32.const 48) "dir/../../secret")
  (data (i32.const 64) "./dir/.//../../secret")
  (data (i32.const 88) "link")
  (data (i32.const 96) "../../../../../../etc/passwd")
  (data (i32.const 128) "../new")
  (data (i32.const 136) "..")
  (data (i32.const 144) "link/")
  (data (i32.const 152) "link/secret")
  (data (i32.const 168) "../")
  (data (i32.const 176) "../.")
  (data (i32.const 184) "dir/../..")
  (data (i32.const 200) "dir/../../")
  (data (i32.const 216) ".")
  (data (i32.const 224) "here")
  (data (i32.const 232) "here/here/file")
  (data (i32.const 248) "here/../secret")
  (data (i32.const 264) "here/here/../secret")
  (data (i32.const 288) "../../")
  (data (i32.const 296) "dir/up")
  (data (i32.const 304) "dir/up/")
  (data (i32.const 312) "dir/up/secret")
  (data (i32.const 328) "dir/deep")
  (data (i32.const 336) "../../file")
  (data (i32.const 352) "dir/deep/link")
  (data (i32.const 368) "deep")
  (data (i32.const 376) "deep/link")
  (data (i32.const 392) "file\00x")
  (data (i32.const 400) "new\00x")

  ;; Exits with the number of the check if the result is not the expected one.
  (func $check (param $number i32) (param $answer i32) (param $expected i32)
    (if (i32.ne (local.get $answer) (local.get $expected)) (then (call $proc_exit (local.get $number)))))

  ;; Calls that follow a link at the end of a path, which leads out.
  (func $leads_out (param $number i32) (param $path i32) (param $length i32)
    (call $check (i32.add (local.get $number) (i32.const 0)) (call $path_open (i32.const 3) (i32.const 1) (local.get $path) (local.get $length) (i32.const 0) (i64.const 2) (i64.const -1) (i32.const 0) (i32.const 2048)) (i32.const 76)) ;; NOTCAPABLE
    (call $check (i32.add (local.get $number) (i32.const 1)) (call $path_open (i32.const 3) (i32.const 1) (local.get $path) (local.get $length) (i32.const 1) (i64.const 64) (i64.const -1) (i32.const 0) (i32.const 2048)) (i32.const 76)) ;; NOTCAPABLE
    (call $check (i32.add (local.get $number) (i32.const 2)) (call $path_open (i32.const 3) (i32.const 1) (local.get $path) (local.get $length) (i32.const 8) (i64.const 64) (i64.const -1) (i32.const 0) (i32.const 2048)) (i32.const 76)) ;; NOTCAPABLE
    (call $check (i32.add (local.get $number) (i32.const 3)) (call $path_open (i32.const 3) (i32.const 1) (local.get $path) (local.get $length) (i32.const 9) (i64.const 66) (i64.const -1) (i32.const 0) (i32.const 2048)) (i32.const 76)) ;; NOTCAPABLE
    (call $check (i32.add (local.get $number) (i32.const 4)) (call $path_filestat_get (i32.const 3) (i32.const 1) (local.get $path) (local.get $length) (i32.const 2048)) (i32.const 76)) ;; NOTCAPABLE
    (call $check (i32.add (local.get $number) (i32.const 5)) (call $path_filestat_set_times (i32.const 3) (i32.const 1) (local.get $path) (local.get $length) (i64.const 0) (i64.const 0) (i32.const 5)) (i32.const 76)) ;; NOTCAPABLE
    (call $check (i32.add (local.get $number) (i32.const 6)) (call $path_link (i32.const 3) (i32.const 1) (local.get $path) (local.get $length) (i32.const 3) (i32.const 0) (i32.const 3)) (i32.const 76))) ;; NOTCAPABLE

  ;; Calls with a path whose last name is outside.
  (func $lies_outside (param $number i32) (param $path i32) (param $length i32)
    (call $check (i32.add (local.get $number) (i32.const 0)) (call $path_open (i32.const 3) (i32.const 0) (local.get $path) (local.get $length) (i32.const 0) (i64.const 2) (i64.const -1) (i32.const 0) (i32.const 2048)) (i32.const 76)) ;; NOTCAPABLE
    (call $check (i32.add (local.get $number) (i32.const 1)) (call $path_open (i32.const 3) (i32.const 0) (local.get $path) (local.get $length) (i32.const 1) (i64.const 64) (i64.const -1) (i32.const 0) (i32.const 2048)) (i32.const 76)) ;; NOTCAPABLE
    (call $check (i32.add (local.get $number) (i32.const 2)) (call $path_open (i32.const 3) (i32.const 0) (local.get $path) (local.get $length) (i32.const 8) (i64.const 64) (i64.const -1) (i32.const 0) (i32.const 2048)) (i32.const 76)) ;; NOTCAPABLE
    (call $check (i32.add (local.get $number) (i32.const 3)) (call $path_open (i32.const 3) (i32.const 0) (local.get $path) (local.get $length) (i32.const 9) (i64.const 66) (i64.const -1) (i32.const 0) (i32.const 2048)) (i32.const 76)) ;; NOTCAPABLE
    (call $check (i32.add (local.get $number) (i32.const 4)) (call $path_filestat_get (i32.const 3) (i32.const 0) (local.get $path) (local.get $length) (i32.const 2048)) (i32.const 76)) ;; NOTCAPABLE
    (call $check (i32.add (local.get $number) (i32.const 5)) (call $path_filestat_set_times (i32.const 3) (i32.const 0) (local.get $path) (local.get $length) (i64.const 0) (i64.const 0) (i32.const 5)) (i32.const 76)) ;; NOTCAPABLE
    (call $check (i32.add (local.get $number) (i32.const 6)) (call $path_readlink (i32.const 3) (local.get $path) (local.get $length) (i32.const 2048) (i32.const 64) (i32.const 2112)) (i32.const 76)) ;; NOTCAPABLE
    (call $check (i32.add (local.get $number) (i32.const 7)) (call $path_link (i32.const 3) (i32.const 0) (local.get $path) (local.get $length) (i32.const 3) (i32.const 0) (i32.const 3)) (i32.const 76)) ;; NOTCAPABLE
    (call $check (i32.add (local.get $number) (i32.const 8)) (call $path_link (i32.const 3) (i32.const 0) (i32.const 8) (i32.const 4) (i32.const 3) (local.get $path) (local.get $length)) (i32.const 76)) ;; NOTCAPABLE
    (call $check (i32.add (local.get $number) (i32.const 9)) (call $path_rename (i32.const 3) (local.get $path) (local.get $length) (i32.const 3) (i32.const 0) (i32.const 3)) (i32.const 76)) ;; NOTCAPABLE
    (call $check (i32.add (local.get $number) (i32.const 10)) (call $path_rename (i32.const 3) (i32.const 8) (i32.const 4) (i32.const 3) (local.get $path) (local.get $length)) (i32.const 76)) ;; NOTCAPABLE
    (call $check (i32.add (local.get $number) (i32.const 11)) (call $path_symlink (i32.const 8) (i32.const 4) (i32.const 3) (local.get $path) (local.get $length)) (i32.const 76)) ;; NOTCAPABLE
    (call $check (i32.add (local.get $number) (i32.const 12)) (call $path_create_directory (i32.const 3) (local.get $path) (local.get $length)) (i32.const 76)) ;; NOTCAPABLE
    (call $check (i32.add (local.get $number) (i32.const 13)) (call $path_remove_directory (i32.const 3) (local.get $path) (local.get $length)) (i32.const 76)) ;; NOTCAPABLE
    (call $check (i32.add (local.get $number) (i32.const 14)) (call $path_unlink_file (i32.const 3) (local.get $path) (local.get $length)) (i32.const 76))) ;; NOTCAPABLE

  (func (export "_start") (local $turns i32)
    ;; Only the directory is accessible.
    (call $check (i32.const 1) (call $fd_prestat_get (i32.const 4) (i32.const 2048)) (i32.const 8)) ;; BADF
    (call $check (i32.const 2) (call $path_open (i32.const 4) (i32.const 0) (i32.const 8) (i32.const 4) (i32.const 0) (i64.const 2) (i64.const -1) (i32.const 0) (i32.const 2048)) (i32.const 8)) ;; BADF
    ;; Absolute paths, and paths that lead up.
    (call $leads_out (i32.const 3) (i32.const 16) (i32.const 11))
    (call $lies_outside (i32.const 10) (i32.const 16) (i32.const 11))
    (call $leads_out (i32.const 25) (i32.const 32) (i32.const 9))
    (call $lies_outside (i32.const 32) (i32.const 32) (i32.const 9))
    (call $leads_out (i32.const 47) (i32.const 48) (i32.const 16))
    (call $lies_outside (i32.const 54) (i32.const 48) (i32.const 16))
    (call $leads_out (i32.const 69) (i32.const 64) (i32.const 21))
    (call $lies_outside (i32.const 76) (i32.const 64) (i32.const 21))
    ;; A link to the root cannot be created. One that leads up can, but no call follows it.
    (call $check (i32.const 91) (call $path_symlink (i32.const 16) (i32.const 11) (i32.const 3) (i32.const 88) (i32.const 4)) (i32.const 76)) ;; NOTCAPABLE
    ;; A link to `../../../../../../etc/passwd`.
    (call $check (i32.const 92) (call $path_symlink (i32.const 96) (i32.const 28) (i32.const 3) (i32.const 88) (i32.const 4)) (i32.const 0))
    (call $leads_out (i32.const 93) (i32.const 88) (i32.const 4))
    (call $check (i32.const 100) (call $path_open (i32.const 3) (i32.const 0) (i32.const 88) (i32.const 4) (i32.const 0) (i64.const 2) (i64.const -1) (i32.const 0) (i32.const 2048)) (i32.const 32)) ;; LOOP
    (call $check (i32.const 101) (call $path_unlink_file (i32.const 3) (i32.const 88) (i32.const 4)) (i32.const 0))
    ;; A link to `../secret`.
    (call $check (i32.const 102) (call $path_symlink (i32.const 32) (i32.const 9) (i32.const 3) (i32.const 88) (i32.const 4)) (i32.const 0))
    (call $leads_out (i32.const 103) (i32.const 88) (i32.const 4))
    (call $check (i32.const 110) (call $path_open (i32.const 3) (i32.const 0) (i32.const 88) (i32.const 4) (i32.const 0) (i64.const 2) (i64.const -1) (i32.const 0) (i32.const 2048)) (i32.const 32)) ;; LOOP
    (call $check (i32.const 111) (call $path_unlink_file (i32.const 3) (i32.const 88) (i32.const 4)) (i32.const 0))
    ;; A link to `../new`.
    (call $check (i32.const 112) (call $path_symlink (i32.const 128) (i32.const 6) (i32.const 3) (i32.const 88) (i32.const 4)) (i32.const 0))
    (call $leads_out (i32.const 113) (i32.const 88) (i32.const 4))
    (call $check (i32.const 120) (call $path_open (i32.const 3) (i32.const 0) (i32.const 88) (i32.const 4) (i32.const 0) (i64.const 2) (i64.const -1) (i32.const 0) (i32.const 2048)) (i32.const 32)) ;; LOOP
    (call $check (i32.const 121) (call $path_unlink_file (i32.const 3) (i32.const 88) (i32.const 4)) (i32.const 0))
    ;; A link to `..`.
    (call $check (i32.const 122) (call $path_symlink (i32.const 136) (i32.const 2) (i32.const 3) (i32.const 88) (i32.const 4)) (i32.const 0))
    (call $leads_out (i32.const 123) (i32.const 88) (i32.const 4))
    (call $leads_out (i32.const 130) (i32.const 144) (i32.const 5))
    (call $lies_outside (i32.const 137) (i32.const 152) (i32.const 11))
    (call $check (i32.const 152) (call $path_open (i32.const 3) (i32.const 0) (i32.const 88) (i32.const 4) (i32.const 0) (i64.const 2) (i64.const -1) (i32.const 0) (i32.const 2048)) (i32.const 32)) ;; LOOP
    (call $check (i32.const 153) (call $path_unlink_file (i32.const 3) (i32.const 88) (i32.const 4)) (i32.const 0))
    ;; A link to `../`.
    (call $check (i32.const 154) (call $path_symlink (i32.const 168) (i32.const 3) (i32.const 3) (i32.const 88) (i32.const 4)) (i32.const 0))
    (call $leads_out (i32.const 155) (i32.const 88) (i32.const 4))
    (call $leads_out (i32.const 162) (i32.const 144) (i32.const 5))
    (call $lies_outside (i32.const 169) (i32.const 152) (i32.const 11))
    (call $check (i32.const 184) (call $path_open (i32.const 3) (i32.const 0) (i32.const 88) (i32.const 4) (i32.const 0) (i64.const 2) (i64.const -1) (i32.const 0) (i32.const 2048)) (i32.const 32)) ;; LOOP
    (call $check (i32.const 185) (call $path_unlink_file (i32.const 3) (i32.const 88) (i32.const 4)) (i32.const 0))
    ;; A link to `../.`.
    (call $check (i32.const 186) (call $path_symlink (i32.const 176) (i32.const 4) (i32.const 3) (i32.const 88) (i32.const 4)) (i32.const 0))
    (call $leads_out (i32.const 187) (i32.const 88) (i32.const 4))
    (call $leads_out (i32.const 194) (i32.const 144) (i32.const 5))
    (call $lies_outside (i32.const 201) (i32.const 152) (i32.const 11))
    (call $check (i32.const 216) (call $path_open (i32.const 3) (i32.const 0) (i32.const 88) (i32.const 4) (i32.const 0) (i64.const 2) (i64.const -1) (i32.const 0) (i32.const 2048)) (i32.const 32)) ;; LOOP
    (call $check (i32.const 217) (call $path_unlink_file (i32.const 3) (i32.const 88) (i32.const 4)) (i32.const 0))
    ;; A link to `dir/../..`.
    (call $check (i32.const 218) (call $path_symlink (i32.const 184) (i32.const 9) (i32.const 3) (i32.const 88) (i32.const 4)) (i32.const 0))
    (call $leads_out (i32.const 219) (i32.const 88) (i32.const 4))
    (call $leads_out (i32.const 226) (i32.const 144) (i32.const 5))
    (call $lies_outside (i32.const 233) (i32.const 152) (i32.const 11))
    (call $check (i32.const 248) (call $path_open (i32.const 3) (i32.const 0) (i32.const 88) (i32.const 4) (i32.const 0) (i64.const 2) (i64.const -1) (i32.const 0) (i32.const 2048)) (i32.const 32)) ;; LOOP
    (call $check (i32.const 249) (call $path_unlink_file (i32.const 3) (i32.const 88) (i32.const 4)) (i32.const 0))
    ;; A link to `dir/../../`.
    (call $check (i32.const 250) (call $path_symlink (i32.const 200) (i32.const 10) (i32.const 3) (i32.const 88) (i32.const 4)) (i32.const 0))
    (call $leads_out (i32.const 251) (i32.const 88) (i32.const 4))
    (call $leads_out (i32.const 258) (i32.const 144) (i32.const 5))
    (call $lies_outside (i32.const 265) (i32.const 152) (i32.const 11))
    (call $check (i32.const 280) (call $path_open (i32.const 3) (i32.const 0) (i32.const 88) (i32.const 4) (i32.const 0) (i64.const 2) (i64.const -1) (i32.const 0) (i32.const 2048)) (i32.const 32)) ;; LOOP
    (call $check (i32.const 281) (call $path_unlink_file (i32.const 3) (i32.const 88) (i32.const 4)) (i32.const 0))
    ;; Links that lead up through others: to the directory itself, and through a link followed by a
    ;; slash.
    (call $check (i32.const 282) (call $path_symlink (i32.const 216) (i32.const 1) (i32.const 3) (i32.const 224) (i32.const 4)) (i32.const 0))
    (call $check (i32.const 283) (call $path_open (i32.const 3) (i32.const 1) (i32.const 232) (i32.const 14) (i32.const 0) (i64.const 2) (i64.const -1) (i32.const 0) (i32.const 2048)) (i32.const 0))
    (call $check (i32.const 284) (call $fd_close (i32.load (i32.const 2048))) (i32.const 0))
    (call $leads_out (i32.const 285) (i32.const 248) (i32.const 14))
    (call $lies_outside (i32.const 292) (i32.const 248) (i32.const 14))
    (call $lies_outside (i32.const 307) (i32.const 264) (i32.const 19))
    (call $check (i32.const 322) (call $path_symlink (i32.const 248) (i32.const 14) (i32.const 3) (i32.const 88) (i32.const 4)) (i32.const 0))
    (call $leads_out (i32.const 323) (i32.const 88) (i32.const 4))
    (call $check (i32.const 330) (call $path_unlink_file (i32.const 3) (i32.const 88) (i32.const 4)) (i32.const 0))
    (call $check (i32.const 331) (call $path_symlink (i32.const 288) (i32.const 6) (i32.const 3) (i32.const 296) (i32.const 6)) (i32.const 0))
    (call $check (i32.const 332) (call $path_symlink (i32.const 304) (i32.const 7) (i32.const 3) (i32.const 88) (i32.const 4)) (i32.const 0))
    (call $leads_out (i32.const 333) (i32.const 88) (i32.const 4))
    (call $leads_out (i32.const 340) (i32.const 144) (i32.const 5))
    (call $lies_outside (i32.const 347) (i32.const 152) (i32.const 11))
    (call $lies_outside (i32.const 362) (i32.const 312) (i32.const 13))
    (call $check (i32.const 377) (call $path_unlink_file (i32.const 3) (i32.const 88) (i32.const 4)) (i32.const 0))
    (call $check (i32.const 378) (call $path_unlink_file (i32.const 3) (i32.const 224) (i32.const 4)) (i32.const 0))
    ;; A directory that is moved up after a link below it was created: the link leads out only then.
    (call $check (i32.const 379) (call $path_create_directory (i32.const 3) (i32.const 328) (i32.const 8)) (i32.const 0))
    (call $check (i32.const 380) (call $path_symlink (i32.const 336) (i32.const 10) (i32.const 3) (i32.const 352) (i32.const 13)) (i32.const 0))
    (call $check (i32.const 381) (call $path_open (i32.const 3) (i32.const 1) (i32.const 352) (i32.const 13) (i32.const 0) (i64.const 2) (i64.const -1) (i32.const 0) (i32.const 2048)) (i32.const 0))
    (call $check (i32.const 382) (call $fd_close (i32.load (i32.const 2048))) (i32.const 0))
    (call $check (i32.const 383) (call $path_rename (i32.const 3) (i32.const 328) (i32.const 8) (i32.const 3) (i32.const 368) (i32.const 4)) (i32.const 0))
    (call $leads_out (i32.const 384) (i32.const 376) (i32.const 9))
    (call $check (i32.const 391) (call $path_unlink_file (i32.const 3) (i32.const 376) (i32.const 9)) (i32.const 0))
    (call $check (i32.const 392) (call $path_remove_directory (i32.const 3) (i32.const 368) (i32.const 4)) (i32.const 0))
    (call $check (i32.const 393) (call $path_unlink_file (i32.const 3) (i32.const 296) (i32.const 6)) (i32.const 0))
    ;; A NUL does not end a path.
    (call $check (i32.const 394) (call $path_open (i32.const 3) (i32.const 1) (i32.const 392) (i32.const 6) (i32.const 0) (i64.const 2) (i64.const -1) (i32.const 0) (i32.const 2048)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 395) (call $path_open (i32.const 3) (i32.const 1) (i32.const 392) (i32.const 6) (i32.const 1) (i64.const 64) (i64.const -1) (i32.const 0) (i32.const 2048)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 396) (call $path_symlink (i32.const 392) (i32.const 6) (i32.const 3) (i32.const 88) (i32.const 4)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 397) (call $path_rename (i32.const 3) (i32.const 8) (i32.const 4) (i32.const 3) (i32.const 400) (i32.const 5)) (i32.const 28)) ;; INVAL
    ;; Descriptor numbers do not leak: after many rounds, the next one is still 4.
    (call $check (i32.const 398) (call $fd_renumber (i32.const 3) (i32.const 9999)) (i32.const 8)) ;; BADF
    (call $check (i32.const 399) (call $fd_renumber (i32.const 9999) (i32.const 3)) (i32.const 8)) ;; BADF
    (call $check (i32.const 400) (call $fd_renumber (i32.const -1) (i32.const 3)) (i32.const 8)) ;; BADF
    (call $check (i32.const 401) (call $fd_renumber (i32.const 3) (i32.const -1)) (i32.const 8)) ;; BADF
    (call $check (i32.const 402) (call $fd_renumber (i32.const 3) (i32.const 3)) (i32.const 0))
    (local.set $turns (i32.const 2000))
    (loop $turn
      (call $check (i32.const 403) (call $path_open (i32.const 3) (i32.const 0) (i32.const 8) (i32.const 4) (i32.const 0) (i64.const 2) (i64.const -1) (i32.const 0) (i32.const 2048)) (i32.const 0))
      (call $check (i32.const 404) (call $path_open (i32.const 3) (i32.const 0) (i32.const 8) (i32.const 4) (i32.const 0) (i64.const 2) (i64.const -1) (i32.const 0) (i32.const 2048)) (i32.const 0))
      (call $check (i32.const 405) (call $fd_renumber (i32.const 4) (i32.const 5)) (i32.const 0))
      (call $check (i32.const 406) (call $fd_close (i32.const 5)) (i32.const 0))
      (br_if $turn (local.tee $turns (i32.sub (local.get $turns) (i32.const 1)))))
    (call $check (i32.const 407) (call $path_open (i32.const 3) (i32.const 0) (i32.const 8) (i32.const 4) (i32.const 0) (i64.const 2) (i64.const -1) (i32.const 0) (i32.const 2048)) (i32.const 0))
    (call $check (i32.const 408) (i32.load (i32.const 2048)) (i32.const 4))
    ;; Huge lengths and counts.
    (call $check (i32.const 409) (call $random_get (i32.const 0) (i32.const -1)) (i32.const 21)) ;; FAULT
    (call $check (i32.const 410) (call $fd_read (i32.const 4) (i32.const 0) (i32.const -1) (i32.const 2048)) (i32.const 21)) ;; FAULT
    (call $check (i32.const 411) (call $fd_readdir (i32.const 3) (i32.const 0) (i32.const -1) (i64.const 0) (i32.const 2048)) (i32.const 21)) ;; FAULT
    (call $check (i32.const 412) (call $poll_oneoff (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 2048)) (i32.const 21)) ;; FAULT
    (call $check (i32.const 413) (call $path_open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 0) (i64.const 2) (i64.const -1) (i32.const 0) (i32.const 2048)) (i32.const 21)) ;; FAULT
    ;; Huge times; any result is accepted.
    (drop (call $path_filestat_set_times (i32.const 3) (i32.const 0) (i32.const 8) (i32.const 4) (i64.const -1) (i64.const -1) (i32.const 5)))
    (call $check (i32.const 414) (call $path_filestat_get (i32.const 3) (i32.const 0) (i32.const 8) (i32.const 4) (i32.const 2048)) (i32.const 0))
    (drop (call $path_filestat_set_times (i32.const 3) (i32.const 0) (i32.const 8) (i32.const 4) (i64.const 9223372036854775807) (i64.const 9223372036854775807) (i32.const 5)))
    (call $check (i32.const 415) (call $path_filestat_get (i32.const 3) (i32.const 0) (i32.const 8) (i32.const 4) (i32.const 2048)) (i32.const 0))
    (drop (call $path_filestat_set_times (i32.const 3) (i32.const 0) (i32.const 8) (i32.const 4) (i64.const -9223372036854775808) (i64.const -9223372036854775808) (i32.const 5)))
    (call $check (i32.const 416) (call $path_filestat_get (i32.const 3) (i32.const 0) (i32.const 8) (i32.const 4) (i32.const 2048)) (i32.const 0))
    (call $check (i32.const 417) (call $path_filestat_set_times (i32.const 3) (i32.const 0) (i32.const 8) (i32.const 4) (i64.const 0) (i64.const 0) (i32.const 10)) (i32.const 0))
    (call $check (i32.const 418) (call $fd_close (i32.const 4)) (i32.const 0))))
