;;! features = "3.0,-multi-memory"
;;! reason = "one feature of 3.0 is disabled"

;; Encodings that 3.0 has only with the multi-memory proposal (core spec, chapter 5). Without it
;; they are malformed or, if the older grammar derives them, invalid.

;; a second memory
(assert_invalid (module binary "\00asm" "\01\00\00\00" "\05\05\02\00\00\00\00") "multiple memories")

;; the index of a memory
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\05\05\02\00\00\00\00\0a\07\01\05\00\3f\01\1a\0b") "zero byte expected")

;; a memory argument with an index
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\05\03\01\00\01\0a\0b\01\09\00\41\00\28\42\00\00\1a\0b") "malformed memop flags")
