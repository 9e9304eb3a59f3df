;;! features = "1.0"
;;! reason = "the binary grammar of a version determines what is malformed or invalid"

;; Encodings of later versions and of proposals under the binary grammar of 1.0 (core spec 1.0,
;; chapter 5). Bytes that the grammar does not derive are malformed; bytes that it derives but that
;; validation (chapter 3) rejects are invalid.

;; two results
(assert_invalid (module binary "\00asm" "\01\00\00\00" "\01\06\01\60\00\02\7f\7f") "invalid result arity")

;; v128
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\05\01\60\01\7b\00") "malformed value type")

;; funcref
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\05\01\60\01\70\00") "malformed value type")

;; externref
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\05\01\60\01\6f\00") "malformed value type")

;; anyref
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\05\01\60\01\6e\00") "malformed value type")

;; exnref
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\05\01\60\01\69\00") "malformed value type")

;; (ref null func)
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\06\01\60\01\63\70\00") "malformed value type")

;; (ref func)
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\06\01\60\01\64\70\00") "malformed value type")

;; i8 as a value type
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\05\01\60\01\78\00") "malformed value type")

;; contref
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\05\01\60\01\68\00") "malformed value type")

;; a structure type
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\03\01\5f\00") "malformed definition type")

;; an array type
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\5e\7f\00") "malformed definition type")

;; a sub type
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\06\01\50\00\60\00\00") "malformed definition type")

;; a final sub type
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\06\01\4f\00\60\00\00") "malformed definition type")

;; a recursive group
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\06\01\4e\01\60\00\00") "malformed definition type")

;; a continuation type
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\06\02\60\00\00\5d\00") "malformed definition type")

;; a described type
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\05\01\4d\00\5f\00") "malformed definition type")

;; a table of externref
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\04\04\01\6f\00\00") "malformed reference type")

;; a table of i32
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\04\04\01\7f\00\00") "malformed reference type")

;; a table of (ref null func)
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\04\05\01\63\70\00\00") "malformed reference type")

;; a table with an element
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\04\09\01\40\00\70\00\00\d0\70\0b") "malformed reference type")

;; a 64-bit table
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\04\04\01\70\04\00") "malformed limits flags")

;; a 64-bit memory
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\05\03\01\04\00") "malformed limits flags")

;; a 64-bit memory with a maximum
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\05\04\01\05\00\00") "malformed limits flags")

;; a shared memory
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\05\04\01\03\00\01") "malformed limits flags")

;; a shared memory without a maximum
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\05\03\01\02\00") "malformed limits flags")

;; a page size
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\05\04\01\08\00\00") "malformed limits flags")

;; a shared table
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\04\05\01\70\03\00\01") "malformed limits flags")

;; flags of more than a byte
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\05\04\01\80\00\00") "malformed limits flags")

;; a minimum of 33 bits
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\05\07\01\00\80\80\80\80\10") "integer too large")

;; a shared global
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\06\06\01\7f\02\41\00\0b") "malformed mutability")

;; a mutable global that is imported
(module definition binary "\00asm" "\01\00\00\00" "\02\06\01\00\00\03\7f\01")

