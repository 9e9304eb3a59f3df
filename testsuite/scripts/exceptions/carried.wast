;; What an exception carries, of each type; an exception that is thrown again (core spec, section
;; 4.6.10).

(module
  (tag $e (param i32))
  (func (export "f") (result i32)
    (block $h (result i32) (try_table (result i32) (catch $e $h) (throw $e (i32.const 7))))))
(assert_return (invoke "f") (i32.const 7))
(module
  (tag $e (param i64))
  (func (export "f") (result i64)
    (block $h (result i64) (try_table (result i64) (catch $e $h) (throw $e (i64.const 0x7_0000_0008))))))
(assert_return (invoke "f") (i64.const 0x7_0000_0008))
(module
  (tag $e (param f32))
  (func (export "f") (result f32)
    (block $h (result f32) (try_table (result f32) (catch $e $h) (throw $e (f32.const 7))))))
(assert_return (invoke "f") (f32.const 7))
(module
  (tag $e (param f64))
  (func (export "f") (result f64)
    (block $h (result f64) (try_table (result f64) (catch $e $h) (throw $e (f64.const 7))))))
(assert_return (invoke "f") (f64.const 7))
(module
  (tag $e (param v128))
  (func (export "f") (result v128)
    (block $h (result v128) (try_table (result v128) (catch $e $h) (throw $e (v128.const i64x2 7 8))))))
(assert_return (invoke "f") (v128.const i64x2 7 8))
(module
  (tag $e (param funcref))
  (elem declare func $g) (func $g)
  (func (export "f") (result i32)
    (ref.is_null (block $h (result funcref) (try_table (result funcref) (catch $e $h) (throw $e (ref.func $g)))))))
(assert_return (invoke "f") (i32.const 0))
(module
  (tag $e (param externref))
  
  (func (export "f") (result i32)
    (ref.is_null (block $h (result externref) (try_table (result externref) (catch $e $h) (throw $e (extern.convert_any (ref.i31 (i32.const 1)))))))))
(assert_return (invoke "f") (i32.const 0))
(module
  (func (export "null") (throw_ref (ref.null exn)))
  (tag $e)
  (func (export "again") (local $x exnref)
    (local.set $x (block $h (result exnref) (try_table (result exnref) (catch_all_ref $h) (throw $e))))
    (throw_ref (local.get $x))))
(assert_trap (invoke "null") "null exception reference")
(assert_exception (invoke "again"))
