;;! features = "3.0"
;;! reason = "relaxed vector instructions are part of 3.0"

;; If a relaxed instruction allows several results, a global parameter of its family selects one
;; (section 4.3.6, "Relaxed Operations"): the result is one of those allowed, and the choice is the
;; same for every shape of the family and everywhere in the code.

;; R_laneselect: select by each bit, or by the top bit of the lane. A mask of 0x0080 sets the top
;; bit of a byte, but not of its 16-bit lane.
(module
  (func (export "select8") (param v128 v128 v128) (result v128)
    (i8x16.relaxed_laneselect (local.get 0) (local.get 1) (local.get 2)))
  (func (export "select16") (param v128 v128 v128) (result v128)
    (i16x8.relaxed_laneselect (local.get 0) (local.get 1) (local.get 2)))
  (func (export "select32") (param v128 v128 v128) (result v128)
    (i32x4.relaxed_laneselect (local.get 0) (local.get 1) (local.get 2)))
  (func (export "select64") (param v128 v128 v128) (result v128)
    (i64x2.relaxed_laneselect (local.get 0) (local.get 1) (local.get 2)))
  ;; Ones against zeros, with only the top bit in the mask: 0x80.. if each bit selects itself, all
  ;; ones if the lane is selected.
  (func $choice8 (export "choice8") (result i32)
    (i8x16.extract_lane_s 0
      (i8x16.relaxed_laneselect (v128.const i64x2 -1 -1) (v128.const i64x2 0 0) (i8x16.splat (i32.const 0x80)))))
  (func $choice16 (result i32)
    (i16x8.extract_lane_s 7
      (i16x8.relaxed_laneselect (v128.const i64x2 -1 -1) (v128.const i64x2 0 0) (i16x8.splat (i32.const 0x8000)))))
  (func $choice32 (result i32)
    (i32x4.extract_lane 2
      (i32x4.relaxed_laneselect (v128.const i64x2 -1 -1) (v128.const i64x2 0 0) (i32x4.splat (i32.const 0x8000_0000)))))
  (func $choice64 (result i64)
    (i64x2.extract_lane 1
      (i64x2.relaxed_laneselect (v128.const i64x2 -1 -1) (v128.const i64x2 0 0)
        (i64x2.splat (i64.const 0x8000_0000_0000_0000)))))
  (func (export "one choice") (result i32)
    (local $by_lane i32)
    (local.set $by_lane (i32.eq (call $choice8) (i32.const -1)))
    (i32.and
      (i32.and
        (i32.eq (local.get $by_lane) (i32.eq (call $choice16) (i32.const -1)))
        (i32.eq (local.get $by_lane) (i32.eq (call $choice32) (i32.const -1))))
      (i32.eq (local.get $by_lane) (i64.eq (call $choice64) (i64.const -1)))))
  ;; The same operation with a mask that the compiler knows and with one that it does not.
  (func (export "constant and variable") (param v128) (result i32)
    (i8x16.all_true
      (i8x16.eq
        (i16x8.relaxed_laneselect (v128.const i64x2 0x1234_5678_9abc_def0 -1) (v128.const i64x2 0 77)
          (v128.const i16x8 0x80 0x8000 0xff00 0x00ff 0x7fff 0 -1 0x80))
        (i16x8.relaxed_laneselect (v128.const i64x2 0x1234_5678_9abc_def0 -1) (v128.const i64x2 0 77)
          (local.get 0))))))

(assert_return (invoke "choice8") (either (i32.const -1) (i32.const -128)))
(assert_return (invoke "one choice") (i32.const 1))
(assert_return (invoke "constant and variable" (v128.const i16x8 0x80 0x8000 0xff00 0x00ff 0x7fff 0 -1 0x80)) (i32.const 1))
(assert_return
  (invoke "select16" (v128.const i64x2 -1 -1) (v128.const i64x2 0 0) (v128.const i16x8 0x80 0x80 0x80 0x80 0x80 0x80 0x80 0x80))
  (either (v128.const i16x8 0x80 0x80 0x80 0x80 0x80 0x80 0x80 0x80) (v128.const i64x2 0 0)))
(assert_return
  (invoke "select32" (v128.const i64x2 -1 -1) (v128.const i64x2 0 0) (v128.const i32x4 0x80 0x8000 0x80_0000 0x7fff_ffff))
  (either (v128.const i32x4 0x80 0x8000 0x80_0000 0x7fff_ffff) (v128.const i64x2 0 0)))
