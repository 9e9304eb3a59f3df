;;! features = "2.0"
;;! reason = "since 2.0 the segments before a trap remain written"

;; An instantiation that traps is not undone (section 4.5.4): what its segments and start function
;; have written to an imported memory, table or global remains, and a function that it put into a
;; table can still be called.

(module $owner
  (memory (export "memory") 1)
  (table (export "table") 4 funcref)
  (global (export "count") (mut i32) (i32.const 0))
  (type $nullary (func (result i32)))
  (func (export "byte") (param i32) (result i32) (i32.load8_u (local.get 0)))
  (func (export "call") (param i32) (result i32) (call_indirect (type $nullary) (local.get 0))))
(register "owner" $owner)

(assert_trap (invoke $owner "call" (i32.const 1)) "uninitialized element")

(assert_trap
  (module
    (import "owner" "memory" (memory 1))
    (import "owner" "table" (table 4 funcref))
    (import "owner" "count" (global $count (mut i32)))
    (elem (i32.const 1) $answer)
    (data (i32.const 16) "\2a")
    (func $answer (result i32) (i32.const 42))
    (func $start
      (global.set $count (i32.const 7))
      (i32.store8 (i32.const 17) (i32.const 43))
      (unreachable))
    (start $start))
  "unreachable")

(assert_return (invoke $owner "byte" (i32.const 16)) (i32.const 42))
(assert_return (invoke $owner "byte" (i32.const 17)) (i32.const 43))
(assert_return (invoke $owner "call" (i32.const 1)) (i32.const 42))
(assert_return (get $owner "count") (i32.const 7))

;; The first data segment is written before the second one is out of bounds.
(assert_trap
  (module
    (import "owner" "memory" (memory 1))
    (data (i32.const 20) "kept")
    (data (i32.const 65535) "no"))
  "out of bounds memory access")
(assert_return (invoke $owner "byte" (i32.const 20)) (i32.const 0x6b))
(assert_return (invoke $owner "byte" (i32.const 65535)) (i32.const 0))

;; A module that fails to link writes nothing.
(assert_unlinkable
  (module
    (import "owner" "memory" (memory 1))
    (import "owner" "missing" (func))
    (data (i32.const 24) "never"))
  "unknown import")
(assert_return (invoke $owner "byte" (i32.const 24)) (i32.const 0))
