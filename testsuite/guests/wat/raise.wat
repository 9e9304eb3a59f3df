;; `proc_raise`: exits with 143, as for signal 15. Runs with both previews: only the module name of
;; the imports differs.
(module
  (import "wasi_snapshot_preview1" "proc_raise" (func $proc_raise (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)

  ;; Exits with the number of the check if the result is not the expected one.
  (func $check (param $number i32) (param $answer i32) (param $expected i32)
    (if (i32.ne (local.get $answer) (local.get $expected)) (then (call $proc_exit (local.get $number)))))

  (func (export "_start")
    (call $check (i32.const 1) (call $proc_raise (i32.const 0)) (i32.const 0))
    (call $check (i32.const 2) (call $proc_raise (i32.const 31)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 3) (call $proc_raise (i32.const -1)) (i32.const 28)) ;; INVAL
    (call $check (i32.const 4) (call $proc_raise (i32.const 15)) (i32.const 0))))
