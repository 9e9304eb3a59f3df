//! The information about modules that plans need: types, imports and exports.

use std::collections::HashMap;

use wasm_encoder::ValType as Encoded;
use wasmparser::{
    Chunk, CompositeInnerType, ExternalKind, FuncType, GlobalType, HeapType as ParsedHeap, Parser, Payload,
    RefType, TypeRef, UnpackedIndex, ValType, WasmFeatures,
};

use crate::type_section::TypeEntries;
use crate::value::HeapType;

/// The parts of a module that a wrapper needs.
#[derive(Debug, Default)]
pub(super) struct Info {
    /// The entries of the type section: recursive groups, not types.
    pub(super) type_entries: TypeEntries,
    /// The types, by their index.
    types: Vec<Type>,
    /// The type of each function, imported ones first.
    functions: Vec<u32>,
    /// The type of each global, imported ones first.
    globals: Vec<GlobalType>,
    /// The imports: module and item names.
    pub(super) imports: Vec<(Box<str>, Box<str>)>,
    exports: HashMap<Box<str>, (ExternalKind, u32)>,
}

/// A defined type, as far as a wrapper needs it.
#[derive(Debug)]
enum Type {
    Function(FuncType),
    /// A structure or an array.
    Object,
    /// A continuation.
    Other,
}

/// A function or a global that a module exports.
#[derive(Clone, Debug)]
pub(super) struct Function {
    /// The index of its type.
    pub(super) type_index: u32,
    pub(super) parameters: Vec<Passed>,
    pub(super) results: Vec<Passed>,
}

/// The type of a value that is passed to a wrapper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passed {
    I32,
    I64,
    F32,
    F64,
    V128,
    /// A reference of the hierarchy of this top type.
    Ref {
        top: HeapType,
        nullable: bool,
        /// The heap type itself.
        heap: wasm_encoder::HeapType,
    },
}

/// An exported global, with its type as a wrapper imports it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Global {
    pub(super) ty: wasm_encoder::GlobalType,
    pub(super) content: Passed,
}

impl Info {
    /// Parses a module with any features. Function bodies and constant expressions are skipped.
    ///
    /// Returns `None` if it cannot be parsed.
    pub(super) fn read(bytes: &[u8]) -> Option<Info> {
        let mut parser = Parser::new(0);
        parser.set_features(WasmFeatures::all());
        let (mut info, mut rest) = (Info::default(), bytes);
        loop {
            let Ok(Chunk::Parsed { consumed, payload }) = parser.parse(rest, true) else { return None };
            match payload {
                Payload::CodeSectionStart { size, .. } => {
                    parser.skip_section();
                    rest = rest.get(consumed..)?.get(usize::try_from(size).ok()?..)?;
                    continue;
                }
                Payload::End(_) => return Some(info),
                payload => info.section(payload, bytes)?,
            }
            rest = rest.get(consumed..)?;
        }
    }

    fn section(&mut self, payload: Payload<'_>, bytes: &[u8]) -> Option<()> {
        match payload {
            Payload::TypeSection(section) => {
                self.type_entries = TypeEntries::of(&section, bytes)?;
                for group in section {
                    for ty in group.ok()?.into_types() {
                        self.types.push(match ty.composite_type.inner {
                            CompositeInnerType::Func(ty) => Type::Function(ty),
                            CompositeInnerType::Struct(_) | CompositeInnerType::Array(_) => Type::Object,
                            CompositeInnerType::Cont(_) => Type::Other,
                        });
                    }
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import.ok()?;
                    self.imports.push((import.module.into(), import.name.into()));
                    match import.ty {
                        TypeRef::Func(ty) | TypeRef::FuncExact(ty) => self.functions.push(ty),
                        TypeRef::Global(ty) => self.globals.push(ty),
                        _ => {}
                    }
                }
            }
            Payload::FunctionSection(section) => {
                for ty in section {
                    self.functions.push(ty.ok()?);
                }
            }
            Payload::GlobalSection(section) => {
                for global in section {
                    self.globals.push(global.ok()?.ty);
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export.ok()?;
                    self.exports.insert(export.name.into(), (export.kind, export.index));
                }
            }
            _ => {}
        }
        Some(())
    }

    /// The number of types.
    pub(super) fn types(&self) -> u32 {
        self.types.len() as u32
    }

