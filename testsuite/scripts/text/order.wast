;;! features = "3.0"
;;! reason = "tags are a kind of import since 3.0"

;; The order of fields (core spec, section 6.6.13): imports, also those inside definitions, come
;; before the first definition of a function, table, memory, global or tag; there is at most one
;; start function.

(module definition
  (type (func)) (export "f" (func 0)) (start 0) (elem func) (data "a")
  (import "a" "f" (func)) (tag (import "a" "t")) (memory (import "a" "m") 1) (import "a" "u" (tag (type 0)))
  (tag (export "tag")) (func) (table 1 funcref) (tag) (memory 1) (global i32 (i32.const 0)))

;; Imports after a tag.
(assert_malformed (module quote "(tag) (import \"a\" \"b\" (func))") "import after tag")
(assert_malformed (module quote "(tag) (import \"a\" \"b\" (tag))") "import after tag")
(assert_malformed (module quote "(tag) (import \"a\" \"b\" (memory 1))") "import after tag")
(assert_malformed (module quote "(tag) (import \"a\" \"b\" (global i32))") "import after tag")
(assert_malformed (module quote "(tag) (import \"a\" \"b\" (table 1 funcref))") "import after tag")
(assert_malformed (module quote "(tag $t (param i32)) (type (func)) (import \"a\" \"b\" (func))") "import after tag")
(assert_malformed (module quote "(tag (export \"t\")) (import \"a\" \"b\" (func))") "import after tag")
(assert_malformed (module quote "(tag) (func (import \"a\" \"b\"))") "import after tag")
(assert_malformed (module quote "(tag) (memory (import \"a\" \"b\") 1)") "import after tag")
(assert_malformed (module quote "(tag) (global (import \"a\" \"b\") i32)") "import after tag")
(assert_malformed (module quote "(tag) (table (import \"a\" \"b\") 1 funcref)") "import after tag")
(assert_malformed (module quote "(tag) (tag (export \"t\") (import \"a\" \"b\"))") "import after tag")
(assert_malformed (module quote "(import \"a\" \"b\" (tag)) (tag) (import \"a\" \"c\" (tag))") "import after tag")

;; Imports after the others.
(assert_malformed (module quote "(func) (tag (import \"a\" \"b\"))") "import after function")
(assert_malformed (module quote "(func) (func (import \"a\" \"b\"))") "import after function")
(assert_malformed (module quote "(table 1 funcref) (tag (import \"a\" \"b\"))") "import after table")
(assert_malformed (module quote "(table 1 funcref) (func (import \"a\" \"b\"))") "import after table")
(assert_malformed (module quote "(table funcref (elem)) (tag (import \"a\" \"b\"))") "import after table")
(assert_malformed (module quote "(table funcref (elem)) (func (import \"a\" \"b\"))") "import after table")
(assert_malformed (module quote "(memory 1) (tag (import \"a\" \"b\"))") "import after memory")
(assert_malformed (module quote "(memory 1) (func (import \"a\" \"b\"))") "import after memory")
(assert_malformed (module quote "(memory (data)) (tag (import \"a\" \"b\"))") "import after memory")
(assert_malformed (module quote "(memory (data)) (func (import \"a\" \"b\"))") "import after memory")
(assert_malformed (module quote "(global i32 (i32.const 0)) (tag (import \"a\" \"b\"))") "import after global")
(assert_malformed (module quote "(global i32 (i32.const 0)) (func (import \"a\" \"b\"))") "import after global")

;; Two start functions.
(assert_malformed (module quote "(func) (start 0) (start 0)") "multiple start sections")
(assert_malformed (module quote "(start 0) (func) (start 0)") "multiple start sections")
(assert_malformed (module quote "(start $f) (func $f) (start $g) (func $g)") "multiple start sections")
