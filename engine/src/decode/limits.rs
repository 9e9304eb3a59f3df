//! Limits of the decoder (core spec, appendix A.1, "Implementation Limitations"): a module that
//! passes one is neither malformed nor invalid, only too large for us.

/// Whether the decoder's message says that one of its own limits was passed, and no rule of the
/// specification broken.
///
/// `wasmparser` has one kind of error for all; a test here makes one module for each of these
/// texts, so that a change of them shows.
pub(super) fn is_limit(message: &str) -> bool {
    const WHOLE: [&str; 3] = [
        "too many locals: locals exceed maximum",
        "string size out of bounds",
        "number of elements is out of bounds",
    ];
    const BEGINS: [&str; 3] =
        ["implementation limit", "effective type size exceeds the limit", "sub type hierarchy too deep"];
    // Not those of `select`, which has one type, nor those of supertypes, of which there is at most
    // one: rules limit them.
    const LISTS: [&str; 6] =
        ["function params", "function returns", "struct fields", "catches", "rec group types", "br_table"];
    WHOLE.contains(&message)
        || BEGINS.iter().any(|text| message.starts_with(text))
        || message.contains("count exceeds limit of")
        || message.strip_suffix(" size is out of bounds").is_some_and(|list| LISTS.contains(&list))
}
