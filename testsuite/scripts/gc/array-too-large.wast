;;! features = "3.0"
;;! reason = "the specification leaves it to engines; all trap on an array no heap can hold"

;; An implementation may restrict the number of elements of an array (core spec, appendix A.1.3,
;; "Execution"). Arrays of more than 1 GiB are never allocated here: each way of allocating one
;; traps, and the instance can still be used.

(module
  (type $bytes (array (mut i8)))
  (type $longs (array (mut i64)))
  (type $vectors (array (mut v128)))
  (type $references (array (mut anyref)))

  (func (export "bytes") (param i32) (result i32)
    (array.len (array.new_default $bytes (local.get 0))))
  (func (export "longs") (param i32) (result i32)
    (array.len (array.new $longs (i64.const 1) (local.get 0))))
  (func (export "vectors") (param i32) (result i32)
    (array.len (array.new $vectors (v128.const i64x2 1 2) (local.get 0))))
  (func (export "references") (param i32) (result i32)
    (array.len (array.new_default $references (local.get 0))))
)

(assert_return (invoke "bytes" (i32.const 0)) (i32.const 0))
(assert_trap (invoke "bytes" (i32.const -1)) "allocation size too large")
(assert_trap (invoke "bytes" (i32.const 0x7fff_ffff)) "allocation size too large")
(assert_trap (invoke "longs" (i32.const -1)) "allocation size too large")
(assert_trap (invoke "longs" (i32.const 0x2000_0000)) "allocation size too large")
(assert_trap (invoke "vectors" (i32.const -1)) "allocation size too large")
(assert_trap (invoke "vectors" (i32.const 0x1000_0000)) "allocation size too large")
(assert_trap (invoke "references" (i32.const 0x4000_0000)) "allocation size too large")
(assert_return (invoke "bytes" (i32.const 1000)) (i32.const 1000))
(assert_return (invoke "vectors" (i32.const 1000)) (i32.const 1000))

;; The same in a constant expression: the instantiation fails.
(assert_trap
  (module
    (type $longs (array i64))
    (global (ref $longs) (array.new_default $longs (i32.const -1))))
  "allocation size too large")

;; A segment is as long as in the module: reading past its end is checked first.
(module
  (type $longs (array (mut i64)))
  (type $functions (array (mut funcref)))
  (data $data "12345678")
  (elem $elements func)
  (func (export "data") (drop (array.new_data $longs $data (i32.const 0) (i32.const -1))))
  (func (export "elements") (drop (array.new_elem $functions $elements (i32.const 0) (i32.const -1))))
)
(assert_trap (invoke "data") "out of bounds memory access")
(assert_trap (invoke "elements") "out of bounds table access")