;; a block type that is not a type
(module definition binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\0a\07\01\05\00\02\40\0b\0b")

;; a block of a type index
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\0a\07\01\05\00\02\00\0b\0b") "malformed block type")

;; a block of an overlong negative number
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\0a\08\01\06\00\02\c0\7f\0b\0b") "malformed block type")

;; sign extension
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\0a\08\01\06\00\41\00\c0\1a\0b") "illegal opcode")

;; saturating truncation
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\0a\0c\01\0a\00\43\00\00\00\00\fc\00\1a\0b") "illegal opcode")

;; memory.copy
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\05\03\01\00\01\0a\0e\01\0c\00\41\00\41\00\41\00\fc\0a\00\00\0b") "illegal opcode")

;; memory.fill
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\05\03\01\00\01\0a\0d\01\0b\00\41\00\41\00\41\00\fc\0b\00\0b") "illegal opcode")

;; table.copy
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\04\04\01\70\00\01\0a\0e\01\0c\00\41\00\41\00\41\00\fc\0e\00\00\0b") "illegal opcode")

;; table.size
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\04\04\01\70\00\01\0a\08\01\06\00\fc\10\00\1a\0b") "illegal opcode")

;; table.get
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\04\04\01\70\00\01\0a\09\01\07\00\41\00\25\00\1a\0b") "illegal opcode")

;; select with a type
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\0a\0e\01\0c\00\41\00\41\00\41\00\1c\01\7f\1a\0b") "illegal opcode")

;; ref.null
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\0a\07\01\05\00\d0\70\1a\0b") "illegal opcode")

;; ref.null of any
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\0a\07\01\05\00\d0\6e\1a\0b") "illegal opcode")

;; ref.null of a type index
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\0a\07\01\05\00\d0\00\1a\0b") "illegal opcode")

;; ref.eq
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\0a\0a\01\08\00\d0\6d\d0\6d\d3\1a\0b") "illegal opcode")

;; ref.as_non_null
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\0a\08\01\06\00\d0\70\d4\1a\0b") "illegal opcode")

;; a vector
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\0a\17\01\15\00\fd\0c\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\1a\0b") "illegal opcode")

;; a relaxed vector instruction
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\0a\2c\01\2a\00\fd\0c\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\fd\0c\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\fd\80\02\1a\0b") "illegal opcode")

;; return_call
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\0a\06\01\04\00\12\00\0b") "illegal opcode")

;; call_ref
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\0a\08\01\06\00\d0\00\14\00\0b") "illegal opcode")

;; throw_ref
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\0a\07\01\05\00\d0\69\0a\0b") "illegal opcode")

;; try_table
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\0a\08\01\06\00\1f\40\00\0b\0b") "illegal opcode")

;; a legacy try
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\0a\07\01\05\00\06\40\0b\0b") "illegal opcode")

;; a legacy catch_all
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\0a\05\01\03\00\19\0b") "illegal opcode")

;; struct.new
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\0a\07\01\05\00\fb\00\00\0b") "illegal opcode")

;; ref.i31
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\0a\09\01\07\00\41\00\fb\1c\1a\0b") "illegal opcode")

;; an atomic fence
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\0a\07\01\05\00\fe\03\00\0b") "illegal opcode")

;; wide arithmetic
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\0a\10\01\0e\00\42\00\42\00\42\00\42\00\fc\13\1a\1a\0b") "illegal opcode")

;; a continuation
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\0a\06\01\04\00\e0\00\0b") "illegal opcode")

;; the index of a memory in memory.size
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\05\03\01\00\01\0a\07\01\05\00\3f\01\1a\0b") "zero byte expected")

;; the same in two bytes
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\05\03\01\00\01\0a\08\01\06\00\3f\80\00\1a\0b") "zero byte expected")

;; indices of two bytes in memory.copy
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\05\03\01\00\01\0a\0f\01\0d\00\41\00\41\00\41\00\fc\0a\80\00\00\0b") "illegal opcode")

;; the index of a table in call_indirect
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\04\04\01\70\00\01\0a\09\01\07\00\41\00\11\00\01\0b") "zero byte expected")

;; the same in two bytes
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\04\04\01\70\00\01\0a\0a\01\08\00\41\00\11\00\80\00\0b") "zero byte expected")

;; a memory argument with an index
(assert_invalid (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\05\03\01\00\01\0a\0b\01\09\00\41\00\28\42\00\00\1a\0b") "alignment must not be larger than natural")

;; an alignment of 2^32
(assert_invalid (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\05\03\01\00\01\0a\0a\01\08\00\41\00\28\20\00\1a\0b") "alignment must not be larger than natural")

;; an offset of 33 bits
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\05\03\01\00\01\0a\0e\01\0c\00\41\00\28\02\80\80\80\80\10\1a\0b") "integer too large")

;; an opcode that no version defines
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\0a\05\01\03\00\ff\0b") "illegal opcode")

;; an else outside if
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\0a\08\01\06\00\02\40\05\0b\0b") "END opcode expected")

;; a data count
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\0c\01\00") "malformed section id")

;; a tag section
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\0d\03\01\00\00") "malformed section id")

;; a section that no version defines
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\0e\01\00") "malformed section id")

;; an imported tag
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\02\06\01\00\00\04\00\00") "malformed import kind")

;; an exact import
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\02\05\01\00\00\20\00") "malformed import kind")

;; a compact import
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\02\05\01\00\00\7f\00") "malformed import kind")

;; an exported tag
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\0d\03\01\00\00\07\04\01\00\04\00") "malformed section id")

;; an export of kind 4
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\07\04\01\00\04\00") "malformed export kind")

;; two memories
(assert_invalid (module binary "\00asm" "\01\00\00\00" "\05\05\02\00\00\00\00") "multiple memories")

;; two tables
(assert_invalid (module binary "\00asm" "\01\00\00\00" "\04\07\02\70\00\00\70\00\00") "multiple tables")

;; an active element segment
(module definition binary "\00asm" "\01\00\00\00" "\04\04\01\70\00\01\09\06\01\00\41\00\0b\00")

;; a passive element segment
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\09\04\01\01\00\00") "unexpected end")

;; an element segment of table 1
(assert_invalid (module binary "\00asm" "\01\00\00\00" "\04\04\01\70\00\01\09\06\01\01\41\00\0b\00") "unknown table")

;; an element segment with a table
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\04\04\01\70\00\01\09\08\01\02\00\41\00\0b\00\00") "section size mismatch")

;; an element segment of kind 8
(assert_invalid (module binary "\00asm" "\01\00\00\00" "\04\04\01\70\00\01\09\06\01\08\41\00\0b\00") "unknown table")

;; a passive data segment
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\0b\03\01\01\00") "unexpected end")

;; a data segment of memory 1
(assert_invalid (module binary "\00asm" "\01\00\00\00" "\05\03\01\00\01\0b\06\01\01\41\00\0b\00") "unknown memory")

;; a data segment with a memory
(assert_invalid (module binary "\00asm" "\01\00\00\00" "\05\03\01\00\01\0b\07\01\02\00\41\00\0b\00") "unknown memory")

;; an addition in a constant expression
(assert_invalid (module binary "\00asm" "\01\00\00\00" "\06\09\01\7f\00\41\00\41\00\6a\0b") "constant expression required")

;; ref.eq in a constant expression
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\06\09\01\7f\00\d0\6d\d0\6d\d3\0b") "illegal opcode")

;; data.drop without a data count
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00\03\02\01\00\0a\07\01\05\00\fc\09\00\0b\0b\03\01\01\00") "illegal opcode")

;; a component
(assert_malformed (module binary "\00\61\73\6d\0d\00\01\00") "unknown binary version")

;; another version of components
(assert_malformed (module binary "\00\61\73\6d\0e\00\01\00") "unknown binary version")
