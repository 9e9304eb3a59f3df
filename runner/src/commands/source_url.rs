//! Web addresses of the scripts in a folder, for checkouts in CI jobs of GitHub and GitLab.

use std::path::{Component, Path, PathBuf};

/// The variables of a CI system: the base URL of the repository's files, the commit, and the folder
/// of the checkout.
struct Ci {
    base: String,
    checkout: PathBuf,
}

/// The URL of a folder, if it is in a checkout that the environment describes.
pub(crate) fn of(folder: &Path) -> Option<String> {
    address(folder, &Ci::new(&|name| std::env::var(name).ok().filter(|value| !value.is_empty()))?)
}

/// The URL of the folder that `name` is relative to: the path without the name.
pub(crate) fn of_file(path: &Path, name: &str) -> Option<String> {
    let names = Path::new(name).components();
    let ends_so = path.ends_with(name) && names.clone().all(|part| matches!(part, Component::Normal(_)));
    ends_so.then(|| path.ancestors().nth(names.count())).flatten().and_then(of)
}

impl Ci {
    fn new(variable: &dyn Fn(&str) -> Option<String>) -> Option<Ci> {
        let github = || {
            let [server, repository, commit, checkout] =
                ["GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_SHA", "GITHUB_WORKSPACE"].map(variable);
            Some((format!("{}/{}/blob/{}", server?, repository?, commit?), checkout?))
        };
        let gitlab = || {
            let [project, commit, checkout] =
                ["CI_PROJECT_URL", "CI_COMMIT_SHA", "CI_PROJECT_DIR"].map(variable);
            Some((format!("{}/-/blob/{}", project?, commit?), checkout?))
        };
        let (base, checkout) = github().or_else(gitlab)?;
        Some(Ci { base, checkout: checkout.into() })
    }
}

fn address(folder: &Path, ci: &Ci) -> Option<String> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let checkout = ci.checkout.canonicalize().ok()?;
    let within = folder.canonicalize().ok()?;
    let within = within.strip_prefix(checkout).ok()?.to_str()?.to_owned();
    Some(if within.is_empty() { ci.base.clone() } else { format!("{}/{within}", ci.base) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_of_the_checkout_have_a_url() {
        let checkout = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(checkout.path().join("a/b")).unwrap();
        let path = checkout.path().to_str().unwrap();
        let github = |name: &str| {
            let value = match name {
                "GITHUB_SERVER_URL" => "https://example.org",
                "GITHUB_REPOSITORY" => "o/r",
                "GITHUB_SHA" => "c0ffee",
                "GITHUB_WORKSPACE" => path,
                _ => return None,
            };
            Some(value.to_owned())
        };
        let ci = Ci::new(&github).unwrap();
        let found = |folder: &Path| address(folder, &ci);
        assert_eq!(
            found(&checkout.path().join("a/b")).as_deref(),
            Some("https://example.org/o/r/blob/c0ffee/a/b")
        );
        assert_eq!(found(checkout.path()).as_deref(), Some("https://example.org/o/r/blob/c0ffee"));
        assert_eq!(found(checkout.path().parent().unwrap()), None);
        assert_eq!(found(&checkout.path().join("gone")), None);
        let gitlab = |name: &str| name.starts_with("CI_").then(|| format!("<{name}>"));
        assert_eq!(Ci::new(&gitlab).unwrap().base, "<CI_PROJECT_URL>/-/blob/<CI_COMMIT_SHA>");
        assert!(Ci::new(&|_| None).is_none());
        assert!(Ci::new(&|name| github(name).filter(|_| name != "GITHUB_SHA")).is_none());
    }
}
