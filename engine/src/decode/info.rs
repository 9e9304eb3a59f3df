//! The contents of a module's sections, with canonical types.

use std::collections::HashMap;
use std::sync::Arc;

use super::const_expr::{ConstExpr, ConstOp};
use super::continuations::Continuations;
use super::custom::branch_hint::BranchHints;
use super::segments::{DataSegment, ElementItems, ElementSegment, SegmentMode};
use crate::types::canon::CanonType;
use crate::types::layout::{FieldsLayout, ObjectLayout};
use crate::types::{
    ExternType, FuncExtern, FuncType, GlobalType, MemoryType, StorageType, TableType, TagType, TypeId,
    TypeRegistry,
};

/// An import: two names and the required type.
#[derive(Clone, Debug)]
pub(crate) struct Import {
    pub(crate) module: Box<str>,
    pub(crate) name: Box<str>,
    pub(crate) ty: ExternType,
}

/// The index space and index of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExportKind {
    Function,
    Table,
    Memory,
    Global,
    Tag,
}

/// An export: a name, and an index in one of the index spaces.
#[derive(Clone, Debug)]
pub(crate) struct Export {
    pub(crate) name: Arc<str>,
    pub(crate) kind: ExportKind,
    pub(crate) index: u32,
}

/// The sizes of index spaces, or the numbers of their imports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) functions: usize,
    pub(crate) tables: usize,
    pub(crate) memories: usize,
    pub(crate) globals: usize,
    pub(crate) tags: usize,
}

/// The contents of a module except its code. Index spaces start with the imports (core spec,
/// section 2.5.1).
#[derive(Debug, Default)]
pub(crate) struct ModuleInfo {
    /// The identifier of each type.
    pub(crate) types: Vec<TypeId>,
    /// The function types, by type index.
    pub(crate) func_types: Vec<Option<Arc<FuncType>>>,
    /// The canonical types, by type index.
    pub(crate) canon: Vec<Arc<CanonType>>,
    /// The continuation types.
    pub(crate) continuations: Continuations,
    pub(crate) imports: Vec<Import>,
    pub(crate) imported: Counts,
    /// The type index of each function.
    pub(crate) functions: Vec<u32>,
    /// The imported functions that require the exact type.
    pub(super) exact_imports: Vec<u32>,
    pub(crate) tables: Vec<TableType>,
    /// The initial values of the tables that are not imported; `None` means null.
    pub(crate) table_inits: Vec<Option<ConstExpr>>,
    pub(crate) memories: Vec<MemoryType>,
    pub(crate) globals: Vec<GlobalType>,
    /// The initial values of the globals that are not imported.
    pub(crate) global_inits: Vec<ConstExpr>,
    pub(crate) tags: Vec<TagType>,
    /// The type index of each tag.
    pub(crate) tag_types: Vec<u32>,
    pub(crate) exports: Vec<Export>,
    /// Maps names to their index in `exports`.
    pub(crate) export_index: HashMap<Arc<str>, usize>,
    pub(crate) branch_hints: BranchHints,
    pub(crate) start: Option<u32>,
    pub(crate) elements: Vec<ElementSegment>,
    pub(crate) data: Vec<DataSegment>,
    /// The functions that references can point to, among those that are not imported, in order.
    pub(crate) escaping: Vec<u32>,
}

impl ModuleInfo {
    /// The current sizes of the index spaces.
    pub(crate) fn counts(&self) -> Counts {
        Counts {
            functions: self.functions.len(),
            tables: self.tables.len(),
            memories: self.memories.len(),
            globals: self.globals.len(),
            tags: self.tags.len(),
        }
    }

    /// The type of the function with this index.
    pub(crate) fn func_type(&self, function: u32) -> &Arc<FuncType> {
        self.func_type_at(self.functions[function as usize])
    }

    /// The function type with this type index. Validation has checked that it is a function type.
    pub(crate) fn func_type_at(&self, type_index: u32) -> &Arc<FuncType> {
        match &self.func_types[type_index as usize] {
            Some(ty) => ty,
            None => unreachable!("type {type_index} is a function type by validation"),
        }
    }

