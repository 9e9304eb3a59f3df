//! Reads and writes the report as JSON. Its schema is `schema/report.schema.json` of this crate.

use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::model::Report;
use crate::terminal::{self, Language};

/// The version of the report's schema that this crate supports.
pub const SCHEMA_VERSION: u32 = 1;

/// Renders the report as indented JSON with a final line feed. [Hidden](terminal::is_hidden)
/// characters are written as `\uXXXX`.
pub fn render(report: &Report) -> String {
    document(report)
}

/// Renders any value as such a document. Keys of maps must be strings.
pub(crate) fn document(value: &impl Serialize) -> String {
    // Serialisation to a string fails only for maps whose keys are not strings.
    let mut json = serde_json::to_string_pretty(value).expect("the value is representable as JSON");
    json.push('\n');
    printable(json)
}

/// Escapes [hidden](terminal::is_hidden) characters in JSON as `\uXXXX`, and commands of CI
/// servers.
pub fn printable(json: String) -> String {
    let hidden = |c: char, out: &mut String| {
        // JSON already escapes ASCII control characters except the last one (RFC 8259, section 7).
        let is_escaped = terminal::is_hidden(c) && (c == '\u{7f}' || !c.is_ascii());
        if is_escaped {
            let mut units = [0; 2];
            c.encode_utf16(&mut units).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        }
        is_escaped
    };
    let json = terminal::replaced(&json, hidden).into_owned();
    terminal::document(json, Language::Json)
}

/// Parses a report. Totals are recomputed, and unknown fields are ignored.
///
/// # Errors
///
/// The text is not JSON, a field is missing or has a wrong type or value, the schema has another
/// version, or a case has a better outcome than its directives.
pub fn parse(text: &str) -> Result<Report, ParseError> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let report = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        parse_error(&path, &error.into_inner())
    })?;
    deserializer.end().map_err(|error| parse_error(".", &error))?;
    Ok(report)
}

/// A text that is not a report.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}, column {column}: not a report: {message}")]
pub struct ParseError {
    /// The line, from 1.
    pub line: usize,
    /// The column in bytes, from 1; 0 at the very start of a line.
    pub column: usize,
    /// The problem, the field, and what was expected.
    pub message: String,
}

fn parse_error(path: &str, error: &serde_json::Error) -> ParseError {
    let (line, column) = (error.line(), error.column());
    let message = error.to_string();
    let message = message.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&message);
    // The path of the root is a dot.
    let message = if path == "." { message.to_owned() } else { format!("{path}: {message}") };
    ParseError { line, column, message }
}

/// The field with the schema's version, which must equal [`SCHEMA_VERSION`].
pub(crate) struct Version;

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(SCHEMA_VERSION)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Version, D::Error> {
        match u64::deserialize(deserializer)? {
            version if version == u64::from(SCHEMA_VERSION) => Ok(Version),
            other => {
                let expected = format!("schema {SCHEMA_VERSION}, which this version of wassay supports");
                Err(D::Error::invalid_value(Unexpected::Unsigned(other), &expected.as_str()))
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use schemars::generate::SchemaSettings;
    use schemars::transform::{RecursiveTransform, Transform};
    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

    use super::*;
    use crate::format::ReportFile;

    impl JsonSchema for Version {
        fn schema_name() -> std::borrow::Cow<'static, str> {
            "Version".into()
        }

        fn inline_schema() -> bool {
            true
        }

        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({ "const": SCHEMA_VERSION })
        }
    }

    /// Compares a schema with its file, and updates the file with `BLESS=1`.
    pub(crate) fn assert_schema<T: JsonSchema>(file: &str) {
        let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
        let mut schema = generator.into_root_schema_for::<T>();
        // Descriptions are doc comments, whose line breaks depend on the width of the source.
        RecursiveTransform(|schema: &mut Schema| {
            if let Some(serde_json::Value::String(text)) = schema.get_mut("description") {
                let paragraphs = text.split("\n\n").map(|paragraph| paragraph.replace('\n', " "));
                *text = paragraphs.collect::<Vec<_>>().join("\n\n");
            }
        })
        .transform(&mut schema);
        let path = format!("{}/schema/{file}", env!("CARGO_MANIFEST_DIR"));
        if std::env::var_os("BLESS").is_some_and(|value| value == "1") {
            std::fs::write(&path, serde_json::to_string_pretty(&schema).unwrap() + "\n").unwrap();
        }
        let file: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        assert_eq!(&file, schema.as_value(), "run the test with BLESS=1 to update the file");
    }

    #[test]
    fn the_schema_file_is_up_to_date() {
        assert_schema::<ReportFile<'_>>("report.schema.json");
    }
}
