;;! features = "3.0,stack-switching"
;;! reason = "continuations belong to the stack switching proposal"

;; Values that pass between a continuation and what resumes it (stack switching proposal): of every
;; type, more than there are registers, bound one by one, and as results.

(module
  (type $s (struct (field i32)))
  (type $f (func (param i32 i64 f32 f64 v128 externref (ref null $s))
    (result (ref null $s) externref v128 f64 f32 i64 i32)))
  (type $k (cont $f))
  (type $back (func (param (ref null $s) externref v128 f64 f32 i64 i32)
    (result (ref null $s) externref v128 f64 f32 i64 i32)))
  (type $kb (cont $back))
  (tag $t (param i32 i64 f32 f64 v128 externref (ref null $s))
    (result (ref null $s) externref v128 f64 f32 i64 i32))
  (elem declare func $suspends)

  (func $suspends (type $f)
    (suspend $t (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4) (local.get 5) (local.get 6)))

  ;; The continuation gets the values in reverse, from the suspension that passed them.
  (func (export "each type") (param i32 i64 f32 f64 v128 externref) (result i32 externref v128 f64 f32 i64 i32)
    (local $s (ref null $s)) (local $e externref) (local $v v128) (local $d f64) (local $f f32) (local $l i64)
    (local $i i32) (local $k (ref null $kb))
    (block $on (result i32 i64 f32 f64 v128 externref (ref null $s) (ref $kb))
      (resume $k (on $t $on)
        (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4) (local.get 5)
        (struct.new $s (i32.const 77))
        (cont.new $k (ref.func $suspends)))
      (unreachable))
    (local.set $k) (local.set $s) (local.set $e) (local.set $v) (local.set $d) (local.set $f) (local.set $l) (local.set $i)
    (resume $kb
      (local.get $s) (local.get $e) (local.get $v) (local.get $d) (local.get $f) (local.get $l) (local.get $i) (local.get $k))
    (local.set $i) (local.set $l) (local.set $f) (local.set $d) (local.set $v) (local.set $e)
    (struct.get $s 0)
    (local.get $e) (local.get $v) (local.get $d) (local.get $f) (local.get $l) (local.get $i))
)

(assert_return
  (invoke "each type" (i32.const 1) (i64.const 2) (f32.const 3.5) (f64.const 4.5) (v128.const i64x2 5 6) (ref.extern 7))
  (i32.const 77) (ref.extern 7) (v128.const i64x2 5 6) (f64.const 4.5) (f32.const 3.5) (i64.const 2) (i32.const 1))

