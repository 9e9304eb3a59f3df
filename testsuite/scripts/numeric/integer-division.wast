;;! features = "1.0"
;;! reason = "integer division is part of every version"

;; Division and remainder at the edges of their domain: the one signed quotient that overflows, the
;; remainder that does not, zero divisors, and the direction of rounding for each combination of
;; signs.

(module
  (func (export "div_s") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
  (func (export "div_u") (param i32 i32) (result i32) (i32.div_u (local.get 0) (local.get 1)))
  (func (export "rem_s") (param i32 i32) (result i32) (i32.rem_s (local.get 0) (local.get 1)))
  (func (export "rem_u") (param i32 i32) (result i32) (i32.rem_u (local.get 0) (local.get 1)))
  (func (export "div_s64") (param i64 i64) (result i64) (i64.div_s (local.get 0) (local.get 1)))
  (func (export "rem_s64") (param i64 i64) (result i64) (i64.rem_s (local.get 0) (local.get 1)))
  ;; The divisor is a constant: a compiler that folds or strength-reduces must still trap, and only
  ;; when called.
  (func (export "div_s by zero") (param i32) (result i32) (i32.div_s (local.get 0) (i32.const 0)))
  (func (export "rem_s by minus one") (param i32) (result i32) (i32.rem_s (local.get 0) (i32.const -1)))
  ;; The quotient is dropped, but the trap remains.
  (func (export "dropped") (param i32 i32) (drop (i32.div_u (local.get 0) (local.get 1)))))

(assert_trap (invoke "div_s" (i32.const 0x8000_0000) (i32.const -1)) "integer overflow")
(assert_trap (invoke "div_s64" (i64.const 0x8000_0000_0000_0000) (i64.const -1)) "integer overflow")
(assert_return (invoke "rem_s" (i32.const 0x8000_0000) (i32.const -1)) (i32.const 0))
(assert_return (invoke "rem_s64" (i64.const 0x8000_0000_0000_0000) (i64.const -1)) (i64.const 0))
(assert_return (invoke "rem_s by minus one" (i32.const 0x8000_0000)) (i32.const 0))
(assert_return (invoke "div_u" (i32.const 0x8000_0000) (i32.const -1)) (i32.const 0))
(assert_return (invoke "rem_u" (i32.const 0x8000_0000) (i32.const -1)) (i32.const 0x8000_0000))

(assert_trap (invoke "div_s" (i32.const 1) (i32.const 0)) "integer divide by zero")
(assert_trap (invoke "div_u" (i32.const 0) (i32.const 0)) "integer divide by zero")
(assert_trap (invoke "rem_s" (i32.const 0x8000_0000) (i32.const 0)) "integer divide by zero")
(assert_trap (invoke "rem_u" (i32.const 7) (i32.const 0)) "integer divide by zero")
(assert_trap (invoke "div_s by zero" (i32.const 7)) "integer divide by zero")
(assert_trap (invoke "dropped" (i32.const 7) (i32.const 0)) "integer divide by zero")
(assert_return (invoke "dropped" (i32.const 7) (i32.const 1)))

(assert_return (invoke "div_s" (i32.const -7) (i32.const 2)) (i32.const -3))
(assert_return (invoke "div_s" (i32.const 7) (i32.const -2)) (i32.const -3))
(assert_return (invoke "rem_s" (i32.const -7) (i32.const 2)) (i32.const -1))
(assert_return (invoke "rem_s" (i32.const 7) (i32.const -2)) (i32.const 1))
