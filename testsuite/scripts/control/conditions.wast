;; Conditions and indices are numbers of 32 bits (core spec, section 4.6.10): a negative one is
;; true, and one of more than 16 bits is not cut. A `local.tee` and a `global.set` set, whatever
;; the type.

(module
  (type $f (func (result i32)))
  (table $t 1 1 funcref)
  (elem (table $t) (i32.const 0) func $one)
  (func $one (type $f) (i32.const 1))
  (func (export "br_if") (param i32) (result i32)
    (block (br_if 0 (local.get 0)) (return (i32.const 0))) (i32.const 1))
  (func (export "if") (param i32) (result i32)
    (if (result i32) (local.get 0) (then (i32.const 1)) (else (i32.const 0))))
  (func (export "br_table") (param i32) (result i32)
    (block (block (br_table 0 1 (local.get 0))) (return (i32.const 0))) (i32.const 1))
  (func (export "call_indirect") (param i32) (result i32) (call_indirect $t (type $f) (local.get 0)))
  (func (export "return_call_indirect") (param i32) (result i32)
    (return_call_indirect $t (type $f) (local.get 0))))

(assert_return (invoke "br_if" (i32.const -1)) (i32.const 1))
(assert_return (invoke "br_if" (i32.const 0x80000000)) (i32.const 1))
(assert_return (invoke "if" (i32.const -1)) (i32.const 1))
(assert_return (invoke "br_table" (i32.const 0)) (i32.const 0))
(assert_return (invoke "br_table" (i32.const 0x10000)) (i32.const 1))
(assert_return (invoke "br_table" (i32.const 0x100)) (i32.const 1))
(assert_trap (invoke "call_indirect" (i32.const 0x10000)) "undefined element")
(assert_trap (invoke "return_call_indirect" (i32.const 0x10000)) "undefined element")

;; The same with 64-bit indices, by either call.
(module
  (type $f (func (result i32)))
  (table $t i64 1 1 funcref)
  (elem (table $t) (i64.const 0) func $one)
  (func $one (type $f) (i32.const 1))
  (func (export "call_indirect") (param i64) (result i32) (call_indirect $t (type $f) (local.get 0)))
  (func (export "return_call_indirect") (param i64) (result i32)
    (return_call_indirect $t (type $f) (local.get 0))))
(assert_return (invoke "call_indirect" (i64.const 0)) (i32.const 1))
(assert_return (invoke "return_call_indirect" (i64.const 0)) (i32.const 1))
(assert_trap (invoke "call_indirect" (i64.const 0x1_0000_0000)) "undefined element")
(assert_trap (invoke "return_call_indirect" (i64.const 0x1_0000_0000)) "undefined element")

;; The same where an element is null.
(module
  (type $f (func (result i32)))
  (table 1 1 funcref)
  (func (export "return_call_indirect") (result i32) (return_call_indirect (type $f) (i32.const 0))))
(assert_trap (invoke "return_call_indirect") "uninitialized element")

(module
  (global $g (mut i32) (i32.const 0))
  (func (export "set") (param i32) (global.set $g (local.get 0)))
  (func (export "get") (result i32) (global.get $g))
  (func (export "tee") (param i32) (result i32 i32) (local $l i32) (local.tee $l (local.get 0)) (local.get $l)))
(assert_return (invoke "set" (i32.const 7)))
(assert_return (invoke "get") (i32.const 7))
(assert_return (invoke "tee" (i32.const 7)) (i32.const 7) (i32.const 7))
(module
  (global $g (mut i64) (i64.const 0))
  (func (export "set") (param i64) (global.set $g (local.get 0)))
  (func (export "get") (result i64) (global.get $g))
  (func (export "tee") (param i64) (result i64 i64) (local $l i64) (local.tee $l (local.get 0)) (local.get $l)))
(assert_return (invoke "set" (i64.const 7)))
(assert_return (invoke "get") (i64.const 7))
(assert_return (invoke "tee" (i64.const 7)) (i64.const 7) (i64.const 7))
(module
  (global $g (mut f32) (f32.const 0))
  (func (export "set") (param f32) (global.set $g (local.get 0)))
  (func (export "get") (result f32) (global.get $g))
  (func (export "tee") (param f32) (result f32 f32) (local $l f32) (local.tee $l (local.get 0)) (local.get $l)))
(assert_return (invoke "set" (f32.const 7)))
(assert_return (invoke "get") (f32.const 7))
(assert_return (invoke "tee" (f32.const 7)) (f32.const 7) (f32.const 7))
(module
  (global $g (mut f64) (f64.const 0))
  (func (export "set") (param f64) (global.set $g (local.get 0)))
  (func (export "get") (result f64) (global.get $g))
  (func (export "tee") (param f64) (result f64 f64) (local $l f64) (local.tee $l (local.get 0)) (local.get $l)))
(assert_return (invoke "set" (f64.const 7)))
(assert_return (invoke "get") (f64.const 7))
(assert_return (invoke "tee" (f64.const 7)) (f64.const 7) (f64.const 7))
(module
  (global $g (mut v128) (v128.const i64x2 0 0))
  (func (export "set") (param v128) (global.set $g (local.get 0)))
  (func (export "get") (result v128) (global.get $g))
  (func (export "tee") (param v128) (result v128 v128) (local $l v128) (local.tee $l (local.get 0)) (local.get $l)))
(assert_return (invoke "set" (v128.const i64x2 1 2)))
(assert_return (invoke "get") (v128.const i64x2 1 2))
(assert_return (invoke "tee" (v128.const i64x2 1 2)) (v128.const i64x2 1 2) (v128.const i64x2 1 2))
(module
  (global $g (mut externref) (ref.null extern))
  (func (export "set") (param externref) (global.set $g (local.get 0)))
  (func (export "get") (result externref) (global.get $g))
  (func (export "tee") (param externref) (result externref externref) (local $l externref) (local.tee $l (local.get 0)) (local.get $l)))
(assert_return (invoke "set" (ref.extern 7)))
(assert_return (invoke "get") (ref.extern 7))
(assert_return (invoke "tee" (ref.extern 7)) (ref.extern 7) (ref.extern 7))