    /// The layout of structures of the type with this index. Validation has checked that it is a
    /// structure type.
    pub(crate) fn struct_layout(&self, type_index: u32) -> &FieldsLayout {
        match &self.canon[type_index as usize].layout {
            ObjectLayout::Struct(layout) => layout,
            _ => unreachable!("type {type_index} is a structure type by validation"),
        }
    }

    /// The storage type of the elements of the array type with this index. Validation has checked
    /// that it is an array type.
    pub(crate) fn element_storage(&self, type_index: u32) -> StorageType {
        match self.canon[type_index as usize].layout {
            ObjectLayout::Array(storage) => storage,
            _ => unreachable!("type {type_index} is an array type by validation"),
        }
    }

    /// The canonical identifier of a function's type.
    pub(crate) fn func_type_id(&self, function: u32) -> TypeId {
        self.types[self.functions[function as usize] as usize]
    }

    /// The position of a function in `escaping`, if it is in there.
    pub(crate) fn escaping_slot(&self, function: u32) -> Option<usize> {
        self.escaping.binary_search(&function).ok()
    }

    /// The name of the first export of a function.
    pub(crate) fn export_name(&self, function: u32) -> Option<&str> {
        let is_it = |export: &&Export| export.kind == ExportKind::Function && export.index == function;
        self.exports.iter().find(is_it).map(|export| &*export.name)
    }

    /// The type of an export.
    pub(crate) fn export_type(&self, export: &Export) -> ExternType {
        let index = export.index as usize;
        match export.kind {
            ExportKind::Function => {
                let exact = index >= self.imported.functions || self.exact_imports.contains(&export.index);
                self.func_extern_type(self.functions[index], exact)
            }
            ExportKind::Table => ExternType::Table(self.tables[index]),
            ExportKind::Memory => ExternType::Memory(self.memories[index]),
            ExportKind::Global => ExternType::Global(self.globals[index]),
            ExportKind::Tag => ExternType::Tag(self.tags[index]),
        }
    }

    pub(super) fn func_extern_type(&self, type_index: u32, exact: bool) -> ExternType {
        let ty = Arc::clone(self.func_type_at(type_index));
        ExternType::Func(FuncExtern { id: self.types[type_index as usize], ty, exact })
    }

    /// Adds the types of an interned group.
    pub(super) fn push_types(&mut self, group: &[TypeId], registry: &TypeRegistry) {
        for id in group {
            let ty = registry.get(*id);
            self.continuations.add(self.types.len() as u32, *id, &ty.sub.composite, registry);
            self.types.push(*id);
            self.func_types.push(ty.func.clone());
            self.canon.push(ty);
        }
    }

    /// Computes `escaping`. A function body can only refer to functions that occur elsewhere in the
    /// module (core spec, section 3.4.13, `refs`). Therefore the functions that need a function
    /// record are known before the first body is read.
    pub(super) fn find_escaping_functions(&mut self) {
        let mut found: Vec<u32> = Vec::new();
        let mut visit = |expr: &ConstExpr| {
            found.extend(expr.0.iter().filter_map(|op| match op {
                ConstOp::RefFunc(function) => Some(*function),
                _ => None,
            }));
        };
        self.global_inits.iter().for_each(&mut visit);
        self.table_inits.iter().flatten().for_each(&mut visit);
        for element in &self.elements {
            if let SegmentMode::Active { offset, .. } = &element.mode {
                visit(offset);
            }
            if let ElementItems::Expressions(items) = &element.items {
                items.iter().for_each(&mut visit);
            }
        }
        for element in &self.elements {
            if let ElementItems::Functions(items) = &element.items {
                found.extend_from_slice(items);
            }
        }
        found.extend(self.exports.iter().filter(|e| e.kind == ExportKind::Function).map(|e| e.index));
        found.extend(self.start);
        found.retain(|function| *function as usize >= self.imported.functions);
        found.sort_unstable();
        found.dedup();
        self.escaping = found;
    }
}
