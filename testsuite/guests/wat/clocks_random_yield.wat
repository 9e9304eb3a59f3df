;; `clock_res_get`, `clock_time_get`, `random_get`, `sched_yield`. Runs with both previews: only the
;; module name of the imports differs.
(module
  (import "wasi_snapshot_preview1" "clock_res_get" (func $clock_res_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock_time_get (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sched_yield" (func $sched_yield (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)

  ;; Exits with the number of the check if the result is not the expected one.
  (func $check (param $number i32) (param $answer i32) (param $expected i32)
    (if (i32.ne (local.get $answer) (local.get $expected)) (then (call $proc_exit (local.get $number)))))

  (func (export "_start")
    (call $check (i32.const 1) (call $clock_res_get (i32.const 0) (i32.const 0)) (i32.const 0))
    (call $check (i32.const 2) (i64.gt_u (i64.load (i32.const 0)) (i64.const 0)) (i32.const 1))
    (call $check (i32.const 3) (call $clock_time_get (i32.const 0) (i64.const 0) (i32.const 8)) (i32.const 0))
    (call $check (i32.const 4) (call $clock_time_get (i32.const 0) (i64.const 1000000) (i32.const 16)) (i32.const 0))
    (call $check (i32.const 5) (i64.ge_u (i64.load (i32.const 16)) (i64.load (i32.const 8))) (i32.const 1)) ;; time does not go back
    (call $check (i32.const 6) (call $clock_res_get (i32.const 1) (i32.const 0)) (i32.const 0))
    (call $check (i32.const 7) (i64.gt_u (i64.load (i32.const 0)) (i64.const 0)) (i32.const 1))
    (call $check (i32.const 8) (call $clock_time_get (i32.const 1) (i64.const 0) (i32.const 8)) (i32.const 0))
    (call $check (i32.const 9) (call $clock_time_get (i32.const 1) (i64.const 1000000) (i32.const 16)) (i32.const 0))
    (call $check (i32.const 10) (i64.ge_u (i64.load (i32.const 16)) (i64.load (i32.const 8))) (i32.const 1)) ;; time does not go back
    (call $check (i32.const 11) (call $clock_res_get (i32.const 2) (i32.const 0)) (i32.const 0))
    (call $check (i32.const 12) (i64.gt_u (i64.load (i32.const 0)) (i64.const 0)) (i32.const 1))
    (call $check (i32.const 13) (call $clock_time_get (i32.const 2) (i64.const 0) (i32.const 8)) (i32.const 0))
    (call $check (i32.const 14) (call $clock_time_get (i32.const 2) (i64.const 1000000) (i32.const 16)) (i32.const 0))
    (call $check (i32.const 15) (i64.ge_u (i64.load (i32.const 16)) (i64.load (i32.const 8))) (i32.const 1)) ;; time does not go back
    (call $check (i32.const 16) (call $clock_res_get (i32.const 3) (i32.const 0)) (i32.const 0))
    (call $check (i32.const 17) (i64.gt_u (i64.load (i32.const 0)) (i64.const 0)) (i32.const 1))
    (call $check (i32.const 18) (call $clock_time_get (i32.const 3) (i64.const 0) (i32.const 8)) (i32.const 0))
    (call $check (i32.const 19) (call $clock_time_get (i32.const 3) (i64.const 1000000) (i32.const 16)) (i32.const 0))
    (call $check (i32.const 20) (i64.ge_u (i64.load (i32.const 16)) (i64.load (i32.const 8))) (i32.const 1)) ;; time does not go back
    (call $check (i32.const 21) (call $clock_res_get (i32.const 4) (i32.const 0)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 22) (call $clock_time_get (i32.const 4) (i64.const 0) (i32.const 0)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 23) (call $clock_time_get (i32.const -1) (i64.const 0) (i32.const 0)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 24) (call $clock_res_get (i32.const 0) (i32.const 65536)) (i32.const 21)) ;; FAULT
    (call $check (i32.const 25) (call $clock_time_get (i32.const 0) (i64.const 0) (i32.const 65532)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 26) (call $clock_time_get (i32.const 0) (i64.const 0) (i32.const 65536)) (i32.const 21)) ;; FAULT
    (call $check (i32.const 27) (call $random_get (i32.const 32) (i32.const 32)) (i32.const 0))
    (call $check (i32.const 28) (i64.eqz (i64.or (i64.or (i64.load (i32.const 32)) (i64.load (i32.const 40))) (i64.or (i64.load (i32.const 48)) (i64.load (i32.const 56))))) (i32.const 0))
    (call $check (i32.const 29) (i64.eq (i64.load (i32.const 64)) (i64.const 0)) (i32.const 1)) ;; nothing is written after the buffer
    (call $check (i32.const 30) (call $random_get (i32.const 65536) (i32.const 0)) (i32.const 0))
    (call $check (i32.const 31) (call $random_get (i32.const 65535) (i32.const 2)) (i32.const 21)) ;; FAULT
    (call $check (i32.const 32) (call $random_get (i32.const 0) (i32.const -1)) (i32.const 21)) ;; FAULT
    (call $check (i32.const 33) (call $sched_yield) (i32.const 0))))
