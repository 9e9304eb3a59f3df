;;! features = "3.0"
;;! reason = "the appendix on custom sections is new in 3.0"

;; Branch hints in the binary format (appendix "Custom Sections and Annotations", "Branch Hints"):
;; the grammar of the section, the positions of the hints, and the instructions that they apply to.
;; An invalid section does not make the module invalid.

;; A hint for the `if` at offset 3 of the function, whose type is (param i32) and which has no
;; locals.
(module binary
  "\00asm" "\01\00\00\00" "\01\05\01\60\01\7f\00" "\03\02\01\00"
  "\00\20" "\19metadata.code.branch_hint" "\01\00\01\03\01\01"
  "\0a\09\01\07\00\20\00\04\40\0b\0b"
)

;; The section is invalid, and the module is valid.
(module binary
  "\00asm" "\01\00\00\00" "\01\05\01\60\01\7f\00" "\03\02\01\00"
  "\00\20" "\19metadata.code.branch_hint" "\01\00\01\03\01\02"
  "\0a\09\01\07\00\20\00\04\40\0b\0b"
)
(assert_malformed_custom
  (module binary
    "\00asm" "\01\00\00\00" "\01\05\01\60\01\7f\00" "\03\02\01\00"
    "\00\20" "\19metadata.code.branch_hint" "\01\00\01\03\01\02"
    "\0a\09\01\07\00\20\00\04\40\0b\0b"
  )
  "@metadata.code.branch_hint section: invalid hint value"
)

;; The byte before the value is always 1.
(assert_malformed_custom
  (module binary
    "\00asm" "\01\00\00\00" "\01\05\01\60\01\7f\00" "\03\02\01\00"
    "\00\20" "\19metadata.code.branch_hint" "\01\00\01\03\02\01"
    "\0a\09\01\07\00\20\00\04\40\0b\0b"
  )
  "@metadata.code.branch_hint section: missing reserved byte"
)

;; The offset is in the middle of an instruction.
(assert_malformed_custom
  (module binary
    "\00asm" "\01\00\00\00" "\01\05\01\60\01\7f\00" "\03\02\01\00"
    "\00\20" "\19metadata.code.branch_hint" "\01\00\01\04\01\01"
    "\0a\09\01\07\00\20\00\04\40\0b\0b"
  )
  "@metadata.code.branch_hint section: invalid offset"
)

;; A hint for `local.get`.
(assert_invalid_custom
  (module binary
    "\00asm" "\01\00\00\00" "\01\05\01\60\01\7f\00" "\03\02\01\00"
    "\00\20" "\19metadata.code.branch_hint" "\01\00\01\01\01\01"
    "\0a\09\01\07\00\20\00\04\40\0b\0b"
  )
  "@metadata.code.branch_hint annotation: invalid target"
)

;; Hints that only affect the order of the code.
(module
  (func (export "if") (param i32) (result i32)
    (@metadata.code.branch_hint "\00")
    (if (result i32) (local.get 0) (then (i32.const 1)) (else (i32.const 2)))
  )
  (func (export "br_if") (param i32) (result i32)
    (block (result i32)
      (i32.const 1)
      (@metadata.code.branch_hint "\00")
      (br_if 0 (local.get 0))
      (drop)
      (i32.const 3)
      (@metadata.code.branch_hint "\01")
      (br_if 0 (i32.eqz (local.get 0)))
    )
  )
)
(assert_return (invoke "if" (i32.const 1)) (i32.const 1))
(assert_return (invoke "if" (i32.const 0)) (i32.const 2))
(assert_return (invoke "br_if" (i32.const 1)) (i32.const 1))
(assert_return (invoke "br_if" (i32.const 0)) (i32.const 3))

;; The value of a hint in the text format.
(assert_malformed_custom
  (module quote "(func (@metadata.code.branch_hint \"\\02\") (if (i32.const 0) (then)))")
  "@metadata.code.branch_hint annotation: invalid hint value"
)
