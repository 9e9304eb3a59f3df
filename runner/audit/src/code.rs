//! Rewrites the instructions of a module's functions, one at a time.
//!
//! A replacement may use additional locals, which are appended to the function's locals. Therefore
//! no index changes, and all other instructions keep their bytes.

use wasm_encoder::{CodeSection, Encode, ValType};
use wasmparser::{BinaryReader, CodeSectionReader, FunctionBody};

use crate::module::{CODE, Sections, each_operator};
use crate::opcode::Opcode;

/// An instruction of a module.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site<'a> {
    /// The opcode.
    pub(crate) opcode: Opcode,
    /// The encoded instruction, from the opcode to the last immediate.
    pub(crate) bytes: &'a [u8],
}

impl<'a> Site<'a> {
    /// Reads the opcode of an encoded instruction.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Site<'a>> {
        let (opcode, _) = Opcode::read(bytes)?;
        Some(Site { opcode, bytes })
    }

    /// Returns the encoded immediates.
    pub(crate) fn immediates(&self) -> &'a [u8] {
        let length = Opcode::read(self.bytes).map_or(0, |(_, length)| length);
        self.bytes.get(length..).unwrap_or_default()
    }
}

/// Locals added to a function.
#[derive(Debug)]
pub(crate) struct Locals {
    next: u32,
    added: Vec<(u32, Vec<ValType>)>,
}

impl Locals {
    /// Starts after this number of parameters and locals.
    pub(crate) fn after(count: u32) -> Locals {
        Locals { next: count, added: Vec::new() }
    }

    /// Encodes the declaration of a function's locals: the original groups, then the added locals.
    pub(crate) fn declared(self, groups: &[&[u8]]) -> Vec<u8> {
        let added: Vec<ValType> = self.added.into_iter().flat_map(|(_, types)| types).collect();
        let added: Vec<&[ValType]> = added.chunk_by(|one, next| one == next).collect();
        let mut bytes = Vec::new();
        (groups.len() + added.len()).encode(&mut bytes);
        groups.iter().for_each(|group| bytes.extend_from_slice(group));
        for group in added {
            group.len().encode(&mut bytes);
            group.iter().take(1).for_each(|ty| ty.encode(&mut bytes));
        }
        bytes
    }

    /// Reserves consecutive locals of these types and returns the index of the first. Later calls
    /// with the same types return the same locals, so code must set them before it reads them.
    pub(crate) fn reserve(&mut self, types: &[ValType]) -> u32 {
        if let Some((base, _)) = self.added.iter().find(|(_, added)| added == types) {
            return *base;
        }
        let base = self.next;
        self.next = base.saturating_add(u32::try_from(types.len()).unwrap_or(u32::MAX));
        self.added.push((base, types.to_vec()));
        base
    }
}

/// Returns the replacement of an instruction, or `None` to keep it.
pub(crate) type Edit<'e> = dyn Fn(Site<'_>, &mut Locals) -> Option<Vec<u8>> + 'e;

/// Rewrites all functions of a module. Returns `None` if no instruction changes.
pub(crate) fn rewrite(module: &[u8], edit: &Edit<'_>) -> Option<Vec<u8>> {
    let mut sections = Sections::read(module)?;
    let parameters = sections.parameters()?;
    let functions = sections.defined_functions()?;
    let code = sections.get(CODE)?;
    let mut rewritten = CodeSection::new();
    let mut is_changed = false;
    let bodies = CodeSectionReader::new(BinaryReader::new(code, 0)).ok()?;
    for (body, ty) in bodies.into_iter().zip(&functions) {
        let body = body.ok()?;
        let parameters = (*parameters.get(*ty as usize)?)?;
        match rewrite_body(code, &body, parameters, edit)? {
            Some(bytes) => {
                is_changed = true;
                rewritten.raw(&bytes);
            }
            None => {
                rewritten.raw(body.as_bytes());
            }
        }
    }
    is_changed.then(|| {
        sections.set_encoded(CODE, &rewritten);
        sections.write()
    })
}

