;;! features = "3.0"
;;! reason = "names of types, fields and tags are new in 3.0"

;; The name section in the binary format (appendix "Custom Sections and Annotations", "Name
;; Section"): its grammar, and what can be named. An invalid section does not make the module
;; invalid.

;; One function of type (param i32), with names for it and its parameter.
(module binary
  "\00asm" "\01\00\00\00" "\01\05\01\60\01\7f\00" "\03\02\01\00" "\0a\04\01\02\00\0b"
  "\00\14" "\04name" "\01\04\01\00\01f" "\02\07\01\00\01\00\02ab"
)

;; A name that is not UTF-8: the module is valid, the section is not.
(module binary
  "\00asm" "\01\00\00\00" "\00\09" "\04name" "\00\02\01\ff"
)
(assert_malformed_custom
  (module binary
    "\00asm" "\01\00\00\00" "\00\09" "\04name" "\00\02\01\ff"
  )
  "malformed UTF-8 encoding"
)

;; Subsections are in the order of their ids.
(assert_malformed_custom
  (module binary
    "\00asm" "\01\00\00\00" "\00\0c" "\04name" "\01\01\00" "\00\02\01m"
  )
  "invalid name subsection id"
)

;; A function has at most one name.
(assert_malformed_custom
  (module binary
    "\00asm" "\01\00\00\00" "\01\05\01\60\01\7f\00" "\03\02\01\00" "\0a\04\01\02\00\0b"
    "\00\0e" "\04name" "\01\07\02\00\01f\00\01g"
  )
  "custom @name: multiple function or local names"
)

;; Function 0 and its local 0 exist, and no others.
(assert_invalid_custom
  (module binary
    "\00asm" "\01\00\00\00" "\01\05\01\60\01\7f\00" "\03\02\01\00" "\0a\04\01\02\00\0b"
    "\00\0b" "\04name" "\01\04\01\01\01f"
  )
  "custom @name: invalid function index 1"
)
(assert_invalid_custom
  (module binary
    "\00asm" "\01\00\00\00" "\01\05\01\60\01\7f\00" "\03\02\01\00" "\0a\04\01\02\00\0b"
    "\00\0d" "\04name" "\02\06\01\00\01\01\01a"
  )
  "custom @name: invalid local index 1 for function 0"
)

;; Errors in the rest of the module are independent of its custom sections.
(assert_malformed
  (module binary "\00asm" "\01\00\00\00" "\00\09" "\04name" "\00\02\01\ff" "\0e\00")
  "malformed section id"
)
