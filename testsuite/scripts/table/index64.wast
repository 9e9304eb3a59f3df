;;! features = "3.0"
;;! reason = "tables with 64-bit indices are part of 3.0"

;; A table with address type i64 is indexed with all 64 bits (section 4.6.7, "Table Instructions"):
;; an index is out of bounds for every instruction if only its low 32 bits are within the table, and
;; size and growth are 64-bit numbers.

(module
  (type $number (func (result i32)))
  (table $t (export "table") i64 4 10 funcref)
  (elem declare func $one $two $three)
  (elem (table $t) (i64.const 1) func $one $two)
  (func $one (result i32) (i32.const 1))
  (func $two (result i32) (i32.const 2))
  (func $three (result i32) (i32.const 3))

  (func (export "size") (result i64) (table.size $t))
  (func (export "null at") (param i64) (result i32) (ref.is_null (table.get $t (local.get 0))))
  (func (export "set") (param i64) (table.set $t (local.get 0) (ref.func $three)))
  (func (export "grow") (param i64) (result i64) (table.grow $t (ref.func $three) (local.get 0)))
  (func (export "fill") (param i64 i64) (table.fill $t (local.get 0) (ref.func $two) (local.get 1)))
  (func (export "call") (param i64) (result i32) (call_indirect $t (type $number) (local.get 0)))
  (func (export "tail call") (param i64) (result i32) (return_call_indirect $t (type $number) (local.get 0)))
  (func (export "call other") (param i64) (call_indirect $t (local.get 0))))

(assert_return (invoke "size") (i64.const 4))
(assert_return (invoke "call" (i64.const 1)) (i32.const 1))
(assert_return (invoke "tail call" (i64.const 2)) (i32.const 2))
(assert_return (invoke "null at" (i64.const 3)) (i32.const 1))
(assert_return (invoke "null at" (i64.const 2)) (i32.const 0))

;; The low halves of these are 1.
(assert_trap (invoke "null at" (i64.const 0x1_0000_0001)) "out of bounds table access")
(assert_trap (invoke "set" (i64.const 0x1_0000_0001)) "out of bounds table access")
(assert_trap (invoke "call" (i64.const 0x1_0000_0001)) "undefined element")
(assert_trap (invoke "tail call" (i64.const 0x1_0000_0001)) "undefined element")
(assert_trap (invoke "call" (i64.const 0x8000_0000_0000_0001)) "undefined element")
(assert_trap (invoke "null at" (i64.const -1)) "out of bounds table access")
(assert_trap (invoke "set" (i64.const -1)) "out of bounds table access")
(assert_trap (invoke "call" (i64.const -1)) "undefined element")

;; One past the end, at the end, and the two other traps of an indirect call.
(assert_trap (invoke "null at" (i64.const 4)) "out of bounds table access")
(assert_trap (invoke "set" (i64.const 4)) "out of bounds table access")
(assert_trap (invoke "call" (i64.const 4)) "undefined element")
(assert_trap (invoke "call" (i64.const 3)) "uninitialized element 3")
(assert_trap (invoke "call other" (i64.const 1)) "indirect call type mismatch")
(assert_return (invoke "set" (i64.const 3)))
(assert_return (invoke "call" (i64.const 3)) (i32.const 3))

;; The end of the filled range is a 65-bit sum.
(assert_trap (invoke "fill" (i64.const 3) (i64.const 2)) "out of bounds table access")
(assert_trap (invoke "fill" (i64.const 1) (i64.const -1)) "out of bounds table access")
(assert_trap (invoke "fill" (i64.const -1) (i64.const 2)) "out of bounds table access")
(assert_trap (invoke "fill" (i64.const 0x1_0000_0000) (i64.const 0)) "out of bounds table access")
(assert_trap (invoke "fill" (i64.const 0) (i64.const 0x1_0000_0000)) "out of bounds table access")
(assert_trap (invoke "fill" (i64.const 5) (i64.const 0)) "out of bounds table access")
(assert_return (invoke "fill" (i64.const 4) (i64.const 0)))
(assert_return (invoke "call" (i64.const 1)) (i32.const 1))
(assert_return (invoke "call" (i64.const 3)) (i32.const 3))
(assert_return (invoke "fill" (i64.const 2) (i64.const 2)))
(assert_return (invoke "call" (i64.const 1)) (i32.const 1))
(assert_return (invoke "call" (i64.const 3)) (i32.const 2))

;; A failed growth returns -1 in 64 bits and changes nothing; growth by 2^32 is not growth by 0, and
;; a sum past 2^64 does not wrap.
(assert_return (invoke "grow" (i64.const 0)) (i64.const 4))
(assert_return (invoke "grow" (i64.const 7)) (i64.const -1))
(assert_return (invoke "grow" (i64.const 0x1_0000_0000)) (i64.const -1))
(assert_return (invoke "grow" (i64.const -1)) (i64.const -1))
(assert_return (invoke "grow" (i64.const -4)) (i64.const -1))
(assert_return (invoke "size") (i64.const 4))
(assert_return (invoke "grow" (i64.const 6)) (i64.const 4))
(assert_return (invoke "size") (i64.const 10))
(assert_return (invoke "call" (i64.const 4)) (i32.const 3))
(assert_return (invoke "call" (i64.const 9)) (i32.const 3))
(assert_trap (invoke "call" (i64.const 10)) "undefined element")
(assert_return (invoke "grow" (i64.const 1)) (i64.const -1))

;; Limits are 64-bit numbers as well. A maximum does not reserve space.
(module (table i64 0 0x1_0000_0000 funcref) (table i64 1 0xffff_ffff_ffff_ffff externref))
(assert_invalid (module (table i64 0x1_0000_0001 0x1_0000_0000 funcref)) "size minimum must not be greater than maximum")
(assert_invalid (module (table i32 0 0x1_0000_0000 funcref)) "table size")

;; Every index has the table's address type, and no other.
(assert_invalid (module (table i64 1 funcref) (func (result funcref) (table.get 0 (i32.const 0)))) "type mismatch")
(assert_invalid (module (table i64 1 funcref) (func (table.set 0 (i32.const 0) (ref.null func)))) "type mismatch")
(assert_invalid (module (table i64 1 funcref) (func (result i32) (table.size 0))) "type mismatch")
(assert_invalid
  (module (table i64 1 funcref) (func (result i64) (table.grow 0 (ref.null func) (i32.const 0))))
  "type mismatch")
(assert_invalid
  (module (table i64 1 funcref) (func (table.fill 0 (i64.const 0) (ref.null func) (i32.const 0))))
  "type mismatch")
(assert_invalid (module (table i64 1 funcref) (func (call_indirect 0 (i32.const 0)))) "type mismatch")
(assert_invalid (module (table i64 1 funcref) (elem (i32.const 0) func)) "type mismatch")
(assert_invalid (module (table i32 1 funcref) (elem (i64.const 0) func)) "type mismatch")
