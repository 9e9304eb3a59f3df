;;! features = "3.0,stack-switching"
;;! reason = "continuations belong to the stack switching proposal"

;; Continuations as values (stack switching proposal): in globals, tables, structures and arrays,
;; as fields of exceptions, and at the interface. They are neither internal nor external
;; references, and there are no casts to their types.

(module
  (type $f (func (param i32) (result i32))) (type $k (cont $f))
  (type $box (struct (field (mut (ref null $k)))))
  (type $many (array (mut contref)))
  (tag $t (param i32) (result i32))
  (tag $e (param (ref $k)))
  (global $g (mut (ref null $k)) (ref.null $k))
  (global $none nullcontref (ref.null nocont))
  (table $tab 3 (ref null $k))
  (elem declare func $adds)
  (func $adds (type $f) (i32.add (suspend $t (local.get 0)) (local.get 0)))

  (func $start (param i32) (result (ref $k))
    (block $on (result i32 (ref $k))
      (resume $k (on $t $on) (local.get 0) (cont.new $k (ref.func $adds)))
      (unreachable))
    (call $second))
  (func $second (param i32 (ref $k)) (result (ref $k)) (local.get 1))
  (func $finish (param (ref null $k)) (result i32) (resume $k (i32.const 100) (local.get 0)))

  (func (export "global") (result i32)
    (global.set $g (call $start (i32.const 1)))
    (call $finish (global.get $g)))
  (func (export "table") (result i32 i32 i32)
    (table.fill $tab (i32.const 0) (ref.null $k) (i32.const 3))
    (table.set $tab (i32.const 2) (call $start (i32.const 2)))
    (table.copy $tab $tab (i32.const 0) (i32.const 2) (i32.const 1))
    (call $finish (table.get $tab (i32.const 0)))
    (ref.is_null (table.get $tab (i32.const 1)))
    (ref.is_null (table.get $tab (i32.const 2))))
  (func (export "structure") (result i32)
    (call $finish (struct.get $box 0 (struct.new $box (call $start (i32.const 3))))))
  (func (export "array") (result i32) (local $a (ref $many))
    (local.set $a (array.new_default $many (i32.const 2)))
    (array.set $many (local.get $a) (i32.const 1) (call $start (i32.const 4)))
    (i32.add
      (i32.mul (i32.const 2) (ref.is_null (array.get $many (local.get $a) (i32.const 0))))
      (ref.is_null (array.get $many (local.get $a) (i32.const 1)))))
  (func (export "exception") (result i32)
    (block $h (result (ref $k))
      (try_table (catch $e $h) (throw $e (call $start (i32.const 5))))
      (unreachable))
    (call $finish))
  (func (export "null") (result contref nullcontref (ref null $k)) (global.get $none) (global.get $none) (ref.null $k))
  (func (export "as non-null") (result i32) (call $finish (ref.as_non_null (global.get $g))))
  (func (export "is null") (param (ref null $k)) (result i32) (ref.is_null (local.get 0)))
)

(assert_return (invoke "global") (i32.const 101))
(assert_return (invoke "table") (i32.const 102) (i32.const 1) (i32.const 0))
(assert_return (invoke "structure") (i32.const 103))
(assert_return (invoke "array") (i32.const 2))
(assert_return (invoke "exception") (i32.const 105))
(assert_return (invoke "null") (ref.null) (ref.null nocont) (ref.null cont))
(assert_trap (invoke "as non-null") "continuation already consumed")
(assert_return (invoke "is null" (ref.null nocont)) (i32.const 1))

(assert_invalid (module (func (param contref) (result anyref) (local.get 0))) "type mismatch")
(assert_invalid (module (func (param contref) (result externref) (local.get 0))) "type mismatch")
(assert_invalid (module (func (param contref) (result funcref) (local.get 0))) "type mismatch")
(assert_invalid (module (func (param nullref) (result contref) (local.get 0))) "type mismatch")
(assert_invalid (module (func (param contref contref) (result i32) (ref.eq (local.get 0) (local.get 1)))) "type mismatch")
(assert_invalid
  (module (type $f (func)) (type $k (cont $f)) (func (param (ref $k)) (result (ref $f)) (local.get 0)))
  "type mismatch")
(assert_invalid
  (module (type $f (func)) (type $k (cont $f)) (func (param (ref nofunc)) (result (ref $k)) (local.get 0)))
  "type mismatch")
(module (type $f (func)) (type $k (cont $f)) (func (param (ref nocont)) (result (ref $k)) (local.get 0)))
(module (type $f (func)) (type $k (cont $f)) (func (param (ref $k)) (result contref) (local.get 0)))
(assert_invalid (module (func (param contref) (drop (ref.test (ref cont) (local.get 0))))) "invalid cast")
(assert_invalid (module (func (param contref) (drop (ref.cast (ref nocont) (local.get 0))))) "invalid cast")

;; Types match across modules by their recursive groups, as all types do.

(module $one
  (type $f (func (param i32) (result i32))) (type $k (cont $f))
  (tag $t (export "t") (param i32) (result i32))
  (global (export "g") (mut (ref null $k)) (ref.null $k))
  (func $body (type $f) (i32.mul (suspend $t (local.get 0)) (i32.const 2)))
  (elem declare func $body)
  (func (export "make") (result (ref $k)) (cont.new $k (ref.func $body))))
(register "one")
(module
  (type $f' (func (param i32) (result i32)))
  (type $k (cont $f'))
  (tag $t (import "one" "t") (param i32) (result i32))
  (global $g (import "one" "g") (mut (ref null $k)))
  (func $make (import "one" "make") (result (ref $k)))
  (func (export "run") (result i32)
    (block $on (result i32 (ref $k))
      (resume $k (on $t $on) (i32.const 3) (call $make))
      (return))
    (global.set $g)
    (drop)
    (resume $k (i32.const 21) (global.get $g))))
(assert_return (invoke "run") (i32.const 42))
(assert_unlinkable
  (module
    (type $f (func (param i64) (result i32))) (type $k (cont $f))
    (func (import "one" "make") (result (ref $k))))
  "incompatible import type")
