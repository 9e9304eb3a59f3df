//! Finds missing features of modules.

use wasmparser::{Validator, WasmFeatures};
use wassay_terms::{Deadline, Features};

/// The validator's flag for a feature, or no flag for an unknown name.
pub fn flag(name: &str) -> WasmFeatures {
    Features::flag(name).unwrap_or(WasmFeatures::empty())
}

/// The validator's flags for a set of features: those that have a name, besides those of 1.0.
pub fn flags(features: Features) -> WasmFeatures {
    let named = features.iter().map(flag).fold(WasmFeatures::WASM1, WasmFeatures::union);
    let missing = Features::names().filter(|name| !features.contains(name)).map(flag);
    missing.fold(named, WasmFeatures::difference)
}

/// Removes as many features as possible such that the rest `will_do`. The newest, which are last,
/// are removed first: of two that both suffice the older is kept.
pub fn reduced(
    mut set: WasmFeatures,
    of: impl DoubleEndedIterator<Item = WasmFeatures>,
    will_do: impl Fn(WasmFeatures) -> bool,
) -> WasmFeatures {
    for flag in of.rev() {
        if set.contains(flag) && will_do(set - flag) {
            set -= flag;
        }
    }
    set
}

/// A hint on how to enable the features that a module needs beyond `given`; `None` if they are not
/// the reason for the rejection, or after the deadline.
pub(super) fn hint(bytes: &[u8], given: Features, deadline: Option<Deadline>) -> Option<String> {
    let valid = |features| Validator::new_with_features(features).validate_all(bytes).is_ok();
    let set = flags(given);
    let more: Vec<&str> = Features::names().filter(|name| !given.contains(name)).collect();
    let all = more.iter().copied().map(flag).fold(set, WasmFeatures::union);
    if valid(set) || !valid(all) {
        return None;
    }
    // After the deadline the result is not meaningful.
    let in_time = || !deadline.is_some_and(Deadline::is_over);
    let needed = reduced(all, more.iter().copied().map(flag), |set| in_time() && valid(set));
    if !in_time() {
        return None;
    }
    let names: Vec<&str> = more.into_iter().filter(|name| needed.contains(flag(name))).collect();
    Some(advice(given, &names))
}

/// Advice to enable these features besides those of `given`.
pub(super) fn advice(given: Features, names: &[&str]) -> String {
    let expression = format!("{given},{}", names.join(","));
    let expression = expression.parse::<Features>().map_or(expression, |features| features.to_string());
    format!(
        "; it needs {}, which is not enabled: use `--features {expression}`, or `;;! features = \"{expression}\"` in \
        the first line of the script",
        names.join(" and ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint_of(text: &str, given: &str) -> Option<String> {
        let bytes = crate::quoted(text.as_bytes()).unwrap();
        hint(&bytes, given.parse().unwrap(), None)
    }

    #[test]
    fn a_missing_feature_is_distinguished_from_an_invalid_module() {
        let tail_call = "(module (func $f (return_call $f)))";
        let hint = hint_of(tail_call, "2.0").unwrap();
        assert!(hint.contains("needs tail-call,") && hint.contains("`--features 2.0,tail-call`"), "{hint}");
        assert_eq!(hint_of(tail_call, "3.0"), None);
        assert_eq!(hint_of("(module (func (result i32)))", "1.0"), None);
        let two = hint_of("(module (memory 1) (memory 1) (func (param v128)))", "1.0").unwrap();
        assert!(two.contains("needs simd and multi-memory,"), "{two}");
        let shared = hint_of("(module (memory 1 1 shared))", "3.0").unwrap();
        assert!(shared.contains("`--features 3.0,threads`"), "{shared}");
    }
}
