;; Rules about types, one module for each (core spec, sections 3.2 and 3.4).

(assert_invalid (module (rec (type $a (sub $b (struct))) (type $b (sub (struct))))) "forward use of type")
(assert_invalid (module (type $s (struct)) (func (type $s))) "non-function type")
(assert_invalid (module (type $s (struct)) (func unreachable call_ref $s unreachable)) "non-function type")
(assert_invalid (module (type $s (struct)) (func unreachable array.get $s unreachable)) "non-array type")
(assert_invalid (module (type $a (array i32)) (func unreachable struct.get $a 0 unreachable))
  "non-structure type")
(assert_invalid (module (type $s (struct (field i8))) (func unreachable struct.get $s 0 unreachable))
  "field is packed")
(assert_invalid (module (type $s (struct (field i32))) (func unreachable struct.get_s $s 0 unreachable))
  "field is unpacked")
(assert_invalid (module (type $a (array i8)) (func unreachable array.get $a unreachable)) "array is packed")
(assert_invalid (module (type $a (array i32)) (func unreachable array.get_u $a unreachable))
  "array is unpacked")
(assert_invalid
  (module (type $s (struct (field (ref any)))) (func unreachable struct.new_default $s unreachable))
  "field type is not defaultable")

;; A vector may be a field.
(module (type (struct (field v128))) (type (array (mut v128))))
