;;! features = "3.0,-exceptions"
;;! reason = "one feature of 3.0 is disabled"

;; Encodings that 3.0 has only with the exceptions proposal (core spec, chapter 5). Without it they
;; are malformed or, if the older grammar derives them, invalid.

;; a tag
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\0d\03\01\00\00") "malformed section id")

;; an imported tag
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\02\06\01\00\00\04\00\00") "malformed import kind")

;; exnref
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\05\01\60\01\69\00") "malformed value type")

;; try_table
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\0a\08\01\06\00\1f\40\00\0b\0b") "illegal opcode")
