//! The report as JSON, written and read. Its schema is `schema/report.schema.json` of this crate.

use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::model::Report;
use crate::terminal::{self, Language};

/// The version of the report's schema that this crate writes and reads.
pub const SCHEMA_VERSION: u32 = 1;

/// The report as indented JSON, with a line feed at its end. What [is hidden](terminal::is_hidden)
/// is written as `\uXXXX`.
pub fn render(report: &Report) -> String {
    document(report)
}

/// Anything as such a document; it has no map whose keys are not strings.
pub(crate) fn document(value: &impl Serialize) -> String {
    // Writing to a string fails for maps whose keys are not strings, and for nothing else.
    let mut json = serde_json::to_string_pretty(value).expect("the value is representable as JSON");
    json.push('\n');
    printable(json)
}

/// The same JSON, where what [is hidden](terminal::is_hidden) is written as `\uXXXX`, and nothing
/// is a command to a CI server.
pub fn printable(json: String) -> String {
    let hidden = |c: char, out: &mut String| {
        // What is ASCII was escaped where that is needed, but for the last of its characters (RFC
        // 8259, section 7).
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

/// Reads a report. Totals are computed, whatever stands in the text; fields that are not known are
/// passed over.
///
/// # Errors
///
/// The text is not JSON, a field is missing or has another type or an impossible value, the schema
/// is of another version, or a case claims a better outcome than its directives have.
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
    /// What is wrong, at which field, and what was expected.
    pub message: String,
}

fn parse_error(path: &str, error: &serde_json::Error) -> ParseError {
    let (line, column) = (error.line(), error.column());
    let message = error.to_string();
    let message = message.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&message);
    // The path of the document itself is a dot.
    let message = if path == "." { message.to_owned() } else { format!("{path}: {message}") };
    ParseError { line, column, message }
}

/// The schema's version, as the field that must equal [`SCHEMA_VERSION`].
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
                let expected = format!("schema {SCHEMA_VERSION}, the one that this version of wassay reads");
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

    /// Compares a schema with its file, and writes it where that is asked for.
    pub(crate) fn assert_schema<T: JsonSchema>(file: &str) {
        let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
        let mut schema = generator.into_root_schema_for::<T>();
        // Descriptions are doc comments: where their lines end depends on the width of the source.
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
        assert_eq!(&file, schema.as_value(), "run the test with BLESS=1 to write the file anew");
    }

    #[test]
    fn the_schema_file_says_what_is_written() {
        assert_schema::<ReportFile<'_>>("report.schema.json");
    }
}
