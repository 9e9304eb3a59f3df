;;! features = "3.0"
;;! reason = "typed function references are part of 3.0"

;; `call_ref` and `return_call_ref` trap on a null reference (section 4.6.5) after the arguments
;; have been evaluated, and before the caller's frame is left: in a tail call, the trap belongs to
;; the caller. A constant null, a null of a nullable type, and one of the bottom type all trap in
;; the same way; unreachable code does not trap.

(module
  (type $nullary (func (result i32)))
  (type $many (func (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i64 i64 i64 i64 i64 i64 i64 i64 i64 i64)))
  (global $steps (mut i32) (i32.const 0))
  (global $callee (mut (ref null $nullary)) (ref.null $nullary))
  (elem declare func $seven)
  (func $seven (result i32) (i32.const 7))
  (func $step (result i64) (global.set $steps (i32.add (global.get $steps) (i32.const 1))) (i64.const 0))

  (func (export "steps") (result i32) (global.get $steps))
  (func (export "set") (global.set $callee (ref.func $seven)))
  (func (export "clear") (global.set $callee (ref.null nofunc)))
  (func (export "call") (result i32) (call_ref $nullary (global.get $callee)))
  (func (export "tail call") (result i32) (return_call_ref $nullary (global.get $callee)))
  (func (export "call null") (result i32) (call_ref $nullary (ref.null $nullary)))
  (func (export "tail call null") (result i32) (return_call_ref $nullary (ref.null $nullary)))
  (func (export "call bottom") (result i32) (call_ref $nullary (ref.null nofunc)))
  (func (export "tail call bottom") (result i32) (return_call_ref $nullary (ref.null nofunc)))
  (func (export "tail call many") (result i64 i64 i64 i64 i64 i64 i64 i64 i64 i64)
    (return_call_ref $many (call $step) (call $step) (call $step) (call $step) (call $step) (call $step)
      (call $step) (call $step) (call $step) (call $step) (ref.null $many)))
  (func (export "dropped")
    (drop (call_ref $nullary (global.get $callee))))
  (func (export "not reached") (param i32) (result i32)
    (if (local.get 0) (then (return_call_ref $nullary (ref.null $nullary))))
    (i32.const 5))
  (func (export "checked") (result i32)
    (block $null
      (return (call_ref $nullary (br_on_null $null (global.get $callee)))))
    (i32.const -1))
  (func (export "as non null") (result i32)
    (return_call_ref $nullary (ref.as_non_null (global.get $callee))))
  ;; Traps below a caller with arguments in memory.
  (func (export "deep") (param i32) (result i64)
    (call $deep (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4) (i64.const 5) (i64.const 6)
      (i64.const 7) (i64.const 8) (i64.const 9) (local.get 0)))
  (func $deep (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i32) (result i64)
    (if (local.get 9)
      (then (return_call $deep (local.get 8) (local.get 7) (local.get 6) (local.get 5) (local.get 4) (local.get 3)
        (local.get 2) (local.get 1) (local.get 0) (i32.sub (local.get 9) (i32.const 1)))))
    (i64.extend_i32_s (call_ref $nullary (global.get $callee)))))

(assert_trap (invoke "call") "null function reference")
(assert_trap (invoke "tail call") "null function reference")
(assert_trap (invoke "call null") "null function reference")
(assert_trap (invoke "tail call null") "null function reference")
(assert_trap (invoke "call bottom") "null function reference")
(assert_trap (invoke "tail call bottom") "null function reference")
(assert_trap (invoke "dropped") "null function reference")
(assert_trap (invoke "as non null") "null reference")
(assert_trap (invoke "deep" (i32.const 1001)) "null function reference")
(assert_return (invoke "steps") (i32.const 0))
(assert_trap (invoke "tail call many") "null function reference")
(assert_return (invoke "steps") (i32.const 10))
(assert_return (invoke "checked") (i32.const -1))
(assert_return (invoke "not reached" (i32.const 0)) (i32.const 5))
(assert_trap (invoke "not reached" (i32.const 1)) "null function reference")

(assert_return (invoke "set"))
(assert_return (invoke "call") (i32.const 7))
(assert_return (invoke "tail call") (i32.const 7))
(assert_return (invoke "checked") (i32.const 7))
(assert_return (invoke "as non null") (i32.const 7))
(assert_return (invoke "deep" (i32.const 1001)) (i64.const 7))
(assert_return (invoke "dropped"))
(assert_trap (invoke "call null") "null function reference")
(assert_return (invoke "clear"))
(assert_trap (invoke "tail call") "null function reference")

(assert_invalid
  (module (type $t (func (result i32))) (func (result i64) (return_call_ref $t (ref.null $t))))
  "type mismatch")
(assert_invalid
  (module (type $t (func)) (type $u (func (param i32))) (func (call_ref $t (ref.null $u))))
  "type mismatch")
(assert_invalid (module (type $t (func)) (func (call_ref $t (ref.null func)))) "type mismatch")
