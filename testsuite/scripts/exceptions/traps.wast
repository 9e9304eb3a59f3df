;;! features = "3.0"
;;! reason = "exceptions are new in 3.0"

;; A trap is not an exception: no block catches it, whichever instruction traps and however deeply
;; nested the call is (section 4.6.4). What a block has written before the trap remains.

(module
  (memory 1)
  (table 1 funcref)
  (type $void (func))
  (tag $e)

  (func $memory (drop (i32.load (i32.const 65533))))
  (func $divide (drop (i32.rem_s (i32.const 1) (i32.load (i32.const 16)))))
  (func $fill (memory.fill (i32.const 65535) (i32.const 0) (i32.const 2)))
  (func $null (throw_ref (ref.null exn)))
  (func $table (drop (table.get (i32.const 1))))
  (func $call (call_indirect (type $void) (i32.const 0)))
  (func $recurse (call $recurse) (call $recurse))
  (table $all funcref (elem $memory $divide $fill $null $table $call $recurse))

  (func (export "call") (param i32)
    (block $h
      (try_table (catch $e $h) (catch_all $h)
        (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
        (call_indirect $all (type $void) (local.get 0)))))

  (func (export "here") (param i32)
    (block $h
      (try_table (catch_all $h)
        (if (i32.eq (local.get 0) (i32.const 0)) (then (drop (i32.load (i32.const 65533)))))
        (if (i32.eq (local.get 0) (i32.const 1)) (then (drop (i32.rem_s (i32.const 1) (i32.load (i32.const 16))))))
        (if (i32.eq (local.get 0) (i32.const 2)) (then (memory.fill (i32.const 65535) (i32.const 0) (i32.const 2))))
        (if (i32.eq (local.get 0) (i32.const 3)) (then (throw_ref (ref.null exn))))
        (if (i32.eq (local.get 0) (i32.const 4)) (then (drop (table.get (i32.const 1)))))
        (if (i32.eq (local.get 0) (i32.const 5)) (then (call_indirect (type $void) (i32.const 0))))
        (throw $e))))

  ;; A handler may trap as well.
  (func (export "in the handler")
    (block $outer
      (try_table (catch_all $outer)
        (block $h (try_table (catch_all $h) (throw $e)))
        (unreachable))))

  (func (export "count") (result i32) (i32.load (i32.const 0))))

(assert_trap (invoke "call" (i32.const 0)) "out of bounds memory access")
(assert_trap (invoke "call" (i32.const 1)) "integer divide by zero")
(assert_trap (invoke "call" (i32.const 2)) "out of bounds memory access")
(assert_trap (invoke "call" (i32.const 3)) "null exception reference")
(assert_trap (invoke "call" (i32.const 4)) "out of bounds table access")
(assert_trap (invoke "call" (i32.const 5)) "uninitialized element")
(assert_exhaustion (invoke "call" (i32.const 6)) "call stack exhausted")
(assert_return (invoke "count") (i32.const 7))

(assert_trap (invoke "here" (i32.const 0)) "out of bounds memory access")
(assert_trap (invoke "here" (i32.const 1)) "integer divide by zero")
(assert_trap (invoke "here" (i32.const 2)) "out of bounds memory access")
(assert_trap (invoke "here" (i32.const 3)) "null exception reference")
(assert_trap (invoke "here" (i32.const 4)) "out of bounds table access")
(assert_trap (invoke "here" (i32.const 5)) "uninitialized element")
(assert_return (invoke "here" (i32.const 6)))

(assert_trap (invoke "in the handler") "unreachable")
