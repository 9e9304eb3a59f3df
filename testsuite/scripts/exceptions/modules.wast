;;! features = "3.0"
;;! reason = "exceptions are new in 3.0"

;; The identity of a tag is its instance, not its name or type: each instance of a module has its
;; own tags, and an imported tag is identical to the exported one, whatever its name (sections
;; 4.5.3, "Allocation", and 4.6.4). Exceptions propagate across modules.

(module definition $Thrower
  (tag $e (export "e") (param i32))
  (func (export "throw") (param i32) (throw $e (local.get 0))))
(module instance $first $Thrower)
(module instance $second $Thrower)
(register "first" $first)
(register "second" $second)

(module $catcher
  (import "first" "e" (tag $e1 (param i32)))
  (import "first" "e" (tag $alias (param i32)))
  (import "second" "e" (tag $e2 (param i32)))
  (import "first" "throw" (func $throw1 (param i32)))
  (import "second" "throw" (func $throw2 (param i32)))
  (import "spectest" "print_i32" (func $print (param i32)))
  (tag $own (param i32))
  (export "alias" (tag $alias))

  (func (export "catch") (param $which i32) (param $value i32) (result i32)
    (block $own (result i32)
      (block $e2 (result i32)
        (block $e1 (result i32)
          (try_table (catch $own $own) (catch $e2 $e2) (catch $alias $e1)
            (call $print (local.get $value))
            (if (i32.eq (local.get $which) (i32.const 1)) (then (call $throw1 (local.get $value))))
            (if (i32.eq (local.get $which) (i32.const 2)) (then (call $throw2 (local.get $value))))
            (if (i32.eq (local.get $which) (i32.const 3)) (then (throw $own (local.get $value))))
            (if (i32.eq (local.get $which) (i32.const 4)) (then (throw $e1 (local.get $value)))))
          (return (i32.const 0)))
        (return (i32.add (i32.const 1))))
      (return (i32.add (i32.const 2))))
    (i32.add (i32.const 3)))

  (func (export "through") (param i32) (call $throw2 (local.get 0))))

(assert_return (invoke $catcher "catch" (i32.const 0) (i32.const 10)) (i32.const 0))
(assert_return (invoke $catcher "catch" (i32.const 1) (i32.const 10)) (i32.const 11))
(assert_return (invoke $catcher "catch" (i32.const 2) (i32.const 10)) (i32.const 12))
(assert_return (invoke $catcher "catch" (i32.const 3) (i32.const 10)) (i32.const 13))
(assert_return (invoke $catcher "catch" (i32.const 4) (i32.const 10)) (i32.const 11))
(assert_exception (invoke $catcher "through" (i32.const 1)))
(register "catcher" $catcher)

;; Through two modules, with the tag imported from a third, while the exception is stored in a
;; global of another module.
(module $keeper
  (global (export "kept") (mut exnref) (ref.null exn)))
(register "keeper" $keeper)
(module
  (import "catcher" "through" (func $through (param i32)))
  (import "catcher" "alias" (tag $e1 (param i32)))
  (import "first" "throw" (func $throw1 (param i32)))
  (import "second" "e" (tag $e2 (param i32)))
  (import "keeper" "kept" (global $kept (mut exnref)))
  (func (export "keep") (param i32)
    (block $h (result exnref)
      (try_table (catch_all_ref $h) (call $through (local.get 0)))
      (unreachable))
    (global.set $kept))
  (func (export "alias") (param i32) (result i32)
    (block $h (result i32) (try_table (catch $e1 $h) (call $throw1 (local.get 0))) (unreachable)))
  (func (export "rethrow") (result i32)
    (block $h (result i32)
      (try_table (catch $e1 $h) (catch $e2 $h) (throw_ref (global.get $kept)))
      (unreachable))))
(assert_trap (invoke "rethrow") "null exception reference")
(assert_return (invoke "keep" (i32.const 77)))
(assert_return (invoke "rethrow") (i32.const 77))
(assert_return (invoke "rethrow") (i32.const 77))
(assert_return (invoke "alias" (i32.const 78)) (i32.const 78))

;; A tag of another type does not link.
(assert_unlinkable (module (import "first" "e" (tag (param i64)))) "incompatible import type")
(assert_unlinkable (module (import "first" "e" (tag))) "incompatible import type")
