;;! features = "3.0,threads"
;;! reason = "atomic instructions are a proposal"

;; A narrow compare-exchange compares in the width of the access, and alignment applies to the
;; address with its constant offset (threads proposal, "Read-Modify-Write operators" and
;; "Alignment").

(module
  (memory 1)
  (func (export "set") (param i64) (i64.store (i32.const 0) (local.get 0)))
  (func (export "get") (result i64) (i64.load (i32.const 0)))
  (func (export "cas8") (param i32 i32) (result i32)
    (i32.atomic.rmw8.cmpxchg_u (i32.const 1) (local.get 0) (local.get 1)))
  (func (export "cas16") (param i32 i32) (result i32)
    (i32.atomic.rmw16.cmpxchg_u (i32.const 2) (local.get 0) (local.get 1)))
  (func (export "cas8-64") (param i64 i64) (result i64)
    (i64.atomic.rmw8.cmpxchg_u (i32.const 1) (local.get 0) (local.get 1)))
  (func (export "cas16-64") (param i64 i64) (result i64)
    (i64.atomic.rmw16.cmpxchg_u (i32.const 2) (local.get 0) (local.get 1)))
  (func (export "cas32-64") (param i64 i64) (result i64)
    (i64.atomic.rmw32.cmpxchg_u (i32.const 4) (local.get 0) (local.get 1)))
  (func (export "add8") (param i32) (result i32) (i32.atomic.rmw8.add_u (i32.const 7) (local.get 0)))
  (func (export "sub32-64") (param i64) (result i64) (i64.atomic.rmw32.sub_u (i32.const 0) (local.get 0)))
  (func (export "offset") (param i32) (result i64) (i64.atomic.load offset=6 (local.get 0)))
  (func (export "far") (param i32) (result i32) (i32.atomic.load offset=0xffff_fffe (local.get 0)))
  (func (export "byte") (param i32) (result i32) (i32.atomic.load8_u offset=1 (local.get 0)))
  (func (export "store16") (param i32) (i32.atomic.store16 offset=1 (local.get 0) (i32.const 0x1_ffff))))

(invoke "set" (i64.const 0xffee_ddcc_bbaa_9988))
(assert_return (invoke "cas8" (i32.const 0x9a) (i32.const 0)) (i32.const 0x99))
(assert_return (invoke "cas8" (i32.const 0xffff_ff99) (i32.const 0x1_01)) (i32.const 0x99))
(assert_return (invoke "get") (i64.const 0xffee_ddcc_bbaa_0188))
(assert_return (invoke "cas16" (i32.const 0x1_bbaa) (i32.const 0xffff_0203)) (i32.const 0xbbaa))
(assert_return (invoke "cas8-64" (i64.const 0xff_0000_0001) (i64.const -1)) (i64.const 1))
(assert_return (invoke "cas16-64" (i64.const -0xfdfd) (i64.const 0)) (i64.const 0x0203))
(assert_return (invoke "cas32-64" (i64.const 0x1_ffee_ddcc) (i64.const 0x7_8000_0000)) (i64.const 0xffee_ddcc))
(assert_return (invoke "get") (i64.const 0x8000_0000_0000_ff88))
(assert_return (invoke "add8" (i32.const 0x1_81)) (i32.const 0x80))
(assert_return (invoke "sub32-64" (i64.const 0x1_0000_ff89)) (i64.const 0xff88))
(assert_return (invoke "get") (i64.const 0x0100_0000_ffff_ffff))

(assert_return (invoke "offset" (i32.const 2)) (i64.const 0))
(assert_return (invoke "offset" (i32.const 65522)) (i64.const 0))
(assert_trap (invoke "offset" (i32.const 0)) "unaligned atomic")
(assert_trap (invoke "offset" (i32.const 65530)) "out of bounds memory access")
(assert_trap (invoke "offset" (i32.const 65531)) "unaligned atomic")
(assert_trap (invoke "far" (i32.const 0)) "unaligned atomic")
(assert_trap (invoke "far" (i32.const 2)) "out of bounds memory access")
(assert_trap (invoke "far" (i32.const -2)) "out of bounds memory access")
(assert_return (invoke "byte" (i32.const 65534)) (i32.const 0))
(assert_trap (invoke "byte" (i32.const 65535)) "out of bounds memory access")
(invoke "store16" (i32.const 65533))
(assert_return (invoke "byte" (i32.const 65534)) (i32.const 0xff))
(assert_trap (invoke "store16" (i32.const 65534)) "unaligned atomic")
(assert_trap (invoke "store16" (i32.const 65535)) "out of bounds memory access")

;; The same with 64-bit addresses.

(module
  (memory i64 1)
  (func (export "load") (param i64) (result i64) (i64.atomic.load offset=8 (local.get 0)))
  (func (export "or") (param i64) (result i32) (i32.atomic.rmw16.or_u (local.get 0) (i32.const 0x8001)))
  (func (export "notify") (param i64) (result i32)
    (memory.atomic.notify offset=0xffff_ffff_ffff_fffc (local.get 0) (i32.const 1))))
(assert_return (invoke "or" (i64.const 65534)) (i32.const 0))
(assert_return (invoke "or" (i64.const 65534)) (i32.const 0x8001))
(assert_return (invoke "load" (i64.const 65520)) (i64.const 0x8001_0000_0000_0000))
(assert_trap (invoke "or" (i64.const 0x1_0000_0000)) "out of bounds memory access")
(assert_trap (invoke "load" (i64.const -8)) "out of bounds memory access")
(assert_trap (invoke "load" (i64.const -1)) "unaligned atomic")
(assert_trap (invoke "notify" (i64.const 0)) "out of bounds memory access")
(assert_trap (invoke "notify" (i64.const 8)) "out of bounds memory access")
(assert_trap (invoke "notify" (i64.const 2)) "unaligned atomic")
