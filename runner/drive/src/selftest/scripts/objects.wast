;; Objects of the garbage collector.
(module
  (type $point (struct (field (mut i32)) (field i32)))
  (func (export "new") (result (ref $point)) (struct.new $point (i32.const 1) (i32.const 2)))
  (func (export "sum") (result i32) (local $p (ref $point))
    (local.set $p (struct.new $point (i32.const 1) (i32.const 2)))
    (struct.set $point 0 (local.get $p) (i32.const 40))
    (i32.add (struct.get $point 0 (local.get $p)) (struct.get $point 1 (local.get $p))))
  (func (export "null") (result i32) (struct.get $point 0 (ref.null $point)))
  (func (export "i31") (result i31ref) (ref.i31 (i32.const 3))))
(assert_return (invoke "new") (ref.struct))
(assert_return (invoke "sum") (i32.const 42))
(assert_return (invoke "i31") (ref.i31))
(assert_trap (invoke "null") "null structure reference")
