//! Types of imports and exports, comparable across the modules of a script.
//!
//! Two function types are equal if their recursive groups are equal and they have the same position
//! in the group (core spec, section 3.1.2, type equivalence).

use std::collections::HashMap;

use wasmparser::{
    BinaryReader, CompositeInnerType, ExportSectionReader, ExternalKind, FieldType, GlobalSectionReader,
    GlobalType, HeapType, MemorySectionReader, MemoryType, RefType, StorageType, SubType, TableSectionReader,
    TableType, TagSectionReader, TypeRef, TypeSectionReader, UnpackedIndex, ValType,
};

use crate::module::{EXPORT, GLOBAL, MEMORY, Sections, TABLE, TAG, TYPE};

/// The type of an import or export. Value types are strings that are equal if the types are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    Function(u32),
    Table { element: String, limits: Limits },
    Memory { shared: bool, page: u32, limits: Limits },
    Global { mutable: bool, content: String },
    Tag(u32),
}

/// Limits, and whether addresses have 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) is_64: bool,
    pub(crate) minimum: u64,
    pub(crate) maximum: Option<u64>,
}

/// An import: module name, item name and type.
pub(crate) type Import = (String, String, Item);

/// The exports of a module, by their names.
pub(crate) type Exports = HashMap<String, Item>;

/// The defined types of all modules of a script. Equal types have the same number.
#[derive(Debug, Default)]
pub(crate) struct Types {
    groups: HashMap<Vec<String>, u32>,
    types: Vec<Defined>,
}

/// A defined type.
#[derive(Debug)]
struct Defined {
    /// The types of a function's parameters and results.
    function: Option<(Vec<String>, Vec<String>)>,
    supertype: Option<u32>,
}

impl Types {
    fn get(&self, number: u32) -> Option<&Defined> {
        self.types.get(number as usize)
    }

    /// Returns the parameters and results of a function type, or `None` for other types.
    pub(crate) fn signature(&self, number: u32) -> Option<&(Vec<String>, Vec<String>)> {
        self.get(number).and_then(|ty| ty.function.as_ref())
    }

    /// Whether a type equals another type or has it among its supertypes.
    pub(crate) fn is_below(&self, mut number: u32, above: u32) -> bool {
        loop {
            if number == above {
                return true;
            }
            match self.get(number).and_then(|ty| ty.supertype) {
                Some(supertype) => number = supertype,
                None => return false,
            }
        }
    }

    /// Adds the types of a module and returns their numbers, by type index.
    fn define(&mut self, sections: &Sections<'_>) -> Option<Vec<u32>> {
        let mut numbers: Vec<u32> = Vec::new();
        let Some(contents) = sections.get(TYPE) else { return Some(numbers) };
        for group in TypeSectionReader::new(BinaryReader::new(contents, 0)).ok()? {
            let group = group.ok()?;
            let first = u32::try_from(numbers.len()).ok()?;
            let scope = Scope { numbers: &numbers, first };
            let key: Option<Vec<String>> = group.types().map(|ty| scope.sub_type(ty)).collect();
            let next = u32::try_from(self.types.len()).ok()?;
            let base = *self.groups.entry(key?).or_insert(next);
            if base == next {
                let outside = Scope { numbers: &numbers, first: u32::MAX };
                let inside = |index: u32| match index.checked_sub(first) {
                    Some(place) => Some(base + place),
                    None => numbers.get(index as usize).copied(),
                };
                for ty in group.types() {
                    let supertype = ty.supertype_idxs.first().and_then(|index| index.as_module_index());
                    let function = match &ty.composite_type.inner {
                        CompositeInnerType::Func(ty) => {
                            let all = |types: &[ValType]| -> Option<Vec<String>> {
                                types.iter().map(|ty| outside.inside(*ty, &inside)).collect()
                            };
                            Some((all(ty.params())?, all(ty.results())?))
                        }
                        _ => None,
                    };
                    self.types.push(Defined { function, supertype: supertype.and_then(inside) });
                }
            }
            numbers.extend((0..group.types().len()).zip(base..).map(|(_, number)| number));
        }
        Some(numbers)
    }

