;; Makes the folder `wasi-folder` in the directory that is descriptor 3, by preview 0, and ends with the errno of that.
(module
  (import "wasi_unstable" "path_create_directory" (func $path_create_directory (param i32 i32 i32) (result i32)))
  (import "wasi_unstable" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "wasi-folder")

  (func (export "_start")
    (call $proc_exit (call $path_create_directory (i32.const 3) (i32.const 0) (i32.const 11)))))