    /// Finds an exported function. `Ok(None)` if there is none, `Err` if its type is not supported.
    pub(super) fn function(&self, export: &str) -> Result<Option<Function>, Foreign> {
        let Some((ExternalKind::Func | ExternalKind::FuncExact, index)) = self.exports.get(export) else {
            return Ok(None);
        };
        let type_index = *self.functions.get(*index as usize).ok_or(Foreign)?;
        let Some(Type::Function(ty)) = self.types.get(type_index as usize) else { return Err(Foreign) };
        let passed =
            |types: &[ValType]| types.iter().map(|ty| self.passed(*ty)).collect::<Result<Vec<_>, _>>();
        Ok(Some(Function { type_index, parameters: passed(ty.params())?, results: passed(ty.results())? }))
    }

    /// Finds an exported global, in the same way.
    pub(super) fn global(&self, export: &str) -> Result<Option<Global>, Foreign> {
        let Some((ExternalKind::Global, index)) = self.exports.get(export) else { return Ok(None) };
        let ty = *self.globals.get(*index as usize).ok_or(Foreign)?;
        let content = self.passed(ty.content_type)?;
        let ty = wasm_encoder::GlobalType {
            val_type: Encoded::try_from(ty.content_type).map_err(|_| Foreign)?,
            mutable: ty.mutable,
            shared: ty.shared,
        };
        Ok(Some(Global { ty, content }))
    }

    fn passed(&self, ty: ValType) -> Result<Passed, Foreign> {
        Ok(match ty {
            ValType::I32 => Passed::I32,
            ValType::I64 => Passed::I64,
            ValType::F32 => Passed::F32,
            ValType::F64 => Passed::F64,
            ValType::V128 => Passed::V128,
            ValType::Ref(ty) => Passed::Ref {
                top: self.top(ty)?,
                nullable: ty.is_nullable(),
                heap: ty.heap_type().try_into().map_err(|_| Foreign)?,
            },
        })
    }

    /// The top type of the hierarchy of a reference type.
    fn top(&self, ty: RefType) -> Result<HeapType, Foreign> {
        Ok(match ty.heap_type() {
            ParsedHeap::Abstract { ty, shared: false } => match HeapType::of_abstract(ty).top() {
                HeapType::Cont => return Err(Foreign),
                top => top,
            },
            ParsedHeap::Concrete(UnpackedIndex::Module(index))
            | ParsedHeap::Exact(UnpackedIndex::Module(index)) => match self.types.get(index as usize) {
                Some(Type::Function(_)) => HeapType::Func,
                Some(Type::Object) => HeapType::Any,
                Some(Type::Other) | None => return Err(Foreign),
            },
            _ => return Err(Foreign),
        })
    }
}

/// The error for an unsupported type: it does not exist, or is of a proposal that plans do not
/// support.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Foreign;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Info {
        Info::read(&crate::quoted(text.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn exports_have_their_types_wherever_they_come_from() {
        let info = read(
            "(module (type $s (struct)) (import \"m\" \"f\" (func $f (param i32)))
               (func $g (export \"g\") (result (ref null $s) f32) (unreachable)) (export \"f\" (func $f))
               (global (export \"c\") (mut i64) (i64.const 1)) (memory (export \"m\") 1))",
        );
        let f = info.function("f").unwrap().unwrap();
        assert_eq!((f.parameters, f.results), (vec![Passed::I32], vec![]));
        let g = info.function("g").unwrap().unwrap();
        assert!(matches!(
            g.results[..],
            [Passed::Ref { top: HeapType::Any, nullable: true, .. }, Passed::F32]
        ));
        let c = info.global("c").unwrap().unwrap();
        assert_eq!((c.content, c.ty.mutable), (Passed::I64, true));
        assert!(info.function("m").unwrap().is_none() && info.global("f").unwrap().is_none());
        assert_eq!(info.imports, [("m".into(), "f".into())]);
        assert_eq!(info.type_entries.count(), 3);
    }

    #[test]
    fn invalid_bytes_are_rejected() {
        assert!(Info::read(b"").is_none());
        assert!(Info::read(b"\0asm\x01\0\0\0\x01\x05\x01").is_none());
        assert!(Info::read(b"\0asm\x01\0\0\0\x0a\xff\xff\xff\xff\x0f").is_none());
    }
}
