//! The report as a page: one file that needs nothing from elsewhere and runs no script but its own.
//!
//! What to show is in `view`, `features`, `scripts` and `failed`, how in `parts.html`, `page.html`,
//! `style.css` and `script.js`. Everything that comes from the report is escaped by the template;
//! the page's content security policy would not let it do anything if it were not. The page is at
//! most [`MAX_LENGTH`] bytes: failures and scripts that do not fit are counted, and those that are
//! as expected go first.

mod bar;
mod failed;
mod features;
pub(crate) mod item;
mod scripts;
pub(crate) mod shown;
mod view;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value, context};

use self::view::View;
use crate::model::Report;
use crate::terminal::{self, Language};

/// How long the page is at most, in bytes.
pub const MAX_LENGTH: usize = 3_000_000;

/// What pages have in common: macros of the template language, and how everything looks.
const PARTS: &str = include_str!("parts.html");
pub(crate) const STYLE: &str = include_str!("style.css");

const PAGE: &str = include_str!("page.html");
const SCRIPT: &str = include_str!("script.js");

/// The one script that the page's content security policy lets run, as the policy names it: a test
/// computes it.
const SCRIPT_HASH: &str = "sha256-6v7ZKLQVksTeDXrqeQUfRc1eETEfqnaSatl/MLxFNd4=";

/// The report as an HTML document.
pub fn render(report: &Report) -> String {
    let script = Value::from_safe_string(SCRIPT.to_owned());
    let view = Value::from(Serde(View::of(report)));
    fill(PAGE, STYLE, context! { script, script_hash => SCRIPT_HASH, ..view })
}

/// A page of the program's own templates: whatever the context holds is escaped.
pub(crate) fn fill(page: &str, style: &str, context: Value) -> String {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.expect("the usual delimiters are sound"));
    let style = Value::from_safe_string(style.to_owned());
    // The name makes the template escape for HTML. It is a part of the program, as are the fields
    // that it names.
    let rendered =
        environment.render_named_str("page.html", &format!("{PARTS}{page}"), context! { style, ..context });
    terminal::document(rendered.expect("the template fits its view"), Language::Markup)
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64;
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn the_policy_names_the_script() {
        let hash = BASE64.encode(&Sha256::digest(SCRIPT));
        assert_eq!(SCRIPT_HASH, format!("sha256-{hash}"), "`script.js` changed: this is its digest now");
    }
}
