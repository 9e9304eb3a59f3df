;;! features = "3.0,legacy-exceptions"
;;! reason = "try, catch, delegate and rethrow belong to the legacy exception handling proposal"

;; The scope of handlers (legacy exception handling proposal): a clause covers neither itself nor
;; its siblings, a delegate goes to the handlers around the block that its label names, and a
;; rethrow throws the exception that the clause of its label caught.

(module
  (tag $a (param i32))
  (tag $b (param i32 i64))
  (tag $none)

  (func $throw (param $which i32)
    (if (i32.eq (local.get $which) (i32.const 1)) (then (throw $a (i32.const 7))))
    (if (i32.eq (local.get $which) (i32.const 2)) (then (throw $b (i32.const 8) (i64.const 9))))
    (if (i32.eq (local.get $which) (i32.const 3)) (then (throw $none))))

  (func (export "clauses") (param i32) (result i32 i64)
    try (result i32 i64)
      local.get 0
      call $throw
      i32.const 0
      i64.const 0
    catch $a
      i64.const 1
    catch $b
    catch_all
      i32.const -1
      i64.const -1
    end)

  ;; An exception thrown by a clause skips its own block.
  (func (export "from-clause") (param i32) (result i32)
    try (result i32)
      try (result i32)
        local.get 0
        call $throw
        i32.const 0
      catch $a
        drop
        i32.const 2
        call $throw
        i32.const 1
      catch $b
        drop
        drop
        i32.const 2
      end
    catch $b
      drop
      i32.const 100
      i32.add
    end)

  ;; A delegate to a block that catches nothing goes to the handlers around that block.
  (func (export "to-block") (result i32)
    try (result i32)
      block (result i32)
        try (result i32)
          try (result i32)
            i32.const 1
            call $throw
            i32.const 0
          delegate 1
        catch $a
          drop
          i32.const 1
        end
      end
    catch $a
      i32.const 20
      i32.add
    end)

  ;; A delegate from inside a clause to the block of that clause leaves it, since a clause does not
  ;; cover itself.
  (func (export "to-own-clause") (result i32)
    try (result i32)
      try (result i32)
        i32.const 1
        call $throw
        i32.const 0
      catch $a
        try
          i32.const 2
          call $throw
        delegate 0
      catch $b
        drop
        drop
        i32.const 1
      end
    catch $b
      drop
      i32.const 30
      i32.add
    end)

  ;; A delegate out of the function throws to the caller.
  (func $out
    try
      i32.const 1
      call $throw
    delegate 0)
  (func (export "out") (result i32)
    try (result i32)
      call $out
      i32.const 0
    catch $a
    end)

  ;; Within two nested clauses, the label selects the exception to rethrow.
  (func (export "rethrow") (param $outer i32) (result i32)
    try (result i32)
      try (result i32)
        i32.const 1
        call $throw
        i32.const 0
      catch $a
        drop
        try (result i32)
          i32.const 2
          call $throw
          i32.const 0
        catch $b
          drop
          drop
          local.get $outer
          if
            rethrow 2
          end
          rethrow 0
        end
      end
    catch $a
    catch $b
      drop
    end)

  ;; Nothing inside throws: the clauses are dead code, which is skipped.
  (func (export "dead") (result i32)
    try (result i32)
      i32.const 5
    catch $a
      try
        rethrow 1
      catch_all
        rethrow 0
      end
      unreachable
    catch_all
      rethrow 0
    end)

  ;; Locals keep the values that they had at the throw.
  (func (export "locals") (result i32) (local i32)
    try
      i32.const 1
      local.set 0
      i32.const 3
      call $throw
      i32.const 2
      local.set 0
    catch $none
      local.get 0
      i32.const 10
      i32.add
      local.set 0
    end
    local.get 0)

  ;; A trap is not an exception.
  (func (export "trap")
    try
      unreachable
    catch_all
    end)

  (func (export "uncaught")
    try
      i32.const 3
      call $throw
    catch $a
      drop
    end))

(assert_return (invoke "clauses" (i32.const 0)) (i32.const 0) (i64.const 0))
(assert_return (invoke "clauses" (i32.const 1)) (i32.const 7) (i64.const 1))
(assert_return (invoke "clauses" (i32.const 2)) (i32.const 8) (i64.const 9))
(assert_return (invoke "clauses" (i32.const 3)) (i32.const -1) (i64.const -1))
(assert_return (invoke "from-clause" (i32.const 0)) (i32.const 0))
(assert_return (invoke "from-clause" (i32.const 1)) (i32.const 108))
(assert_return (invoke "from-clause" (i32.const 2)) (i32.const 2))
(assert_exception (invoke "from-clause" (i32.const 3)))
(assert_return (invoke "to-block") (i32.const 27))
(assert_return (invoke "to-own-clause") (i32.const 38))
(assert_return (invoke "out") (i32.const 7))
(assert_return (invoke "rethrow" (i32.const 0)) (i32.const 8))
(assert_return (invoke "rethrow" (i32.const 1)) (i32.const 7))
(assert_return (invoke "dead") (i32.const 5))
(assert_return (invoke "locals") (i32.const 11))
(assert_trap (invoke "trap") "unreachable")
(assert_exception (invoke "uncaught"))
