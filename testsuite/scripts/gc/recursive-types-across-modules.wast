;; Types are equal if their recursive groups are equal (section 3.3.9), in whichever modules: an
;; object from one module can be cast to another module's type of an equal group, but not to a type
;; of a group that differs in any way.

(module $maker
  (rec
    (type $list (sub (struct (field i32) (field (ref null $tree)))))
    (type $tree (sub $list (struct (field i32) (field (ref null $tree)) (field (ref null $list))))))
  (type $alone (struct (field i32)))
  (func (export "list") (param i32) (result anyref) (struct.new $list (local.get 0) (ref.null $tree)))
  (func (export "tree") (param i32) (result anyref)
    (struct.new $tree (local.get 0) (ref.null $tree) (struct.new $list (i32.const 9) (ref.null $tree))))
  (func (export "alone") (result anyref) (struct.new $alone (i32.const 5)))
  (type $callback (func (param (ref null $list)) (result i32)))
  (func $value (export "value") (type $callback) (struct.get $list 0 (local.get 0)))
  (func (export "callback") (result funcref) (ref.func $value)))
(register "maker" $maker)

;; The same group with other names, among other types.
(module $equal
  (type $before (array i8))
  (rec
    (type $l (sub (struct (field i32) (field (ref null $t)))))
    (type $t (sub $l (struct (field i32) (field (ref null $t)) (field (ref null $l))))))
  (type $c (func (param (ref null $l)) (result i32)))
  (import "maker" "list" (func $list (param i32) (result anyref)))
  (import "maker" "tree" (func $tree (param i32) (result anyref)))
  (import "maker" "callback" (func $callback (result funcref)))
  ;; The type of the import refers to the group: it matches because the groups are equal.
  (import "maker" "value" (func $value (type $c)))
  (func (export "list is l") (result i32) (ref.test (ref $l) (call $list (i32.const 1))))
  (func (export "list is t") (result i32) (ref.test (ref $t) (call $list (i32.const 1))))
  (func (export "tree is l") (result i32) (ref.test (ref $l) (call $tree (i32.const 1))))
  (func (export "tree is t") (result i32) (ref.test (ref $t) (call $tree (i32.const 1))))
  (func (export "read") (param i32) (result i32)
    (struct.get $l 0 (struct.get $t 2 (ref.cast (ref $t) (call $tree (local.get 0))))))
  (func (export "call import") (param i32) (result i32) (call $value (struct.new $l (local.get 0) (ref.null $t))))
  (func (export "call cast") (param i32) (result i32)
    (call_ref $c (struct.new $l (local.get 0) (ref.null $t)) (ref.cast (ref $c) (call $callback)))))

(assert_return (invoke $equal "list is l") (i32.const 1))
(assert_return (invoke $equal "list is t") (i32.const 0))
(assert_return (invoke $equal "tree is l") (i32.const 1))
(assert_return (invoke $equal "tree is t") (i32.const 1))
(assert_return (invoke $equal "read" (i32.const 3)) (i32.const 9))
(assert_return (invoke $equal "call import" (i32.const 4)) (i32.const 4))
(assert_return (invoke $equal "call cast" (i32.const 5)) (i32.const 5))

;; An additional type, a type made final, another order: each makes the types different.
(module $longer
  (rec
    (type $l (sub (struct (field i32) (field (ref null $t)))))
    (type $t (sub $l (struct (field i32) (field (ref null $t)) (field (ref null $l)))))
    (type $more (struct)))
  (import "maker" "list" (func $list (param i32) (result anyref)))
  (import "maker" "tree" (func $tree (param i32) (result anyref)))
  (func (export "is l") (result i32) (ref.test (ref $l) (call $list (i32.const 1))))
  (func (export "is t") (result i32) (ref.test (ref $t) (call $tree (i32.const 1))))
  (func (export "as l") (drop (ref.cast (ref $l) (call $list (i32.const 1))))))

(assert_return (invoke $longer "is l") (i32.const 0))
(assert_return (invoke $longer "is t") (i32.const 0))
(assert_trap (invoke $longer "as l") "cast failure")

(module $final
  (rec
    (type $l (sub (struct (field i32) (field (ref null $t)))))
    (type $t (sub final $l (struct (field i32) (field (ref null $t)) (field (ref null $l))))))
  (import "maker" "list" (func $list (param i32) (result anyref)))
  (func (export "is l") (result i32) (ref.test (ref $l) (call $list (i32.const 1)))))

(assert_return (invoke $final "is l") (i32.const 0))

;; The type of a singleton group is not a type of a larger group.
(module $single
  (type $alone (struct (field i32)))
  (rec (type $a (struct (field i32))) (type $b (struct (field i32))))
  (import "maker" "alone" (func $make (result anyref)))
  (func (export "is alone") (result i32) (ref.test (ref $alone) (call $make)))
  (func (export "is a") (result i32) (ref.test (ref $a) (call $make)))
  (func (export "is b") (result i32) (ref.test (ref $b) (call $make))))

(assert_return (invoke $single "is alone") (i32.const 1))
(assert_return (invoke $single "is a") (i32.const 0))
(assert_return (invoke $single "is b") (i32.const 0))

(assert_unlinkable
  (module
    (rec
      (type $l (sub (struct (field i32) (field (ref null $t)))))
      (type $t (sub $l (struct (field i32) (field (ref null $t)) (field (ref null $l)))))
      (type $more (struct)))
    (import "maker" "value" (func (param (ref null $l)) (result i32))))
  "incompatible import type")
