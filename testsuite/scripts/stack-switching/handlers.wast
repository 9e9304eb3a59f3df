;;! features = "3.0,stack-switching"
;;! reason = "continuations belong to the stack switching proposal"

;; Which clause handles a suspension (stack switching proposal): the first one for the tag in the
;; innermost `resume` that has one, of its kind; a handler is not in effect while its clause runs.

(module $tags
  (tag $a (export "a") (param i32) (result i32))
  (tag $b (export "b") (param i32) (result i32)))
(register "tags")

(module
  (tag $a (import "tags" "a") (param i32) (result i32))
  (tag $b (import "tags" "b") (param i32) (result i32))
  (tag $same (import "tags" "a") (param i32) (result i32))
  (tag $s)
  (type $f (func (param i32) (result i32))) (type $k (cont $f))
  (elem declare func $leaf-a $leaf-b $middle $twice)

  (func $leaf-a (type $f) (suspend $a (local.get 0)))
  (func $leaf-b (type $f) (suspend $b (local.get 0)))
  (func $twice (type $f) (suspend $b (suspend $a (local.get 0))))

  ;; Of two clauses for one tag, the first is taken, also if they name it differently.
  (func (export "first clause") (result i32)
    (block $two (result i32 (ref $k))
      (block $one (result i32 (ref $k))
        (resume $k (on $b $two) (on $same $one) (on $a $two) (i32.const 5) (cont.new $k (ref.func $leaf-a)))
        (return))
      (drop)
      (return (i32.add (i32.const 10))))
    (drop)
    (i32.add (i32.const 20)))

  ;; `$middle` handles $b alone; $a passes it, and the continuation that the outer clause gets
  ;; contains both.
  (func $middle (type $f)
    (block $on (result i32 (ref $k))
      (resume $k (on $b $on) (local.get 0) (cont.new $k (ref.func $twice)))
      (return (i32.add (i32.const 1000))))
    (drop)
    (i32.add (i32.const 2000)))
  (func (export "outer") (result i32)
    (block $on (result i32 (ref $k))
      (resume $k (on $a $on) (i32.const 5) (cont.new $k (ref.func $middle)))
      (return))
    (resume $k))

  ;; A clause with a label does not handle `switch`, nor does a `switch` clause handle `suspend`.
  (tag $both)
  (type $g (func)) (type $kg (cont $g))
  (elem declare func $both)
  (func $both (suspend $both))
  (func $passes (resume $kg (on $both switch) (cont.new $kg (ref.func $both))))
  (elem declare func $passes)
  (func (export "kinds") (result i32)
    (block $on (result (ref $kg))
      (resume $kg (on $both switch) (on $both $on) (cont.new $kg (ref.func $passes)))
      (return (i32.const 0)))
    (resume $kg)
    (i32.const 1))

  ;; While a clause runs, its `resume` handles nothing.
  (func $again (type $f)
    (block $on (result i32 (ref $k))
      (resume $k (on $a $on) (local.get 0) (cont.new $k (ref.func $leaf-a)))
      (return))
    (drop)
    (suspend $a (i32.add (i32.const 1))))
  (elem declare func $again)
  (func (export "not in its clause") (result i32)
    (block $on (result i32 (ref $k))
      (resume $k (on $a $on) (i32.const 5) (cont.new $k (ref.func $again)))
      (return))
    (drop))

  ;; The label of a clause can be a loop, and the function's own.
  (func (export "loop") (param $n i32) (result i32) (local $sum i32)
    (i32.const 0)
    (cont.new $k (ref.func $counts))
    (loop $on (param i32 (ref $k)) (result i32)
      (block $go (param i32 (ref $k)) (result i32 (ref $k))
        (br $go))
      (resume $k (on $a $on)))
    (return))
  (func $counts (type $f) (local $i i32)
    (loop $l
      (local.set 0 (suspend $a (i32.add (local.get 0) (i32.const 1))))
      (br_if $l (i32.lt_u (local.get 0) (i32.const 1000))))
    (local.get 0))
  (elem declare func $counts)
  (func $to-function (param i32) (result i32 (ref $k))
    (resume $k (on $a 0) (local.get 0) (cont.new $k (ref.func $leaf-a)))
    (unreachable))
  (func (export "own label") (result i32)
    (call $to-function (i32.const 8))
    (drop))
)

(assert_return (invoke "first clause") (i32.const 15))
(assert_return (invoke "outer") (i32.const 2005))
(assert_return (invoke "kinds") (i32.const 1))
(assert_return (invoke "not in its clause") (i32.const 6))
(assert_return (invoke "loop" (i32.const 3)) (i32.const 1000))
(assert_return (invoke "own label") (i32.const 8))

;; Suspension through the frames of several instances; tags are those of the instance that owns
;; them.

(module $inner
  (tag $a (import "tags" "a") (param i32) (result i32))
  (tag $mine (export "mine") (param i32) (result i32))
  (global (export "state") (mut i32) (i32.const 0))
  (func (export "shared") (param i32) (result i32)
    (global.set 0 (i32.const 1))
    (suspend $a (local.get 0))
    (global.set 0 (i32.const 2)))
  (func (export "own") (param i32) (result i32) (suspend $mine (local.get 0))))
(register "inner")

(module $between
  (func $shared (import "inner" "shared") (param i32) (result i32))
  (func $own (import "inner" "own") (param i32) (result i32))
  (func (export "shared") (param i32) (result i32) (i32.add (call $shared (local.get 0)) (i32.const 1)))
  (func (export "own") (param i32) (result i32) (i32.add (call $own (local.get 0)) (i32.const 1))))
(register "between")

(module
  (tag $a (import "tags" "a") (param i32) (result i32))
  (tag $theirs (import "inner" "mine") (param i32) (result i32))
  (type $f (func (param i32) (result i32))) (type $k (cont $f))
  (func $shared (import "between" "shared") (type $f))
  (func $own (import "between" "own") (type $f))
  (global $state (import "inner" "state") (mut i32))
  (tag $mine (param i32) (result i32))
  (elem declare func $shared $own)
  (func (export "across") (result i32 i32 i32)
    (block $on (result i32 (ref $k))
      (resume $k (on $mine $on) (on $a $on) (i32.const 7) (cont.new $k (ref.func $shared)))
      (unreachable))
    (resume $k)
    (global.get $state)
    (i32.const 0))
  (func (export "theirs") (result i32)
    (block $on (result i32 (ref $k))
      (resume $k (on $mine $on) (i32.const 7) (cont.new $k (ref.func $own)))
      (unreachable))
    (drop))
  (func (export "named") (result i32)
    (block $on (result i32 (ref $k))
      (resume $k (on $mine $on) (on $theirs $on) (i32.const 7) (cont.new $k (ref.func $own)))
      (unreachable))
    (resume $k))
)

(assert_return (invoke "across") (i32.const 8) (i32.const 2) (i32.const 0))
(assert_suspension (invoke "theirs") "unhandled")
(assert_return (invoke "named") (i32.const 8))
