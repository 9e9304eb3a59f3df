;;! features = "2.0,-reference-types"
;;! reason = "one feature of 2.0 is disabled"

;; Encodings that 2.0 has only with the reference-types proposal (core spec, chapter 5). Without it
;; they are malformed or, if the older grammar derives them, invalid.

;; a second table
(assert_invalid (module binary "\00asm" "\01\00\00\00" "\04\07\02\70\00\00\70\00\00") "multiple tables")

;; table.grow
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\04\04\01\70\00\01\0a\0c\01\0a\00\d0\70\41\00\fc\0f\00\1a\0b") "illegal opcode")

;; the table of table.copy in two bytes
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\04\04\01\70\00\01\0a\0f\01\0d\00\41\00\41\00\41\00\fc\0e\80\00\00\0b") "zero byte expected")
