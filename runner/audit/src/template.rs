//! Replacements of instructions, written in the text format.
//!
//! A template is the type and body of a function: `(param i32 i32) (result i32)`, then
//! instructions. To replace an instruction, its operands are moved to new locals, which are the
//! parameters, and the body is inserted. In the body
//!
//! - an instruction with the replaced opcode is the original instruction, with its immediates;
//! - memory 0, table 0, type 0, data segment 0 and element segment 0 are those in the original
//!   immediates, and memory 1 and table 1 the second ones;
//! - `$offset` is the original memory offset, and `$width` the width of the access in bytes.
//!
//! The initial values of the template's locals are unspecified.

use std::convert::Infallible;

use wasm_encoder::reencode::{Error, Reencode};
use wasm_encoder::{Encode, Instruction};
use wasmparser::{BinaryReader, CompositeInnerType, FunctionBody, Operator, TypeSectionReader};
use wassay_script::quoted;

use crate::code::{Locals, Site};
use crate::module::{Sections, TYPE};
use crate::opcode::{Opcode, first_body};

/// A replacement of an instruction: the type and body of a function, in the text format.
///
/// The parameters are the operands. In the body, an instruction with the replaced opcode is the
/// original instruction, with its immediates. Index 0 of memories, tables, types and segments is
/// the one in the original immediates, index 1 the second. `$offset` and `$width` are the offset
/// and the width of the original memory access.
#[derive(Clone, Debug)]
pub struct Template {
    text: String,
    /// The binary logarithm of the width of the replaced memory access.
    width: u32,
    /// The module with the template, assembled in advance if the text has no placeholders.
    assembled: Option<Vec<u8>>,
}

/// The indices that a template uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Indices {
    memories: [u32; 2],
    tables: [u32; 2],
    ty: u32,
    second_type: u32,
    segment: u32,
    offset: u64,
}

impl Template {
    /// Reads a template for an instruction.
    ///
    /// # Errors
    ///
    /// A message if the text is not a valid template.
    pub fn read(text: &str, instruction: &str) -> Result<Template, String> {
        let width = Opcode::width(instruction).unwrap_or(0);
        let mut template = Template { text: text.to_owned(), width, assembled: None };
        let assembled = template.assemble(0)?;
        template.assembled = (!text.contains('$')).then_some(assembled);
        Ok(template)
    }

    /// Assembles a module with the template as its function.
    fn assemble(&self, offset: u64) -> Result<Vec<u8>, String> {
        let text = self.text.replace("$offset", &offset.to_string());
        let text = text.replace("$width", &(1_u32 << self.width).to_string());
        let module = format!(
            "(module (type (func)) (type (func)) (memory 1) (memory 1) (table 1 funcref) (table 1 funcref) (data \"\") (func (type $f) {text}) (type $f (func {})))",
            signature(&text)
        );
        quoted(module.as_bytes()).map_err(|error| error.message)
    }

    /// Assembles the template in advance if the text has no placeholders.
    pub(crate) fn assembled(&self) -> Option<&[u8]> {
        self.assembled.as_deref()
    }

    /// Encodes the replacement of an instruction.
    pub(crate) fn apply(&self, site: Site<'_>, locals: &mut Locals) -> Option<Vec<u8>> {
        let indices = Indices::of(site)?;
        let assembled = match &self.assembled {
            Some(assembled) => assembled,
            None => &self.assemble(indices.offset).ok()?,
        };
        splice(assembled, site, indices, locals)
    }
}

