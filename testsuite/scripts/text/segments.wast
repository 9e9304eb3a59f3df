;;! features = "3.0"
;;! reason = "since 3.0 any constant expression can be an element or an offset"

;; Segments and their expressions (core spec, sections 6.6.7 and 6.6.8).

(module $m
  (memory $m 1) (table $t 4 funcref)
  (func $f (result i32) (i32.const 5)) (func $g (result i32) (i32.const 6)) (func $h (result i32) (i32.const 7))
  (data $d (memory $m) (offset i32.const 0) "a" "b")
  (data (i32.add (i32.const 1) (i32.const 1)) "c")
  (data (i32.const 0)) (data) (data "")
  (elem $e (table $t) (offset (i32.const 0)) func $f 1)
  (elem (i32.const 2) $h)
  (elem (offset i32.const 3) funcref (item ref.func $f))
  (elem declare func $f) (elem funcref (item ref.func $f) (ref.func $f) (ref.null func)) (elem func) (elem (i32.const 0))
  (func (export "call") (param i32) (result i32) (call_indirect (result i32) (local.get 0)))
  (func (export "word") (result i32) (i32.load (i32.const 0))))
(assert_return (invoke "call" (i32.const 0)) (i32.const 5))
(assert_return (invoke "call" (i32.const 1)) (i32.const 6))
(assert_return (invoke "call" (i32.const 2)) (i32.const 7))
(assert_return (invoke "call" (i32.const 3)) (i32.const 5))
(assert_return (invoke "word") (i32.const 0x636261))

;; Data consists of strings, and the parts of a segment have a fixed order.
(assert_malformed (module quote "(memory 1) (data (i32.const 0) (i8 1 2 3))") "unexpected token")
(assert_malformed (module quote "(memory 1) (data (i32.const 0) \"a\" (i32 1))") "unexpected token")
(assert_malformed (module quote "(data \"\" (f32 1.5))") "unexpected token")
(assert_malformed (module quote "(memory (data (i64 1)))") "unexpected token")
(assert_malformed (module quote "(memory 1) (data \"a\" (i32.const 0))") "unexpected token")
(assert_malformed (module quote "(memory 1) (data (i32.const 0) (memory 0) \"a\")") "unexpected token")
(assert_malformed (module quote "(memory 1) (data (memory 0) \"a\")") "unexpected token")
(assert_malformed (module quote "(data 1 2)") "unexpected token")
(assert_malformed (module quote "(elem)") "unexpected token")
(assert_malformed (module quote "(elem $e)") "unexpected token")
(assert_malformed (module quote "(elem 0)") "unexpected token")
(assert_malformed (module quote "(table 1 funcref) (elem (table 0) (i32.const 0) 0) (func)") "unexpected token")
(assert_malformed (module quote "(table 1 funcref) (elem (table 0) func 0) (func)") "unexpected token")
(assert_malformed (module quote "(elem declare 0) (func)") "unexpected token")
(assert_malformed (module quote "(elem declare (i32.const 0) func)") "unexpected token")
(assert_malformed (module quote "(elem func (ref.null func))") "unexpected token")
(assert_malformed (module quote "(elem funcref 0) (func)") "unexpected token")
(assert_malformed (module quote "(table 1 funcref) (elem (i32.const 0) (i32.const 1))") "unexpected token")
(assert_malformed (module quote "(table funcref (elem funcref (ref.null func)))") "unexpected token")
(assert_malformed (module quote "(table funcref (elem (i32.const 0)) 1)") "unexpected token")
(assert_malformed (module quote "(memory (data \"a\") 1)") "unexpected token")
(assert_malformed (module quote "(memory 1 (data \"a\"))") "unexpected token")
;; A folded instruction may be structured, which is well-formed but not a constant expression.
(assert_invalid (module (table 1 funcref) (elem (block (result i32) i32.const 0))) "constant expression required")
(assert_invalid (module (table 1 funcref) (elem (loop (result i32) (i32.const 0)) func)) "constant expression required")
(assert_invalid (module (table 1 funcref) (elem (if (result i32) (i32.const 0) (then (i32.const 0)) (else i32.const 1)))) "constant expression required")
(assert_invalid (module (table 1 funcref) (elem (i32.add (block (result i32) (i32.const 0)) (i32.const 0)))) "constant expression required")
(assert_invalid (module (table funcref (elem (block (result funcref) ref.null func)))) "constant expression required")
(assert_invalid (module (elem funcref (ref.null func) (block (result funcref) (ref.null func)))) "constant expression required")
(assert_invalid (module (elem funcref (item block (result funcref) ref.null func end))) "constant expression required")
(assert_invalid (module (memory 1) (data (block (result i32) i32.const 0) "a")) "constant expression required")
(assert_invalid (module (memory 1) (data (i32.add (i32.const 0) (loop (result i32) i32.const 0)) "a")) "constant expression required")


;; The digits of an escape are separated by at most one underscore (section 6.3.3).
(assert_malformed (module quote "(memory 1) (data (i32.const 0) \22\5cu{1__1}\22)") "illegal escape")
(module (memory 1) (data (i32.const 0) "\u{1_1}\\u{1__1}"))
