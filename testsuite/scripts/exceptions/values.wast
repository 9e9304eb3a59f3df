;;! features = "3.0"
;;! reason = "exceptions are new in 3.0"

;; An exception carries the values of its tag in order, for any number and types of values, and a
;; call inside a catching block returns all its results (section 4.6.4).

(module
  (type $tag (func (param i32 v128 f64 i64 f32 v128 i32 i32 i64 f64 f64 v128 i64 i64 i64 i64 i64 f32 f32 f32)))
  (type $results (func (result i32 v128 f64 i64 f32 v128 i32 i32 i64 f64 f64 v128 i64 i64 i64 i64 i64 f32 f32 f32)))
  (tag $e (type $tag))
  (tag $other (param i64))

  (func $values (type $results)
    (i32.const 1) (v128.const i32x4 2 3 4 5) (f64.const 6.5) (i64.const -7) (f32.const -8.25)
    (v128.const i8x16 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15) (i32.const 10) (i32.const 11) (i64.const 0x123456789abcdef0)
    (f64.const 12) (f64.const nan:0x4000000000001) (v128.const f64x2 13 14) (i64.const 15) (i64.const 16) (i64.const 17)
    (i64.const 18) (i64.const 19) (f32.const 20) (f32.const nan:0x200001) (f32.const -0))
  (func $throw (throw $e (call $values)))

  (func (export "here") (type $results)
    (block $h (type $results)
      (try_table (catch $e $h) (throw $e (call $values)))
      (unreachable)))
  (func (export "there") (type $results)
    (block $h (type $results)
      (block $none (result i64)
        (try_table (catch $other $none) (catch $e $h) (call $throw))
        (unreachable))
      (unreachable)))
  (func (export "returned") (type $results)
    (block $h
      (return (try_table (type $results) (catch_all $h) (call $values))))
    (unreachable))

  ;; Values that the handler uses and the callee does not get: more than there are registers.
  (func (export "kept") (param $i i64) (param $f f64) (param $v v128) (result i64 f64 v128 i64)
    (local $a i64) (local $b i64) (local $c i64) (local $d i64) (local $p f64) (local $q f64) (local $u v128)
    (local.set $a (i64.mul (local.get $i) (i64.const 3))) (local.set $b (i64.mul (local.get $i) (i64.const 5)))
    (local.set $c (i64.mul (local.get $i) (i64.const 7))) (local.set $d (i64.mul (local.get $i) (i64.const 9)))
    (local.set $p (f64.mul (local.get $f) (f64.const 2))) (local.set $q (f64.mul (local.get $f) (f64.const 4)))
    (local.set $u (i32x4.add (local.get $v) (local.get $v)))
    (block $h (try_table (catch_all $h) (call $throw)))
    (i64.add (i64.add (local.get $a) (local.get $b)) (i64.add (local.get $c) (local.get $d)))
    (f64.add (local.get $p) (local.get $q))
    (i32x4.add (local.get $u) (local.get $v))
    (local.get $i)))

(assert_return (invoke "here")
  (i32.const 1) (v128.const i32x4 2 3 4 5) (f64.const 6.5) (i64.const -7) (f32.const -8.25)
  (v128.const i8x16 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15) (i32.const 10) (i32.const 11) (i64.const 0x123456789abcdef0)
  (f64.const 12) (f64.const nan:0x4000000000001) (v128.const f64x2 13 14) (i64.const 15) (i64.const 16) (i64.const 17)
  (i64.const 18) (i64.const 19) (f32.const 20) (f32.const nan:0x200001) (f32.const -0))
(assert_return (invoke "there")
  (i32.const 1) (v128.const i32x4 2 3 4 5) (f64.const 6.5) (i64.const -7) (f32.const -8.25)
  (v128.const i8x16 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15) (i32.const 10) (i32.const 11) (i64.const 0x123456789abcdef0)
  (f64.const 12) (f64.const nan:0x4000000000001) (v128.const f64x2 13 14) (i64.const 15) (i64.const 16) (i64.const 17)
  (i64.const 18) (i64.const 19) (f32.const 20) (f32.const nan:0x200001) (f32.const -0))
(assert_return (invoke "returned")
  (i32.const 1) (v128.const i32x4 2 3 4 5) (f64.const 6.5) (i64.const -7) (f32.const -8.25)
  (v128.const i8x16 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15) (i32.const 10) (i32.const 11) (i64.const 0x123456789abcdef0)
  (f64.const 12) (f64.const nan:0x4000000000001) (v128.const f64x2 13 14) (i64.const 15) (i64.const 16) (i64.const 17)
  (i64.const 18) (i64.const 19) (f32.const 20) (f32.const nan:0x200001) (f32.const -0))
(assert_return (invoke "kept" (i64.const 10) (f64.const 1.5) (v128.const i32x4 1 2 3 4))
  (i64.const 240) (f64.const 9) (v128.const i32x4 3 6 9 12) (i64.const 10))
