//! Entries of a file of expectations.

use std::borrow::Cow;
use std::fmt;

use globset::GlobMatcher;
use serde::Deserialize;

use super::document::Added;
use super::model::{Expectation, Expected, Origin, Target, one_line};
use super::scope::{Scope, glob};

/// An entry: an expectation with the suite and the scripts or WASI cases that it applies to.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The suite of the scripts; `None` for all suites of the run.
    pub suite: Option<String>,
    /// The expectation for each of the scripts.
    expectation: Expectation,
    /// The scripts and WASI cases of the suite.
    scripts: Scripts,
    /// For an entry of a `wassay.toml`, where that is.
    scope: Option<Scope>,
}

/// A selection of the scripts of a suite.
#[derive(Debug, Clone)]
enum Scripts {
    All,
    One(String),
    Glob(Box<GlobMatcher>),
}

/// An entry as written in the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Raw {
    suite: Option<String>,
    #[serde(alias = "case")]
    script: Option<String>,
    key: Option<String>,
    line: Option<usize>,
    text: Option<String>,
    kind: Option<String>,
    outcome: Expected,
    reason: String,
    link: Option<String>,
}

impl Entry {
    /// Validates an entry. The error is a message without the position.
    pub(super) fn new(raw: Raw, origin: Origin) -> Result<Entry, String> {
        let Raw { suite, script, key, line, text, kind, outcome, reason, link } = raw;
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if let Some(key) = key.as_deref().filter(|key| key.len() != 12 || !key.bytes().all(is_digit)) {
            return Err(format!("invalid key `{key}`: expected 12 lowercase hexadecimal digits"));
        }
        let text = text.as_deref().map(one_line);
        let is_empty = |text: &Option<String>| text.as_deref().is_some_and(|text| text.trim().is_empty());
        let scripts = Scripts::new(script)?;
        let has_directive = key.is_some() || line.is_some() || text.is_some();
        let message = if reason.trim().is_empty() {
            "empty `reason`: say why the failure is expected"
        } else if line == Some(0) {
            "invalid `line` 0: lines are counted from 1"
        } else if is_empty(&text) {
            "empty `text`: expected the text of the directive, or its beginning followed by `…`"
        } else if is_empty(&kind) {
            "empty `kind`: expected a kind of failure as in reports, such as `wrong-value`"
        } else if outcome == Expected::Skip && kind.is_some() {
            "`kind` cannot be used with `skip`, since a skipped directive does not fail: remove `kind`, or use `xfail`"
        } else if has_directive && matches!(scripts, Scripts::All) {
            "`key`, `line` and `text` require `script` with the name of a script"
        } else if has_directive && matches!(scripts, Scripts::Glob(_)) {
            "`key`, `line` and `text` require `script` with the name of a script, not a glob"
        } else if matches!(scripts, Scripts::All) && kind.is_none() {
            "the entry would apply to every directive: add `script`, `kind` or both"
        } else {
            let target = match (key, line, text) {
                (Some(key), ..) => Target::Key(key),
                (None, None, None) => Target::All,
                (None, line, text) => Target::Directive { line, text },
            };
            let link = link.map(|link| format!(" ({link})")).unwrap_or_default();
            let reason = format!("{reason}{link}");
            let expectation = Expectation { target, kind, outcome, reason, origin };
            return Ok(Entry { suite, expectation, scripts, scope: None });
        };
        Err(message.to_owned())
    }

    /// The entry of a `wassay.toml`, for the suite with this name or path.
    pub(crate) fn in_folder(self, suite: &str, scope: Scope) -> Entry {
        Entry { suite: Some(suite.to_owned()), scope: Some(scope), ..self }
    }

    /// The position of the entry.
    pub fn origin(&self) -> &Origin {
        &self.expectation.origin
    }

    /// Whether it applies to no directive in particular.
    pub fn is_broad(&self) -> bool {
        self.expectation.is_broad()
    }

    /// Whether it selects the directive with this key by the key.
    pub fn is_about_key(&self, key: &str) -> bool {
        matches!(&self.expectation.target, Target::Key(own) if own == key)
    }

    /// Whether it selects the directive of a new entry by its key, in the same suite and script.
    pub fn is_about(&self, new: &Added) -> bool {
        let is_script = matches!(&self.scripts, Scripts::One(name) if *name == new.case);
        let is_directive = new.directive.as_ref().is_some_and(|directive| self.is_about_key(&directive.key));
        is_script && is_directive && self.suite.as_deref() == Some(new.suite.as_str())
    }

    /// The suite that it names.
    pub fn suite(&self) -> Option<&str> {
        self.suite.as_deref()
    }

    /// Whether it applies to a script or a WASI case of this name, in the suites that it applies
    /// to.
    pub(crate) fn is_for_case(&self, case: &str) -> bool {
        let within = match &self.scope {
            Some(scope) => scope.path(case),
            None => Some(Cow::Borrowed(case)),
        };
        within.is_some_and(|case| match &self.scripts {
            Scripts::All => true,
            Scripts::One(name) => *name == case,
            Scripts::Glob(glob) => glob.is_match(&*case),
        })
    }

    pub(crate) fn expectation(&self) -> Expectation {
        self.expectation.clone()
    }

    /// What identifies the entry: of two entries with the same subject, the second would never
    /// apply.
    pub(super) fn subject(&self) -> String {
        format!("{}\0{:?}\0{:?}", self, self.expectation.target, self.expectation.kind)
    }
}

impl Scripts {
    fn new(script: Option<String>) -> Result<Scripts, String> {
        let Some(script) = script else { return Ok(Scripts::All) };
        if !script.contains(['*', '?', '[', '{']) {
            return Ok(Scripts::One(script));
        }
        Ok(Scripts::Glob(Box::new(glob(&script)?)))
    }
}

impl fmt::Display for Entry {
    /// Writes what the entry applies to.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let script = match &self.scripts {
            Scripts::All => None,
            Scripts::One(name) => Some(name.as_str()),
            Scripts::Glob(glob) => Some(glob.glob().glob()),
        };
        let suite = self.suite.as_deref().filter(|_| self.scope.is_none());
        let name = [suite, script].into_iter().flatten().collect::<Vec<_>>().join("::");
        let mut parts = vec![name];
        match &self.expectation.target {
            Target::Key(key) => parts.push(key.clone()),
            Target::Directive { line, text } => {
                if let (Some(line), Some(name)) = (line, parts.first_mut()) {
                    *name = format!("{name}:{line}");
                }
                parts.extend(text.as_ref().map(|text| format!("`{text}`")));
            }
            Target::All => {}
        }
        parts.extend(self.expectation.kind.clone());
        parts.retain(|part| !part.is_empty());
        f.write_str(&parts.join(" "))
    }
}
