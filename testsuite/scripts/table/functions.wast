;; Tables of functions (core spec, section 4.6.8): what is out of bounds traps, and what a table
;; grows by is the value that is given.

(module
  (table $t 1 10 funcref)
  (elem declare func $f)
  (func $f)
  (func (export "get") (param i32) (result i32) (ref.is_null (table.get $t (local.get 0))))
  (func (export "set") (param i32) (table.set $t (local.get 0) (ref.func $f)))
  (func (export "grow") (param i32) (result i32) (table.grow $t (ref.func $f) (local.get 0)))
  (func (export "fill") (param i32 i32) (table.fill $t (local.get 0) (ref.func $f) (local.get 1))))

(assert_return (invoke "get" (i32.const 0)) (i32.const 1))
(assert_trap (invoke "get" (i32.const 1)) "out of bounds table access")
(assert_trap (invoke "set" (i32.const 1)) "out of bounds table access")
(assert_return (invoke "grow" (i32.const 0)) (i32.const 1))
(assert_return (invoke "grow" (i32.const 2)) (i32.const 1))
(assert_return (invoke "get" (i32.const 2)) (i32.const 0))
(assert_return (invoke "grow" (i32.const 8)) (i32.const -1))
(assert_return (invoke "fill" (i32.const 0) (i32.const 1)))
(assert_return (invoke "get" (i32.const 0)) (i32.const 0))
(assert_trap (invoke "fill" (i32.const 2) (i32.const 2)) "out of bounds table access")
(assert_trap (invoke "fill" (i32.const 4) (i32.const 0)) "out of bounds table access")

;; Nothing is written where a part of it would fit.
(module
  (table $t 2 funcref)
  (elem declare func $f)
  (func $f)
  (func (export "get") (param i32) (result i32) (ref.is_null (table.get $t (local.get 0))))
  (func (export "fill") (param i32 i32) (table.fill $t (local.get 0) (ref.func $f) (local.get 1))))
(assert_trap (invoke "fill" (i32.const 1) (i32.const 2)) "out of bounds table access")
(assert_return (invoke "get" (i32.const 1)) (i32.const 1))
