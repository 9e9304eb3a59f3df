//! The module `spectest` in the binary format, so that engines need no host functions for it.

use wasm_encoder::{
    CodeSection, ConstExpr, ExportKind, ExportSection, Function, FunctionSection, GlobalSection, GlobalType,
    Ieee32, Ieee64, MemorySection, MemoryType, Module, RefType, TableSection, TableType, TypeSection,
    ValType,
};

use super::items::{Item, Param, items};
use crate::value::Value;

/// Builds the module `spectest` in the binary format: a function that does nothing, a table and so
/// on for each of [`items`]. Registering an instance of it provides the host module without host
/// functions.
///
/// With `threads` the module has two memories, with `memory64` two tables: it is valid only if the
/// engine also supports multiple memories or reference types.
///
/// ```
/// let bytes = wassay_script::spectest::module(true, false);
/// assert!(bytes.starts_with(b"\0asm"));
/// ```
pub fn module(memory64: bool, threads: bool) -> Vec<u8> {
    of(items(memory64, threads))
}

/// The base module, without 64-bit table and shared memory.
pub(crate) fn base() -> Vec<u8> {
    module(false, false)
}

/// A module with an additional item, whose export is added to those of the base.
pub(crate) fn extension(item: &str) -> Vec<u8> {
    of(items(true, true).find(|(name, _)| *name == item).into_iter())
}

/// Whether the name is an item that the base does not have.
pub(crate) fn is_extension(name: &str) -> bool {
    let is = |(known, _): (&str, Item)| known == name;
    items(true, true).any(is) && !items(false, false).any(is)
}

fn of(items: impl Iterator<Item = (&'static str, Item)>) -> Vec<u8> {
    let mut parts = Parts::default();
    items.for_each(|(name, item)| parts.define(name, item));
    parts.finish()
}

#[derive(Default)]
struct Parts {
    types: TypeSection,
    functions: FunctionSection,
    tables: TableSection,
    memories: MemorySection,
    globals: GlobalSection,
    exports: ExportSection,
    code: CodeSection,
    /// The numbers of functions, tables, memories and globals.
    counts: [u32; 4],
}

impl Parts {
    fn define(&mut self, name: &str, item: Item) {
        match item {
            Item::Function(params) => {
                let ty = self.ty(params);
                self.functions.function(ty);
                let mut body = Function::new([]);
                body.instructions().end();
                self.code.function(&body);
            }
            Item::Global(value) => {
                let (ty, value) = global(value);
                self.globals.global(ty, &value);
            }
            Item::Table { .. } => {
                self.tables.table(table(item));
            }
            Item::Memory { .. } => {
                self.memories.memory(memory(item));
            }
        }
        self.export(name, item);
    }

    fn export(&mut self, name: &str, item: Item) {
        let (kind, space) = match item {
            Item::Function(_) => (ExportKind::Func, 0),
            Item::Table { .. } => (ExportKind::Table, 1),
            Item::Memory { .. } => (ExportKind::Memory, 2),
            Item::Global(_) => (ExportKind::Global, 3),
        };
        self.exports.export(name, kind, self.counts[space]);
        self.counts[space] += 1;
    }

    fn ty(&mut self, params: &[Param]) -> u32 {
        let params = params.iter().map(|param| match param {
            Param::I32 => ValType::I32,
            Param::I64 => ValType::I64,
            Param::F32 => ValType::F32,
            Param::F64 => ValType::F64,
        });
        self.types.ty().function(params, []);
        self.types.len() - 1
    }

    fn finish(self) -> Vec<u8> {
        let mut module = Module::new();
        module.section(&self.types);
        if !self.functions.is_empty() {
            module.section(&self.functions);
        }
        if !self.tables.is_empty() {
            module.section(&self.tables);
        }
        if !self.memories.is_empty() {
            module.section(&self.memories);
        }
        if !self.globals.is_empty() {
            module.section(&self.globals);
        }
        module.section(&self.exports);
        if !self.code.is_empty() {
            module.section(&self.code);
        }
        module.finish()
    }
}

pub(crate) fn global(value: Value) -> (GlobalType, ConstExpr) {
    let (val_type, value) = match value {
        Value::I32(value) => (ValType::I32, ConstExpr::i32_const(value)),
        Value::I64(value) => (ValType::I64, ConstExpr::i64_const(value)),
        Value::F32(bits) => (ValType::F32, ConstExpr::f32_const(Ieee32::new(bits))),
        Value::F64(bits) => (ValType::F64, ConstExpr::f64_const(Ieee64::new(bits))),
        Value::V128(bits) => (ValType::V128, ConstExpr::v128_const(bits.cast_signed())),
        Value::Ref(_) => (ValType::EXTERNREF, ConstExpr::ref_null(wasm_encoder::HeapType::EXTERN)),
    };
    (GlobalType { val_type, mutable: false, shared: false }, value)
}

pub(crate) fn table(item: Item) -> TableType {
    let (minimum, maximum, table64) = match item {
        Item::Table { minimum, maximum, index64 } => (minimum, maximum, index64),
        _ => (0, 0, false),
    };
    TableType { element_type: RefType::FUNCREF, table64, minimum, maximum: Some(maximum), shared: false }
}

pub(crate) fn memory(item: Item) -> MemoryType {
    let (minimum, maximum, shared) = match item {
        Item::Memory { minimum, maximum, shared } => (minimum, maximum, shared),
        _ => (0, 0, false),
    };
    MemoryType { minimum, maximum: Some(maximum), memory64: false, shared, page_size_log2: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_modules_are_valid_and_export_every_item() {
        let exports = |bytes: &[u8]| {
            wasmparser::validate(bytes).unwrap();
            let payloads = wasmparser::Parser::new(0).parse_all(bytes);
            let mut names = Vec::new();
            for payload in payloads {
                if let wasmparser::Payload::ExportSection(section) = payload.unwrap() {
                    names.extend(section.into_iter().map(|export| export.unwrap().name.to_owned()));
                }
            }
            names
        };
        assert_eq!(exports(&base()).len(), 13);
        assert_eq!(exports(&module(true, true)).len(), 15);
        assert_eq!(exports(&extension("table64")), ["table64"]);
        assert_eq!(exports(&extension("shared_memory")), ["shared_memory"]);
        assert!(is_extension("shared_memory") && !is_extension("memory") && !is_extension("other"));
    }
}