(assert_return
  (invoke "select64" (v128.const i64x2 -1 -1) (v128.const i64x2 0 0) (v128.const i64x2 0x8000_0000 0x7fff_ffff_ffff_ffff))
  (either (v128.const i64x2 0x8000_0000 0x7fff_ffff_ffff_ffff) (v128.const i64x2 0 0)))
(assert_return
  (invoke "select8" (v128.const i64x2 -1 -1) (v128.const i64x2 0 0) (v128.const i64x2 0x7f01_0040_2010_0804 0))
  (either (v128.const i64x2 0x7f01_0040_2010_0804 0) (v128.const i64x2 0 0)))
;; A mask whose lanes are all ones or all zeros leaves no choice.
(assert_return
  (invoke "select16" (v128.const i64x2 1 2) (v128.const i64x2 3 4) (v128.const i16x8 -1 -1 -1 -1 0 0 0 0))
  (v128.const i64x2 1 4))

;; R_idot: the second operand is signed or unsigned. Adjacent products are added with saturation to
;; 16 bits; the instruction with an addend adds pairs of these sums exactly, which makes the choices
;; distinguishable.
(module
  (func $dot (export "dot") (param v128 v128) (result v128)
    (i16x8.relaxed_dot_i8x16_i7x16_s (local.get 0) (local.get 1)))
  (func $dot_add (export "dot and add") (param v128 v128 v128) (result v128)
    (i32x4.relaxed_dot_i8x16_i7x16_add_s (local.get 0) (local.get 1) (local.get 2)))
  (func (export "both agree") (param v128 v128 v128) (result i32)
    (i32x4.all_true
      (i32x4.eq
        (call $dot_add (local.get 0) (local.get 1) (local.get 2))
        (i32x4.add
          (i32x4.extadd_pairwise_i16x8_s (call $dot (local.get 0) (local.get 1)))
          (local.get 2))))))

;; -128 * -128 twice is 32768, which overflows; times 128 it is -32768, which fits.
(assert_return (invoke "dot" (v128.const i64x2 0x8080_8080_8080_8080 0x8080_8080_8080_8080) (v128.const i64x2 0x8080_8080_8080_8080 0))
  (either
    (v128.const i16x8 32767 32767 32767 32767 0 0 0 0)
    (v128.const i16x8 -32768 -32768 -32768 -32768 0 0 0 0)))
(assert_return (invoke "dot" (v128.const i64x2 0x8080_8080_8080_8080 0) (v128.const i64x2 0x7f7f_7f7f_7f7f_7f7f 0))
  (v128.const i16x8 -32512 -32512 -32512 -32512 0 0 0 0))
(assert_return
  (invoke "dot and add" (v128.const i64x2 0x8080_8080_8080_8080 0) (v128.const i64x2 0x8080_8080_8080_8080 0)
    (v128.const i32x4 1 0 0x7fff_ffff 0x8000_0000))
  (either
    (v128.const i32x4 65535 65534 0x7fff_ffff 0x8000_0000)
    (v128.const i32x4 -65535 -65536 0x7fff_ffff 0x8000_0000)))
;; The last addition wraps and does not saturate.
(assert_return
  (invoke "dot and add" (v128.const i64x2 0x7f7f_7f7f 0x8080_8080) (v128.const i64x2 0x7f7f_7f7f 0x7f7f_7f7f)
    (v128.const i32x4 0x7fff_ffff 0 0x8000_0000 0))
  (v128.const i32x4 0x8000_fc03 0 0x7fff_0200 0))
(assert_return
  (invoke "both agree" (v128.const i64x2 0x8080_8080_8080_8080 0x8080_7f7f_8181_8080)
    (v128.const i64x2 0x8080_8080_8080_8080 0x8080_8080_ffff_ff7f) (v128.const i32x4 1 -1 0x7fff_ffff 0))
  (i32.const 1))
(assert_return
  (invoke "both agree" (v128.const i8x16 -1 2 -3 4 -5 6 -7 8 127 -128 127 -128 127 -128 127 -128)
    (v128.const i8x16 -1 -2 -3 -4 5 6 7 8 -128 -128 127 127 -127 127 -1 1) (v128.const i64x2 0 0))
  (i32.const 1))

