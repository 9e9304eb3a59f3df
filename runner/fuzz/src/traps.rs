//! The kinds of traps, by the words that engines use for them.

/// Each kind with words of the messages for it; the first kind with a word that occurs applies.
///
/// An engine may have one message for what others distinguish, so that only messages of different
/// kinds differ, and a message that no line has is not compared.
const KINDS: [(&str, &[&str]); 13] = [
    ("unreachable", &["unreachable"]),
    ("integer divide by zero", &["divide by zero", "division by zero", "divide result unrepresentable zero"]),
    (
        "integer overflow",
        &["integer overflow", "unrepresentable in integer range", "divide result unrepresentable"],
    ),
    ("invalid conversion to integer", &["conversion to integer", "float unrepresentable"]),
    ("unaligned atomic", &["unaligned", "misaligned"]),
    (
        "out of bounds memory access",
        &["memory access out of bounds", "out of bounds memory", "memory out of bounds"],
    ),
    ("out of bounds array access", &["array element access out of bounds", "out of bounds array"]),
    (
        "out of bounds table access",
        &["out of bounds table", "table index is out of bounds", "undefined element", "table out of bounds"],
    ),
    ("indirect call", &["indirect call", "uninitialized element", "null function", "signature mismatch"]),
    ("null reference", &["null"]),
    ("cast failure", &["cast"]),
    ("expected shared memory", &["shared memory"]),
    ("uncaught exception", &["exception"]),
];

/// Kinds that some engines do not distinguish, or of which an instruction may have two at once.
const SAME: [&[&str]; 4] = [
    // A conversion of a number out of range is an overflow in the specification's scripts.
    &["integer overflow", "invalid conversion to integer"],
    // A null or an index out of bounds in an indirect call.
    &["indirect call", "out of bounds table access", "null reference"],
    &["null reference", "cast failure"],
    // The address of an atomic access may be neither aligned nor within the memory. The threads
    // proposal demands a trap and gives no order of the two checks for `memory.atomic.notify`. An
    // engine that lacks one of them returns for other addresses, which is a difference.
    &["unaligned atomic", "out of bounds memory access"],
];

/// The kind of trap that a message is about, if it is known.
pub(crate) fn kind(message: &str) -> Option<&'static str> {
    let message = message.to_lowercase();
    KINDS.iter().find(|(_, words)| words.iter().any(|word| message.contains(word))).map(|(kind, _)| *kind)
}

/// Whether two messages are about traps of different kinds.
pub(crate) fn differ(one: &str, other: &str) -> bool {
    let (Some(one), Some(other)) = (kind(one), kind(other)) else { return false };
    one != other && !SAME.iter().any(|same| same.contains(&one) && same.contains(&other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_one_kind_do_not_differ_and_others_do() {
        assert!(!differ("integer divide by zero", "wasm trap: integer divide by zero"));
        assert!(!differ("integer overflow", "float unrepresentable in integer range"));
        assert!(!differ("uninitialized element 3", "null function or function signature mismatch"));
        assert!(!differ("null reference", "dereferencing a null pointer"));
        assert!(!differ("unaligned atomic", "wasm trap: out of bounds memory access"));
        assert!(differ("unaligned atomic", "unreachable"));
        assert!(!differ("unreachable", "something else"));
        assert!(differ("unreachable", "integer divide by zero"));
        assert!(differ("out of bounds memory access", "integer overflow"));
        assert!(differ("out of bounds table access", "out of bounds memory access"));
    }
}
