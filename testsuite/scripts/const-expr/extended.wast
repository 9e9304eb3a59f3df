;;! features = "3.0"
;;! reason = "arithmetic in constant expressions is part of 3.0"

;; Constant expressions add, subtract and multiply integers modulo their width, and read preceding
;; immutable globals (section 3.4.14): in globals, tables, segments and their offsets, in 32 and 64
;; bits, with imported values.

(module $given
  (global (export "base") i32 (i32.const 1000))
  (global (export "far") i64 (i64.const 0x1_0000_0000))
  (func (export "five") (result i32) (i32.const 5)))
(register "given" $given)

(module
  (import "given" "base" (global $base i32))
  (import "given" "far" (global $far i64))
  (import "given" "five" (func $five (result i32)))
  (type $number (func (result i32)))

  (global (export "sum") i32 (i32.add (global.get $base) (i32.const 24)))
  (global (export "nested") i32
    (i32.sub (i32.mul (i32.add (i32.const 2) (i32.const 3)) (global.get $base)) (i32.mul (i32.const -7) (i32.const -6))))
  (global (export "order") i32 (i32.sub (i32.const 10) (i32.const 3)))
  (global (export "wrapped") i32 (i32.add (i32.const 0x7fff_ffff) (i32.const 1)))
  (global (export "product") i32 (i32.mul (i32.const 0x1_0001) (i32.const 0x1_0001)))
  (global (export "under") i64 (i64.sub (i64.const 0x8000_0000_0000_0000) (i64.const 1)))
  (global (export "product64") i64 (i64.mul (global.get $far) (i64.const 0x1_0000_0003)))
  (global (export "sum64") i64 (i64.add (i64.mul (global.get $far) (i64.const 3)) (i64.const -1)))
  ;; A preceding global of this module, and a chain of them.
  (global $first i32 (i32.add (global.get $base) (i32.const 1)))
  (global $second i32 (i32.add (global.get $first) (global.get $first)))
  (global (export "chain") i32 (i32.mul (global.get $second) (global.get $first)))
  (global (export "variable") (mut i32) (i32.add (global.get $second) (i32.const 1)))
  (global $reference funcref (ref.func $five))
  (global (export "vector") v128 (v128.const i32x4 1 2 3 4))

  (memory $m 1)
  (memory $large i64 1)
  (data (memory $m) (i32.add (global.get $base) (i32.const 24)) "\11")
  (data (memory $m) (i32.sub (i32.mul (i32.const 256) (i32.const 256)) (i32.const 1)) "\12")
  (data (memory $large) (i64.sub (global.get $far) (i64.const 0xffff_0001)) "\13")
  (table $t 10 funcref (ref.func $five))
  (table $wide i64 4 funcref)
  (elem (table $t) (i32.sub (i32.const 10) (i32.const 3)) func $six)
  (elem (table $wide) (i64.add (i64.const -1) (i64.const 4)) funcref (item global.get $reference))
  (func $six (result i32) (i32.const 6))

  (func (export "byte") (param i32) (result i32) (i32.load8_u $m (local.get 0)))
  (func (export "large byte") (param i64) (result i32) (i32.load8_u $large (local.get 0)))
  (func (export "call") (param i32) (result i32) (call_indirect $t (type $number) (local.get 0)))
  (func (export "call wide") (param i64) (result i32) (call_indirect $wide (type $number) (local.get 0))))

(assert_return (get "sum") (i32.const 1024))
(assert_return (get "nested") (i32.const 4958))
(assert_return (get "order") (i32.const 7))
(assert_return (get "wrapped") (i32.const 0x8000_0000))
(assert_return (get "product") (i32.const 0x2_0001))
(assert_return (get "under") (i64.const 0x7fff_ffff_ffff_ffff))
(assert_return (get "product64") (i64.const 0x3_0000_0000))
(assert_return (get "sum64") (i64.const 0x2_ffff_ffff))
(assert_return (get "chain") (i32.const 2004002))
(assert_return (get "variable") (i32.const 2003))
(assert_return (get "vector") (v128.const i32x4 1 2 3 4))
(assert_return (invoke "byte" (i32.const 1024)) (i32.const 0x11))
(assert_return (invoke "byte" (i32.const 1023)) (i32.const 0))
(assert_return (invoke "byte" (i32.const 65535)) (i32.const 0x12))
(assert_return (invoke "large byte" (i64.const 65535)) (i32.const 0x13))
(assert_return (invoke "call" (i32.const 0)) (i32.const 5))
(assert_return (invoke "call" (i32.const 7)) (i32.const 6))
(assert_return (invoke "call" (i32.const 8)) (i32.const 5))
(assert_trap (invoke "call wide" (i64.const 2)) "uninitialized element 2")
(assert_return (invoke "call wide" (i64.const 3)) (i32.const 5))

;; Offsets are unsigned: a result below zero wraps to far out of bounds.
(assert_trap (module (memory 1) (data (i32.sub (i32.const 0) (i32.const 1)) "x")) "out of bounds memory access")
(assert_trap
  (module (memory 1) (data (i32.add (i32.const 0x8000_0000) (i32.const 0x7fff_ffff)) "x")) "out of bounds memory access")
(module (memory 1) (data (i32.add (i32.const 0x8000_0000) (i32.const 0x8000_0000)) "x"))
(assert_trap
  (module (memory i64 1) (data (i64.add (i64.const 0xffff_ffff) (i64.const 1)) "x")) "out of bounds memory access")
(assert_trap
  (module (table 1 funcref) (elem (i32.mul (i32.const 2) (i32.const 1)) func $f) (func $f)) "out of bounds table access")

;; No other arithmetic is constant, and neither is a mutable or a later global.
(assert_invalid (module (global i32 (i32.div_s (i32.const 4) (i32.const 2)))) "constant expression required")
(assert_invalid (module (global i32 (i32.and (i32.const 4) (i32.const 2)))) "constant expression required")
(assert_invalid (module (global f32 (f32.add (f32.const 4) (f32.const 2)))) "constant expression required")
(assert_invalid (module (global i64 (i64.extend_i32_u (i32.const 4)))) "constant expression required")
(assert_invalid
  (module (global $g (mut i32) (i32.const 1)) (global i32 (i32.add (global.get $g) (i32.const 1))))
  "constant expression required")
(assert_invalid
  (module (global i32 (i32.add (global.get 1) (i32.const 1))) (global i32 (i32.const 1)))
  "unknown global 1")
(assert_invalid (module (global i32 (i32.add (i32.const 1) (i64.const 1)))) "type mismatch")
(assert_invalid (module (global i32 (i32.const 1) (i32.const 1))) "type mismatch")
