//! Finds module fields in the text of a directive.

use wassay_script::lexer;
use wassay_script::source::Span;
use wast::lexer::TokenKind;

/// The spans of the fields of a directive `(module $name? field*)`. Empty for other directives and
/// for modules written as strings.
pub(super) fn fields(text: &str) -> Vec<Span> {
    let lexer = lexer(text);
    let (mut depth, mut start, mut found) = (0_usize, 0, Vec::new());
    let mut words = 0;
    let mut position = 0;
    loop {
        let begin = position;
        let Ok(Some(token)) = lexer.parse(&mut position) else { return found };
        match token.kind {
            TokenKind::LParen => {
                depth += 1;
                if depth == 2 {
                    start = begin;
                }
            }
            TokenKind::RParen => {
                if depth == 2 {
                    found.push(start..position);
                }
                depth = depth.saturating_sub(1);
            }
            TokenKind::Keyword if depth == 1 => {
                words += 1;
                if words == 1 && token.src(text) != "module" {
                    return Vec::new();
                }
            }
            _ => {}
        }
    }
}

/// Removes these spans, which are ordered and disjoint, and lines that have no other content.
pub(super) fn without(text: &str, left_out: &[Span]) -> String {
    if left_out.is_empty() {
        return text.to_owned();
    }
    let mut rest = String::with_capacity(text.len());
    let mut at = 0;
    for span in left_out {
        rest.push_str(text.get(at..span.start).unwrap_or_default());
        at = span.end;
    }
    rest.push_str(text.get(at..).unwrap_or_default());
    let lines: Vec<&str> = rest.lines().filter(|line| !line.trim().is_empty()).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        fields(text).into_iter().map(|span| &text[span]).collect()
    }

    #[test]
    fn fields_are_the_forms_of_a_module_and_of_nothing_else() {
        let text = "(module $m (; (a) ;) (type (func)) ;; (b)\n (func (export \"(\") (nop)) )";
        assert_eq!(found(text), ["(type (func))", "(func (export \"(\") (nop))"]);
        assert_eq!(found("(module definition (memory 1))"), ["(memory 1)"]);
        let none = [
            "(module binary \"(a)\")",
            "(module quote \"(func)\")",
            "(assert_return (invoke \"f\") (i32.const 1))",
            "(register \"m\")",
            "",
        ];
        for text in none {
            assert!(found(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn a_line_that_becomes_empty_is_removed() {
        let text = "(module\n  (func $a)\n  (func $b) (func $c)\n  (memory 1))";
        let spans = fields(text);
        assert_eq!(without(text, &spans[..1]), "(module\n  (func $b) (func $c)\n  (memory 1))");
        assert_eq!(without(text, &spans[1..3]), "(module\n  (func $a)\n  (memory 1))");
        assert_eq!(without(text, &spans), "(module\n  )");
        assert_eq!(without("(module\n\n)", &[]), "(module\n\n)");
    }
}
