;;! features = "3.0,-gc"
;;! reason = "one feature of 3.0 is disabled"

;; Encodings that 3.0 has only with the gc proposal (core spec, chapter 5). Without it they are
;; malformed or, if the older grammar derives them, invalid.

;; a structure type
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\03\01\5f\00") "malformed definition type")

;; an array type
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\5e\78\01") "malformed definition type")

;; a recursive group
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\03\01\4e\00") "malformed definition type")

;; anyref
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\05\01\60\01\6e\00") "malformed value type")

;; nullexnref
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\05\01\60\01\74\00") "malformed value type")

;; ref.i31
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\0a\09\01\07\00\41\00\fb\1c\1a\0b") "illegal opcode")

;; ref.test of a type index
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\0a\0a\01\08\00\d0\00\fb\14\00\1a\0b") "illegal opcode")
