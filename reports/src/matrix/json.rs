//! The matrix as JSON, for other programs. Its schema is `schema/matrix.schema.json` of this crate.

use serde::Serialize;

pub(super) use crate::json::document;

use super::{Column, Disagreements, Group, LeftOut, Matrix};

/// The version of the matrix's schema: it changes when a field goes or comes to mean something
/// else.
pub const SCHEMA_VERSION: u32 = 1;

/// Engines by proposals: which features each engine supports, what shows it, and the directives on
/// which engines differ.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Matrix"))]
struct MatrixOut<'a> {
    /// The version of this schema.
    #[cfg_attr(test, schemars(extend("const" = SCHEMA_VERSION)))]
    schema: u32,
    /// The engines. Cells, summaries and verdicts stand in this order.
    columns: &'a [Column],
    /// The rows, by version of the specification and phase of the proposal.
    groups: &'a [Group],
    /// The directives on which engines differ.
    disagreements: &'a Disagreements,
    /// What has to be known before columns are compared, a line each.
    warnings: &'a [String],
    /// The reports that are in no column, and why.
    left_out: &'a [LeftOut],
}

/// The matrix as indented JSON, with a line feed at its end.
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
    fn the_schema_file_says_what_is_written() {
        assert_schema::<MatrixOut<'_>>("matrix.schema.json");
    }
}
