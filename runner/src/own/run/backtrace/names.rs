//! Demangles and shortens function names.

use std::fmt::{self, Write};

use wassay_reports::terminal::printable;

/// The maximum number of bytes of a name to show.
const LONGEST: usize = 500;

/// Demangles a Rust or C++ function name and shortens it.
pub(super) fn demangled(name: &str) -> String {
    // Other names may also parse as mangled ones: `f` would be `float`.
    if !name.starts_with("_Z") && !name.starts_with("_R") {
        return shortened(name);
    }
    let mut text = Bounded(String::new());
    // The demangled name may be exponentially larger: stop at the limit.
    let written = if let Ok(rust) = rustc_demangle::try_demangle(name) {
        write!(text, "{rust:#}")
    } else if let Ok(cpp) = cpp_demangle::Symbol::new(name) {
        cpp.structured_demangle(&mut text, &cpp_demangle::DemangleOptions::default())
    } else {
        return shortened(name);
    };
    match written {
        Ok(()) => shortened(&text.0),
        Err(fmt::Error) => shortened(name),
    }
}

/// Shortens a text from the module and escapes it for use in a line.
pub(super) fn shortened(text: &str) -> String {
    let text = printable(text);
    match text.char_indices().find(|(at, c)| at + c.len_utf8() > LONGEST) {
        Some((at, c)) => format!("{}…", text.get(..at + c.len_utf8()).unwrap_or(&text)),
        None => text.into_owned(),
    }
}

/// A string that rejects writes beyond the limit.
struct Bounded(String);

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() + text.len() > LONGEST {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_in_the_source() {
        for (mangled, expected) in [
            ("main", "main"),
            ("f", "f"),
            ("Rust", "Rust"),
            ("_ZN4core9panicking5panic17h0123456789abcdefE", "core::panicking::panic"),
            ("_RNvCs1234_7mycrate3foo", "mycrate::foo"),
            ("_ZN5space5Thing4callEi", "space::Thing::call(int)"),
            ("_Z", "_Z"),
            ("_ZN", "_ZN"),
            ("", ""),
            ("operator\"\" _x", "operator\"\" _x"),
            ("a\nb\u{1b}[2J\u{202e}", "a\\nb\\u{1b}[2J\\u{202e}"),
        ] {
            assert_eq!(demangled(mangled), expected);
        }
    }

    #[test]
    fn a_name_that_is_too_long_when_demangled_is_shown_mangled() {
        // Each parameter is a pair of the previous one: with 40 of them the name has 2^40 words.
        let mut name = "_Z1fSt4pairIiiE".to_owned();
        for number in ["_", "0_", "1_", "2_", "3_", "4_", "5_", "6_", "7_", "8_", "9_", "A_", "B_", "C_"] {
            name.push_str(&format!("St4pairIS{number}S{number}E"));
        }
        assert_eq!(demangled(&name), name);
        assert_eq!(demangled(&"x".repeat(1000)), format!("{}…", "x".repeat(501)));
    }
}
