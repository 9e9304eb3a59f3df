//! Faults in values that leave a module: exported functions are wrapped in functions that alter the
//! last result.

use wasm_encoder::reencode::{Reencode, RoundtripReencoder};
use wasm_encoder::{Encode, ExportSection, Instruction};
use wasmparser::{
    BinaryReader, CompositeInnerType, ExportSectionReader, ExternalKind, FuncType, TypeRef,
    TypeSectionReader, ValType,
};

use crate::code::{Locals, Site};
use crate::module::{CODE, EXPORT, FUNCTION, Sections, TYPE};
use crate::opcode::Opcode;
use crate::state::append;
use crate::template::Template;

/// A placeholder for an instruction: templates for values do not replace any.
const NONE: Site<'_> = Site { opcode: Opcode { first: 0xff, number: 0 }, bytes: &[] };

/// Wraps the exported functions whose last result has the template's type, and applies the template
/// to that result. Returns `None` if there is no such function.
pub(crate) fn altered(module: &[u8], template: &Template) -> Option<Vec<u8>> {
    let mut sections = Sections::read(module)?;
    let wanted = template.parameter()?;
    let types = function_types(&sections)?;
    let imported = sections.imports()?.into_iter().filter_map(|(_, _, ty)| match ty {
        TypeRef::Func(ty) | TypeRef::FuncExact(ty) => Some(ty),
        _ => None,
    });
    let functions: Vec<u32> = imported.chain(sections.defined_functions()?).collect();
    let mut exports = ExportSection::new();
    let mut wrappers = Vec::new();
    for export in ExportSectionReader::new(BinaryReader::new(sections.get(EXPORT)?, 0)).ok()? {
        let export = export.ok()?;
        let mut index = export.index;
        if export.kind == ExternalKind::Func {
            let ty = *functions.get(index as usize)?;
            let function = types.get(ty as usize)?.as_ref()?;
            if function.results().last() == Some(&wanted) {
                let wrapper = wrapper(function, index, template)?;
                index = u32::try_from(functions.len() + wrappers.len()).ok()?;
                wrappers.push((ty, wrapper));
            }
        }
        exports.export(export.name, RoundtripReencoder.export_kind(export.kind).ok()?, index);
    }
    if wrappers.is_empty() {
        return None;
    }
    sections.set_encoded(EXPORT, &exports);
    for (ty, wrapper) in wrappers {
        let mut entry = Vec::new();
        ty.encode(&mut entry);
        append(&mut sections, FUNCTION, &entry);
        entry.clear();
        wrapper.encode(&mut entry);
        append(&mut sections, CODE, &entry);
    }
    Some(sections.write())
}

/// Returns the types of a module, with `None` for those that are not function types.
fn function_types(sections: &Sections<'_>) -> Option<Vec<Option<FuncType>>> {
    let mut types = Vec::new();
    let Some(contents) = sections.get(TYPE) else { return Some(types) };
    for group in TypeSectionReader::new(BinaryReader::new(contents, 0)).ok()? {
        for ty in group.ok()?.types() {
            types.push(match &ty.composite_type.inner {
                CompositeInnerType::Func(ty) => Some(ty.clone()),
                _ => None,
            });
        }
    }
    Some(types)
}

/// Encodes a function body that calls another function and alters its last result.
fn wrapper(ty: &FuncType, function: u32, template: &Template) -> Option<Vec<u8>> {
    let parameters = u32::try_from(ty.params().len()).ok()?;
    let mut code = Vec::new();
    for parameter in 0..parameters {
        Instruction::LocalGet(parameter).encode(&mut code);
    }
    Instruction::Call(function).encode(&mut code);
    let mut locals = Locals::after(parameters);
    code.extend(template.apply(NONE, &mut locals)?);
    Instruction::End.encode(&mut code);
    let mut body = locals.declared(&[]);
    body.extend(code);
    Some(body)
}

impl Template {
    /// Returns the type of the value that the template alters.
    fn parameter(&self) -> Option<ValType> {
        let types = function_types(&Sections::read(self.assembled()?)?)?;
        types.into_iter().nth(2)??.params().first().copied()
    }
}

#[cfg(test)]
mod tests {
    use wassay_script::quoted;

    use super::*;

    #[test]
    fn functions_are_exported_through_others() {
        let template =
            Template::read("(param i64) (result i64) (i64.and (local.get 0) (i64.const 1))", "").unwrap();
        let module = |export: &str, more: &str| {
            let text = format!(
                "(module (type (func (param f32) (result i64))) (func (type 0) (i64.const 2)) (func) (export \"a\" (func {export})) (export \"b\" (func 1)) {more})"
            );
            quoted(text.as_bytes()).unwrap()
        };
        let wrapper =
            "(func (type 0) (local i64) local.get 0 call 0 local.set 1 local.get 1 i64.const 1 i64.and)";
        assert_eq!(altered(&module("0", ""), &template), Some(module("2", wrapper)));
        let other = Template::read("(param f32) (result f32) (local.get 0)", "").unwrap();
        assert_eq!(altered(&module("0", ""), &other), None);
    }
}
