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
    use schemars::JsonSchema;
    use schemars::generate::SchemaSettings;

    use super::*;

    /// Compares a schema with its file, and writes it where that is asked for.
    pub(in super::super) fn assert_schema<T: JsonSchema>(file: &str) {
        let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
        let schema = generator.into_root_schema_for::<T>();
        let path = format!("{}/schema/{file}", env!("CARGO_MANIFEST_DIR"));
        if std::env::var_os("BLESS").is_some_and(|value| value == "1") {
            std::fs::write(&path, serde_json::to_string_pretty(&schema).unwrap() + "\n").unwrap();
        }
        let file: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        assert_eq!(&file, schema.as_value(), "run the test with BLESS=1 to write the file anew");
    }

    #[test]
    fn the_schema_file_says_what_is_written() {
        assert_schema::<MatrixOut<'_>>("matrix.schema.json");
    }
}
