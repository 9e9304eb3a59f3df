//! Identifies the contents of a suite.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::units::units;
use crate::model::{Case, Suite};

/// The first 64 bits of the SHA-256 of the names of a suite's cases and the keys of their
/// directives, as sixteen hexadecimal digits. It does not depend on the location of the suite or on
/// the lines of its scripts.
pub(super) fn digest(suite: &Suite) -> String {
    let mut cases: Vec<&Case> = suite.cases.iter().collect();
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    let mut hash = Sha256::new();
    let mut line = String::new();
    for case in cases {
        line.clear();
        // Writing to a string cannot fail. The length before the name makes the text unambiguous.
        let _ = write!(line, "{} {} {} ", case.name.len(), case.name, case.directives.total());
        for key in units(case) {
            let _ = write!(line, "{key}");
        }
        line.push('\n');
        hash.update(line.as_bytes());
    }
    hash.finalize().iter().take(8).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
