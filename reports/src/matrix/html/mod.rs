//! Renders the matrix as a self-contained HTML page without scripts.
//!
//! `view` and `details` compute the contents; `page.html` and `style.css` the presentation,
//! together with the parts and the style of the report's page. The template escapes all data of
//! reports, and the page's content security policy allows no script. The page has at most
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

/// Renders the matrix as an HTML document.
pub fn render(matrix: &Matrix) -> String {
    let view = minijinja::Value::from(Serde(View::of(matrix)));
    fill(PAGE, &format!("{STYLE}{OWN_STYLE}"), context! { ..view })
}
