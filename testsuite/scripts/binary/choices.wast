;;! features = "3.0,threads,legacy-exceptions"

;; Bytes that the binary grammar does not derive, one for each place where it has a choice (core
;; spec, chapter 5).

;; `ref.null` of no heap type.
(assert_malformed (module binary
  "\00\61\73\6d\01\00\00\00\01\04\01\60\00\00\03\02\01\00\0a\07\01\05\00\d0\45\1a\0b") "malformed heap type")
;; A tag whose attribute is 1.
(assert_malformed (module binary
  "\00\61\73\6d\01\00\00\00\01\04\01\60\00\00\0d\03\01\01\00") "malformed tag attribute")
;; A block whose type has a negative index.
(assert_malformed (module binary
  "\00\61\73\6d\01\00\00\00\01\04\01\60\00\00\03\02\01\00\0a\08\01\06\00\02\c0\7f\0b\0b") "malformed block type")
;; A clause outside of a `try`.
(assert_malformed (module binary
  "\00\61\73\6d\01\00\00\00\01\04\01\60\00\00\03\02\01\00\0a\06\01\04\00\19\0b\0b") "misplaced clause of try")
;; `br_on_cast` with a third flag.
(assert_malformed (module binary
  "\00\61\73\6d\01\00\00\00\01\04\01\60\00\00\03\02\01\00\0a\0c\01\0a\00\00\fb\18\04\00\6e\6e\00\0b") "malformed br_on_cast flags")
;; A clause of no kind.
(assert_malformed (module binary
  "\00\61\73\6d\01\00\00\00\01\04\01\60\00\00\03\02\01\00\0a\0d\01\0b\00\02\40\1f\40\01\05\00\0b\0b\0b") "malformed catch clause")
;; An element segment of no kind.
(assert_malformed (module binary
  "\00\61\73\6d\01\00\00\00\01\04\01\60\00\00\09\04\01\08\00\00") "malformed elements segment kind")
;; Elements of no kind.
(assert_malformed (module binary
  "\00\61\73\6d\01\00\00\00\01\04\01\60\00\00\09\04\01\01\01\00") "malformed element kind")
;; A data segment of no kind.
(assert_malformed (module binary
  "\00\61\73\6d\01\00\00\00\05\03\01\00\01\0b\03\01\03\00") "malformed data segment kind")
;; A table with a value and a second byte of 1.
(assert_malformed (module binary
  "\00\61\73\6d\01\00\00\00\04\09\01\40\01\70\00\00\d0\70\0b") "malformed table")
;; A fence with an order.
(assert_malformed (module binary
  "\00\61\73\6d\01\00\00\00\01\04\01\60\00\00\03\02\01\00\0a\07\01\05\00\fe\03\01\0b") "zero byte expected")
;; Two groups of locals of one type are two groups.
(module binary
  "\00\61\73\6d\01\00\00\00\01\04\01\60\00\00\03\02\01\00\0a\08\01\06\02\01\7f\01\7f\0b")
