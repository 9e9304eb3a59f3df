;;! features = "3.0"
;;! reason = "exceptions are new in 3.0"

;; The first matching clause is taken, whatever follows it; an exception that no clause matches
;; propagates to the next enclosing block (section 4.6.4, "throw_ref").

(module
  (tag $a (param i32))
  (tag $b (param i32))
  (tag $c)

  (func $throw (param $which i32)
    (if (i32.eq (local.get $which) (i32.const 1)) (then (throw $a (i32.const 100))))
    (if (i32.eq (local.get $which) (i32.const 2)) (then (throw $b (i32.const 200))))
    (if (i32.eq (local.get $which) (i32.const 3)) (then (throw $c))))

  ;; The same tag twice, with a catch-all in between: the clauses after it are never taken.
  (func (export "order") (param i32) (result i32)
    (block $dead
      (block $all
        (block $second (result i32)
          (block $first (result i32)
            (try_table (catch $a $first) (catch $a $second) (catch_all $all) (catch $b $second) (catch_all $dead)
              (call $throw (local.get 0)))
            (return (i32.const 0)))
          (return (i32.add (i32.const 1))))
        (return (i32.add (i32.const 2))))
      (return (i32.const 3)))
    (i32.const 4))

  ;; A leading catch-all leaves nothing for the other clauses.
  (func (export "all first") (param i32) (result i32)
    (block $all
      (block $a (result i32)
        (try_table (catch_all $all) (catch $a $a) (call $throw (local.get 0)))
        (return (i32.const 0)))
      (return))
    (i32.const 1))

  ;; Three nested blocks that each catch one tag; thrown by calls at three depths, and directly.
  (func (export "nested") (param $which i32) (param $depth i32) (param $here i32) (result i32)
    (block $hc
      (try_table (catch $c $hc)
        (if (i32.eqz (local.get $depth)) (then (call $throw (local.get $which))))
        (block $hb (result i32)
          (try_table (catch $b $hb)
            (if (i32.eq (local.get $depth) (i32.const 1)) (then (call $throw (local.get $which))))
            (block $ha (result i32)
              (try_table (catch $a $ha)
                (if (local.get $here)
                  (then
                    (if (i32.eq (local.get $which) (i32.const 1)) (then (throw $a (i32.const 1000))))
                    (if (i32.eq (local.get $which) (i32.const 2)) (then (throw $b (i32.const 2000))))
                    (if (i32.eq (local.get $which) (i32.const 3)) (then (throw $c)))))
                (call $throw (local.get $which)))
              (return (i32.const 0)))
            (return (i32.add (i32.const 1))))
          (unreachable))
        (return (i32.add (i32.const 2))))
      (unreachable))
    (i32.const 3))

  ;; A block without clauses, or without a matching clause, catches nothing.
  (func (export "without clauses") (result i32)
    (block $h (result i32)
      (try_table (catch $a $h)
        (try_table
          (block $other
            (try_table (catch $c $other)
              (throw $a (i32.const 5))))))
      (i32.const 0)))

  ;; An exception that a handler throws is not caught by its own block.
  (func (export "in the handler") (result i32)
    (block $outer (result i32)
      (try_table (catch $b $outer)
        (block $h (result i32)
          (try_table (catch $a $h) (catch $b $h) (call $throw (i32.const 1)))
          (unreachable))
        (throw $b (i32.add (i32.const 7))))
      (unreachable)))

  ;; Caught with its reference and rethrown: the outer block gets the original values.
  (func (export "again") (param i32) (result i32 i32)
    (block $outer (result i32)
      (try_table (catch $a $outer)
        (block $h (result i32 exnref)
          (try_table (catch_ref $a $h) (throw $a (local.get 0)))
          (unreachable))
        (throw_ref))
      (unreachable))
    (block $all (result exnref)
      (try_table (catch_all_ref $all) (throw $a (i32.const 9)))
      (unreachable))
    (ref.is_null)))

(assert_return (invoke "order" (i32.const 0)) (i32.const 0))
(assert_return (invoke "order" (i32.const 1)) (i32.const 101))
(assert_return (invoke "order" (i32.const 2)) (i32.const 3))
(assert_return (invoke "order" (i32.const 3)) (i32.const 3))

(assert_return (invoke "all first" (i32.const 0)) (i32.const 0))
(assert_return (invoke "all first" (i32.const 1)) (i32.const 1))

(assert_return (invoke "nested" (i32.const 0) (i32.const 2) (i32.const 0)) (i32.const 0))
(assert_return (invoke "nested" (i32.const 1) (i32.const 2) (i32.const 0)) (i32.const 101))
(assert_return (invoke "nested" (i32.const 2) (i32.const 2) (i32.const 0)) (i32.const 202))
(assert_return (invoke "nested" (i32.const 3) (i32.const 2) (i32.const 0)) (i32.const 3))
(assert_return (invoke "nested" (i32.const 1) (i32.const 2) (i32.const 1)) (i32.const 1001))
(assert_return (invoke "nested" (i32.const 2) (i32.const 2) (i32.const 1)) (i32.const 2002))
(assert_return (invoke "nested" (i32.const 3) (i32.const 2) (i32.const 1)) (i32.const 3))
(assert_exception (invoke "nested" (i32.const 1) (i32.const 1) (i32.const 0)))
(assert_return (invoke "nested" (i32.const 2) (i32.const 1) (i32.const 0)) (i32.const 202))
(assert_return (invoke "nested" (i32.const 3) (i32.const 1) (i32.const 0)) (i32.const 3))
(assert_exception (invoke "nested" (i32.const 1) (i32.const 0) (i32.const 0)))
(assert_exception (invoke "nested" (i32.const 2) (i32.const 0) (i32.const 0)))
(assert_return (invoke "nested" (i32.const 3) (i32.const 0) (i32.const 0)) (i32.const 3))

(assert_return (invoke "without clauses") (i32.const 5))
(assert_return (invoke "in the handler") (i32.const 107))
(assert_return (invoke "again" (i32.const 6)) (i32.const 6) (i32.const 0))
