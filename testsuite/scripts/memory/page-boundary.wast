;;! features = "1.0"
;;! reason = "one memory, and no bulk instructions"

;; An access that straddles the end of the memory traps as a whole and writes nothing. What was out
;; of bounds before a grow is readable afterwards, and zero.

(module
  (memory (export "memory") 1 2)
  (func (export "size") (result i32) (memory.size))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "load") (param i32) (result i64) (i64.load align=1 (local.get 0)))
  (func (export "load8") (param i32) (result i32) (i32.load8_u (local.get 0)))
  (func (export "store") (param i32 i64) (i64.store align=1 (local.get 0) (local.get 1)))
  ;; The sum of address and offset does not wrap: it has 33 bits.
  (func (export "far") (param i32) (result i32) (i32.load8_u offset=0xffff_ffff (local.get 0))))

(invoke "store" (i32.const 65528) (i64.const 0x1122_3344_5566_7788))
(assert_return (invoke "load" (i32.const 65528)) (i64.const 0x1122_3344_5566_7788))

(assert_trap (invoke "store" (i32.const 65529) (i64.const -1)) "out of bounds memory access")
(assert_trap (invoke "store" (i32.const 65535) (i64.const -1)) "out of bounds memory access")
(assert_return (invoke "load" (i32.const 65528)) (i64.const 0x1122_3344_5566_7788))

(assert_trap (invoke "load" (i32.const 65529)) "out of bounds memory access")
(assert_trap (invoke "load8" (i32.const 65536)) "out of bounds memory access")
(assert_trap (invoke "load8" (i32.const -1)) "out of bounds memory access")
(assert_trap (invoke "far" (i32.const 0)) "out of bounds memory access")
(assert_trap (invoke "far" (i32.const 1)) "out of bounds memory access")

(assert_return (invoke "grow" (i32.const 1)) (i32.const 1))
(assert_return (invoke "load" (i32.const 65529)) (i64.const 0x0011_2233_4455_6677))
(assert_return (invoke "load8" (i32.const 131071)) (i32.const 0))
(assert_trap (invoke "load8" (i32.const 131072)) "out of bounds memory access")

;; The maximum is respected, and a failed grow changes nothing.
(assert_return (invoke "grow" (i32.const 1)) (i32.const -1))
(assert_return (invoke "grow" (i32.const -1)) (i32.const -1))
(assert_return (invoke "size") (i32.const 2))
