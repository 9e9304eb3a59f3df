;;! features = "3.0"
;;! reason = "tail calls and typed references are part of 3.0"

;; Results that do not fit into registers reach the outermost caller through any chain of tail calls
;; (section 4.6.5) with equal results and different parameters: direct, indirect, by reference, and
;; into another instance.

(module $other
  (type $many (func (result i32 f64 i64 f32 v128 i32 f64 i64 f32 v128 i32 f64
      i64 f32 v128 i32 f64 i64 f32 v128 i32 f64 i64 f32)))
  (memory 1)
  (data (i32.const 0) "\2a")
  (func $first (result i32) (i32.load8_u (i32.const 0)))
  (func (export "other") (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i32 f64 i64 f32 v128 i32 f64 i64 f32 v128 i32 f64
      i64 f32 v128 i32 f64 i64 f32 v128 i32 f64 i64 f32)
    (call $first)
    (f64.const 4) (i64.const 7) (f32.const 10) (v128.const i32x4 4 104 204 304) (i32.const 16) (f64.const 19)
    (i64.const 22) (f32.const 25) (v128.const i32x4 9 109 209 309) (i32.const 31) (f64.const 34) (i64.const 37)
    (f32.const 40) (v128.const i32x4 14 114 214 314) (i32.const 46) (f64.const 49) (i64.const 52) (f32.const 55)
    (v128.const i32x4 19 119 219 319) (i32.const 61) (f64.const 64) (i64.const 67) (f32.const 70)))
(register "other" $other)

(module
  (type $many (func (param i32) (result i32 f64 i64 f32 v128 i32 f64 i64 f32 v128 i32 f64
      i64 f32 v128 i32 f64 i64 f32 v128 i32 f64 i64 f32)))
  (type $more (func (param f64 f64 i64 i64 i64 i64 i64 i64 i64 i64 v128 i32) (result i32 f64 i64 f32 v128 i32 f64 i64 f32 v128 i32 f64
      i64 f32 v128 i32 f64 i64 f32 v128 i32 f64 i64 f32)))
  (import "other" "other"
    (func $other (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i32 f64 i64 f32 v128 i32 f64 i64 f32 v128 i32 f64
      i64 f32 v128 i32 f64 i64 f32 v128 i32 f64 i64 f32)))
  (memory 1)
  (data (i32.const 0) "\63")
  (table funcref (elem $count $more))
  (elem declare func $last)

  ;; Counts down through itself and a wider function, then returns the results.
  (func $count (export "count") (type $many)
    (if (i32.eqz (local.get 0)) (then (return_call $last (i32.const 1))))
    (return_call_indirect (type $more) (f64.const 1) (f64.const 2) (i64.const 3) (i64.const 4) (i64.const 5)
      (i64.const 6) (i64.const 7) (i64.const 8) (i64.const 9) (i64.const 10) (v128.const i64x2 11 12)
      (i32.sub (local.get 0) (i32.const 1)) (i32.const 1)))
  (func $more (type $more)
    (if (i32.eqz (local.get 11)) (then (return_call_ref $many (i32.const 1) (ref.func $last))))
    (return_call $count (i32.sub (local.get 11) (i32.const 1))))
  (func $last (type $many)
    (local.get 0)
    (f64.const 4) (i64.const 7) (f32.const 10) (v128.const i32x4 4 104 204 304) (i32.const 16) (f64.const 19)
    (i64.const 22) (f32.const 25) (v128.const i32x4 9 109 209 309) (i32.const 31) (f64.const 34) (i64.const 37)
    (f32.const 40) (v128.const i32x4 14 114 214 314) (i32.const 46) (f64.const 49) (i64.const 52) (f32.const 55)
    (v128.const i32x4 19 119 219 319) (i32.const 61) (f64.const 64) (i64.const 67) (f32.const 70))

  (func $elsewhere (export "elsewhere") (type $many)
    (if (i32.eqz (local.get 0))
      (then (return_call $other (i64.const 0) (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4) (i64.const 5)
        (i64.const 6) (i64.const 7) (i64.const 8) (i64.const 9))))
    (return_call $elsewhere (i32.sub (local.get 0) (i32.const 1))))

  ;; The first result comes from the other instance's memory; after the call this instance's memory
  ;; is used again.
  (func (export "and back") (result i32 i32)
    (local $first i32)
    (call $elsewhere (i32.const 3))
    (drop) (drop) (drop) (drop) (drop) (drop) (drop) (drop) (drop) (drop) (drop) (drop) (drop) (drop) (drop) (drop)
    (drop) (drop) (drop) (drop) (drop) (drop) (drop)
    (i32.load8_u (i32.const 0)))

  ;; Two chains, one in the caller of the other, whose results are adjacent.
  (func (export "twice") (param i32) (result i64)
    (call $second (call $count (local.get 0)))
    (call $second (call $count (i32.add (local.get 0) (i32.const 1))))
    (i64.add))
  (func $second (param i32 f64 i64 f32 v128 i32 f64 i64 f32 v128 i32 f64
      i64 f32 v128 i32 f64 i64 f32 v128 i32 f64 i64 f32) (result i64)
    (i64.add (local.get 2) (i64.trunc_f64_s (local.get 1)))))

