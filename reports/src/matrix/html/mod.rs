//! The matrix as a page: one file that needs nothing from elsewhere and runs no script at all.
//!
//! What to show is in `view` and `details`, how in `page.html` and `style.css`, beside the parts
//! and the style of the report's page. Everything that comes from reports is escaped by the
//! template, and the page's content security policy admits no script. The page is at most
//! [`MAX_LENGTH`] bytes: directives that do not fit are counted.

mod cell;
mod details;
mod view;

use minijinja::context;
use minijinja::value::Serde;

use self::view::View;
use super::Matrix;
pub use crate::html::MAX_LENGTH;
use crate::html::{STYLE, fill};

const PAGE: &str = include_str!("page.html");
const OWN_STYLE: &str = include_str!("style.css");

/// The matrix as an HTML document.
pub fn render(matrix: &Matrix) -> String {
    let view = minijinja::Value::from(Serde(View::of(matrix)));
    fill(PAGE, &format!("{STYLE}{OWN_STYLE}"), context! { ..view })
}
