//! The part of a suite that the expectations of a `wassay.toml` apply to.

use std::borrow::Cow;

use globset::{GlobBuilder, GlobMatcher};

/// The folder of a `wassay.toml` relative to the folder of a suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// The suite's folder, or one above it: the path from there to the suite, with `/` between
    /// folders; empty for the suite's own.
    Above(String),
    /// A folder in the suite, by its path.
    Below(String),
}

impl Scope {
    /// The path of a case relative to the folder of the `wassay.toml`, given its name in the suite;
    /// `None` if it is not below that folder.
    pub fn path<'a>(&self, case: &'a str) -> Option<Cow<'a, str>> {
        match self {
            Scope::Above(folder) if folder.is_empty() => Some(Cow::Borrowed(case)),
            Scope::Above(folder) => Some(Cow::Owned(format!("{folder}/{case}"))),
            Scope::Below(folder) => case.strip_prefix(folder.as_str())?.strip_prefix('/').map(Cow::Borrowed),
        }
    }
}

/// Compiles a glob for paths: `*` does not match `/`, and `**` does. The error is a message.
pub(crate) fn glob(text: &str) -> Result<GlobMatcher, String> {
    let glob = GlobBuilder::new(text).literal_separator(true).build();
    Ok(glob.map_err(|error| format!("invalid glob `{text}`: {}", error.kind()))?.compile_matcher())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_relative_to_the_folder_of_the_file() {
        let own = Scope::Above(String::new());
        assert_eq!(own.path("a/b.wast").as_deref(), Some("a/b.wast"));
        assert_eq!(Scope::Above("x/y".to_owned()).path("b.wast").as_deref(), Some("x/y/b.wast"));
        let below = Scope::Below("a".to_owned());
        assert_eq!(below.path("a/b.wast").as_deref(), Some("b.wast"));
        assert_eq!((below.path("ab/c.wast"), below.path("a")), (None, None));
    }
}
