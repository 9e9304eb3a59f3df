;; What an import may be given (core spec, section 3.3): an immutable global of a subtype, and
;; nothing of a module that is not registered.

(module $from
  (global (export "i31") i31ref (ref.i31 (i32.const 3)))
  (func $f)
  (global (export "func") (ref func) (ref.func $f)))
(register "from" $from)
(module
  (import "from" "i31" (global $any anyref))
  (import "from" "func" (global $func funcref))
  (func (export "any") (result i32) (i31.get_u (ref.cast i31ref (global.get $any))))
  (func (export "func") (result i32) (ref.is_null (global.get $func))))
(assert_return (invoke "any") (i32.const 3))
(assert_return (invoke "func") (i32.const 0))

(assert_unlinkable (module (import "nowhere" "f" (func))) "unknown import")

;; An active segment is dropped when it has been copied.
(module
  (memory 1)
  (table 1 funcref)
  (data $d (i32.const 0) "a")
  (elem $e (i32.const 0) func $f)
  (func $f)
  (func (export "memory.init") (param i32)
    (memory.init $d (i32.const 0) (i32.const 0) (local.get 0)))
  (func (export "table.init") (param i32)
    (table.init $e (i32.const 0) (i32.const 0) (local.get 0))))
(assert_return (invoke "memory.init" (i32.const 0)))
(assert_trap (invoke "memory.init" (i32.const 1)) "out of bounds memory access")
(assert_return (invoke "table.init" (i32.const 0)))
(assert_trap (invoke "table.init" (i32.const 1)) "out of bounds table access")
