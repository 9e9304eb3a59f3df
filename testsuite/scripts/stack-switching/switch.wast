;;! features = "3.0,stack-switching"
;;! reason = "continuations belong to the stack switching proposal"

;; Symmetric switching (stack switching proposal): a continuation passes control to another one
;; under the same `resume`, with itself as the last value.

(module
  (rec
    (type $f (func (param i32 (ref null $k)) (result i32)))
    (type $k (cont $f)))
  (type $start (func (param i32) (result i32))) (type $ks (cont $start))
  (tag $s (result i32)) (tag $t (param i32)) (tag $unused (result i32))
  (elem declare func $ping $pong $begins $suspends $ends)

  ;; Two continuations that count down in turn.
  (func $pong (type $f)
    (loop $l
      (if (i32.eqz (local.get 0)) (then (return (i32.const 7))))
      (switch $k $s (i32.sub (local.get 0) (i32.const 1)) (local.get 1))
      (local.set 1)
      (local.set 0)
      (br $l))
    (unreachable))
  (func $ping (type $start) (local $k (ref null $k))
    (local.set $k (cont.new $k (ref.func $pong)))
    (loop $l
      (if (i32.eqz (local.get 0)) (then (return (i32.const 8))))
      (switch $k $s (i32.sub (local.get 0) (i32.const 1)) (local.get $k))
      (local.set $k)
      (local.set 0)
      (br $l))
    (unreachable))
  (func (export "turns") (param i32) (result i32)
    (resume $ks (on $s switch) (local.get 0) (cont.new $ks (ref.func $ping))))

  ;; The one that is switched to can suspend to the clauses of the same `resume`, and the
  ;; continuation then contains it alone.
  (type $ft (func (result i32))) (type $kt (cont $ft))
  (func $suspends (type $f)
    (suspend $t (i32.add (local.get 0) (i32.const 1)))
    (drop (switch $k $s (i32.const 30) (local.get 1)))
    (unreachable))
  (func $begins (type $start)
    (switch $k $s (local.get 0) (cont.new $k (ref.func $suspends)))
    (drop)
    (i32.add (local.get 0)))
  (func (export "suspends") (result i32) (local $got i32)
    (block $on (result i32 (ref $kt))
      (resume $ks (on $t $on) (on $s switch) (i32.const 4) (cont.new $ks (ref.func $begins)))
      (return))
    (call $go-on))
  (func $go-on (param i32 (ref $kt)) (result i32)
    (i32.add (local.get 0) (resume $kt (on $s switch) (local.get 1))))

  ;; The handler can be further out: the continuation contains the chain up to it.
  (func $nested (type $start) (resume $ks (on $unused switch) (local.get 0) (cont.new $ks (ref.func $begins2))))
  (func $begins2 (type $start)
    (drop (switch $k $s (local.get 0) (cont.new $k (ref.func $ends))))
    (i32.add (i32.const 500)))
  (func $ends (type $f)
    (drop (switch $k $s (i32.add (local.get 0) (i32.const 60)) (local.get 1)))
    (unreachable))
  (elem declare func $nested $begins2)
  (func (export "nested") (result i32)
    (resume $ks (on $s switch) (i32.const 4) (cont.new $ks (ref.func $nested))))

  (func (export "unhandled") (result i32)
    (resume $ks (on $unused switch) (i32.const 4) (cont.new $ks (ref.func $begins))))
  (func (export "not in a continuation") (result i32)
    (drop (switch $k $s (i32.const 1) (cont.new $k (ref.func $ends)))))
)

(assert_return (invoke "turns" (i32.const 0)) (i32.const 8))
(assert_return (invoke "turns" (i32.const 1)) (i32.const 7))
(assert_return (invoke "turns" (i32.const 2)) (i32.const 8))
(assert_return (invoke "turns" (i32.const 10001)) (i32.const 7))
(assert_return (invoke "suspends") (i32.const 39))
(assert_return (invoke "nested") (i32.const 564))
(assert_suspension (invoke "unhandled") "unhandled")
(assert_suspension (invoke "not in a continuation") "unhandled")
(assert_return (invoke "turns" (i32.const 3)) (i32.const 7))
