//! Texts with mutations that a parser has to survive.

use crate::random::Random;

/// Words that mean something in scripts and in JSON, or that are hard to read.
const WORDS: [&str; 24] = [
    "(",
    ")",
    "((",
    "))",
    "(;",
    ";)",
    ";;",
    "\"",
    "\\",
    "\\ff",
    "$",
    "@",
    "0x",
    "-0",
    "nan:0x",
    "1e999",
    "18446744073709551616",
    "{",
    "}",
    "[",
    "null",
    "\u{feff}",
    "\u{202e}",
    "\u{1f980}",
];

/// Changes a text in a few places: words are removed, repeated, exchanged or replaced.
pub fn mutated_text(random: &mut Random, text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..random.between(1, 6) {
        let (from, to) = (place(random, &text), place(random, &text));
        let range = from.min(to)..from.max(to).min(from.min(to) + 200);
        let range = text.floor_char_boundary(range.start)..text.floor_char_boundary(range.end);
        match random.below(7) {
            0 => text.replace_range(range, ""),
            1 => {
                let piece = text.get(range).unwrap_or_default().to_owned();
                let at = place(random, &text);
                text.insert_str(at, &piece);
            }
            2 => {
                let word = random.pick(WORDS[0], &WORDS[1..]);
                text.replace_range(range, word);
            }
            3 if !text.is_empty() => text.truncate(from),
            4 => {
                // Deep nesting.
                let word = random.pick("(", &["[", "(block ", "{\"a\":", "(;"]);
                let times = random.pick(10, &[1000, 100_000]);
                text.insert_str(from, &word.repeat(times));
            }
            _ => {
                let word = random.pick(WORDS[0], &WORDS[1..]);
                text.insert_str(from, word);
            }
        }
    }
    text
}

/// A random place in a text, mostly at the beginning of a word.
fn place(random: &mut Random, text: &str) -> usize {
    let at = text.floor_char_boundary(random.below(text.len() + 1));
    let rest = text.get(at..).unwrap_or_default();
    match rest.find(|c: char| c.is_whitespace() || "()[]{},:".contains(c)) {
        Some(word) if random.chance(80) => at + word,
        _ => at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_can_be_mutated() {
        for number in 0..500 {
            let mut random = Random::of_case(1, number);
            for text in ["", "é", "(module (func \u{1f980}))"] {
                let mutated = mutated_text(&mut random, text);
                assert!(mutated.len() < 3_000_000, "{}", mutated.len());
            }
        }
    }
}
