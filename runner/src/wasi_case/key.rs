//! The key of a guest, so that reports are compared only for identical guests.

use sha2::{Digest, Sha256};
use wassay_reports::Key;
use wassay_testsuite::access::Budget;
use wassay_testsuite::wasi::Guest;

use crate::settings::Settings;

/// The first 48 bits of the SHA-256 of the guest's module, its specification and its golden files,
/// each prefixed with its extension and length, and of the name of its variant. `None` if a file
/// cannot be read.
pub(crate) fn key(guest: &Guest, settings: &Settings) -> Option<Key> {
    let mut hash = Sha256::new();
    let variant = guest.variant().map_or("", |variant| variant.name());
    hash.update(format!("{variant}\n"));
    let read = guest.each_file(&mut Budget::of_case(settings.max_memory), |extension, bytes| {
        hash.update(format!("{extension} {}\n", bytes.len()));
        hash.update(bytes);
    });
    read.ok()?;
    Some(Key::from_digest(&hash.finalize().into()))
}

#[cfg(test)]
mod tests {
    use wassay_testsuite::Case;

    use super::*;
    use crate::catalogue::resolve;

    fn keys(suite: &str) -> Vec<(String, Key)> {
        let cases = resolve(suite).unwrap().cases();
        let guests = cases.iter().filter_map(|case| match case {
            Case::Guest(guest) => Some((guest.name().to_owned(), key(guest, &Settings::default()).unwrap())),
            _ => None,
        });
        guests.collect()
    }

    #[test]
    fn keys_of_guests_are_unique_and_stable() {
        let (all, again, variants) = (keys("wasi"), keys("wasi"), keys("wasi@no-openat2"));
        let distinct: std::collections::HashSet<Key> =
            all.iter().chain(&variants).map(|(_, key)| *key).collect();
        assert!(all == again && all.len() > 20);
        assert_eq!(distinct.len(), all.len() + variants.len());
    }

    #[test]
    fn the_expected_results_of_a_guest_are_part_of_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let (module, text) = (folder.path().join("a.wasm"), folder.path().join("a.json"));
        std::fs::write(&module, "\0asm\x01\0\0\0").unwrap();
        let key = || keys(folder.path().to_str().unwrap())[0].1;
        std::fs::write(&text, r#"{"exit_code": 3}"#).unwrap();
        let three = key();
        std::fs::write(&text, r#"{"exit_code": 4}"#).unwrap();
        let four = key();
        std::fs::write(folder.path().join("a.stdout"), "x").unwrap();
        let stdout = key();
        std::fs::write(&module, "\0asm\x01\0\0\0\0\x01\0").unwrap();
        assert!(three != four && four != stdout && stdout != key());
    }
}
