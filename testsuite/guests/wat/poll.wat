;; `poll_oneoff`, on clocks, on readable standard input, and on invalid descriptors. Preview 1: a
;; `subscription` has 48 bytes.
(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)

  ;; Exits with the number of the check if the result is not the expected one.
  (func $check (param $number i32) (param $answer i32) (param $expected i32)
    (if (i32.ne (local.get $answer) (local.get $expected)) (then (call $proc_exit (local.get $number)))))

  (func (export "_start")
    ;; Two clocks: 10 s and 5 ms.
    (memory.fill (i32.const 1024) (i32.const 0) (i32.const 48))
    (i64.store (i32.const 1024) (i64.const 7))
    (i32.store8 (i32.const 1032) (i32.const 0))
    (i64.store (i32.const 1040) (i64.const 1))
    (i64.store (i32.const 1048) (i64.const 10000000000))
    (memory.fill (i32.const 1072) (i32.const 0) (i32.const 48))
    (i64.store (i32.const 1072) (i64.const 8))
    (i32.store8 (i32.const 1080) (i32.const 0))
    (i64.store (i32.const 1088) (i64.const 0))
    (i64.store (i32.const 1096) (i64.const 5000000))
    (call $check (i32.const 1) (call $poll_oneoff (i32.const 1024) (i32.const 2048) (i32.const 2) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 2) (i32.load (i32.const 128)) (i32.const 1))
    (call $check (i32.const 3) (i64.eq (i64.load (i32.const 2048)) (i64.const 8)) (i32.const 1))
    (call $check (i32.const 4) (i32.load16_u (i32.const 2056)) (i32.const 0))
    (call $check (i32.const 5) (i32.load8_u (i32.const 2058)) (i32.const 0))
    ;; An absolute time in the past.
    (memory.fill (i32.const 1024) (i32.const 0) (i32.const 48))
    (i64.store (i32.const 1024) (i64.const 9))
    (i32.store8 (i32.const 1032) (i32.const 0))
    (i64.store (i32.const 1040) (i64.const 0))
    (i64.store (i32.const 1048) (i64.const 1))
    (i64.store (i32.const 1064) (i64.const 1))
    (call $check (i32.const 6) (call $poll_oneoff (i32.const 1024) (i32.const 2048) (i32.const 1) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 7) (i32.load (i32.const 128)) (i32.const 1))
    (call $check (i32.const 8) (i64.eq (i64.load (i32.const 2048)) (i64.const 9)) (i32.const 1))
    ;; Standard input, a descriptor that does not exist, a directory, and a clock.
    (memory.fill (i32.const 1024) (i32.const 0) (i32.const 48))
    (i64.store (i32.const 1024) (i64.const 1))
    (i32.store8 (i32.const 1032) (i32.const 1))
    (i64.store (i32.const 1040) (i64.const 0))
    (memory.fill (i32.const 1072) (i32.const 0) (i32.const 48))
    (i64.store (i32.const 1072) (i64.const 2))
    (i32.store8 (i32.const 1080) (i32.const 2))
    (i64.store (i32.const 1088) (i64.const 99))
    (memory.fill (i32.const 1120) (i32.const 0) (i32.const 48))
    (i64.store (i32.const 1120) (i64.const 3))
    (i32.store8 (i32.const 1128) (i32.const 1))
    (i64.store (i32.const 1136) (i64.const 3))
    (memory.fill (i32.const 1168) (i32.const 0) (i32.const 48))
    (i64.store (i32.const 1168) (i64.const 4))
    (i32.store8 (i32.const 1176) (i32.const 0))
    (i64.store (i32.const 1184) (i64.const 1))
    (i64.store (i32.const 1192) (i64.const 10000000000))
    (call $check (i32.const 9) (call $poll_oneoff (i32.const 1024) (i32.const 2048) (i32.const 4) (i32.const 128)) (i32.const 0))
    (call $check (i32.const 10) (i32.load (i32.const 128)) (i32.const 3))
    (call $check (i32.const 11) (i64.eq (i64.load (i32.const 2048)) (i64.const 1)) (i32.const 1))
    (call $check (i32.const 12) (i32.load16_u (i32.const 2056)) (i32.const 0))
    (call $check (i32.const 13) (i32.load8_u (i32.const 2058)) (i32.const 1))
    (call $check (i32.const 14) (i64.gt_u (i64.load (i32.const 2064)) (i64.const 0)) (i32.const 1))
    (call $check (i32.const 15) (i32.load16_u (i32.const 2088)) (i32.const 8)) ;; BADF
    (call $check (i32.const 16) (i32.load8_u (i32.const 2090)) (i32.const 2))
    (call $check (i32.const 17) (i32.load16_u (i32.const 2120)) (i32.const 0)) ;; reading a directory fails, but at once
    ;; Invalid subscriptions.
    (call $check (i32.const 18) (call $poll_oneoff (i32.const 1024) (i32.const 2048) (i32.const 0) (i32.const 128)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 19) (call $poll_oneoff (i32.const 1024) (i32.const 2048) (i32.const -1) (i32.const 128)) (i32.const 21)) ;; FAULT
    (call $check (i32.const 20) (call $poll_oneoff (i32.const 1028) (i32.const 2048) (i32.const 1) (i32.const 128)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 21) (call $poll_oneoff (i32.const 1024) (i32.const 2052) (i32.const 1) (i32.const 128)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 22) (call $poll_oneoff (i32.const 65536) (i32.const 2048) (i32.const 1) (i32.const 128)) (i32.const 21)) ;; FAULT
    (call $check (i32.const 23) (call $poll_oneoff (i32.const 1024) (i32.const 65520) (i32.const 1) (i32.const 128)) (i32.const 21)) ;; FAULT
    (call $check (i32.const 24) (call $poll_oneoff (i32.const 1024) (i32.const 2048) (i32.const 1) (i32.const 65536)) (i32.const 21)) ;; FAULT
    (memory.fill (i32.const 1024) (i32.const 0) (i32.const 48))
    (i64.store (i32.const 1024) (i64.const 1))
    (i32.store8 (i32.const 1032) (i32.const 3))
    (i64.store (i32.const 1040) (i64.const 0))
    (i64.store (i32.const 1064) (i64.const 0))
    (call $check (i32.const 25) (call $poll_oneoff (i32.const 1024) (i32.const 2048) (i32.const 1) (i32.const 128)) (i32.const 28)) ;; INVAL
    (memory.fill (i32.const 1024) (i32.const 0) (i32.const 48))
    (i64.store (i32.const 1024) (i64.const 1))
    (i32.store8 (i32.const 1032) (i32.const 0))
    (i64.store (i32.const 1040) (i64.const 4))
    (i64.store (i32.const 1064) (i64.const 0))
    (call $check (i32.const 26) (call $poll_oneoff (i32.const 1024) (i32.const 2048) (i32.const 1) (i32.const 128)) (i32.const 28)) ;; INVAL
    (memory.fill (i32.const 1024) (i32.const 0) (i32.const 48))
    (i64.store (i32.const 1024) (i64.const 1))
    (i32.store8 (i32.const 1032) (i32.const 0))
    (i64.store (i32.const 1040) (i64.const 0))
    (i64.store (i32.const 1064) (i64.const 2))
    (call $check (i32.const 27) (call $poll_oneoff (i32.const 1024) (i32.const 2048) (i32.const 1) (i32.const 128)) (i32.const 28)) ;; INVAL
    (memory.fill (i32.const 1024) (i32.const 0) (i32.const 48))
    (i64.store (i32.const 1024) (i64.const 1))
    (i32.store8 (i32.const 1032) (i32.const 0))
    (i64.store (i32.const 1040) (i64.const 2))
    (i64.store (i32.const 1064) (i64.const 0))
    (call $check (i32.const 28) (call $poll_oneoff (i32.const 1024) (i32.const 2048) (i32.const 1) (i32.const 128)) (i32.const 58)))) ;; NOTSUP
