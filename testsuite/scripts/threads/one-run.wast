;;! features = "3.0,threads"
;;! reason = "shared memories are a proposal"

;; Litmus tests of two threads, each run once: `either` lists all outcomes that the memory model
;; allows, and no others (threads proposal, "Memory model"). Results are two digits, the first and
;; the second value loaded.

;; Message passing: a thread that sees the flag sees the message, if both accesses to the flag are
;; atomic.

(module $m (memory (export "shared") 1 1 shared))
(thread $sends (shared (module $m))
  (register "m" $m)
  (module (memory (import "m" "shared") 1 1 shared)
    (func (export "run")
      (i32.store (i32.const 0) (i32.const 1))
      (i32.atomic.store (i32.const 64) (i32.const 1))))
  (invoke "run"))
(thread $receives (shared (module $m))
  (register "m" $m)
  (module (memory (import "m" "shared") 1 1 shared)
    (func (export "run") (result i32)
      (i32.add (i32.mul (i32.atomic.load (i32.const 64)) (i32.const 10)) (i32.load (i32.const 0)))))
  (assert_return (invoke "run") (either (i32.const 0) (i32.const 1) (i32.const 11))))
(wait $sends)
(wait $receives)

;; Store buffering: atomic accesses of all threads have one total order, in which some store is
;; first.

(module $m
  (memory (export "shared") 1 1 shared)
  (func (export "both") (result i32)
    (i32.add (i32.mul (i32.load (i32.const 128)) (i32.const 10)) (i32.load (i32.const 192)))))
(thread $left (shared (module $m))
  (register "m" $m)
  (module (memory (import "m" "shared") 1 1 shared)
    (func (export "run")
      (i32.atomic.store (i32.const 0) (i32.const 1))
      (i32.store (i32.const 128) (i32.atomic.load (i32.const 64)))))
  (invoke "run"))
(thread $right (shared (module $m))
  (register "m" $m)
  (module (memory (import "m" "shared") 1 1 shared)
    (func (export "run")
      (i32.atomic.store (i32.const 64) (i32.const 1))
      (i32.store (i32.const 192) (i32.atomic.load (i32.const 0)))))
  (invoke "run"))
(wait $left)
(wait $right)
(assert_return (invoke $m "both") (either (i32.const 1) (i32.const 10) (i32.const 11)))

;; Two loads from one address: the second never sees a value older than the first.

(module $m (memory (export "shared") 1 1 shared))
(thread $writes (shared (module $m))
  (register "m" $m)
  (module (memory (import "m" "shared") 1 1 shared)
    (func (export "run") (i32.atomic.store (i32.const 0) (i32.const 1))))
  (invoke "run"))
(thread $reads (shared (module $m))
  (register "m" $m)
  (module (memory (import "m" "shared") 1 1 shared)
    (func (export "run") (result i32)
      (i32.add (i32.mul (i32.atomic.load (i32.const 0)) (i32.const 10)) (i32.atomic.load (i32.const 0)))))
  (assert_return (invoke "run") (either (i32.const 0) (i32.const 1) (i32.const 11))))
(wait $reads)
(wait $writes)

;; Two read-modify-writes of one address: one of them sees the other.

(module $m
  (memory (export "shared") 1 1 shared)
  (func (export "sum") (result i32) (i32.load (i32.const 0))))
(thread $one (shared (module $m))
  (register "m" $m)
  (module (memory (import "m" "shared") 1 1 shared)
    (func (export "run") (result i32) (i32.atomic.rmw.add (i32.const 0) (i32.const 1))))
  (assert_return (invoke "run") (either (i32.const 0) (i32.const 2))))
(thread $two (shared (module $m))
  (register "m" $m)
  (module (memory (import "m" "shared") 1 1 shared)
    (func (export "run") (result i32) (i32.atomic.rmw.add (i32.const 0) (i32.const 2))))
  (assert_return (invoke "run") (either (i32.const 0) (i32.const 1))))
(wait $one)
(wait $two)
(assert_return (invoke $m "sum") (i32.const 3))
