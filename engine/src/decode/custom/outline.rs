//! The items of a module that custom sections can refer to.

use wasmparser::{CompositeInnerType, FunctionBody, Payload, TypeRef};

/// The sizes of the index spaces of a well-formed module, which may be invalid.
#[derive(Default)]
pub(super) struct Outline<'a> {
    /// By type index, the number of parameters of a function type, or of fields of a structure
    /// type.
    pub(super) types: Vec<Shape>,
    /// The type index of each function, imported ones first.
    functions: Vec<u32>,
    imported_functions: usize,
    pub(super) tables: usize,
    pub(super) memories: usize,
    pub(super) globals: usize,
    pub(super) tags: usize,
    pub(super) elements: usize,
    pub(super) data: usize,
    bodies: Vec<FunctionBody<'a>>,
    /// The offsets of the code section and the data section.
    pub(super) code_start: Option<u64>,
    pub(super) data_start: Option<u64>,
}

/// The number of items of a type that can have names.
pub(super) enum Shape {
    Function { parameters: usize },
    Struct { fields: usize },
    Other,
}

impl<'a> Outline<'a> {
    pub(super) fn read(&mut self, payload: Payload<'a>) -> wasmparser::Result<()> {
        match payload {
            Payload::TypeSection(section) => {
                for group in section {
                    self.types.extend(group?.types().map(|ty| Shape::of(&ty.composite_type.inner)));
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    match import?.ty {
                        TypeRef::Func(ty) | TypeRef::FuncExact(ty) => self.functions.push(ty),
                        TypeRef::Table(_) => self.tables += 1,
                        TypeRef::Memory(_) => self.memories += 1,
                        TypeRef::Global(_) => self.globals += 1,
                        TypeRef::Tag(_) => self.tags += 1,
                    }
                }
                self.imported_functions = self.functions.len();
            }
            Payload::FunctionSection(section) => {
                for ty in section {
                    self.functions.push(ty?);
                }
            }
            Payload::TableSection(section) => self.tables += section.count() as usize,
            Payload::MemorySection(section) => self.memories += section.count() as usize,
            Payload::GlobalSection(section) => self.globals += section.count() as usize,
            Payload::TagSection(section) => self.tags += section.count() as usize,
            Payload::ElementSection(section) => self.elements = section.count() as usize,
            Payload::DataSection(section) => {
                self.data = section.count() as usize;
                self.data_start = Some(section.range().start);
            }
            Payload::CodeSectionStart { unchecked_range, .. } => {
                self.code_start = Some(unchecked_range.start)
            }
            Payload::CodeSectionEntry(body) => self.bodies.push(body),
            _ => {}
        }
        Ok(())
    }

    pub(super) fn functions(&self) -> usize {
        self.functions.len()
    }

    /// The body of a function, if it exists and is not imported.
    pub(super) fn body(&self, function: u32) -> Option<&FunctionBody<'a>> {
        self.bodies.get((function as usize).checked_sub(self.imported_functions)?)
    }

    /// The number of a function's locals including its parameters; 0 if its type is not a function
    /// type.
    pub(super) fn locals(&self, function: u32) -> wasmparser::Result<usize> {
        let ty = self.functions.get(function as usize).and_then(|ty| self.types.get(*ty as usize));
        let mut count = match ty {
            Some(Shape::Function { parameters }) => *parameters,
            _ => 0,
        };
        if let Some(body) = self.body(function) {
            for group in body.get_locals_reader()? {
                count += group?.0 as usize;
            }
        }
        Ok(count)
    }

    /// The number of fields of a type; 0 if it is not a structure type, or if the index is out of
    /// range.
    pub(super) fn fields(&self, ty: u32) -> usize {
        match self.types.get(ty as usize) {
            Some(Shape::Struct { fields }) => *fields,
            _ => 0,
        }
    }
}

impl Shape {
    fn of(ty: &CompositeInnerType) -> Shape {
        match ty {
            CompositeInnerType::Func(ty) => Shape::Function { parameters: ty.params().len() },
            CompositeInnerType::Struct(ty) => Shape::Struct { fields: ty.fields.len() },
            CompositeInnerType::Array(_) | CompositeInnerType::Cont(_) => Shape::Other,
        }
    }
}