/// Rewrites the instructions of a function body. Returns `Some(None)` if none changes, and `None`
/// if the body cannot be read.
fn rewrite_body(
    code: &[u8],
    body: &FunctionBody<'_>,
    parameters: u32,
    edit: &Edit<'_>,
) -> Option<Option<Vec<u8>>> {
    let mut groups = Vec::new();
    let mut count = parameters;
    let mut locals = body.get_locals_reader().ok()?;
    for _ in 0..locals.get_count() {
        let start = usize::try_from(locals.original_position()).ok()?;
        let (of_group, _) = locals.read().ok()?;
        let end = usize::try_from(locals.original_position()).ok()?;
        groups.push(code.get(start..end)?);
        count = count.checked_add(of_group)?;
    }
    let mut locals = Locals::after(count);
    let (mut instructions, mut is_changed) = (Vec::new(), false);
    let mut reader = body.get_operators_reader().ok()?;
    each_operator(&mut reader, |range| {
        let Some(site) = code.get(range).and_then(Site::read) else { return };
        match edit(site, &mut locals) {
            Some(bytes) => {
                is_changed = true;
                instructions.extend(bytes);
            }
            None => instructions.extend_from_slice(site.bytes),
        }
    })?;
    if !is_changed {
        return Some(None);
    }
    let mut bytes = locals.declared(&groups);
    bytes.extend(instructions);
    Some(Some(bytes))
}

/// Rewrites the instructions of constant expressions. Returns `None` if none changes.
pub(crate) fn rewrite_constants(
    module: &[u8],
    edit: &dyn Fn(Site<'_>) -> Option<Vec<u8>>,
) -> Option<Vec<u8>> {
    let mut sections = Sections::read(module)?;
    let mut is_changed = false;
    let mut sites = sections.constant_operators()?;
    // In reverse order, so that the offsets of earlier instructions stay correct.
    sites.sort_by_key(|(id, range)| (*id, range.start));
    for (id, range) in sites.into_iter().rev() {
        let contents = sections.get(id)?;
        let Some(bytes) = contents.get(range.clone()).and_then(Site::read).and_then(edit) else { continue };
        let mut altered = contents.to_vec();
        altered.splice(range, bytes);
        sections.set(id, Some(altered));
        is_changed = true;
    }
    is_changed.then(|| sections.write())
}

#[cfg(test)]
mod tests {
    use wassay_script::quoted;

    use super::*;

    #[test]
    fn edits_keep_other_instructions_and_add_locals() {
        let text = |body: &str| format!("(module (func (param i32) (local i64 f32) {body}) (func (nop)))");
        let module = quoted(text("(nop) (drop (i32.const 300)) (nop)").as_bytes()).unwrap();
        let nop = Opcode::named("nop").unwrap();
        let edit = |site: Site<'_>, locals: &mut Locals| {
            let local = locals.reserve(&[ValType::I64]);
            (site.opcode == nop).then(|| vec![0x20, u8::try_from(local).unwrap(), 0x1a])
        };
        let rewritten = rewrite(&module, &edit).unwrap();
        let expected = "(module (func (param i32) (local i64 f32 i64) (drop (local.get 3)) (drop (i32.const 300)) (drop (local.get 3)))
            (func (local i64) (drop (local.get 0))))";
        assert_eq!(rewritten, quoted(expected.as_bytes()).unwrap());
        assert_eq!(rewrite(&module, &|_, _| None), None);
    }

    #[test]
    fn constant_expressions_are_rewritten_in_place() {
        let module = "(module (global i32 (i32.add (i32.const 1) (i32.const 2))) (global i32 (i32.add (i32.const 5) (i32.const 2))))";
        let module = quoted(module.as_bytes()).unwrap();
        let add = Opcode::named("i32.add").unwrap();
        let rewritten = rewrite_constants(&module, &|site| (site.opcode == add).then(|| vec![0x6b])).unwrap();
        let expected = "(module (global i32 (i32.sub (i32.const 1) (i32.const 2))) (global i32 (i32.sub (i32.const 5) (i32.const 2))))";
        assert_eq!(rewritten, quoted(expected.as_bytes()).unwrap());
    }
}
