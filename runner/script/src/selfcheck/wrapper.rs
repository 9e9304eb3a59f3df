//! Merges wrappers into the module that they import from.
//!
//! A wrapper has the types of that module followed by its own, imports exports of the module, and
//! has its own functions and globals. So only indices change: imports get the index of the export,
//! and the wrapper's own items follow those of the module.

use std::collections::HashMap;
use std::convert::Infallible;

use wasm_encoder::Encode;
use wasm_encoder::reencode::{self, Reencode};
use wasmparser::{FunctionBody, Operator, Parser, Payload, TypeRef, WasmFeatures};

use super::sections::{Additions, Raw, id};
use super::subject::Subject;
use crate::plan::HOST;

/// A wrapper.
#[derive(Debug)]
pub struct Wrapper<'a> {
    /// Its own types: their number, and their bytes.
    types: (u32, &'a [u8]),
    /// The functions and globals that it imports; `None` for a host function.
    functions: Vec<Option<u32>>,
    globals: Vec<u32>,
    /// Its functions, with their types.
    own: Vec<(u32, FunctionBody<'a>)>,
    /// Its globals: their number, and their bytes.
    own_globals: (u32, &'a [u8]),
    /// Its exports.
    exports: HashMap<Box<str>, u32>,
}

/// The error for a module that is not a wrapper of the subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Foreign;

impl From<wasmparser::Error> for Foreign {
    fn from(_: wasmparser::Error) -> Foreign {
        Foreign
    }
}

/// The first indices of a wrapper's items in the combined module.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bases {
    pub(super) types: u32,
    pub(super) functions: u32,
    pub(super) globals: u32,
}

impl<'a> Wrapper<'a> {
    /// Parses a wrapper of a module.
    ///
    /// # Errors
    ///
    /// It is not a wrapper of that module.
    pub fn read(subject: &Subject<'_>, module: &'a [u8]) -> Result<Wrapper<'a>, Foreign> {
        let mut wrapper = Wrapper {
            types: (0, &[]),
            functions: Vec::new(),
            globals: Vec::new(),
            own: Vec::new(),
            own_globals: (0, &[]),
            exports: HashMap::new(),
        };
        let (mut types, mut bodies) = (Vec::new(), 0);
        let mut parser = Parser::new(0);
        parser.set_features(WasmFeatures::all());
        for payload in parser.parse_all(module) {
            match payload? {
                Payload::TypeSection(section) => {
                    let entries = entries(module, section.original_position(), section.range().end)?;
                    let count =
                        |group: wasmparser::Result<wasmparser::RecGroup>| Ok(group?.types().len() as u32);
                    let all = section.into_iter().map(count).sum::<Result<u32, Foreign>>()?;
                    let own = all.checked_sub(subject.types).ok_or(Foreign)?;
                    wrapper.types = (own, entries.get(subject.type_bytes..).ok_or(Foreign)?);
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import?;
                        match import.ty {
                            TypeRef::Func(_) if import.module == HOST => wrapper.functions.push(None),
                            TypeRef::Func(_) => {
                                let index = subject.exported_function(import.name).ok_or(Foreign)?;
                                wrapper.functions.push(Some(index));
                            }
                            TypeRef::Global(_) => {
                                wrapper.globals.push(subject.exported_global(import.name).ok_or(Foreign)?);
                            }
                            _ => return Err(Foreign),
                        }
                    }
                }
                Payload::FunctionSection(section) => types = section.into_iter().collect::<Result<_, _>>()?,
                Payload::GlobalSection(section) => {
                    let entries = entries(module, section.original_position(), section.range().end)?;
                    wrapper.own_globals = (section.count(), entries);
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        let export = export?;
                        wrapper.exports.insert(export.name.into(), export.index);
                    }
                }
                Payload::CodeSectionEntry(body) => {
                    wrapper.own.push((*types.get(bodies).ok_or(Foreign)?, body));
                    bodies += 1;
                }
                _ => {}
            }
        }
        Ok(wrapper)
    }

    /// Whether it needs host references, which a self-checking module cannot create.
    pub fn needs_host(&self) -> bool {
        self.functions.contains(&None)
    }

    /// Whether the function of the module that this export calls may change the state of the
    /// instance.
    pub fn may_change(&self, subject: &Subject<'_>, export: &str) -> bool {
        let own = self.exports.get(export).and_then(|index| index.checked_sub(self.functions.len() as u32));
        let Some((_, body)) = own.and_then(|own| self.own.get(own as usize)) else { return true };
        let mut changes = false;
        let mut read = || {
            let mut operators = body.get_operators_reader()?;
            while !operators.eof() {
                if let Operator::Call { function_index } = operators.read()? {
                    let callee = self.functions.get(function_index as usize).copied().flatten();
                    changes |= callee.is_some_and(|callee| subject.changes_by(callee));
                }
            }
            Ok::<_, wasmparser::Error>(())
        };
        read().is_err() || changes
    }

    /// Adds its items to a module.
    pub(super) fn move_to(&self, subject: &Subject<'_>, bases: Bases, additions: &mut Additions) {
        let mut mover = Reindexer { wrapper: self, types: subject.types, bases };
        additions.entry(id::TYPE).or_default().add_written(self.types.0, self.types.1);
        additions.entry(id::GLOBAL).or_default().add_written(self.own_globals.0, self.own_globals.1);
        for (ty, body) in &self.own {
            additions.entry(id::FUNCTION).or_default().add(mover.moved_type(*ty));
            let mut bytes = Vec::new();
            match mover.function(body) {
                Ok(function) => function.encode(&mut bytes),
                // Cannot happen, because we build the wrappers. It would be an invalid body.
                Err(_) => b"\x01".as_slice().encode(&mut bytes),
            }
            additions.entry(id::CODE).or_default().add(Raw(&bytes));
        }
    }

    /// The bases for the next wrapper.
    pub(super) fn after(&self, bases: Bases) -> Bases {
        Bases {
            types: bases.types + self.types.0,
            functions: bases.functions + self.own.len() as u32,
            globals: bases.globals + self.own_globals.0,
        }
    }

    /// The index of an export in the combined module.
    pub(super) fn exported(&self, bases: Bases, export: &str) -> Option<u32> {
        let own = self.exports.get(export)?.checked_sub(self.functions.len() as u32)?;
        Some(bases.functions + own)
    }
}

