;;! features = "3.0,-function-references"
;;! reason = "one feature of 3.0 is disabled"

;; Encodings that 3.0 has only with the function-references proposal (core spec, chapter 5). Without
;; it they are malformed or, if the older grammar derives them, invalid.

;; call_ref
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\0a\08\01\06\00\d0\00\14\00\0b") "illegal opcode")

;; br_on_null
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\0a\09\01\07\00\d0\70\d5\00\1a\0b") "illegal opcode")

;; (ref func)
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\06\01\60\01\64\70\00") "malformed value type")

;; a table with an element
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\04\09\01\40\00\70\00\00\d0\70\0b") "malformed reference type")
