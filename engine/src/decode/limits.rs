//! Limits of the decoder (core spec, appendix A.1, "Implementation Limitations"). A module that
//! exceeds one is neither malformed nor invalid, but too large for this implementation.

/// Whether an error message of `wasmparser` reports that one of its own limits was exceeded, and
/// not a violation of the specification.
///
/// `wasmparser` has one kind of error for everything. A test creates one module for each of these
/// messages, to detect changes of them.
pub(super) fn is_limit(message: &str) -> bool {
    const WHOLE: [&str; 3] = [
        "too many locals: locals exceed maximum",
        "string size out of bounds",
        "number of elements is out of bounds",
    ];
    const BEGINS: [&str; 3] =
        ["implementation limit", "effective type size exceeds the limit", "sub type hierarchy too deep"];
    // Without the types of `select` and the supertypes, of which there is at most one: these are
    // limited by rules of the specification.
    const LISTS: [&str; 6] =
        ["function params", "function returns", "struct fields", "catches", "rec group types", "br_table"];
    WHOLE.contains(&message)
        || BEGINS.iter().any(|text| message.starts_with(text))
        || message.contains("count exceeds limit of")
        || message.strip_suffix(" size is out of bounds").is_some_and(|list| LISTS.contains(&list))
}