(module
  (type $f20 (func (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)
    (result i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (type $k20 (cont $f20))
  (elem declare func $reverse)
  (func $reverse (type $f20)
    (local.get 19) (local.get 18) (local.get 17) (local.get 16) (local.get 15) (local.get 14) (local.get 13)
    (local.get 12) (local.get 11) (local.get 10) (local.get 9) (local.get 8) (local.get 7) (local.get 6)
    (local.get 5) (local.get 4) (local.get 3) (local.get 2) (local.get 1) (local.get 0))
  (func (export "many")
    (result i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)
    (resume $k20
      (i32.const 1) (i32.const 2) (i32.const 3) (i32.const 4) (i32.const 5) (i32.const 6) (i32.const 7)
      (i32.const 8) (i32.const 9) (i32.const 10) (i32.const 11) (i32.const 12) (i32.const 13) (i32.const 14)
      (i32.const 15) (i32.const 16) (i32.const 17) (i32.const 18) (i32.const 19) (i32.const 20)
      (cont.new $k20 (ref.func $reverse))))
)

(assert_return (invoke "many")
  (i32.const 20) (i32.const 19) (i32.const 18) (i32.const 17) (i32.const 16) (i32.const 15) (i32.const 14)
  (i32.const 13) (i32.const 12) (i32.const 11) (i32.const 10) (i32.const 9) (i32.const 8) (i32.const 7)
  (i32.const 6) (i32.const 5) (i32.const 4) (i32.const 3) (i32.const 2) (i32.const 1))

;; Bound values come first, whether the continuation was started or not.

(module
  (type $f0 (func (result i64))) (type $k0 (cont $f0))
  (type $f1 (func (param f64) (result i64))) (type $k1 (cont $f1))
  (type $f2 (func (param v128 f64) (result i64))) (type $k2 (cont $f2))
  (type $f3 (func (param i32 v128 f64) (result i64))) (type $k3 (cont $f3))
  (tag $t (result i32 v128 f64))
  (elem declare func $sum $asks)

  (func $sum (type $f3)
    (i64.add
      (i64.add (i64.mul (i64.const 100) (i64.extend_i32_s (local.get 0))) (i64x2.extract_lane 1 (local.get 1)))
      (i64.trunc_f64_s (local.get 2))))
  (func $asks (type $f0) (call $sum (suspend $t)))

  (func $start (result (ref $k3))
    (block $on (result (ref $k3))
      (resume $k0 (on $t $on) (cont.new $k0 (ref.func $asks)))
      (unreachable)))
  (func $which (param i32) (result (ref $k3))
    (if (result (ref $k3)) (local.get 0) (then (call $start)) (else (cont.new $k3 (ref.func $sum)))))

  (func (export "none") (param i32) (result i64)
    (resume $k3 (i32.const 1) (v128.const i64x2 0 20) (f64.const 3)
      (cont.bind $k3 $k3 (cont.bind $k3 $k3 (call $which (local.get 0))))))
  (func (export "one") (param i32) (result i64)
    (resume $k2 (v128.const i64x2 0 20) (f64.const 3)
      (cont.bind $k3 $k2 (i32.const 1) (call $which (local.get 0)))))
  (func (export "one by one") (param i32) (result i64)
    (resume $k0
      (cont.bind $k1 $k0 (f64.const 3)
        (cont.bind $k2 $k1 (v128.const i64x2 0 20)
          (cont.bind $k3 $k2 (i32.const 1) (call $which (local.get 0)))))))
  (func (export "all") (param i32) (result i64)
    (resume $k0
      (cont.bind $k0 $k0
        (cont.bind $k3 $k0 (i32.const 1) (v128.const i64x2 0 20) (f64.const 3) (call $which (local.get 0))))))
)

(assert_return (invoke "none" (i32.const 0)) (i64.const 123))
(assert_return (invoke "none" (i32.const 1)) (i64.const 123))
(assert_return (invoke "one" (i32.const 0)) (i64.const 123))
(assert_return (invoke "one" (i32.const 1)) (i64.const 123))
(assert_return (invoke "one by one" (i32.const 0)) (i64.const 123))
(assert_return (invoke "one by one" (i32.const 1)) (i64.const 123))
(assert_return (invoke "all" (i32.const 0)) (i64.const 123))
(assert_return (invoke "all" (i32.const 1)) (i64.const 123))

;; The operands and locals of the resuming and of the suspended function are kept.

(module
  (type $f (func (param i32) (result i32))) (type $k (cont $f))
  (tag $t (param i32) (result i32))
  (elem declare func $body)
  (func $body (type $f) (local $a i64) (local $b f64)
    (local.set $a (i64.const 1000)) (local.set $b (f64.const 10000))
    (i32.add
      (i32.add (local.get 0) (suspend $t (i32.mul (local.get 0) (i32.const 2))))
      (i32.add (i32.wrap_i64 (local.get $a)) (i32.trunc_f64_s (local.get $b)))))
  (func (export "kept") (result i32)
    (i32.const 100000)
    (i32.const 200000)
    (block $on (result i32 (ref $k))
      (resume $k (on $t $on) (i32.const 3) (cont.new $k (ref.func $body)))
      (unreachable))
    (resume $k)
    (i32.add)
    (i32.add))
)

(assert_return (invoke "kept") (i32.const 311009))
