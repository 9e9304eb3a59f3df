//! Suggestions for unknown words.

/// The minimum similarity, from 0 to 1, for a suggestion.
const ALIKE: f64 = 0.8;

/// The most similar candidate; `None` if none is similar enough.
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let alike = |candidate: &'a str| (candidate, strsim::normalized_damerau_levenshtein(word, candidate));
    let alike = |candidate| {
        let (candidate, edits) = alike(candidate);
        // A single edit is always accepted, since it is a large part of a short word.
        let one_slip = word.len() > 2 && strsim::damerau_levenshtein(word, candidate) == 1;
        (candidate, if one_slip { edits.max(ALIKE) } else { edits })
    };
    let candidates: Vec<&str> = candidates.into_iter().collect();
    // A difference in case only is the best match.
    if let Some(same) = candidates.iter().find(|candidate| candidate.eq_ignore_ascii_case(word)) {
        return Some(same);
    }
    let best = candidates.into_iter().map(alike).max_by(|(_, a), (_, b)| a.total_cmp(b));
    best.filter(|(_, likeness)| *likeness >= ALIKE).map(|(candidate, _)| candidate)
}

/// The hint for a message about an unknown word, or an empty string.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    closest(word, candidates).map_or_else(String::new, |word| format!("; did you mean `{word}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_are_recognised_but_not_other_words() {
        let commands = ["run", "wast", "test", "suite", "report", "help"];
        for (word, expected) in [
            ("tset", Some("test")),
            ("tests", Some("test")),
            ("reprot", Some("report")),
            ("wsat", Some("wast")),
            ("siute", Some("suite")),
            ("TEST", Some("test")),
            ("build", None),
            ("a", None),
            ("", None),
            ("hello.wasm", None),
        ] {
            assert_eq!(closest(word, commands), expected, "{word}");
        }
        assert_eq!(did_you_mean("spce-v1", ["spec-v1", "spec-v2"]), "; did you mean `spec-v1`?");
        assert_eq!(did_you_mean("tail-calls", ["tail-call", "gc"]), "; did you mean `tail-call`?");
    }
}
