;; Exceptions that leave a function, and that are caught.
(module
  (tag $e (param i32))
  (func (export "throw") (throw $e (i32.const 5)))
  (func (export "catch") (result i32)
    (block $h (result i32) (try_table (catch $e $h) (throw $e (i32.const 6))) (i32.const 0))))
(assert_exception (invoke "throw"))
(assert_return (invoke "catch") (i32.const 6))
