//! Renders the matrix as JSON. Its schema is `schema/matrix.schema.json` of this crate.

use serde::Serialize;

pub(super) use crate::json::document;

use super::{Column, Disagreements, Group, LeftOut, Matrix};

/// The version of the matrix's schema: it changes when a field is removed or changes its meaning.
pub const SCHEMA_VERSION: u32 = 1;

/// A table of engines and proposals: which features each engine supports, the evidence, and the
/// directives on which engines differ.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Matrix"))]
struct MatrixOut<'a> {
    /// The version of this schema.
    #[cfg_attr(test, schemars(extend("const" = SCHEMA_VERSION)))]
    schema: u32,
    /// The engines. Cells, summaries and verdicts are in this order.
    columns: &'a [Column],
    /// The rows, by version of the specification and phase of the proposal.
    groups: &'a [Group],
    /// The directives on which engines differ.
    disagreements: &'a Disagreements,
    /// Warnings about comparing the columns, one line each.
    warnings: &'a [String],
    /// The reports that are in no column, with reasons.
    left_out: &'a [LeftOut],
}

/// Renders the matrix as indented JSON with a final line feed.
pub fn render(matrix: &Matrix) -> String {
    let Matrix { columns, groups, disagreements, warnings, left_out } = matrix;
    let schema = SCHEMA_VERSION;
    document(&MatrixOut { schema, columns, groups, disagreements, warnings, left_out })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    pub(in super::super) use crate::json::tests::assert_schema;

    #[test]
    fn the_schema_file_is_up_to_date() {
        assert_schema::<MatrixOut<'_>>("matrix.schema.json");
    }
}