;; R_trunc_s and R_trunc_u: for values out of range saturate, and for NaN return zero, or return the
;; machine's own value.
(module
  (func $trunc32_s (export "trunc32_s") (param v128) (result v128) (i32x4.relaxed_trunc_f32x4_s (local.get 0)))
  (func $trunc64_s (export "trunc64_s") (param v128) (result v128) (i32x4.relaxed_trunc_f64x2_s_zero (local.get 0)))
  (func $trunc32_u (export "trunc32_u") (param v128) (result v128) (i32x4.relaxed_trunc_f32x4_u (local.get 0)))
  (func $trunc64_u (export "trunc64_u") (param v128) (result v128) (i32x4.relaxed_trunc_f64x2_u_zero (local.get 0)))
  ;; Whether the instructions for two float types agree on the same number in each lane.
  (func (export "signed agree") (param f32) (result i32)
    (i64.eq
      (i64x2.extract_lane 0 (call $trunc32_s (f32x4.splat (local.get 0))))
      (i64x2.extract_lane 0 (call $trunc64_s (f64x2.splat (f64.promote_f32 (local.get 0)))))))
  ;; The same numbers as a constant, which a compiler may fold, and as a parameter, which it cannot.
  (func (export "constant and variable") (param v128 v128) (result i32)
    (i32.and
      (i32x4.all_true (i32x4.eq (call $trunc32_u (local.get 0))
        (i32x4.relaxed_trunc_f32x4_u (v128.const f32x4 nan -1 4294967296 -inf))))
      (i32x4.all_true (i32x4.eq (call $trunc64_u (local.get 1))
        (i32x4.relaxed_trunc_f64x2_u_zero (v128.const f64x2 -2 1e300)))))))

(assert_return (invoke "trunc32_s" (v128.const f32x4 -2147483648 2147483520 -1.9 0x1p-149))
  (v128.const i32x4 -2147483648 2147483520 -1 0))
(assert_return (invoke "trunc64_s" (v128.const f64x2 -2147483648.9 2147483647.9))
  (v128.const i32x4 -2147483648 2147483647 0 0))
(assert_return (invoke "trunc32_u" (v128.const f32x4 4294967040 2147483648 0.9 -0.9))
  (v128.const i32x4 4294967040 2147483648 0 0))
(assert_return (invoke "trunc64_u" (v128.const f64x2 4294967295.9 2147483648)) (v128.const i32x4 4294967295 2147483648 0 0))
(assert_return (invoke "trunc32_s" (v128.const f32x4 nan -nan:0x200000 inf 2147483648))
  (either
    (v128.const i32x4 0 0 0x7fff_ffff 0x7fff_ffff)
    (v128.const i32x4 0x8000_0000 0x8000_0000 0x8000_0000 0x8000_0000)))
(assert_return (invoke "trunc64_s" (v128.const f64x2 nan 2147483648))
  (either (v128.const i32x4 0 0x7fff_ffff 0 0) (v128.const i32x4 0x8000_0000 0x8000_0000 0 0)))
(assert_return (invoke "trunc64_s" (v128.const f64x2 -inf -2147483649)) (v128.const i32x4 0x8000_0000 0x8000_0000 0 0))
(assert_return (invoke "signed agree" (f32.const nan)) (i32.const 1))
(assert_return (invoke "signed agree" (f32.const inf)) (i32.const 1))
(assert_return (invoke "signed agree" (f32.const 2147483648)) (i32.const 1))
(assert_return (invoke "signed agree" (f32.const -2147483904)) (i32.const 1))
(assert_return
  (invoke "constant and variable" (v128.const f32x4 nan -1 4294967296 -inf) (v128.const f64x2 -2 1e300))
  (i32.const 1))