(assert_return (invoke "count" (i32.const 0))
  (i32.const 1) (f64.const 4) (i64.const 7) (f32.const 10) (v128.const i32x4 4 104 204 304) (i32.const 16)
  (f64.const 19) (i64.const 22) (f32.const 25) (v128.const i32x4 9 109 209 309) (i32.const 31) (f64.const 34)
  (i64.const 37) (f32.const 40) (v128.const i32x4 14 114 214 314) (i32.const 46) (f64.const 49) (i64.const 52)
  (f32.const 55) (v128.const i32x4 19 119 219 319) (i32.const 61) (f64.const 64) (i64.const 67) (f32.const 70))
(assert_return (invoke "count" (i32.const 1))
  (i32.const 1) (f64.const 4) (i64.const 7) (f32.const 10) (v128.const i32x4 4 104 204 304) (i32.const 16)
  (f64.const 19) (i64.const 22) (f32.const 25) (v128.const i32x4 9 109 209 309) (i32.const 31) (f64.const 34)
  (i64.const 37) (f32.const 40) (v128.const i32x4 14 114 214 314) (i32.const 46) (f64.const 49) (i64.const 52)
  (f32.const 55) (v128.const i32x4 19 119 219 319) (i32.const 61) (f64.const 64) (i64.const 67) (f32.const 70))
(assert_return (invoke "count" (i32.const 2))
  (i32.const 1) (f64.const 4) (i64.const 7) (f32.const 10) (v128.const i32x4 4 104 204 304) (i32.const 16)
  (f64.const 19) (i64.const 22) (f32.const 25) (v128.const i32x4 9 109 209 309) (i32.const 31) (f64.const 34)
  (i64.const 37) (f32.const 40) (v128.const i32x4 14 114 214 314) (i32.const 46) (f64.const 49) (i64.const 52)
  (f32.const 55) (v128.const i32x4 19 119 219 319) (i32.const 61) (f64.const 64) (i64.const 67) (f32.const 70))
(assert_return (invoke "count" (i32.const 3))
  (i32.const 1) (f64.const 4) (i64.const 7) (f32.const 10) (v128.const i32x4 4 104 204 304) (i32.const 16)
  (f64.const 19) (i64.const 22) (f32.const 25) (v128.const i32x4 9 109 209 309) (i32.const 31) (f64.const 34)
  (i64.const 37) (f32.const 40) (v128.const i32x4 14 114 214 314) (i32.const 46) (f64.const 49) (i64.const 52)
  (f32.const 55) (v128.const i32x4 19 119 219 319) (i32.const 61) (f64.const 64) (i64.const 67) (f32.const 70))
(assert_return (invoke "count" (i32.const 1000))
  (i32.const 1) (f64.const 4) (i64.const 7) (f32.const 10) (v128.const i32x4 4 104 204 304) (i32.const 16)
  (f64.const 19) (i64.const 22) (f32.const 25) (v128.const i32x4 9 109 209 309) (i32.const 31) (f64.const 34)
  (i64.const 37) (f32.const 40) (v128.const i32x4 14 114 214 314) (i32.const 46) (f64.const 49) (i64.const 52)
  (f32.const 55) (v128.const i32x4 19 119 219 319) (i32.const 61) (f64.const 64) (i64.const 67) (f32.const 70))
(assert_return (invoke "count" (i32.const 1000001))
  (i32.const 1) (f64.const 4) (i64.const 7) (f32.const 10) (v128.const i32x4 4 104 204 304) (i32.const 16)
  (f64.const 19) (i64.const 22) (f32.const 25) (v128.const i32x4 9 109 209 309) (i32.const 31) (f64.const 34)
  (i64.const 37) (f32.const 40) (v128.const i32x4 14 114 214 314) (i32.const 46) (f64.const 49) (i64.const 52)
  (f32.const 55) (v128.const i32x4 19 119 219 319) (i32.const 61) (f64.const 64) (i64.const 67) (f32.const 70))
(assert_return (invoke "elsewhere" (i32.const 0))
  (i32.const 42) (f64.const 4) (i64.const 7) (f32.const 10) (v128.const i32x4 4 104 204 304) (i32.const 16)
  (f64.const 19) (i64.const 22) (f32.const 25) (v128.const i32x4 9 109 209 309) (i32.const 31) (f64.const 34)
  (i64.const 37) (f32.const 40) (v128.const i32x4 14 114 214 314) (i32.const 46) (f64.const 49) (i64.const 52)
  (f32.const 55) (v128.const i32x4 19 119 219 319) (i32.const 61) (f64.const 64) (i64.const 67) (f32.const 70))
(assert_return (invoke "elsewhere" (i32.const 100000))
  (i32.const 42) (f64.const 4) (i64.const 7) (f32.const 10) (v128.const i32x4 4 104 204 304) (i32.const 16)
  (f64.const 19) (i64.const 22) (f32.const 25) (v128.const i32x4 9 109 209 309) (i32.const 31) (f64.const 34)
  (i64.const 37) (f32.const 40) (v128.const i32x4 14 114 214 314) (i32.const 46) (f64.const 49) (i64.const 52)
  (f32.const 55) (v128.const i32x4 19 119 219 319) (i32.const 61) (f64.const 64) (i64.const 67) (f32.const 70))
(assert_return (invoke "and back") (i32.const 42) (i32.const 99))
(assert_return (invoke "twice" (i32.const 7)) (i64.const 22))
