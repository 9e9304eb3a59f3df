;; The directive on line 4 does not end.
(module (func (export "f") (result i32) (i32.const 1)) (func (export "loop") (loop $l (br $l))))
(assert_return (invoke "f") (i32.const 1))
(invoke "loop")
(assert_return (invoke "f") (i32.const 1))
(module (func (export "g")))
(assert_return (invoke "g"))
