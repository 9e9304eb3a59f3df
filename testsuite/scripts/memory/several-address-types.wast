;;! features = "3.0"
;;! reason = "multiple memories and 64-bit addresses are part of 3.0"

;; Each instruction accesses the memory that it names, with that memory's address type (section
;; 4.6.8); `memory.copy` between two address types takes the count in the smaller one (section
;; 3.4.7). The contents, sizes and ends of memories are independent.

(module
  (memory $a 1)
  (memory $b i64 2 4)
  (memory $c 0)
  (data (memory $a) (i32.const 0) "aaaaaaaa")
  (data (memory $b) (i64.const 0) "bbbbbbbb")
  (data $passive "0123456789")

  (func (export "sizes") (result i32 i64 i32) (memory.size $a) (memory.size $b) (memory.size $c))
  (func (export "grow") (result i32 i64 i32)
    (memory.grow $a (i32.const 1)) (memory.grow $b (i64.const 2)) (memory.grow $c (i32.const 3)))
  (func (export "a") (param i32) (result i32) (i32.load8_u $a (local.get 0)))
  (func (export "b") (param i64) (result i32) (i32.load8_u $b (local.get 0)))
  (func (export "c") (param i32) (result i32) (i32.load8_u $c (local.get 0)))
  (func (export "store b") (param i64 i32) (i32.store8 $b (local.get 0) (local.get 1)))
  (func (export "a to b") (param i64 i32 i32) (memory.copy $b $a (local.get 0) (local.get 1) (local.get 2)))
  (func (export "b to a") (param i32 i64 i32) (memory.copy $a $b (local.get 0) (local.get 1) (local.get 2)))
  (func (export "a to c") (param i32 i32 i32) (memory.copy $c $a (local.get 0) (local.get 1) (local.get 2)))
  (func (export "fill c") (param i32 i32 i32) (memory.fill $c (local.get 0) (local.get 1) (local.get 2)))
  (func (export "init b") (param i64 i32 i32) (memory.init $b $passive (local.get 0) (local.get 1) (local.get 2)))
  ;; A load from one memory provides the address for another.
  (func (export "through") (param i32) (result i32)
    (i32.load8_u $b (i64.load8_u $a (local.get 0))))
  ;; Alternate accesses to the two memories: a store to one must not be mistaken for a store to the
  ;; other.
  (func (export "in turns") (param i32) (result i32)
    (i32.store8 $a (local.get 0) (i32.const 1))
    (i32.store8 $b (i64.extend_i32_u (local.get 0)) (i32.const 2))
    (i32.add (i32.mul (i32.load8_u $a (local.get 0)) (i32.const 10))
      (i32.load8_u $b (i64.extend_i32_u (local.get 0)))))
  (func (export "vector") (param i64) (result v128) (v128.load $b offset=8 align=1 (local.get 0)))
  (func (export "lane") (param i32 v128) (result v128) (v128.load8_lane $a 3 (local.get 0) (local.get 1))))

(assert_return (invoke "sizes") (i32.const 1) (i64.const 2) (i32.const 0))
(assert_return (invoke "a" (i32.const 7)) (i32.const 0x61))
(assert_return (invoke "b" (i64.const 7)) (i32.const 0x62))
(assert_return (invoke "b" (i64.const 65536)) (i32.const 0))
(assert_trap (invoke "a" (i32.const 65536)) "out of bounds memory access")
(assert_trap (invoke "b" (i64.const 131072)) "out of bounds memory access")
(assert_trap (invoke "b" (i64.const 0x1_0000_0000)) "out of bounds memory access")
(assert_trap (invoke "c" (i32.const 0)) "out of bounds memory access")

