//! From a module's text to its bytes.

use wast::core::{ElemKind, ElemPayload, Module, ModuleField, ModuleKind, TableKind};
use wast::parser::Result;
use wast::token::Index;

/// Encodes a module.
///
/// The encoder writes the table of an element segment wherever the text names one, also the first.
/// 1.0 has no such encoding, and the one that it has means the same in every version, so that a
/// segment of functions for the first table is written without its table.
pub(super) fn encode(module: &mut Module<'_>) -> Result<Vec<u8>> {
    if names_tables(module) {
        module.resolve()?;
        if let ModuleKind::Text(fields) = &mut module.kind {
            fields.iter_mut().for_each(leave_out_first_table);
        }
    }
    module.encode()
}

/// Whether an element segment names a table, or is inside one.
fn names_tables(module: &Module<'_>) -> bool {
    let ModuleKind::Text(fields) = &module.kind else { return false };
    fields.iter().any(|field| match field {
        ModuleField::Elem(elem) => matches!(elem.kind, ElemKind::Active { table: Some(_), .. }),
        ModuleField::Table(table) => matches!(table.kind, TableKind::Inline { .. }),
        _ => false,
    })
}

fn leave_out_first_table(field: &mut ModuleField<'_>) {
    let ModuleField::Elem(elem) = field else { return };
    let functions = matches!(elem.payload, ElemPayload::Indices(_));
    if let ElemKind::Active { table: table @ Some(Index::Num(0, _)), .. } = &mut elem.kind
        && functions
    {
        *table = None;
    }
}
