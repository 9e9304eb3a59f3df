;;! features = "3.0"

;; Relaxed instructions on operands for which all choices agree (core spec, section 4.3.6), so that
;; an engine may choose as it likes and has to give this.

(module
  (func (export "f32x4.relaxed_min") (param v128 v128) (result v128) (f32x4.relaxed_min (local.get 0) (local.get 1)))
  (func (export "f32x4.relaxed_max") (param v128 v128) (result v128) (f32x4.relaxed_max (local.get 0) (local.get 1)))
  (func (export "f64x2.relaxed_min") (param v128 v128) (result v128) (f64x2.relaxed_min (local.get 0) (local.get 1)))
  (func (export "f64x2.relaxed_max") (param v128 v128) (result v128) (f64x2.relaxed_max (local.get 0) (local.get 1)))
  (func (export "i32x4.relaxed_trunc_f32x4_s") (param v128) (result v128) (i32x4.relaxed_trunc_f32x4_s (local.get 0)))
  (func (export "i32x4.relaxed_trunc_f32x4_u") (param v128) (result v128) (i32x4.relaxed_trunc_f32x4_u (local.get 0)))
  (func (export "i32x4.relaxed_trunc_f64x2_s_zero") (param v128) (result v128) (i32x4.relaxed_trunc_f64x2_s_zero (local.get 0)))
  (func (export "i32x4.relaxed_trunc_f64x2_u_zero") (param v128) (result v128) (i32x4.relaxed_trunc_f64x2_u_zero (local.get 0)))
  (func (export "i16x8.relaxed_q15mulr_s") (param v128 v128) (result v128) (i16x8.relaxed_q15mulr_s (local.get 0) (local.get 1))))

(assert_return (invoke "f32x4.relaxed_min" (v128.const f32x4 1 -4 2 8) (v128.const f32x4 3 -5 2 -8)) (v128.const f32x4 1 -5 2 -8))
(assert_return (invoke "f32x4.relaxed_max" (v128.const f32x4 1 -4 2 8) (v128.const f32x4 3 -5 2 -8)) (v128.const f32x4 3 -4 2 8))
(assert_return (invoke "f32x4.relaxed_min" (v128.const f32x4 nan 1 1 1) (v128.const f32x4 5 5 5 5))
  (either (v128.const f32x4 nan:arithmetic 1 1 1) (v128.const f32x4 5 1 1 1)))
(assert_return (invoke "f64x2.relaxed_min" (v128.const f64x2 1 -4) (v128.const f64x2 3 -5)) (v128.const f64x2 1 -5))
(assert_return (invoke "f64x2.relaxed_max" (v128.const f64x2 1 -4) (v128.const f64x2 3 -5)) (v128.const f64x2 3 -4))
(assert_return (invoke "f64x2.relaxed_min" (v128.const f64x2 nan 1) (v128.const f64x2 5 5))
  (either (v128.const f64x2 nan:arithmetic 1) (v128.const f64x2 5 1)))
(assert_return (invoke "i32x4.relaxed_trunc_f32x4_s" (v128.const f32x4 -1.5 2.5 -7 100)) (v128.const i32x4 -1 2 -7 100))
(assert_return (invoke "i32x4.relaxed_trunc_f32x4_u" (v128.const f32x4 3000000000 2.5 7 100)) (v128.const i32x4 3000000000 2 7 100))
(assert_return (invoke "i32x4.relaxed_trunc_f64x2_s_zero" (v128.const f64x2 -1.5 2.5)) (v128.const i32x4 -1 2 0 0))
(assert_return (invoke "i32x4.relaxed_trunc_f64x2_u_zero" (v128.const f64x2 3000000000 2.5)) (v128.const i32x4 3000000000 2 0 0))
(assert_return (invoke "i16x8.relaxed_q15mulr_s" (v128.const i16x8 181 181 1 2 3 -181 0 0) (v128.const i16x8 91 181 16384 16384 16384 91 0 0))
  (v128.const i16x8 1 1 1 1 2 -1 0 0))
