;; The smallest program that prints something: `fd_write` to standard output. Runs with both
;; previews: only the module name of the imports differs.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  ;; A vector of one buffer: its address and length.
  (data (i32.const 0) "\08\00\00\00\11\00\00\00" "Hooray it's WASI\n")

  (func (export "_start")
    (local $errno i32)
    (local.set $errno (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32)))
    (if (local.get $errno) (then (call $proc_exit (local.get $errno))))
    ;; Everything was written.
    (if (i32.ne (i32.load (i32.const 32)) (i32.const 17)) (then (call $proc_exit (i32.const 77))))))