(assert_return (invoke "a to b" (i64.const 131064) (i32.const 0) (i32.const 8)))
(assert_return (invoke "b" (i64.const 131063)) (i32.const 0))
(assert_return (invoke "b" (i64.const 131064)) (i32.const 0x61))
(assert_return (invoke "b" (i64.const 131071)) (i32.const 0x61))
(assert_trap (invoke "a to b" (i64.const 131065) (i32.const 0) (i32.const 8)) "out of bounds memory access")
(assert_trap (invoke "a to b" (i64.const 0x1_0000_0000) (i32.const 0) (i32.const 1)) "out of bounds memory access")
(assert_trap (invoke "a to b" (i64.const 0) (i32.const 65535) (i32.const 2)) "out of bounds memory access")
(assert_trap (invoke "a to b" (i64.const 1) (i32.const 1) (i32.const -1)) "out of bounds memory access")
(assert_return (invoke "b" (i64.const 1)) (i32.const 0x62))
(assert_trap (invoke "b to a" (i32.const 65535) (i64.const 0) (i32.const 2)) "out of bounds memory access")
(assert_trap (invoke "b to a" (i32.const 0) (i64.const 0x1_0000_0000) (i32.const 1)) "out of bounds memory access")
(assert_trap (invoke "b to a" (i32.const 0) (i64.const -1) (i32.const 1)) "out of bounds memory access")
(assert_return (invoke "a" (i32.const 65535)) (i32.const 0))
(assert_return (invoke "b to a" (i32.const 65534) (i64.const 0) (i32.const 2)))
(assert_return (invoke "a" (i32.const 65535)) (i32.const 0x62))
(assert_trap (invoke "a to c" (i32.const 0) (i32.const 0) (i32.const 1)) "out of bounds memory access")
(assert_return (invoke "a to c" (i32.const 0) (i32.const 65536) (i32.const 0)))
(assert_trap (invoke "fill c" (i32.const 1) (i32.const 0) (i32.const 0)) "out of bounds memory access")
(assert_return (invoke "init b" (i64.const 65536) (i32.const 2) (i32.const 3)))
(assert_return (invoke "b" (i64.const 65538)) (i32.const 0x34))
(assert_return (invoke "b" (i64.const 65539)) (i32.const 0))

(assert_return (invoke "store b" (i64.const 0x61) (i32.const 77)))
(assert_return (invoke "through" (i32.const 0)) (i32.const 77))
(assert_return (invoke "in turns" (i32.const 0)) (i32.const 12))
(assert_return (invoke "in turns" (i32.const 65535)) (i32.const 12))
(assert_trap (invoke "in turns" (i32.const 65536)) "out of bounds memory access")
(assert_trap (invoke "vector" (i64.const -1)) "out of bounds memory access")
(assert_return (invoke "lane" (i32.const 1) (v128.const i32x4 -1 0 0 0)) (v128.const i8x16 -1 -1 -1 0x61 0 0 0 0 0 0 0 0 0 0 0 0))

;; Growing one memory neither moves nor grows another.
(assert_return (invoke "grow") (i32.const 1) (i64.const 2) (i32.const 0))
(assert_return (invoke "sizes") (i32.const 2) (i64.const 4) (i32.const 3))
(assert_return (invoke "a" (i32.const 65535)) (i32.const 1))
(assert_return (invoke "b" (i64.const 65535)) (i32.const 2))
(assert_return (invoke "b" (i64.const 262143)) (i32.const 0))
(assert_return (invoke "fill c" (i32.const 196600) (i32.const 9) (i32.const 8)))
(assert_return (invoke "c" (i32.const 196607)) (i32.const 9))
(assert_return (invoke "c" (i32.const 196599)) (i32.const 0))
(assert_return (invoke "a to c" (i32.const 0) (i32.const 0) (i32.const 8)))
(assert_return (invoke "c" (i32.const 1)) (i32.const 0x61))

;; A memory imported under two names is one memory, also for overlapping copies.
(module $owner (memory (export "m") 1) (data (i32.const 0) "12345678"))
(register "owner" $owner)
(module
  (import "owner" "m" (memory $x 1))
  (import "owner" "m" (memory $y 1))
  (func (export "copy") (param i32 i32 i32) (memory.copy $y $x (local.get 0) (local.get 1) (local.get 2)))
  (func (export "read") (result i64) (i64.load $x (i32.const 0)))
  (func (export "store then load") (result i32)
    (i32.store8 $x (i32.const 0) (i32.const 5))
    (i32.store8 $y (i32.const 0) (i32.const 6))
    (i32.load8_u $x (i32.const 0)))
  (func (export "grow") (result i32 i32) (drop (memory.grow $x (i32.const 1))) (memory.size $x) (memory.size $y)))
(assert_return (invoke "copy" (i32.const 1) (i32.const 0) (i32.const 7)))
(assert_return (invoke "read") (i64.const 0x3736_3534_3332_3131))
(assert_return (invoke "store then load") (i32.const 6))
(assert_return (invoke "grow") (i32.const 2) (i32.const 2))

(assert_invalid
  (module (memory $a 1) (memory $b i64 1) (func (memory.copy $a $b (i32.const 0) (i64.const 0) (i64.const 0))))
  "type mismatch")
(assert_invalid
  (module (memory $a 1) (memory $b i64 1) (func (drop (i32.load $b (i32.const 0)))))
  "type mismatch")
(assert_invalid (module (memory 1) (func (drop (i32.load 1 (i32.const 0))))) "unknown memory 1")
