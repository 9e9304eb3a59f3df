;;! features = "3.0,stack-switching"
;;! reason = "continuations belong to the stack switching proposal"

;; How a call can end inside continuations (stack switching proposal): by a trap, by exhaustion of a
;; stack, and by a suspension without a handler, which is a failure of its own. The instance can be
;; used afterwards.

(module
  (type $f (func (param i32) (result i32))) (type $k (cont $f))
  (type $g (func (result i32))) (type $kg (cont $g))
  (tag $t) (tag $u) (tag $e)
  (memory 1)
  (elem declare func $ends $recurses $nests)

  (func $ends (type $f)
    (block $ok (block $suspends (block $divides (block $loads (block $unreachable
      (br_table $unreachable $loads $divides $suspends $ok (local.get 0)))
      (unreachable))
      (return (i32.load (i32.const 65533))))
      (return (i32.div_s (local.get 0) (i32.const 0))))
      (suspend $t))
    (local.get 0))
  (func $nests (type $f) (resume $k (local.get 0) (cont.new $k (ref.func $ends))))

  (func (export "ends") (param i32) (result i32)
    (block $on (result (ref $kg))
      (return (resume $k (on $u $on) (local.get 0) (cont.new $k (ref.func $nests)))))
    (drop) (i32.const -1))
  (func (export "caught by nothing") (param i32) (result i32)
    (block $h
      (try_table (catch_all $h)
        (return (resume $k (local.get 0) (cont.new $k (ref.func $nests))))))
    (i32.const -1))

  (func $recurses (type $f) (i32.add (call $recurses (local.get 0)) (i32.const 1)))
  (func (export "recurses") (result i32) (resume $k (i32.const 1) (cont.new $k (ref.func $recurses))))

  (func (export "outside") (suspend $t))
)

(assert_trap (invoke "ends" (i32.const 0)) "unreachable")
(assert_trap (invoke "ends" (i32.const 1)) "out of bounds memory access")
(assert_trap (invoke "ends" (i32.const 2)) "integer divide by zero")
(assert_suspension (invoke "ends" (i32.const 3)) "unhandled")
(assert_return (invoke "ends" (i32.const 4)) (i32.const 4))
(assert_trap (invoke "caught by nothing" (i32.const 0)) "unreachable")
(assert_suspension (invoke "caught by nothing" (i32.const 3)) "unhandled")
(assert_return (invoke "caught by nothing" (i32.const 4)) (i32.const 4))
(assert_exhaustion (invoke "recurses") "call stack exhausted")
(assert_suspension (invoke "outside") "unhandled")
(assert_exhaustion (invoke "recurses") "call stack exhausted")
(assert_return (invoke "ends" (i32.const 4)) (i32.const 4))
