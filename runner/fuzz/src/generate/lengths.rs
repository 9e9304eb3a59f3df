//! Short lengths for bulk instructions.
//!
//! What ends functions takes the length of each bulk instruction from the fuel, so that one with a
//! random length traps there and does nothing. So lengths are limited before that.

use wasm_encoder::{CodeSection, Module, RawSection, SectionId};
use wasmparser::{FunctionBody, Operator, Parser, Payload};

/// `i32.const 31; i32.and`.
const SHORT: [u8; 3] = [0x41, 0x1f, 0x71];

/// How many instructions before a bulk instruction the check of its length begins: the `local.tee`
/// of the length, six instructions that trap, and four that take it from the fuel.
const CHECK: usize = 11;

/// Limits the lengths of the bulk instructions of a module after `ensure_termination`; `None` if
/// the module cannot be parsed.
pub(super) fn shortened(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut module = Module::new();
    let mut code = CodeSection::new();
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.ok()?;
        if let Payload::CodeSectionEntry(body) = &payload {
            code.raw(&body_of(bytes, body)?);
        }
        let Some((id, range)) = payload.as_section() else { continue };
        if id == SectionId::Code as u8 {
            continue;
        }
        // The code section comes before the data.
        if id == SectionId::Data as u8 && !code.is_empty() {
            module.section(&code);
            code = CodeSection::new();
        }
        let data = bytes.get(usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?)?;
        module.section(&RawSection { id, data });
    }
    if !code.is_empty() {
        module.section(&code);
    }
    Some(module.finish())
}

/// The bytes of a function with short lengths.
fn body_of(bytes: &[u8], body: &FunctionBody<'_>) -> Option<Vec<u8>> {
    let mut operators = Vec::new();
    for operator in body.get_operators_reader().ok()?.into_iter_with_offsets() {
        let (operator, offset) = operator.ok()?;
        operators.push((operator, usize::try_from(offset).ok()?));
    }
    let (mut at, end) = (usize::try_from(body.range().start).ok()?, usize::try_from(body.range().end).ok()?);
    let mut short = Vec::with_capacity(end - at);
    for (index, (_, offset)) in operators.iter().enumerate() {
        let is_check = operators.get(index + CHECK).is_some_and(|(bulk, _)| is_bulk(bulk))
            && matches!(operators.get(index), Some((Operator::LocalTee { .. }, _)))
            && matches!(operators.get(index + 3), Some((Operator::I32GeU, _)));
        if is_check {
            short.extend_from_slice(bytes.get(at..*offset)?);
            short.extend_from_slice(&SHORT);
            at = *offset;
        }
    }
    short.extend_from_slice(bytes.get(at..end)?);
    Some(short)
}

/// Whether the last operand of an instruction is a length that `ensure_termination` checks.
fn is_bulk(operator: &Operator<'_>) -> bool {
    matches!(
        operator,
        Operator::MemoryFill { .. }
            | Operator::MemoryCopy { .. }
            | Operator::MemoryInit { .. }
            | Operator::TableFill { .. }
            | Operator::TableCopy { .. }
            | Operator::TableInit { .. }
            | Operator::ArrayNew { .. }
            | Operator::ArrayNewDefault { .. }
            | Operator::ArrayNewData { .. }
            | Operator::ArrayNewElem { .. }
            | Operator::ArrayCopy { .. }
            | Operator::ArrayFill { .. }
            | Operator::ArrayInitData { .. }
            | Operator::ArrayInitElem { .. }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_checked_lengths_are_shortened() {
        let check = "(local.tee 0) (local.get 0) (global.get 0) (i32.ge_u) (if (then (unreachable)))
            (global.get 0) (local.get 0) (i32.sub) (global.set 0)";
        let module = |before: &str| {
            let text = format!(
                "(module (memory 1) (global (mut i32) (i32.const 9)) (func (local i32) (i32.const 1) (i32.const 2)
                   (i32.const 1000) {before} {check} (memory.fill) (memory.fill (i32.const 1) (i32.const 2) (i32.const 1000)))
                 (data \"a\"))"
            );
            wassay_script::quoted(text.as_bytes()).unwrap()
        };
        assert_eq!(shortened(&module("")), Some(module("(i32.const 31) (i32.and)")));
    }
}
