//! Encodes parsed module texts.

use wast::core::{ElemKind, ElemPayload, Module, ModuleField, ModuleKind, TableKind};
use wast::parser::Result;
use wast::token::Index;

/// Encodes a module.
///
/// The encoder writes the table index of an element segment whenever the text names it, even if it
/// is 0. Version 1.0 does not have this encoding, while the encoding without the index is
/// equivalent in every version, so it is used for segments of functions for table 0.
pub(super) fn encode(module: &mut Module<'_>) -> Result<Vec<u8>> {
    if names_tables(module) {
        module.resolve()?;
        if let ModuleKind::Text(fields) = &mut module.kind {
            fields.iter_mut().for_each(leave_out_first_table);
        }
    }
    module.encode()
}

/// Whether an element segment names a table, or is inline in one.
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
