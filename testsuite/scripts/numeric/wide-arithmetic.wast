;;! features = "3.0,wide-arithmetic"
;;! reason = "wide arithmetic is a proposal"

;; 128-bit sums, differences and products in two 64-bit halves, low before high (proposal "Wide
;; Arithmetic"): carries and borrows between the halves, signs of products, and results that are
;; used in part, swapped, or as operands of the next operation.

(module
  (func (export "add") (param i64 i64 i64 i64) (result i64 i64)
    (i64.add128 (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
  (func (export "sub") (param i64 i64 i64 i64) (result i64 i64)
    (i64.sub128 (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
  (func (export "mul_s") (param i64 i64) (result i64 i64) (i64.mul_wide_s (local.get 0) (local.get 1)))
  (func (export "mul_u") (param i64 i64) (result i64 i64) (i64.mul_wide_u (local.get 0) (local.get 1)))

  ;; a + b - b is a, even on overflow.
  (func (export "there and back") (param i64 i64 i64 i64) (result i64 i64)
    (i64.sub128 (i64.add128 (local.get 0) (local.get 1) (local.get 2) (local.get 3)) (local.get 2) (local.get 3)))
  ;; Only the high half is used: the low one must not remain on the stack, and its carry must not be
  ;; lost.
  (func (export "carry") (param i64 i64) (result i64)
    (local $high i64)
    (i64.add128 (local.get 0) (i64.const 0) (local.get 1) (i64.const 0))
    (local.set $high) (drop) (local.get $high))
  (func (export "borrow") (param i64 i64) (result i64)
    (local $high i64)
    (i64.sub128 (local.get 0) (i64.const 0) (local.get 1) (i64.const 0))
    (local.set $high) (drop) (local.get $high))
  ;; The signed product from the unsigned one: high - (a < 0 ? b : 0) - (b < 0 ? a : 0).
  (func (export "signed by unsigned") (param i64 i64) (result i64 i64)
    (local $high i64)
    (i64.mul_wide_u (local.get 0) (local.get 1))
    (local.set $high)
    (i64.sub (i64.sub (local.get $high)
      (i64.and (local.get 1) (i64.shr_s (local.get 0) (i64.const 63))))
      (i64.and (local.get 0) (i64.shr_s (local.get 1) (i64.const 63)))))
  ;; The sum of n squares, with the accumulator in locals across a loop.
  (func (export "sum of squares") (param i64 i32) (result i64 i64)
    (local $low i64) (local $high i64)
    (loop $again
      (i64.add128 (local.get $low) (local.get $high) (i64.mul_wide_u (local.get 0) (local.get 0)))
      (local.set $high) (local.set $low)
      (br_if $again (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))))
    (local.get $low) (local.get $high))
  ;; 21! exceeds 64 bits, 34! needs 128: a 128-bit product by a 64-bit factor.
  (func (export "factorial") (param i64) (result i64 i64)
    (local $low i64) (local $high i64) (local $carry i64)
    (local.set $low (i64.const 1))
    (loop $again
      (i64.mul_wide_u (local.get $low) (local.get 0))
      (local.set $carry)
      (local.set $low)
      (local.set $high (i64.add (i64.mul (local.get $high) (local.get 0)) (local.get $carry)))
      (br_if $again (i32.eqz (i64.eqz (local.tee 0 (i64.sub (local.get 0) (i64.const 1)))))))
    (local.get $low) (local.get $high)))

(assert_return (invoke "add" (i64.const -1) (i64.const -1) (i64.const 1) (i64.const 0)) (i64.const 0) (i64.const 0))
(assert_return (invoke "add" (i64.const -1) (i64.const 0x7fff_ffff_ffff_ffff) (i64.const 1) (i64.const 0))
  (i64.const 0) (i64.const 0x8000_0000_0000_0000))
(assert_return (invoke "add" (i64.const 0x8000_0000_0000_0000) (i64.const 1) (i64.const 0x8000_0000_0000_0000) (i64.const 2))
  (i64.const 0) (i64.const 4))
(assert_return (invoke "add" (i64.const 0x7fff_ffff_ffff_ffff) (i64.const 0) (i64.const 1) (i64.const 0))
  (i64.const 0x8000_0000_0000_0000) (i64.const 0))
(assert_return (invoke "sub" (i64.const 0) (i64.const 0) (i64.const 1) (i64.const 0)) (i64.const -1) (i64.const -1))
(assert_return (invoke "sub" (i64.const 0) (i64.const 0x8000_0000_0000_0000) (i64.const 1) (i64.const 0))
  (i64.const -1) (i64.const 0x7fff_ffff_ffff_ffff))
(assert_return (invoke "sub" (i64.const 5) (i64.const 7) (i64.const 5) (i64.const 7)) (i64.const 0) (i64.const 0))
(assert_return (invoke "sub" (i64.const 1) (i64.const 0) (i64.const 2) (i64.const -1)) (i64.const -1) (i64.const 0))

(assert_return (invoke "mul_s" (i64.const 0x8000_0000_0000_0000) (i64.const 0x8000_0000_0000_0000))
  (i64.const 0) (i64.const 0x4000_0000_0000_0000))
(assert_return (invoke "mul_u" (i64.const 0x8000_0000_0000_0000) (i64.const 0x8000_0000_0000_0000))
  (i64.const 0) (i64.const 0x4000_0000_0000_0000))
(assert_return (invoke "mul_s" (i64.const 0x8000_0000_0000_0000) (i64.const -1)) (i64.const 0x8000_0000_0000_0000) (i64.const 0))
(assert_return (invoke "mul_u" (i64.const 0x8000_0000_0000_0000) (i64.const -1))
  (i64.const 0x8000_0000_0000_0000) (i64.const 0x7fff_ffff_ffff_ffff))
(assert_return (invoke "mul_s" (i64.const 0x8000_0000_0000_0000) (i64.const 1)) (i64.const 0x8000_0000_0000_0000) (i64.const -1))
(assert_return (invoke "mul_s" (i64.const -1) (i64.const -1)) (i64.const 1) (i64.const 0))
(assert_return (invoke "mul_u" (i64.const -1) (i64.const -1)) (i64.const 1) (i64.const -2))
(assert_return (invoke "mul_s" (i64.const 0x7fff_ffff_ffff_ffff) (i64.const 0x7fff_ffff_ffff_ffff))
  (i64.const 1) (i64.const 0x3fff_ffff_ffff_ffff))
(assert_return (invoke "mul_s" (i64.const -3) (i64.const 5)) (i64.const -15) (i64.const -1))
(assert_return (invoke "mul_u" (i64.const 0x1_0000_0001) (i64.const 0x1_0000_0001)) (i64.const 0x2_0000_0001) (i64.const 1))

(assert_return (invoke "there and back" (i64.const 3) (i64.const -1) (i64.const -2) (i64.const 1)) (i64.const 3) (i64.const -1))
(assert_return (invoke "there and back" (i64.const -1) (i64.const 0x7fff_ffff_ffff_ffff) (i64.const 1) (i64.const 0x7fff_ffff_ffff_ffff))
  (i64.const -1) (i64.const 0x7fff_ffff_ffff_ffff))
(assert_return (invoke "carry" (i64.const -1) (i64.const 1)) (i64.const 1))
(assert_return (invoke "carry" (i64.const -2) (i64.const 1)) (i64.const 0))
(assert_return (invoke "borrow" (i64.const 0) (i64.const 1)) (i64.const -1))
(assert_return (invoke "borrow" (i64.const 1) (i64.const 1)) (i64.const 0))
(assert_return (invoke "borrow" (i64.const -1) (i64.const 1)) (i64.const 0))
(assert_return (invoke "signed by unsigned" (i64.const -3) (i64.const 5)) (i64.const -15) (i64.const -1))
(assert_return (invoke "signed by unsigned" (i64.const -3) (i64.const -5)) (i64.const 15) (i64.const 0))
(assert_return (invoke "sum of squares" (i64.const -1) (i32.const 1)) (i64.const 1) (i64.const -2))
(assert_return (invoke "sum of squares" (i64.const 0xffff_ffff) (i32.const 1000)) (i64.const 0xfffff830000003e8) (i64.const 0x3e7))
(assert_return (invoke "factorial" (i64.const 20)) (i64.const 2432902008176640000) (i64.const 0))
(assert_return (invoke "factorial" (i64.const 30)) (i64.const 0x865df5dd54000000) (i64.const 0xd13f6370f96))
(assert_return (invoke "factorial" (i64.const 34)) (i64.const 0x445da75b00000000) (i64.const 0xde1bc4d19efcac82))

(assert_invalid
  (module (func (result i64) (i64.add128 (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0)))) "type mismatch")
(assert_invalid (module (func (result i64 i64) (i64.mul_wide_s (i64.const 0) (i32.const 0)))) "type mismatch")
(assert_invalid (module (func (result i64 i64) (i64.sub128 (i64.const 0) (i64.const 0) (i64.const 0)))) "type mismatch")
