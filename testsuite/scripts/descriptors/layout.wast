;;! features = "3.0,custom-descriptors"
;;! reason = "descriptors and exact types belong to the custom descriptors proposal"

;; The layout of objects with descriptors: a type without a descriptor may have subtypes with one,
;; whose fields stay where the supertype has them. A descriptor lives as long as an object that it
;; describes. A cast by descriptor succeeds only for the identical descriptor.

(module
  (rec
    (type $plain (sub (struct (field i32))))
    (type $described (sub $plain (descriptor $desc) (struct (field i32) (field (mut i64)))))
    (type $desc (sub (describes $described) (struct (field i32))))
    (type $more (sub $described (descriptor $more-desc) (struct (field i32) (field (mut i64)) (field f32))))
    (type $more-desc (sub $desc (describes $more) (struct (field i32) (field i32)))))

  (global $one (ref (exact $desc)) (struct.new $desc (i32.const 1)))
  (global $two (ref (exact $desc)) (struct.new $desc (i32.const 2)))

  (func $make (param $desc (ref null (exact $desc))) (result (ref $described))
    (struct.new_desc $described (i32.const 10) (i64.const 20) (local.get $desc)))
  (func $make-more (param i32) (result (ref $more))
    (struct.new_desc $more (i32.const 11) (i64.const 21) (f32.const 31)
      (struct.new $more-desc (local.get 0) (i32.const 5))))

  (func $first (param (ref $plain)) (result i32) (struct.get $plain 0 (local.get 0)))
  (func $of (param (ref $described)) (result i32)
    (struct.get $desc 0 (ref.get_desc $described (local.get 0))))

  ;; Access fields through every type that has them.
  (func (export "fields") (result i32 i32 i64 i64 f32)
    (local $a (ref $described)) (local $b (ref $more))
    (local.set $a (call $make (global.get $one)))
    (local.set $b (call $make-more (i32.const 3)))
    (call $first (local.get $a))
    (call $first (local.get $b))
    (struct.get $described 1 (local.get $a))
    (struct.get $described 1 (local.get $b))
    (struct.get $more 2 (local.get $b)))

  (func (export "descriptors") (result i32 i32)
    (call $of (call $make (global.get $two)))
    (call $of (call $make-more (i32.const 3))))

  ;; The descriptor is reachable only through its object while other objects are allocated and
  ;; dropped.
  (func (export "kept") (param $rounds i32) (result i32)
    (local $kept (ref $more))
    (local.set $kept (call $make-more (i32.const 42)))
    (loop $again
      (drop (call $make-more (local.get $rounds)))
      (br_if $again (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))
    (call $of (local.get $kept)))

  (func (export "cast") (result i32 i32 i32)
    (local $a anyref)
    (local.set $a (call $make (global.get $one)))
    (block $yes (result (ref $described))
      (drop (br_on_cast_desc_eq $yes anyref (ref $described) (local.get $a) (global.get $one)))
      (return (i32.const 0) (i32.const 0) (i32.const 0)))
    (struct.get $described 0)
    (block $no (result anyref)
      (drop (br_on_cast_desc_eq_fail $no anyref (ref $described) (local.get $a) (global.get $two)))
      (return (i32.const 0) (i32.const 0) (i32.const 0)))
    (ref.test (ref (exact $described)))
    (ref.test (ref (exact $described)) (call $make-more (i32.const 1))))

  ;; Casts by descriptor of objects that have no descriptor.
  (func (export "cast-other") (param i32) (result i32)
    (local $any anyref)
    (local.set $any (struct.new $plain (i32.const 1)))
    (if (i32.eq (local.get 0) (i32.const 1)) (then (local.set $any (ref.i31 (i32.const 5)))))
    (if (i32.eq (local.get 0) (i32.const 2)) (then (local.set $any (global.get $one))))
    (drop (ref.cast_desc_eq (ref $described) (local.get $any) (global.get $one)))
    (i32.const 1))
  (func (export "cast-null") (result i32)
    (ref.is_null (ref.cast_desc_eq (ref null $described) (ref.null any) (global.get $one))))
  (func (export "cast-to-null")
    (drop (ref.cast_desc_eq (ref null $described) (ref.null any) (ref.null $desc))))
  (func (export "make-of-null") (drop (call $make (ref.null (exact $desc))))))

(assert_return (invoke "fields") (i32.const 10) (i32.const 11) (i64.const 20) (i64.const 21) (f32.const 31))
(assert_return (invoke "descriptors") (i32.const 2) (i32.const 3))
(assert_return (invoke "kept" (i32.const 1000)) (i32.const 42))
(assert_return (invoke "kept" (i32.const 400_000)) (i32.const 42))
(assert_return (invoke "cast") (i32.const 10) (i32.const 1) (i32.const 0))
(assert_trap (invoke "cast-other" (i32.const 0)) "descriptor cast failure")
(assert_trap (invoke "cast-other" (i32.const 1)) "descriptor cast failure")
(assert_trap (invoke "cast-other" (i32.const 2)) "descriptor cast failure")
(assert_return (invoke "cast-null") (i32.const 1))
(assert_trap (invoke "cast-to-null") "null descriptor reference")
(assert_trap (invoke "make-of-null") "null descriptor reference")

;; Exact types are distinct from their subtypes.
(assert_invalid
  (module
    (type $a (sub (struct)))
    (type $b (sub $a (struct)))
    (func (param (ref $b)) (result (ref (exact $a))) (local.get 0)))
  "type mismatch")
