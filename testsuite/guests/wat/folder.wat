;; Creates the directory `wasi-folder` in descriptor 3 with preview 0, and exits with the errno.
(module
  (import "wasi_unstable" "path_create_directory" (func $path_create_directory (param i32 i32 i32) (result i32)))
  (import "wasi_unstable" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "wasi-folder")

  (func (export "_start")
    (call $proc_exit (call $path_create_directory (i32.const 3) (i32.const 0) (i32.const 11)))))