    /// Returns the imports and the exports of a module.
    pub(crate) fn interface(&mut self, module: &[u8]) -> Option<(Vec<Import>, Exports)> {
        let sections = Sections::read(module)?;
        let numbers = self.define(&sections)?;
        let scope = Scope { numbers: &numbers, first: u32::MAX };
        let mut spaces = Spaces::default();
        let mut imports = Vec::new();
        for (module, name, ty) in sections.imports()? {
            let item = scope.item(ty)?;
            spaces.add(item.clone());
            imports.push((module, name, item));
        }
        spaces.add_defined(&sections, &scope)?;
        let mut exports = HashMap::new();
        if let Some(contents) = sections.get(EXPORT) {
            for export in ExportSectionReader::new(BinaryReader::new(contents, 0)).ok()? {
                let export = export.ok()?;
                exports.insert(export.name.to_owned(), spaces.get(export.kind, export.index)?.clone());
            }
        }
        Some((imports, exports))
    }
}

/// The index spaces of a module.
#[derive(Default)]
struct Spaces {
    functions: Vec<Item>,
    tables: Vec<Item>,
    memories: Vec<Item>,
    globals: Vec<Item>,
    tags: Vec<Item>,
}

impl Spaces {
    fn add(&mut self, item: Item) {
        let space = match item {
            Item::Function(_) => &mut self.functions,
            Item::Table { .. } => &mut self.tables,
            Item::Memory { .. } => &mut self.memories,
            Item::Global { .. } => &mut self.globals,
            Item::Tag(_) => &mut self.tags,
        };
        space.push(item);
    }

    fn add_defined(&mut self, sections: &Sections<'_>, scope: &Scope<'_>) -> Option<()> {
        let reader = |id| sections.get(id).map(|contents| BinaryReader::new(contents, 0));
        for ty in sections.defined_functions()? {
            self.add(Item::Function(scope.number(ty)?));
        }
        if let Some(reader) = reader(TABLE) {
            for table in TableSectionReader::new(reader).ok()? {
                self.add(scope.item(TypeRef::Table(table.ok()?.ty))?);
            }
        }
        if let Some(reader) = reader(MEMORY) {
            for memory in MemorySectionReader::new(reader).ok()? {
                self.add(scope.item(TypeRef::Memory(memory.ok()?))?);
            }
        }
        if let Some(reader) = reader(GLOBAL) {
            for global in GlobalSectionReader::new(reader).ok()? {
                self.add(scope.item(TypeRef::Global(global.ok()?.ty))?);
            }
        }
        if let Some(reader) = reader(TAG) {
            for tag in TagSectionReader::new(reader).ok()? {
                self.add(scope.item(TypeRef::Tag(tag.ok()?))?);
            }
        }
        Some(())
    }

    fn get(&self, kind: ExternalKind, index: u32) -> Option<&Item> {
        let space = match kind {
            ExternalKind::Func | ExternalKind::FuncExact => &self.functions,
            ExternalKind::Table => &self.tables,
            ExternalKind::Memory => &self.memories,
            ExternalKind::Global => &self.globals,
            ExternalKind::Tag => &self.tags,
        };
        space.get(index as usize)
    }
}

/// The meaning of type indices in a module: indices from `first` on are in the group being read.
struct Scope<'a> {
    numbers: &'a [u32],
    first: u32,
}

