//! Names as people know them.

use std::fmt::{self, Write};

use wassay_reports::terminal::printable;

/// How many bytes of a name are shown.
const LONGEST: usize = 500;

/// A function's name, in the form that Rust and C++ have it in the source, as it can be shown.
pub(super) fn demangled(name: &str) -> String {
    // Other names may be read as mangled ones, too: `f` would be `float`.
    if !name.starts_with("_Z") && !name.starts_with("_R") {
        return shortened(name);
    }
    let mut text = Bounded(String::new());
    // What stands for a name may be larger than the name by any factor: it is written only as far
    // as it is shown.
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

/// A text of the module's own as a part of a line that does not fill the screen.
pub(super) fn shortened(text: &str) -> String {
    let text = printable(text);
    match text.char_indices().find(|(at, c)| at + c.len_utf8() > LONGEST) {
        Some((at, c)) => format!("{}…", text.get(..at + c.len_utf8()).unwrap_or(&text)),
        None => text.into_owned(),
    }
}

/// Refuses what is longer than a name may be.
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
    fn a_name_that_stands_for_more_than_can_be_shown_stays_as_it_is() {
        // Each parameter is a pair of the one before: a function of 40 of them has a name of 2^40
        // words.
        let mut name = "_Z1fSt4pairIiiE".to_owned();
        for number in ["_", "0_", "1_", "2_", "3_", "4_", "5_", "6_", "7_", "8_", "9_", "A_", "B_", "C_"] {
            name.push_str(&format!("St4pairIS{number}S{number}E"));
        }
        assert_eq!(demangled(&name), name);
        assert_eq!(demangled(&"x".repeat(1000)), format!("{}…", "x".repeat(501)));
    }
}
