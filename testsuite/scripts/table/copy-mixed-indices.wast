;;! features = "3.0"
;;! reason = "tables with 64-bit indices are part of 3.0"

;; `table.copy` between tables of two address types takes each index in its table's type and the
;; count in the smaller of the two (section 3.4.6); `table.init` takes the index into the table in
;; the table's type, and the segment's index and count as i32. Out-of-bounds accesses trap before
;; anything is written (section 4.6.7).

(module
  (type $number (func (result i32)))
  (table $small i32 8 funcref)
  (table $large i64 8 funcref)
  (elem $segment func $f0 $f1 $f2 $f3)
  (func $f0 (result i32) (i32.const 10))
  (func $f1 (result i32) (i32.const 11))
  (func $f2 (result i32) (i32.const 12))
  (func $f3 (result i32) (i32.const 13))

  (func (export "init small") (param i32 i32 i32)
    (table.init $small $segment (local.get 0) (local.get 1) (local.get 2)))
  (func (export "init large") (param i64 i32 i32)
    (table.init $large $segment (local.get 0) (local.get 1) (local.get 2)))
  (func (export "small to large") (param i64 i32 i32)
    (table.copy $large $small (local.get 0) (local.get 1) (local.get 2)))
  (func (export "large to small") (param i32 i64 i32)
    (table.copy $small $large (local.get 0) (local.get 1) (local.get 2)))
  (func (export "within large") (param i64 i64 i64)
    (table.copy $large $large (local.get 0) (local.get 1) (local.get 2)))
  (func (export "drop") (elem.drop $segment))

  ;; The number that the function at an index returns, or -1 if there is none.
  (func (export "small") (param i32) (result i32)
    (if (result i32) (ref.is_null (table.get $small (local.get 0)))
      (then (i32.const -1)) (else (call_indirect $small (type $number) (local.get 0)))))
  (func (export "large") (param i64) (result i32)
    (if (result i32) (ref.is_null (table.get $large (local.get 0)))
      (then (i32.const -1)) (else (call_indirect $large (type $number) (local.get 0))))))

(assert_return (invoke "init small" (i32.const 1) (i32.const 0) (i32.const 4)))
(assert_return (invoke "small" (i32.const 0)) (i32.const -1))
(assert_return (invoke "small" (i32.const 1)) (i32.const 10))
(assert_return (invoke "small" (i32.const 4)) (i32.const 13))

(assert_trap (invoke "init large" (i64.const 0x1_0000_0000) (i32.const 0) (i32.const 4)) "out of bounds table access")
(assert_trap (invoke "init large" (i64.const -1) (i32.const 0) (i32.const 1)) "out of bounds table access")
(assert_trap (invoke "init large" (i64.const 5) (i32.const 0) (i32.const 4)) "out of bounds table access")
(assert_trap (invoke "init large" (i64.const 0) (i32.const 1) (i32.const 4)) "out of bounds table access")
(assert_trap (invoke "init large" (i64.const 0) (i32.const -1) (i32.const 1)) "out of bounds table access")
(assert_trap (invoke "init large" (i64.const 0) (i32.const 1) (i32.const -1)) "out of bounds table access")
(assert_return (invoke "large" (i64.const 0)) (i32.const -1))
(assert_return (invoke "large" (i64.const 5)) (i32.const -1))
(assert_return (invoke "init large" (i64.const 8) (i32.const 4) (i32.const 0)))
(assert_return (invoke "init large" (i64.const 4) (i32.const 0) (i32.const 4)))
(assert_return (invoke "large" (i64.const 4)) (i32.const 10))
(assert_return (invoke "large" (i64.const 7)) (i32.const 13))

