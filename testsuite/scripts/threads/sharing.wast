;;! features = "3.0,threads"
;;! reason = "shared memories are a proposal"

;; A thread has its own store, which contains only the shared memories of the instances that it
;; names. What one thread wrote before another starts, or before it is waited for, is visible to the
;; other (threads proposal, "Agents and shared memories").

(module $m
  (memory (export "shared") 1 3 shared)
  (memory (export "own") 1)
  (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "size") (result i32) (memory.size))
  (data (i32.const 8) "\2a"))

(thread $t (shared (module $m))
  (register "m" $m)
  (assert_unlinkable (module (import "m" "own" (memory 1))) "unknown import")
  (assert_unlinkable (module (import "m" "load" (func (param i32) (result i32)))) "unknown import")
  (assert_unlinkable (module (import "m" "shared" (memory 1 3))) "incompatible import type")
  (assert_unlinkable (module (import "m" "shared" (memory 1 2 shared))) "incompatible import type")
  (assert_unlinkable (module (import "m" "shared" (memory 2 3 shared))) "incompatible import type")
  (module
    (memory (import "m" "shared") 1 3 shared)
    (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
    (func (export "store") (param i32 i32) (i32.store (local.get 0) (local.get 1)))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (data (i32.const 16) "\07"))
  (assert_return (invoke "load" (i32.const 8)) (i32.const 42))
  (invoke "store" (i32.const 12) (i32.const 43))
  (assert_return (invoke "grow" (i32.const 1)) (i32.const 1))
  (invoke "store" (i32.const 131068) (i32.const 44))
  (assert_trap (invoke "load" (i32.const 131072)) "out of bounds memory access"))

(wait $t)
(assert_return (invoke $m "load" (i32.const 12)) (i32.const 43))
(assert_return (invoke $m "load" (i32.const 16)) (i32.const 7))
(assert_return (invoke $m "size") (i32.const 2))
(assert_return (invoke $m "load" (i32.const 131068)) (i32.const 44))

;; Names in a thread are local to it, and the name of a finished thread can be reused.

(thread $t
  (module $m (func (export "load") (param i32) (result i32) (i32.const 1)))
  (assert_return (invoke $m "load" (i32.const 8)) (i32.const 1)))
(assert_return (invoke $m "load" (i32.const 8)) (i32.const 42))
(wait $t)

;; Threads start threads, which may be waited for where they were started.

(thread $outer (shared (module $m))
  (register "m" $m)
  (module (memory (import "m" "shared") 2 3 shared)
    (func (export "store") (param i32 i32) (i32.store (local.get 0) (local.get 1)))
    (func (export "load") (param i32) (result i32) (i32.load (local.get 0))))
  (invoke "store" (i32.const 20) (i32.const 5))
  (thread $inner (shared (module $m))
    (register "m" $m)
    (module (memory (import "m" "shared") 2 3 shared)
      (func (export "double") (i32.store (i32.const 20) (i32.shl (i32.load (i32.const 20)) (i32.const 1)))))
    (invoke "double"))
  (wait $inner)
  (assert_return (invoke "load" (i32.const 20)) (i32.const 10)))
(wait $outer)
(assert_return (invoke $m "load" (i32.const 20)) (i32.const 10))
