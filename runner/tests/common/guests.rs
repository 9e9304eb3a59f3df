//! Small WASI guests in text form.

/// A guest that exits immediately.
pub(crate) const NOTHING: &str = r#"(module (memory (export "memory") 1) (func (export "_start")))"#;

/// A guest that never ends.
pub(crate) const ENDLESS: &str =
    r#"(module (memory (export "memory") 1) (func (export "_start") (loop (br 0))))"#;

/// A guest that writes what it reads from its standard input to its standard output.
pub(crate) const ECHO: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\40\00\00\00\00\20\00\00")
  (func (export "_start")
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (i32.store (i32.const 4) (i32.load (i32.const 8)))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"#;

/// A guest that leaves a sparse file of this size.
pub(crate) fn sparse(length: u64) -> String {
    format!(
        r#"(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_filestat_set_size" (func $set_size (param i32 i64) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "file")
  (func (export "_start")
    (if (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 1)
        (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 16)) (then unreachable))
    (if (call $set_size (i32.load (i32.const 16)) (i64.const {length})) (then unreachable))))"#
    )
}

/// A guest that writes 64 KiB of dots to standard error several times, and fails.
pub(crate) fn noisy(times: u32) -> String {
    format!(
        r#"(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 3)
  (data (i32.const 0) "\00\00\01\00\00\00\01\00")
  (func (export "_start") (local $left i32)
    (memory.fill (i32.const 65536) (i32.const 46) (i32.const 65536))
    (local.set $left (i32.const {times}))
    (loop $more
      (drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8)))
      (br_if $more (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    unreachable))"#
    )
}

/// A guest that leaves nested folders of this depth.
pub(crate) fn nested(depth: u32) -> String {
    format!(
        r#"(module
  (import "wasi_snapshot_preview1" "path_create_directory" (func $make (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "d")
  (func (export "_start") (local $at i32) (local $left i32)
    (local.set $at (i32.const 3))
    (local.set $left (i32.const {depth}))
    (loop $more
      (if (call $make (local.get $at) (i32.const 0) (i32.const 1)) (then unreachable))
      (if (call $open (local.get $at) (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 2)
          (i64.const 0x6200) (i64.const 0x6200) (i32.const 0) (i32.const 16)) (then unreachable))
      (if (i32.ne (local.get $at) (i32.const 3)) (then (drop (call $close (local.get $at)))))
      (local.set $at (i32.load (i32.const 16)))
      (br_if $more (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))))"#
    )
}
