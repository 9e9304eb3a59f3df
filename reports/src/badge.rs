//! A badge: how much of what was run passed, as a picture and as the JSON that shields.io makes one of.

use std::fmt::Write as _;

use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use crate::model::Report;
use crate::text::percent_passed;

/// What stands on the left.
const LABEL: &str = "wasm conformance";

/// The badge as an SVG picture of 20 pixels in height.
pub fn svg(report: &Report) -> String {
    let (message, colour) = says(report);
    let (left, right) = (width(LABEL), width(&message));
    let (total, fill) = (left + right, colour.hex());
    let mut svg = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(
        svg,
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="20" role="img" aria-label="{LABEL}: {message}">
  <title>{LABEL}: {message}</title>
  <clipPath id="r"><rect width="{total}" height="20" rx="3" fill="#fff"/></clipPath>
  <g clip-path="url(#r)">
    <rect width="{left}" height="20" fill="#3c4450"/>
    <rect x="{left}" width="{right}" height="20" fill="{fill}"/>
  </g>
  <g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">
    <text x="{}" y="14" textLength="{}">{LABEL}</text>
    <text x="{}" y="14" textLength="{}">{message}</text>
  </g>
</svg>"##,
        left / 2,
        left - 2 * MARGIN,
        left + right / 2,
        right - 2 * MARGIN,
    );
    svg
}

/// The badge as the JSON of shields.io's endpoint badge.
pub fn shields(report: &Report) -> String {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Endpoint<'a> {
        schema_version: u32,
        label: &'a str,
        message: &'a str,
        color: &'a str,
    }
    let (message, colour) = says(report);
    let endpoint = Endpoint { schema_version: 1, label: LABEL, message: &message, color: colour.name() };
    // Four plain fields are representable as JSON.
    let mut json = serde_json::to_string_pretty(&endpoint).expect("a badge is representable as JSON");
    json.push('\n');
    json
}

/// What stands on the right, and its colour.
fn says(report: &Report) -> (String, Colour) {
    let totals = report.totals();
    match percent_passed(&totals.directives).or_else(|| percent_passed(&totals.cases)) {
        None => ("nothing run".to_owned(), Colour::Grey),
        Some(percent) if report.is_expected() => (percent, Colour::Green),
        Some(percent) => {
            // A tenth of the scripts is where few become many.
            let unexpected = totals.cases.failed.saturating_add(totals.cases.xpassed);
            let few = unexpected.saturating_mul(10) < totals.cases.total();
            (percent, if few { Colour::Yellow } else { Colour::Red })
        }
    }
}

#[derive(Clone, Copy)]
enum Colour {
    Green,
    Yellow,
    Red,
    Grey,
}

impl Colour {
    /// Dark enough for white letters.
    fn hex(self) -> &'static str {
        match self {
            Colour::Green => "#2c7a3f",
            Colour::Yellow => "#946200",
            Colour::Red => "#b3261e",
            Colour::Grey => "#6b7280",
        }
    }

    /// The name that shields.io has for it.
    fn name(self) -> &'static str {
        match self {
            Colour::Green => "brightgreen",
            Colour::Yellow => "yellow",
            Colour::Red => "red",
            Colour::Grey => "lightgrey",
        }
    }
}

/// The pixels left and right of a text.
const MARGIN: usize = 6;

/// The pixels of a part: a letter of Verdana at 11 pixels takes about 7; `textLength` makes up for the difference.
fn width(text: &str) -> usize {
    text.width() * 7 + 2 * MARGIN
}
