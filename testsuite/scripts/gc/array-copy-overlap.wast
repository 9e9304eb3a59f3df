;; `array.copy` behaves as if through a temporary copy (section 4.6.10, `array.copy`: ascending or
;; descending, depending on which index is larger), so that ranges of one array may overlap. Null is
;; checked before bounds, and bounds before anything is written.

(module
  (type $bytes (array (mut i8)))
  (type $refs (array (mut (ref null eq))))
  (type $i31s (array (ref null i31)))
  (type $vectors (array (mut v128)))
  (data $d "\00\01\02\03\04\05\06\07\08\09")
  (global $b (mut (ref null $bytes)) (ref.null $bytes))
  (global $r (mut (ref null $refs)) (ref.null $refs))
  (global $v (mut (ref null $vectors)) (ref.null $vectors))

  (func (export "begin") (local $i i32)
    (global.set $b (array.new_data $bytes $d (i32.const 0) (i32.const 10)))
    (global.set $r (array.new_default $refs (i32.const 10)))
    (global.set $v (array.new_default $vectors (i32.const 10)))
    (loop $next
      (array.set $refs (global.get $r) (local.get $i) (ref.i31 (local.get $i)))
      (array.set $vectors (global.get $v) (local.get $i) (i64x2.splat (i64.extend_i32_u (local.get $i))))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 10)))))
  (func (export "copy") (param $to i32) (param $from i32) (param $n i32)
    (array.copy $bytes $bytes (global.get $b) (local.get $to) (global.get $b) (local.get $from) (local.get $n))
    (array.copy $refs $refs (global.get $r) (local.get $to) (global.get $r) (local.get $from) (local.get $n))
    (array.copy $vectors $vectors (global.get $v) (local.get $to) (global.get $v) (local.get $from) (local.get $n)))
  ;; The element at an index, if the three arrays agree on it.
  (func (export "at") (param $i i32) (result i32) (local $x i32)
    (local.set $x (array.get_u $bytes (global.get $b) (local.get $i)))
    (if (i32.ne (local.get $x) (i31.get_u (ref.cast (ref i31) (array.get $refs (global.get $r) (local.get $i))))) (then unreachable))
    (if (i64.ne (i64.extend_i32_u (local.get $x)) (i64x2.extract_lane 1 (array.get $vectors (global.get $v) (local.get $i)))) (then unreachable))
    (local.get $x))
  (func (export "from below")
    (array.copy $refs $i31s (global.get $r) (i32.const 1) (array.new $i31s (ref.i31 (i32.const 50)) (i32.const 3)) (i32.const 1) (i32.const 2)))
  (func (export "ref at") (param $i i32) (result i32)
    (i31.get_u (ref.cast (ref i31) (array.get $refs (global.get $r) (local.get $i)))))
  (func (export "null target") (array.copy $bytes $bytes (ref.null $bytes) (i32.const 11) (global.get $b) (i32.const 11) (i32.const 0)))
  (func (export "null source") (array.copy $bytes $bytes (global.get $b) (i32.const 11) (ref.null $bytes) (i32.const 11) (i32.const 0))))

;; Descending.
(assert_return (invoke "begin"))
(assert_return (invoke "copy" (i32.const 2) (i32.const 0) (i32.const 8)))
(assert_return (invoke "at" (i32.const 0)) (i32.const 0))
(assert_return (invoke "at" (i32.const 1)) (i32.const 1))
(assert_return (invoke "at" (i32.const 2)) (i32.const 0))
(assert_return (invoke "at" (i32.const 3)) (i32.const 1))
(assert_return (invoke "at" (i32.const 4)) (i32.const 2))
(assert_return (invoke "at" (i32.const 9)) (i32.const 7))

;; Ascending.
(assert_return (invoke "begin"))
(assert_return (invoke "copy" (i32.const 0) (i32.const 1) (i32.const 9)))
(assert_return (invoke "at" (i32.const 0)) (i32.const 1))
(assert_return (invoke "at" (i32.const 1)) (i32.const 2))
(assert_return (invoke "at" (i32.const 8)) (i32.const 9))
(assert_return (invoke "at" (i32.const 9)) (i32.const 9))

;; Onto itself, and empty ranges at the very end.
(assert_return (invoke "begin"))
(assert_return (invoke "copy" (i32.const 3) (i32.const 3) (i32.const 7)))
(assert_return (invoke "copy" (i32.const 10) (i32.const 10) (i32.const 0)))
(assert_return (invoke "at" (i32.const 3)) (i32.const 3))
(assert_return (invoke "at" (i32.const 9)) (i32.const 9))

;; A range that is out of bounds changes nothing, even if the sum of index and length wraps around.
(assert_trap (invoke "copy" (i32.const 0) (i32.const 5) (i32.const 6)) "out of bounds array access")
(assert_trap (invoke "copy" (i32.const 5) (i32.const 0) (i32.const 6)) "out of bounds array access")
(assert_trap (invoke "copy" (i32.const 11) (i32.const 0) (i32.const 0)) "out of bounds array access")
(assert_trap (invoke "copy" (i32.const 0) (i32.const 11) (i32.const 0)) "out of bounds array access")
(assert_trap (invoke "copy" (i32.const -1) (i32.const 0) (i32.const 2)) "out of bounds array access")
(assert_trap (invoke "copy" (i32.const 0) (i32.const 1) (i32.const -1)) "out of bounds array access")
(assert_return (invoke "at" (i32.const 0)) (i32.const 0))
(assert_return (invoke "at" (i32.const 5)) (i32.const 5))
(assert_trap (invoke "null target") "null array reference")
(assert_trap (invoke "null source") "null array reference")

;; From an array with a subtype as element type.
(assert_return (invoke "from below"))
(assert_return (invoke "ref at" (i32.const 0)) (i32.const 0))
(assert_return (invoke "ref at" (i32.const 1)) (i32.const 50))
(assert_return (invoke "ref at" (i32.const 2)) (i32.const 50))
(assert_return (invoke "ref at" (i32.const 3)) (i32.const 3))