/// Returns the parameters and results at the start of a template.
fn signature(text: &str) -> &str {
    let mut end = 0;
    while let Some(rest) = text.get(end..) {
        let skipped = rest.len() - rest.trim_start().len();
        let form = rest.trim_start();
        if !form.starts_with("(param") && !form.starts_with("(result") {
            break;
        }
        let mut depth = 0_u32;
        let close = form.find(|character| {
            match character {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            depth == 0
        });
        let Some(close) = close else { break };
        end += skipped + close + 1;
    }
    text.get(..end).unwrap_or_default()
}

/// Encodes the body of an assembled template as the replacement of an instruction.
fn splice(assembled: &[u8], site: Site<'_>, indices: Indices, locals: &mut Locals) -> Option<Vec<u8>> {
    let sections = Sections::read(assembled)?;
    let body = first_body(assembled)?;
    let body = FunctionBody::new(BinaryReader::new(&body, 0));
    let mut map = Map { base: 0, indices };
    let mut types = Vec::new();
    let all = TypeSectionReader::new(BinaryReader::new(sections.get(TYPE)?, 0)).ok()?;
    // The third type: the first two are placeholders for types of the module.
    let own = all.into_iter().nth(2)?.ok()?;
    let CompositeInnerType::Func(signature) = &own.types().next()?.composite_type.inner else { return None };
    for param in signature.params() {
        types.push(map.val_type(*param).ok()?);
    }
    let parameters = u32::try_from(types.len()).ok()?;
    for group in body.get_locals_reader().ok()? {
        let (count, ty) = group.ok()?;
        let ty = map.val_type(ty).ok()?;
        types.extend((0..count).map(|_| ty));
    }
    map.base = locals.reserve(&types);
    let mut bytes = Vec::new();
    for local in (0..parameters).rev() {
        Instruction::LocalSet(map.base + local).encode(&mut bytes);
    }
    map.body(&body, site, &mut bytes)?;
    Some(bytes)
}

/// Replaces the indices in a template by those of the module.
struct Map {
    base: u32,
    indices: Indices,
}

impl Map {
    /// Appends the instructions of a body, without the final `end`.
    fn body(&mut self, body: &FunctionBody<'_>, site: Site<'_>, out: &mut Vec<u8>) -> Option<()> {
        let whole = body.as_bytes();
        let mut reader = body.get_operators_reader().ok()?;
        while !reader.is_end_then_eof() {
            let start = usize::try_from(reader.original_position()).ok()?;
            let operator = reader.read().ok()?;
            let end = usize::try_from(reader.original_position()).ok()?;
            let (opcode, _) = whole.get(start..end).and_then(Opcode::read)?;
            if opcode == site.opcode {
                out.extend_from_slice(site.bytes);
                continue;
            }
            let instruction = match operator {
                Operator::LocalGet { local_index } => Instruction::LocalGet(self.base + local_index),
                Operator::LocalSet { local_index } => Instruction::LocalSet(self.base + local_index),
                Operator::LocalTee { local_index } => Instruction::LocalTee(self.base + local_index),
                other => self.instruction(other).ok()?,
            };
            instruction.encode(out);
        }
        Some(())
    }
}

impl Reencode for Map {
    type Error = Infallible;

    fn memory_index(&mut self, memory: u32) -> Result<u32, Error<Infallible>> {
        Ok(self.indices.memories.get(memory as usize).copied().unwrap_or(memory))
    }

    fn table_index(&mut self, table: u32) -> Result<u32, Error<Infallible>> {
        Ok(self.indices.tables.get(table as usize).copied().unwrap_or(table))
    }

    fn type_index(&mut self, ty: u32) -> Result<u32, Error<Infallible>> {
        Ok(match ty {
            0 => self.indices.ty,
            1 => self.indices.second_type,
            other => other,
        })
    }

    fn data_index(&mut self, _: u32) -> Result<u32, Error<Infallible>> {
        Ok(self.indices.segment)
    }

    fn element_index(&mut self, _: u32) -> Result<u32, Error<Infallible>> {
        Ok(self.indices.segment)
    }
}

impl Indices {
    /// Reads the indices in the immediates of an instruction (core spec, section 5.4).
    fn of(site: Site<'_>) -> Option<Indices> {
        let mut reader = BinaryReader::new(site.immediates(), 0);
        let mut indices = Indices::default();
        let mut next = || reader.read_var_u32().ok();
        if site.opcode.is_access() {
            let flags = next()?;
            let memory = if flags & 0x40 == 0 { 0 } else { next()? };
            let offset = reader.read_var_u64().ok()?;
            return Some(Indices { memories: [memory; 2], offset, ..indices });
        }
        match (site.opcode.first, site.opcode.number) {
            (0x3f | 0x40, _) | (0xfc, 11) => indices.memories = [next()?; 2],
            (0xfc, 8) => (indices.segment, indices.memories) = (next()?, [next()?; 2]),
            (0xfc, 10) => indices.memories = [next()?, next()?],
            (0xfc, 12) => (indices.segment, indices.tables) = (next()?, [next()?; 2]),
            (0xfc, 14) => indices.tables = [next()?, next()?],
            (0x25 | 0x26, _) | (0xfc, 15..=17) => indices.tables = [next()?; 2],
            (0x11 | 0x13, _) => (indices.ty, indices.tables) = (next()?, [next()?; 2]),
            (0x14 | 0x15, _) | (0xfb, 0 | 1 | 6..=8 | 11..=14 | 16 | 32 | 33) => indices.ty = next()?,
            (0xfb, 2..=5) => indices.ty = next()?,
            (0xfb, 17) => (indices.ty, indices.second_type) = (next()?, next()?),
            (0xfb, 9 | 10 | 18 | 19) => (indices.ty, indices.segment) = (next()?, next()?),
            _ => {}
        }
        Some(indices)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code;

    fn applied(op: &str, template: &str, module: &str) -> Vec<u8> {
        let opcode = Opcode::named(op).unwrap();
        let template = Template::read(template, op).unwrap();
        let edit = |site: Site<'_>, locals: &mut Locals| {
            if site.opcode == opcode { template.apply(site, locals) } else { None }
        };
        code::rewrite(&quoted(module.as_bytes()).unwrap(), &edit).unwrap()
    }

    fn binary(text: &str) -> Vec<u8> {
        // Without custom sections.
        Sections::read(&quoted(text.as_bytes()).unwrap()).unwrap().write()
    }

    #[test]
    fn operands_are_moved_to_locals() {
        let swapped = applied(
            "i32.sub",
            "(param i32 i32) (result i32) (i32.sub (local.get 1) (local.get 0))",
            "(module (func (param i32) (result i32) (i32.sub (local.get 0) (i32.const 1))))",
        );
        let expected = binary(
            "(module (func (param i32) (result i32) (local i32 i32) local.get 0 i32.const 1 local.set 2 local.set 1 local.get 2 local.get 1 i32.sub))",
        );
        assert_eq!(swapped, expected);
    }

    #[test]
    fn index_0_is_replaced_by_the_original_memory() {
        let template = "(param i32) (result i32) (local i32) (if (result i32) (i32.eq (local.tee 1 (memory.grow (local.get 0))) (i32.const -1)) (then (i32.const -1)) (else (memory.size)))";
        let module = |body: &str| format!("(module (memory 1) (memory 1) (func (result i32) {body}))");
        let grown = applied("memory.grow", template, &module("(memory.grow 1 (i32.const 1))"));
        let expected = binary(&module(
            "(local i32 i32) i32.const 1 local.set 0 local.get 0 memory.grow 1 local.tee 1 i32.const -1 i32.eq if (result i32) i32.const -1 else memory.size 1 end",
        ));
        assert_eq!(grown, expected);
    }

    #[test]
    fn the_offset_and_the_width_of_an_access_are_known() {
        let template = "(param i32) (result i32) (drop (i64.const $offset)) (drop (i32.const $width)) (i32.load16_u (local.get 0))";
        let module = |body: &str| format!("(module (memory 1) (func (result i32) {body}))");
        let altered =
            applied("i32.load16_u", template, &module("(i32.load16_u offset=7 align=1 (i32.const 3))"));
        let expected = binary(&module(
            "(local i32) i32.const 3 local.set 0 i64.const 7 drop i32.const 2 drop local.get 0 i32.load16_u offset=7 align=1",
        ));
        assert_eq!(altered, expected);
    }

    #[test]
    fn types_are_those_of_the_instruction() {
        let template =
            "(param (ref null 0)) (result i32) (drop (ref.as_non_null (local.get 0))) (i32.const 0)";
        let module = |body: &str| {
            format!(
                "(module (type (func)) (type $s (struct (field i32))) (func (param (ref null $s)) (result i32) {body}))"
            )
        };
        let altered = applied("struct.get", template, &module("(struct.get $s 0 (local.get 0))"));
        let expected = binary(&module(
            "(local (ref null $s)) local.get 0 local.set 1 local.get 1 ref.as_non_null drop i32.const 0",
        ));
        assert_eq!(altered, expected);
    }

    #[test]
    fn invalid_templates_are_errors() {
        assert!(Template::read("(param i32) (i32.sum)", "i32.add").is_err());
        assert!(Template::read("(param i32", "i32.add").is_err());
    }
}
