//! Tests of script threads: failures are reported at the `wait`, or at the `thread` without one.

use super::{named, outcomes, outcomes_with, result_with};
use crate::Options;

#[test]
fn a_thread_has_only_the_instances_that_it_names() {
    let text = "(module $m) (module $n) (register \"n\" $n) (invoke $m \"set\" (i32.const 3))
        (thread $t (shared (module $m))
          (assert_return (invoke $m \"state\") (i32.const 3)) (invoke $m \"set\" (i32.const 4)))
        (wait $t) (assert_return (invoke $m \"state\") (i32.const 4))
        (thread $u (shared (module $m)) (shared (module $n)) (assert_return (invoke $n \"number\") (i32.const 2)))
        (wait $u)
        (thread $v (invoke $m \"void\")) (wait $v)
        (thread $w (shared (module $m)) (module (import \"n\" \"f\" (func)))) (wait $w)
        (thread $x (shared (module $nowhere))) (wait $x)";
    assert_eq!(outcomes(text)[..9], ["pass"; 9]);
    assert_eq!(
        outcomes(text)[9..],
        ["pass", "no-such-instance", "pass", "unexpected-unlinkable", "no-such-instance", "no-such-thread"]
    );
}

#[test]
fn the_first_failure_of_a_thread_is_reported_at_its_wait() {
    let text = "(module $m)\n(thread $t (shared (module $m))\n  (invoke $m \"void\")
  (assert_return (invoke $m \"i32 1\") (i32.const 2)) (invoke $m \"trap unreachable\") (invoke $m \"void\"))\n(wait $t)";
    let result = result_with(text, &Options::default());
    let outcomes: Vec<_> = result.directives.iter().map(|directive| named(directive.outcome)).collect();
    assert_eq!(outcomes, ["pass", "pass", "wrong-value"]);
    let (directive, failure) = result.failures().next().unwrap();
    assert_eq!((directive.place.to_string().as_str(), &*failure.source), ("5:1", "(wait $t)"));
    assert!(failure.message.starts_with("at 4:3 of the thread: "), "{}", failure.message);
    assert!(failure.message.ends_with("(and 1 more directives of the thread failed)"), "{}", failure.message);
    assert_eq!(failure.actual.as_deref(), Some("i32 1 (0x00000001)"));
    // The same if another form prevents parsing in a single pass.
    let result = result_with(&format!("{text} (invoke one)"), &Options::default());
    let messages: Vec<_> = result.failures().map(|(_, failure)| failure.message.clone()).collect();
    assert!(messages[0].starts_with("at 4:3 of the thread: "), "{messages:?}");
}

#[test]
fn a_thread_without_a_wait_fails_at_its_start() {
    let text =
        "(module $m) (thread $t (shared (module $m)) (invoke $m \"trap unreachable\")) (invoke \"void\")";
    assert_eq!(outcomes(text), ["pass", "unexpected-trap", "pass"]);
    let result = result_with(text, &Options::default());
    let (directive, failure) = result.failures().next().unwrap();
    assert_eq!(directive.keyword, "thread");
    assert!(failure.source.starts_with("(thread $t (shared"), "{failure:?}");
    // Two of the same name: `wait` uses the later one, and the other is joined at the end.
    let text = "(module $m) (thread $t (shared (module $m)) (invoke $m \"trap unreachable\"))
        (thread $t (shared (module $m)) (invoke $m \"void\")) (wait $t)";
    assert_eq!(outcomes(text), ["pass", "unexpected-trap", "pass", "pass"]);
    let text = "(module $m) (thread $t (shared (module $m)) (thread $u (invoke $m \"void\"))) (wait $t)";
    assert_eq!(outcomes(text), ["pass", "pass", "no-such-instance"]);
}

#[test]
fn a_wait_without_a_thread_fails() {
    assert_eq!(
        outcomes("(wait $t) (thread $t) (wait $t) (wait $t)"),
        ["no-such-thread", "pass", "pass", "no-such-thread"]
    );
    for text in ["(thread (invoke \"void\"))", "(wait)", "(thread $t (shared $m))", "(thread $t 1)"] {
        assert_eq!(outcomes(text), ["malformed-directive"], "{text}");
    }
    assert_eq!(outcomes("(thread $t (funk)) (wait $t)"), ["pass", "unsupported"]);
    let deep = |depth: usize| format!("{}{}", "(thread $t ".repeat(depth), ")".repeat(depth));
    assert_eq!(outcomes(&deep(16)), ["pass"]);
    assert_eq!(outcomes(&deep(17)), ["malformed-directive"]);
    assert_eq!(outcomes(&deep(20_000)), ["malformed-directive"]);
}

#[test]
fn texts_that_are_not_compared_are_counted_on_threads_too() {
    let text = "(module $m) (thread $t (shared (module $m))
        (assert_trap (invoke $m \"trap of a sort unknown\") \"some trap\")) (wait $t)";
    let result = result_with(text, &Options::default());
    assert_eq!((result.is_success(), result.text_not_compared()), (true, 1));
}

#[test]
fn fail_fast_and_lines_treat_threads_by_their_waits() {
    let text = "(module $m)\n(thread $t (shared (module $m)) (invoke $m \"trap a\") (invoke $m \"set\" (i32.const 1)))\n(wait $t)\n(assert_return (invoke $m \"state\") (i32.const 0))";
    let fail_fast = Options { fail_fast: true, ..Options::default() };
    assert_eq!(outcomes_with(text, &fail_fast), ["pass", "pass", "unexpected-trap", "skip"]);
    let lines = Options { lines: Some("4".parse().unwrap()), ..Options::default() };
    assert_eq!(outcomes_with(text, &lines), ["wrong-value"]);
}
