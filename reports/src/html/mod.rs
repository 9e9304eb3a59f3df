//! Renders the report as a self-contained HTML page that runs only its own script.
//!
//! `view`, `features`, `scripts` and `failed` compute the contents; `parts.html`, `page.html`,
//! `style.css` and `script.js` the presentation. The template escapes all data of the report, and
//! the page's content security policy blocks anything else. The page has at most [`MAX_LENGTH`]
//! bytes: failures and scripts that do not fit are counted, and expected results are left out
//! first.

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

/// The maximum size of the page in bytes.
pub const MAX_LENGTH: usize = 3_000_000;

/// The macros and styles common to all pages.
const PARTS: &str = include_str!("parts.html");
pub(crate) const STYLE: &str = include_str!("style.css");

const PAGE: &str = include_str!("page.html");
const SCRIPT: &str = include_str!("script.js");

/// The hash of the only script that the page's content security policy allows; a test computes it.
const SCRIPT_HASH: &str = "sha256-6v7ZKLQVksTeDXrqeQUfRc1eETEfqnaSatl/MLxFNd4=";

/// Renders the report as an HTML document.
pub fn render(report: &Report) -> String {
    let script = Value::from_safe_string(SCRIPT.to_owned());
    let view = Value::from(Serde(View::of(report)));
    fill(PAGE, STYLE, context! { script, script_hash => SCRIPT_HASH, ..view })
}

/// Fills a built-in template; all values of the context are escaped.
pub(crate) fn fill(page: &str, style: &str, context: Value) -> String {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.expect("the usual delimiters are sound"));
    let style = Value::from_safe_string(style.to_owned());
    // The name enables escaping for HTML. Template and fields are built in, so rendering cannot
    // fail.
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
        assert_eq!(
            SCRIPT_HASH,
            format!("sha256-{hash}"),
            "`script.js` changed: update SCRIPT_HASH to this digest"
        );
    }
}
