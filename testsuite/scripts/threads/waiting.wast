;;! features = "3.0,threads"
;;! reason = "shared memories are a proposal"

;; Waiting and notifying (threads proposal, "Wait and notify operators"): 0 means woken, 1 a
;; different value, 2 timed out.

(module $m
  (memory (export "shared") 1 1 shared)
  (func (export "wait32") (param i32 i32 i64) (result i32)
    (memory.atomic.wait32 (local.get 0) (local.get 1) (local.get 2)))
  (func (export "wait64") (param i32 i64 i64) (result i32)
    (memory.atomic.wait64 (local.get 0) (local.get 1) (local.get 2)))
  (func (export "notify") (param i32 i32) (result i32) (memory.atomic.notify (local.get 0) (local.get 1)))
  (func (export "notify-until") (param $address i32) (param $count i32) (result i32) (local $woken i32)
    (loop $again
      (local.set $woken
        (i32.add (local.get $woken) (memory.atomic.notify (local.get $address) (i32.const 1))))
      (br_if $again (i32.lt_u (local.get $woken) (local.get $count))))
    (local.get $woken))
  (func (export "store") (param i32 i64) (i64.store (local.get 0) (local.get 1))))

(invoke "store" (i32.const 8) (i64.const 0x1_0000_0002))
(assert_return (invoke "wait32" (i32.const 8) (i32.const 2) (i64.const 0)) (i32.const 2))
(assert_return (invoke "wait32" (i32.const 12) (i32.const 1) (i64.const 1000)) (i32.const 2))
(assert_return (invoke "wait32" (i32.const 8) (i32.const 3) (i64.const -1)) (i32.const 1))
(assert_return (invoke "wait64" (i32.const 8) (i64.const 0x1_0000_0002) (i64.const 1000)) (i32.const 2))
(assert_return (invoke "wait64" (i32.const 8) (i64.const 2) (i64.const -1)) (i32.const 1))
(assert_return (invoke "wait64" (i32.const 8) (i64.const 2) (i64.const 0x7fff_ffff_ffff_ffff)) (i32.const 1))
(assert_return (invoke "notify" (i32.const 8) (i32.const -1)) (i32.const 0))

(assert_trap (invoke "wait32" (i32.const 2) (i32.const 0) (i64.const 0)) "unaligned atomic")
(assert_trap (invoke "wait64" (i32.const 4) (i64.const 0) (i64.const 0)) "unaligned atomic")
(assert_trap (invoke "notify" (i32.const 1) (i32.const 0)) "unaligned atomic")
(assert_trap (invoke "wait32" (i32.const 65536) (i32.const 0) (i64.const 0)) "out of bounds memory access")
(assert_trap (invoke "wait64" (i32.const -8) (i64.const 0) (i64.const 0)) "out of bounds memory access")
(assert_trap (invoke "notify" (i32.const 65536) (i32.const 0)) "out of bounds memory access")

;; Three threads wait at one address, in both widths, and one at another. A notify wakes as many as
;; it requests, and no others.

(thread $a (shared (module $m))
  (register "m" $m)
  (module (memory (import "m" "shared") 1 1 shared)
    (func (export "run") (result i32) (memory.atomic.wait32 (i32.const 32) (i32.const 0) (i64.const -1))))
  (assert_return (invoke "run") (i32.const 0)))
(thread $b (shared (module $m))
  (register "m" $m)
  (module (memory (import "m" "shared") 1 1 shared)
    (func (export "run") (result i32) (memory.atomic.wait64 (i32.const 32) (i64.const 0) (i64.const -1))))
  (assert_return (invoke "run") (i32.const 0)))
(thread $c (shared (module $m))
  (register "m" $m)
  (module (memory (import "m" "shared") 1 1 shared)
    (func (export "run") (result i32) (memory.atomic.wait32 (i32.const 32) (i32.const 0) (i64.const 600_000_000_000))))
  (assert_return (invoke "run") (i32.const 0)))
(thread $d (shared (module $m))
  (register "m" $m)
  (module (memory (import "m" "shared") 1 1 shared)
    (func (export "run") (result i32) (memory.atomic.wait32 (i32.const 40) (i32.const 0) (i64.const -1))))
  (assert_return (invoke "run") (i32.const 0)))
(assert_return (invoke $m "notify-until" (i32.const 32) (i32.const 3)) (i32.const 3))
(assert_return (invoke $m "notify" (i32.const 32) (i32.const -1)) (i32.const 0))
(wait $a)
(wait $b)
(wait $c)
(assert_return (invoke $m "notify-until" (i32.const 40) (i32.const 1)) (i32.const 1))
(wait $d)

;; On an unshared memory, a wait traps and a notify wakes no thread.

(module
  (memory 1)
  (func (export "wait32") (result i32) (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const 0)))
  (func (export "wait64") (result i32) (memory.atomic.wait64 (i32.const 0) (i64.const 0) (i64.const 0)))
  (func (export "notify") (param i32) (result i32) (memory.atomic.notify (local.get 0) (i32.const 1))))
(assert_trap (invoke "wait32") "expected shared memory")
(assert_trap (invoke "wait64") "expected shared memory")
(assert_return (invoke "notify" (i32.const 65532)) (i32.const 0))
(assert_trap (invoke "notify" (i32.const 65536)) "out of bounds memory access")
(assert_trap (invoke "notify" (i32.const 3)) "unaligned atomic")