;; R_fmadd, R_fmin and R_fmax choose for both float types, R_swizzle for every index, R_iq15mulr for
;; every lane.
(module
  (func $fused32 (export "fused32") (result i32)
    ;; (1 + 2^-12) * (1 - 2^-12) - 1 is exactly -2^-24, or 0 if the product is rounded first.
    (f32.ne (f32.const 0)
      (f32x4.extract_lane 3
        (f32x4.relaxed_madd (f32x4.splat (f32.const 0x1.001p+0)) (f32x4.splat (f32.const 0x1.ffep-1))
          (f32x4.splat (f32.const -1))))))
  (func $negated32 (result i32)
    (f32.ne (f32.const 0)
      (f32x4.extract_lane 0
        (f32x4.relaxed_nmadd (f32x4.splat (f32.const 0x1.001p+0)) (f32x4.splat (f32.const 0x1.ffep-1))
          (f32x4.splat (f32.const 1))))))
  (func $fused64 (result i32)
    ;; The same with 2^-27.
    (f64.ne (f64.const 0)
      (f64x2.extract_lane 1
        (f64x2.relaxed_madd (f64x2.splat (f64.const 0x1.0000002p+0)) (f64x2.splat (f64.const 0x1.ffffffcp-1))
          (f64x2.splat (f64.const -1))))))
  (func (export "fused alike") (result i32)
    (i32.and (i32.eq (call $fused32) (call $fused64)) (i32.eq (call $fused32) (call $negated32))))

  ;; The cases of a minimum: the signs of min(-0, +0) and min(+0, -0), and whether a NaN on either
  ;; side propagates.
  (func $cases32 (param v128) (result i32)
    (i32.or
      (i32.and (i32x4.bitmask (local.get 0)) (i32.const 3))
      (i32.and (i32x4.bitmask (f32x4.ne (local.get 0) (local.get 0))) (i32.const 12))))
  (func $cases64 (param v128 v128) (result i32)
    (i32.or
      (i64x2.bitmask (local.get 0))
      (i32.shl (i64x2.bitmask (f64x2.ne (local.get 1) (local.get 1))) (i32.const 2))))
  (func (export "minima alike") (param v128 v128 v128 v128 v128 v128) (result i32)
    (i32.eq
      (call $cases32 (f32x4.relaxed_min (local.get 0) (local.get 1)))
      (call $cases64 (f64x2.relaxed_min (local.get 2) (local.get 3)) (f64x2.relaxed_min (local.get 4) (local.get 5)))))
  (func (export "maxima alike") (param v128 v128 v128 v128 v128 v128) (result i32)
    (i32.eq
      (call $cases32 (f32x4.relaxed_max (local.get 0) (local.get 1)))
      (call $cases64 (f64x2.relaxed_max (local.get 2) (local.get 3)) (f64x2.relaxed_max (local.get 4) (local.get 5)))))
  (func (export "swizzle") (param v128 v128) (result v128) (i8x16.relaxed_swizzle (local.get 0) (local.get 1)))
  (func (export "q15mulr") (param v128 v128) (result v128) (i16x8.relaxed_q15mulr_s (local.get 0) (local.get 1))))

(assert_return (invoke "fused32") (either (i32.const 0) (i32.const 1)))
(assert_return (invoke "fused alike") (i32.const 1))
(assert_return
  (invoke "minima alike" (v128.const f32x4 -0 0 nan 1) (v128.const f32x4 0 -0 1 nan)
    (v128.const f64x2 -0 0) (v128.const f64x2 0 -0) (v128.const f64x2 nan 1) (v128.const f64x2 1 nan))
  (i32.const 1))
(assert_return
  (invoke "maxima alike" (v128.const f32x4 -0 0 nan 1) (v128.const f32x4 0 -0 1 nan)
    (v128.const f64x2 -0 0) (v128.const f64x2 0 -0) (v128.const f64x2 nan 1) (v128.const f64x2 1 nan))
  (i32.const 1))
(assert_return
  (invoke "swizzle" (v128.const i8x16 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25)
    (v128.const i8x16 0 15 16 31 32 127 112 64 128 129 143 240 255 192 1 14))
  (either
    (v128.const i8x16 10 25 0 0 0 0 0 0 0 0 0 0 0 0 11 24)
    (v128.const i8x16 10 25 10 25 10 25 10 10 0 0 0 0 0 0 11 24)))
(assert_return
  (invoke "q15mulr" (v128.const i16x8 -32768 -32768 32767 1 -32768 16384 -1 -32768)
    (v128.const i16x8 -32768 32767 32767 16384 -32768 1 -1 0))
  (either
    (v128.const i16x8 32767 -32767 32766 1 32767 1 0 0)
    (v128.const i16x8 -32768 -32767 32766 1 -32768 1 0 0)))