impl Scope<'_> {
    fn number(&self, index: u32) -> Option<u32> {
        self.numbers.get(index as usize).copied()
    }

    /// Renders a type index so that equal types give equal strings.
    fn index(&self, index: u32) -> Option<String> {
        match index.checked_sub(self.first) {
            Some(place) => Some(format!("#{place}")),
            None => self.number(index).map(|number| number.to_string()),
        }
    }

    fn value(&self, ty: ValType) -> Option<String> {
        self.with(ty, &|index| self.index(index))
    }

    /// Renders a value type when the types of the group already have numbers.
    fn inside(&self, ty: ValType, number: &dyn Fn(u32) -> Option<u32>) -> Option<String> {
        self.with(ty, &|index| number(index).map(|number| number.to_string()))
    }

    fn with(&self, ty: ValType, index: &dyn Fn(u32) -> Option<String>) -> Option<String> {
        let ValType::Ref(ty) = ty else { return Some(ty.to_string()) };
        let null = if ty.is_nullable() { "null " } else { "" };
        let of = |exact: &str, ty: UnpackedIndex| Some(format!("{exact}{}", index(ty.as_module_index()?)?));
        let heap = match ty.heap_type() {
            HeapType::Abstract { shared, ty } => format!("{ty:?}{}", if shared { " shared" } else { "" }),
            HeapType::Concrete(ty) => of("", ty)?,
            HeapType::Exact(ty) => of("exact ", ty)?,
        };
        Some(format!("(ref {null}{heap})"))
    }

    fn field(&self, field: FieldType) -> Option<String> {
        let ty = match field.element_type {
            StorageType::I8 => "i8".to_owned(),
            StorageType::I16 => "i16".to_owned(),
            StorageType::Val(ty) => self.value(ty)?,
        };
        Some(if field.mutable { format!("mut {ty}") } else { ty })
    }

    /// Renders a type of a group so that equal types give equal strings.
    fn sub_type(&self, ty: &SubType) -> Option<String> {
        let mut text = if ty.is_final { "final ".to_owned() } else { String::new() };
        let composite = &ty.composite_type;
        let others = [composite.descriptor_idx, composite.describes_idx];
        let indices = ty.supertype_idxs.iter().map(|index| Some(*index)).chain(others);
        for index in indices {
            let index = match index {
                Some(index) => self.index(index.as_module_index()?)?,
                None => "-".to_owned(),
            };
            text.push_str(&format!("{index} "));
        }
        let all = |types: &[ValType]| -> Option<String> {
            let types: Option<Vec<String>> = types.iter().map(|ty| self.value(*ty)).collect();
            Some(types?.join(" "))
        };
        text.push_str(&match &composite.inner {
            CompositeInnerType::Func(ty) => format!("func {} -> {}", all(ty.params())?, all(ty.results())?),
            CompositeInnerType::Array(ty) => format!("array {}", self.field(ty.0)?),
            CompositeInnerType::Struct(ty) => {
                let fields: Option<Vec<String>> = ty.fields.iter().map(|field| self.field(*field)).collect();
                format!("struct {}", fields?.join(", "))
            }
            CompositeInnerType::Cont(_) => return None,
        });
        Some(text)
    }

    fn item(&self, ty: TypeRef) -> Option<Item> {
        Some(match ty {
            TypeRef::Func(ty) | TypeRef::FuncExact(ty) => Item::Function(self.number(ty)?),
            TypeRef::Table(TableType { element_type, table64, initial, maximum, .. }) => Item::Table {
                element: self.reference(element_type)?,
                limits: Limits { is_64: table64, minimum: initial, maximum },
            },
            TypeRef::Memory(MemoryType { memory64, shared, initial, maximum, page_size_log2 }) => {
                Item::Memory {
                    shared,
                    page: page_size_log2.unwrap_or(16),
                    limits: Limits { is_64: memory64, minimum: initial, maximum },
                }
            }
            TypeRef::Global(GlobalType { content_type, mutable, .. }) => {
                Item::Global { mutable, content: self.value(content_type)? }
            }
            TypeRef::Tag(ty) => Item::Tag(self.number(ty.func_type_idx)?),
        })
    }

    fn reference(&self, ty: RefType) -> Option<String> {
        self.value(ValType::Ref(ty))
    }
}
