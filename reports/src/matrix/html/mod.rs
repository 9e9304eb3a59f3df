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
use crate::html::{Page, STYLE};

const PAGE: &str = include_str!("page.html");
const OWN_STYLE: &str = include_str!("style.css");

/// Renders the matrix as an HTML document.
pub fn render(matrix: &Matrix) -> String {
    let view = View::of(matrix);
    let title = format!("Engines and proposals: {}", view.summary);
    let style = format!("{STYLE}{OWN_STYLE}");
    let page = Page { title: &title, style: &style, script_hash: None, body: PAGE };
    page.fill(context! { ..minijinja::Value::from(Serde(view)) })
}
