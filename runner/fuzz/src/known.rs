//! Known defects of published engines, which would hide others if they were findings.

use crate::compare::{Class, Difference};

/// A defect that makes an engine crash.
struct Defect {
    /// How the title of the engine begins: its name and its version.
    engine: &'static str,
    /// What the crash says.
    says: &'static str,
    /// What it is, for the summary.
    why: &'static str,
}

const DEFECTS: [Defect; 1] = [
    // `Store::wasm_fault` asserts that an address is in the memory of one instance. A shared memory
    // is in several as soon as it was an import; `wasmtime wast` crashes likewise.
    Defect {
        engine: "wasmtime 48.",
        says: "assertion failed: fault.is_none()",
        why: "known defect of wasmtime: it panics when an access to an imported shared memory traps",
    },
];

/// The known defect that a difference of two engines, by their titles, comes from.
pub(crate) fn known(difference: &Difference, (a, b): (&str, &str)) -> Option<&'static str> {
    let Class::Crash { first } = difference.class else { return None };
    let (engine, how) = if first { (a, &difference.a) } else { (b, &difference.b) };
    let how = how.to_string();
    let defect = DEFECTS.iter().find(|known| engine.starts_with(known.engine) && how.contains(known.says));
    defect.map(|known| known.why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::Seen;

    #[test]
    fn only_the_crash_of_the_engine_with_the_defect_is_known() {
        let crash = |first: bool, how: &str| {
            let (crashed, fine) = (Seen::Crashed(how.to_owned()), Seen::Returned(Vec::new()));
            let (a, b) = if first { (crashed, fine) } else { (fine, crashed) };
            Difference { step: 0, class: Class::Crash { first }, a, b }
        };
        let how = "exit code 101; its standard error: assertion failed: fault.is_none()";
        let known = |difference: &Difference, names| known(difference, names).is_some();
        assert!(known(&crash(false, how), ("wassay", "wasmtime 48.0.8")));
        assert!(known(&crash(true, how), ("wasmtime 48.0.8", "wassay")));
        assert!(!known(&crash(true, how), ("wassay", "wasmtime 48.0.8")));
        assert!(!known(&crash(false, how), ("wassay", "wasmtime 49.0.0")));
        assert!(!known(&crash(false, "signal 11"), ("wassay", "wasmtime 48.0.8")));
    }
}