/// Re-encodes code with new indices.
struct Reindexer<'a> {
    wrapper: &'a Wrapper<'a>,
    /// The number of types of the module.
    types: u32,
    bases: Bases,
}

impl Reindexer<'_> {
    fn moved_type(&self, ty: u32) -> u32 {
        ty.checked_sub(self.types).map_or(ty, |own| self.bases.types + own)
    }

    fn function(
        &mut self,
        body: &FunctionBody<'_>,
    ) -> Result<wasm_encoder::Function, reencode::Error<Infallible>> {
        let mut function = self.new_function_with_parsed_locals(body)?;
        let mut operators = body.get_operators_reader()?;
        while !operators.eof() {
            function.instruction(&self.parse_instruction(&mut operators)?);
        }
        Ok(function)
    }
}

/// The bytes of a section's entries, without their number.
fn entries(module: &[u8], begin: u64, end: u64) -> Result<&[u8], Foreign> {
    module.get(begin as usize..end as usize).ok_or(Foreign)
}

impl Reencode for Reindexer<'_> {
    type Error = Infallible;

    fn function_index(&mut self, function: u32) -> Result<u32, reencode::Error<Infallible>> {
        let imported = self.wrapper.functions.get(function as usize).copied();
        let own = function.wrapping_sub(self.wrapper.functions.len() as u32);
        Ok(imported.flatten().unwrap_or(self.bases.functions.wrapping_add(own)))
    }

    fn global_index(&mut self, global: u32) -> Result<u32, reencode::Error<Infallible>> {
        let imported = self.wrapper.globals.get(global as usize).copied();
        let own = global.wrapping_sub(self.wrapper.globals.len() as u32);
        Ok(imported.unwrap_or(self.bases.globals.wrapping_add(own)))
    }

    fn type_index(&mut self, ty: u32) -> Result<u32, reencode::Error<Infallible>> {
        Ok(self.moved_type(ty))
    }
}
