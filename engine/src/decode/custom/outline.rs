//! What custom sections can be about: how many there are of everything.

use wasmparser::{CompositeInnerType, FunctionBody, Payload, TypeRef};

/// The sizes of a well-formed module's index spaces, which is not known to be valid.
#[derive(Default)]
pub(super) struct Outline<'a> {
    /// By type index, the number of parameters of a function type, and that of the fields of a
    /// structure type.
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
    /// Where the code section and the data section begin.
    pub(super) code_start: Option<u64>,
    pub(super) data_start: Option<u64>,
}

/// What of a type can be named.
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

    /// The body of a function that there is and that is not imported.
    pub(super) fn body(&self, function: u32) -> Option<&FunctionBody<'a>> {
        self.bodies.get((function as usize).checked_sub(self.imported_functions)?)
    }

    /// How many locals a function has, its parameters included; none where its type is not that of
    /// a function.
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
