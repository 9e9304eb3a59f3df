//! What `spectest` exports.

use crate::value::Value;

/// The module name to import from.
pub const NAME: &str = "spectest";

/// The type of a `print` function's parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Param {
    /// A 32-bit integer.
    I32,
    /// A 64-bit integer.
    I64,
    /// A 32-bit float.
    F32,
    /// A 64-bit float.
    F64,
}

/// An item that an embedder must provide.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Item {
    /// A function without results that does nothing.
    Function(&'static [Param]),
    /// A constant global.
    Global(Value),
    /// A table of null `funcref`s.
    Table {
        /// The initial number of elements.
        minimum: u64,
        /// The maximum size.
        maximum: u64,
        /// Whether it has 64-bit indices.
        index64: bool,
    },
    /// A memory of zeros, with 32-bit addresses and pages of 64 KiB.
    Memory {
        /// The initial number of pages.
        minimum: u64,
        /// The maximum size.
        maximum: u64,
        /// Whether threads can share it.
        shared: bool,
    },
}

/// The exports of `spectest`: `table64` only with 64-bit tables, `shared_memory` only with threads.
pub fn items(memory64: bool, threads: bool) -> impl Iterator<Item = (&'static str, Item)> {
    ITEMS.into_iter().filter(move |(_, item)| match item {
        Item::Table { index64, .. } => memory64 || !index64,
        Item::Memory { shared, .. } => threads || !shared,
        _ => true,
    })
}

const ITEMS: [(&str, Item); 15] = [
    ("print", Item::Function(&[])),
    ("print_i32", Item::Function(&[Param::I32])),
    ("print_i64", Item::Function(&[Param::I64])),
    ("print_f32", Item::Function(&[Param::F32])),
    ("print_f64", Item::Function(&[Param::F64])),
    ("print_i32_f32", Item::Function(&[Param::I32, Param::F32])),
    ("print_f64_f64", Item::Function(&[Param::F64, Param::F64])),
    ("global_i32", Item::Global(Value::I32(666))),
    ("global_i64", Item::Global(Value::I64(666))),
    ("global_f32", Item::Global(Value::F32(666.6f32.to_bits()))),
    ("global_f64", Item::Global(Value::F64(666.6f64.to_bits()))),
    ("table", Item::Table { minimum: 10, maximum: 20, index64: false }),
    ("table64", Item::Table { minimum: 10, maximum: 20, index64: true }),
    ("memory", Item::Memory { minimum: 1, maximum: 2, shared: false }),
    ("shared_memory", Item::Memory { minimum: 1, maximum: 2, shared: true }),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_items_require_a_feature() {
        let names = |memory64, threads| items(memory64, threads).map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(true, true).len(), 15);
        assert!(!names(false, true).contains(&"table64") && names(false, true).contains(&"shared_memory"));
        assert!(!names(true, false).contains(&"shared_memory") && names(true, false).contains(&"table64"));
    }
}
