;;! features = "3.0"
;;! reason = "memories with 64-bit addresses are part of 3.0"

;; With 64-bit addresses, the effective address is the exact sum of address and offset (section
;; 4.6.8, "Memory Instructions"): it never wraps, whether the address, the offset or only their sum
;; is past the end, and the high bits of an address are significant.

(module
  (memory $m i64 1 3)
  (func (export "size") (result i64) (memory.size))
  (func (export "grow") (param i64) (result i64) (memory.grow (local.get 0)))
  (func (export "load") (param i64) (result i64) (i64.load align=1 (local.get 0)))
  (func (export "load8") (param i64) (result i32) (i32.load8_u (local.get 0)))
  (func (export "store") (param i64 i64) (i64.store align=1 (local.get 0) (local.get 1)))
  (func (export "store8") (param i64 i32) (i32.store8 (local.get 0) (local.get 1)))
  (func (export "load +16") (param i64) (result i64) (i64.load offset=16 align=1 (local.get 0)))
  (func (export "load +2^32") (param i64) (result i32) (i32.load8_u offset=0x1_0000_0000 (local.get 0)))
  (func (export "load +2^33") (param i64) (result i64) (i64.load offset=0x2_0000_0008 (local.get 0)))
  (func (export "load +max") (param i64) (result i32) (i32.load8_u offset=0xffff_ffff_ffff_ffff (local.get 0)))
  (func (export "store +2^63") (param i64) (i64.store offset=0x8000_0000_0000_0000 (local.get 0) (i64.const -1)))
  (func (export "vector +2^32") (param i64) (result v128) (v128.load offset=0x1_0000_0000 (local.get 0)))
  (func (export "vector") (param i64) (result v128) (v128.load align=1 (local.get 0)))
  (func (export "lane") (param i64) (v128.store8_lane 15 (local.get 0) (i8x16.splat (i32.const 0x5a))))
  (func (export "fill") (param i64 i64) (memory.fill (local.get 0) (i32.const 0xa5) (local.get 1)))
  (func (export "copy") (param i64 i64 i64) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
  (func (export "init") (param i64 i32 i32) (memory.init $d (local.get 0) (local.get 1) (local.get 2)))
  (data $d "\01\02\03\04"))

(assert_return (invoke "size") (i64.const 1))
(assert_return (invoke "store" (i64.const 65528) (i64.const 0x1122_3344_5566_7788)))
(assert_return (invoke "load" (i64.const 65528)) (i64.const 0x1122_3344_5566_7788))
(assert_return (invoke "load +16" (i64.const 65512)) (i64.const 0x1122_3344_5566_7788))

;; The low halves of these addresses are within the memory.
(assert_trap (invoke "load8" (i64.const 0x1_0000_0000)) "out of bounds memory access")
(assert_trap (invoke "load" (i64.const 0x1_0000_0008)) "out of bounds memory access")
(assert_trap (invoke "store8" (i64.const 0x8000_0000_0000_0000) (i32.const 1)) "out of bounds memory access")
(assert_trap (invoke "store" (i64.const 0x7fff_ffff_0000_0000) (i64.const 1)) "out of bounds memory access")
(assert_trap (invoke "vector" (i64.const 0xffff_0000_0000)) "out of bounds memory access")
(assert_trap (invoke "lane" (i64.const 0x1_0000_0000)) "out of bounds memory access")
(assert_trap (invoke "load8" (i64.const -1)) "out of bounds memory access")
(assert_trap (invoke "load" (i64.const -8)) "out of bounds memory access")

;; Accesses of each width that straddle the end.
(assert_trap (invoke "load" (i64.const 65529)) "out of bounds memory access")
(assert_trap (invoke "vector" (i64.const 65521)) "out of bounds memory access")
(assert_return (invoke "vector" (i64.const 65520)) (v128.const i64x2 0 0x1122_3344_5566_7788))
(assert_trap (invoke "store" (i64.const 65529) (i64.const -1)) "out of bounds memory access")
(assert_return (invoke "load" (i64.const 65528)) (i64.const 0x1122_3344_5566_7788))
(assert_trap (invoke "load +16" (i64.const 65513)) "out of bounds memory access")

;; The sum of address and offset wraps around 2^64 to an address within the memory.
(assert_trap (invoke "load +16" (i64.const -16)) "out of bounds memory access")
(assert_trap (invoke "load +16" (i64.const -8)) "out of bounds memory access")
(assert_trap (invoke "load +2^32" (i64.const 0)) "out of bounds memory access")
(assert_trap (invoke "load +2^32" (i64.const 0xffff_ffff_0000_0000)) "out of bounds memory access")
(assert_trap (invoke "load +2^33" (i64.const 0)) "out of bounds memory access")
(assert_trap (invoke "load +2^33" (i64.const 0xffff_fffd_ffff_fff8)) "out of bounds memory access")
(assert_trap (invoke "load +max" (i64.const 0)) "out of bounds memory access")
(assert_trap (invoke "load +max" (i64.const 1)) "out of bounds memory access")
(assert_trap (invoke "load +max" (i64.const 2)) "out of bounds memory access")
(assert_trap (invoke "store +2^63" (i64.const 0x8000_0000_0000_0000)) "out of bounds memory access")
(assert_trap (invoke "vector +2^32" (i64.const 16)) "out of bounds memory access")
(assert_return (invoke "load" (i64.const 0)) (i64.const 0))

;; Bulk instructions compute ends with 65 bits, and trap before they write.
(assert_trap (invoke "fill" (i64.const 16) (i64.const -16)) "out of bounds memory access")
(assert_trap (invoke "fill" (i64.const -1) (i64.const 1)) "out of bounds memory access")
(assert_trap (invoke "fill" (i64.const 0) (i64.const 0x1_0000_0000)) "out of bounds memory access")
(assert_trap (invoke "fill" (i64.const 0x1_0000_0000) (i64.const 0)) "out of bounds memory access")
(assert_trap (invoke "fill" (i64.const 65535) (i64.const 2)) "out of bounds memory access")
(assert_return (invoke "fill" (i64.const 65536) (i64.const 0)))
(assert_return (invoke "load" (i64.const 65528)) (i64.const 0x1122_3344_5566_7788))
(assert_trap (invoke "copy" (i64.const 0) (i64.const 65535) (i64.const 2)) "out of bounds memory access")
(assert_trap (invoke "copy" (i64.const 0x1_0000_0000) (i64.const 0) (i64.const 1)) "out of bounds memory access")
(assert_trap (invoke "copy" (i64.const 0) (i64.const 0x1_0000_0000) (i64.const 1)) "out of bounds memory access")
(assert_trap (invoke "copy" (i64.const 1) (i64.const 0) (i64.const -1)) "out of bounds memory access")
(assert_return (invoke "copy" (i64.const 3) (i64.const 65528) (i64.const 8)))
(assert_return (invoke "load" (i64.const 3)) (i64.const 0x1122_3344_5566_7788))
(assert_return (invoke "copy" (i64.const 4) (i64.const 3) (i64.const 8)))
(assert_return (invoke "load" (i64.const 4)) (i64.const 0x1122_3344_5566_7788))
(assert_trap (invoke "init" (i64.const 0x1_0000_0000) (i32.const 0) (i32.const 4)) "out of bounds memory access")
(assert_trap (invoke "init" (i64.const -2) (i32.const 0) (i32.const 4)) "out of bounds memory access")
(assert_trap (invoke "init" (i64.const 0) (i32.const 1) (i32.const 4)) "out of bounds memory access")
(assert_return (invoke "init" (i64.const 100) (i32.const 1) (i32.const 3)))
(assert_return (invoke "load" (i64.const 100)) (i64.const 0x04_0302))
(assert_return (invoke "lane" (i64.const 65535)))
(assert_return (invoke "load8" (i64.const 65535)) (i32.const 0x5a))

;; A grown part is zero and within bounds at once; a failed growth returns -1 in 64 bits.
(assert_return (invoke "grow" (i64.const 1)) (i64.const 1))
(assert_return (invoke "load" (i64.const 65536)) (i64.const 0))
(assert_return (invoke "load8" (i64.const 131071)) (i32.const 0))
(assert_trap (invoke "load8" (i64.const 131072)) "out of bounds memory access")
(assert_return (invoke "grow" (i64.const 2)) (i64.const -1))
(assert_return (invoke "grow" (i64.const 0x1_0000_0000)) (i64.const -1))
(assert_return (invoke "grow" (i64.const 0x1_0000_0000_0000)) (i64.const -1))
(assert_return (invoke "grow" (i64.const -1)) (i64.const -1))
(assert_return (invoke "grow" (i64.const 0)) (i64.const 2))
(assert_return (invoke "size") (i64.const 2))

;; The offset of a segment is an address: all its bits are significant, also in the sum with the
;; length.
(assert_trap (module (memory i64 1) (data (i64.const 0x1_0000_0000) "x")) "out of bounds memory access")
(assert_trap (module (memory i64 1) (data (i64.const -1) "xy")) "out of bounds memory access")
(assert_trap (module (memory i64 1) (data (i64.const 65537) "")) "out of bounds memory access")
(module (memory i64 1) (data (i64.const 65536) ""))

;; The maximum may be up to 2^48 pages; the offset of a 32-bit memory has 32 bits.
(module (memory i64 0 0x1_0000_0000_0000))
(assert_invalid (module (memory i64 0 0x1_0000_0000_0001)) "memory size")
(assert_invalid
  (module (memory i32 1) (func (drop (i32.load offset=0x1_0000_0000 (i32.const 0)))))
  "offset out of range")