(assert_return (invoke "small to large" (i64.const 0) (i32.const 2) (i32.const 3)))
(assert_return (invoke "large" (i64.const 0)) (i32.const 11))
(assert_return (invoke "large" (i64.const 2)) (i32.const 13))
(assert_return (invoke "large" (i64.const 3)) (i32.const -1))
(assert_trap (invoke "small to large" (i64.const 0x1_0000_0000) (i32.const 0) (i32.const 1)) "out of bounds table access")
(assert_trap (invoke "small to large" (i64.const 0x1_0000_0000) (i32.const 0) (i32.const 0)) "out of bounds table access")
;; All ones is the largest i32, and not extended to -1 or 2^64-1.
(assert_trap (invoke "small to large" (i64.const 0) (i32.const -1) (i32.const 1)) "out of bounds table access")
(assert_trap (invoke "small to large" (i64.const 1) (i32.const 1) (i32.const -1)) "out of bounds table access")
(assert_trap (invoke "small to large" (i64.const 6) (i32.const 0) (i32.const 3)) "out of bounds table access")
(assert_return (invoke "large" (i64.const 6)) (i32.const 12))

(assert_return (invoke "large to small" (i32.const 6) (i64.const 6) (i32.const 2)))
(assert_return (invoke "small" (i32.const 6)) (i32.const 12))
(assert_return (invoke "small" (i32.const 7)) (i32.const 13))
(assert_trap (invoke "large to small" (i32.const 0) (i64.const 0x1_0000_0000) (i32.const 1)) "out of bounds table access")
(assert_trap (invoke "large to small" (i32.const 0) (i64.const -1) (i32.const 1)) "out of bounds table access")
(assert_trap (invoke "large to small" (i32.const 7) (i64.const 0) (i32.const 2)) "out of bounds table access")
(assert_return (invoke "small" (i32.const 7)) (i32.const 13))
(assert_return (invoke "large to small" (i32.const 8) (i64.const 8) (i32.const 0)))
(assert_trap (invoke "large to small" (i32.const 8) (i64.const 9) (i32.const 0)) "out of bounds table access")

;; Overlapping ranges, in both directions.
(assert_return (invoke "within large" (i64.const 5) (i64.const 4) (i64.const 3)))
(assert_return (invoke "large" (i64.const 4)) (i32.const 10))
(assert_return (invoke "large" (i64.const 5)) (i32.const 10))
(assert_return (invoke "large" (i64.const 6)) (i32.const 11))
(assert_return (invoke "large" (i64.const 7)) (i32.const 12))
(assert_return (invoke "within large" (i64.const 4) (i64.const 5) (i64.const 3)))
(assert_return (invoke "large" (i64.const 4)) (i32.const 10))
(assert_return (invoke "large" (i64.const 5)) (i32.const 11))
(assert_return (invoke "large" (i64.const 6)) (i32.const 12))
(assert_return (invoke "large" (i64.const 7)) (i32.const 12))
(assert_trap (invoke "within large" (i64.const 1) (i64.const 0) (i64.const -1)) "out of bounds table access")
(assert_trap (invoke "within large" (i64.const 0) (i64.const 0) (i64.const 0x1_0000_0000)) "out of bounds table access")

;; A dropped segment is empty.
(assert_return (invoke "drop"))
(assert_trap (invoke "init large" (i64.const 0) (i32.const 0) (i32.const 1)) "out of bounds table access")
(assert_return (invoke "init large" (i64.const 0) (i32.const 0) (i32.const 0)))

(assert_invalid
  (module (table $s i32 1 funcref) (table $l i64 1 funcref)
    (func (table.copy $l $s (i64.const 0) (i32.const 0) (i64.const 0))))
  "type mismatch")
(assert_invalid
  (module (table $s i32 1 funcref) (table $l i64 1 funcref)
    (func (table.copy $s $l (i32.const 0) (i64.const 0) (i64.const 0))))
  "type mismatch")
(assert_invalid
  (module (table $l i64 1 funcref) (func (table.copy $l $l (i64.const 0) (i64.const 0) (i32.const 0))))
  "type mismatch")
(assert_invalid
  (module (table $l i64 1 funcref) (elem $e func) (func (table.init $l $e (i64.const 0) (i64.const 0) (i32.const 0))))
  "type mismatch")

;; An import must have the declared address type.
(module $owner (table (export "large") i64 1 funcref) (table (export "small") i32 1 funcref))
(register "owner" $owner)
(module (import "owner" "large" (table i64 1 funcref)) (import "owner" "small" (table i32 1 funcref)))
(assert_unlinkable (module (import "owner" "large" (table i32 1 funcref))) "incompatible import type")
(assert_unlinkable (module (import "owner" "small" (table i64 1 funcref))) "incompatible import type")
