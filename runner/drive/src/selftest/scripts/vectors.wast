;; Vectors, which cross no interface of an engine.
(module
  (func (export "splat") (param i32) (result v128) (i32x4.splat (local.get 0)))
  (func (export "add") (param v128 v128) (result v128) (i8x16.add (local.get 0) (local.get 1))))
(assert_return (invoke "splat" (i32.const 7)) (v128.const i32x4 7 7 7 7))
(assert_return
  (invoke "add" (v128.const i64x2 1 2) (v128.const i8x16 255 1 0 0 0 0 0 0 0 0 0 0 0 0 0 9))
  (v128.const i8x16 0 1 0 0 0 0 0 0 2 0 0 0 0 0 0 9))
