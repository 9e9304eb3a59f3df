//! A badge with the pass rate, as an SVG image and as the JSON of a shields.io endpoint.

use std::fmt::Write as _;

use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use crate::model::Report;
use crate::terminal::{self, Language, printable};
use crate::text::{cut, percent_passed};

/// The maximum number of characters of an engine's name to show.
const MAX_NAME: usize = 40;

/// A badge: the texts on its two sides, and its colour.
pub(crate) struct Badge {
    label: String,
    message: String,
    colour: Colour,
}

/// Renders the badge as an SVG picture of 20 pixels in height.
pub fn svg(report: &Report) -> String {
    Badge::of(report).svg()
}

/// Renders the badge as the JSON of shields.io's endpoint badge.
pub fn shields(report: &Report) -> String {
    Badge::of(report).shields()
}

impl Badge {
    /// Creates a badge about an engine. `what` follows the engine's name on the left.
    pub(crate) fn new(engine: &str, what: &str, message: String, colour: Colour) -> Badge {
        let name = cut(engine.trim(), MAX_NAME).into_owned();
        let label = format!("{} {what}", printable(&name)).trim_start().to_owned();
        Badge { label, message, colour }
    }

    fn of(report: &Report) -> Badge {
        let (message, colour) = says(report);
        Badge::new(&report.engine.name, "wasm conformance", message, colour)
    }

    /// Renders an SVG picture.
    pub(crate) fn svg(&self) -> String {
        let Badge { label, message, colour } = self;
        let (left, right) = (width(label), width(message));
        let label =
            label.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
        let (total, fill) = (left + right, colour.hex());
        let mut svg = String::new();
        // Writing to a string cannot fail.
        let _ = writeln!(
            svg,
            r##"<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="20" role="img" aria-label="{label}: {message}">
  <title>{label}: {message}</title>
  <clipPath id="r"><rect width="{total}" height="20" rx="3" fill="#fff"/></clipPath>
  <g clip-path="url(#r)">
    <rect width="{left}" height="20" fill="#3c4450"/>
    <rect x="{left}" width="{right}" height="20" fill="{fill}"/>
  </g>
  <g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">
    <text x="{}" y="14" textLength="{}">{label}</text>
    <text x="{}" y="14" textLength="{}">{message}</text>
  </g>
</svg>"##,
            left / 2,
            left - 2 * MARGIN,
            left + right / 2,
            right - 2 * MARGIN,
        );
        terminal::document(svg, Language::Markup)
    }

    /// Renders the JSON of shields.io's endpoint badge.
    pub(crate) fn shields(&self) -> String {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Endpoint<'a> {
            schema_version: u32,
            label: &'a str,
            message: &'a str,
            color: &'a str,
        }
        let Badge { label, message, colour } = self;
        crate::json::document(&Endpoint { schema_version: 1, label, message, color: colour.name() })
    }
}

/// The text on the right, and its colour. Directives judged by the parser alone say nothing about
/// the engine and are excluded.
fn says(report: &Report) -> (String, Colour) {
    let totals = report.totals();
    let share = percent_passed(&totals.by_engine()).or_else(|| percent_passed(&totals.cases));
    let Some(percent) = share.filter(|_| !report.is_unjudged() || !report.is_expected()) else {
        return ("nothing ran".to_owned(), Colour::Grey);
    };
    // Red from a tenth of the scripts.
    let unexpected = totals.cases.failed.saturating_add(totals.cases.xpassed);
    let few = unexpected.saturating_mul(10) < totals.cases.total();
    let incomplete = report.incomplete().is_some();
    let colour = match (report.is_expected(), few) {
        (true, _) if incomplete || report.is_by_reader_alone() => Colour::Grey,
        (true, _) => Colour::Green,
        (false, true) => Colour::Yellow,
        (false, false) => Colour::Red,
    };
    (if incomplete { format!("{percent} (incomplete)") } else { percent }, colour)
}

/// The colour of a badge.
#[derive(Clone, Copy)]
pub(crate) enum Colour {
    Green,
    Yellow,
    Red,
    Grey,
}

impl Colour {
    /// Dark enough for white text.
    fn hex(self) -> &'static str {
        match self {
            Colour::Green => "#2c7a3f",
            Colour::Yellow => "#946200",
            Colour::Red => "#b3261e",
            Colour::Grey => "#6b7280",
        }
    }

    /// Its name in shields.io.
    fn name(self) -> &'static str {
        match self {
            Colour::Green => "brightgreen",
            Colour::Yellow => "yellow",
            Colour::Red => "red",
            Colour::Grey => "lightgrey",
        }
    }
}

/// The margin to the left and right of a text in pixels.
const MARGIN: usize = 6;

/// The width of a part in pixels: a character of Verdana at 11 pixels takes about 7; `textLength`
/// compensates for the difference.
fn width(text: &str) -> usize {
    text.width() * 7 + 2 * MARGIN
}
