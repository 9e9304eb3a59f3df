//! Renders the report as a self-contained HTML page that runs only its own script.
//!
//! `view`, `features`, `scripts` and `failed` compute the contents; `parts.html`, `head.html`,
//! `page.html`, `style.css` and `script.js` the presentation. The template escapes all data of the
//! report, and the page's content security policy blocks anything else. The page has at most
//! [`MAX_LENGTH`] bytes: failures and scripts that do not fit are counted, and expected results are
//! left out first.

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

/// The macros, the head and the styles common to all pages.
const PARTS: &str = include_str!("parts.html");
const HEAD: &str = include_str!("head.html");
pub(crate) const STYLE: &str = include_str!("style.css");

const PAGE: &str = include_str!("page.html");
const SCRIPT: &str = include_str!("script.js");

/// The hash of the only script that the page's content security policy allows; a test computes it.
const SCRIPT_HASH: &str = "sha256-6v7ZKLQVksTeDXrqeQUfRc1eETEfqnaSatl/MLxFNd4=";

/// Renders the report as an HTML document.
pub fn render(report: &Report) -> String {
    let view = View::of(report);
    let title = format!("{}: {}", view.engine, view.verdict);
    let script = Value::from_safe_string(SCRIPT.to_owned());
    let page = Page { title: &title, style: STYLE, script_hash: Some(SCRIPT_HASH), body: PAGE };
    page.fill(context! { script, ..Value::from(Serde(view)) })
}

/// A built-in template.
pub(crate) struct Page<'a> {
    /// The title of the page, as plain text.
    pub(crate) title: &'a str,
    pub(crate) style: &'a str,
    /// The hash of the only script that may run; without it, none may.
    pub(crate) script_hash: Option<&'a str>,
    /// The template of what follows the head.
    pub(crate) body: &'a str,
}

impl Page<'_> {
    /// Fills the template; all values of the context are escaped.
    pub(crate) fn fill(&self, context: Value) -> String {
        let Page { title, style, script_hash, body } = *self;
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.expect("the usual delimiters are sound"));
        let style = Value::from_safe_string(style.to_owned());
        let context = context! { title, style, script_hash, ..context };
        // The name enables escaping for HTML. Template and fields are built in, so rendering cannot
        // fail.
        let rendered = environment.render_named_str("page.html", &format!("{PARTS}{HEAD}{body}"), context);
        terminal::document(rendered.expect("the template fits its view"), Language::Markup)
    }
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
