//! Tests that a failed directive unbinds the names that it would have bound.

use std::collections::HashMap;
use std::sync::Arc;

use wassay_testsuite::expectation::Expectation;

use super::{outcomes, outcomes_with, result_with};
use crate::Options;

const MALFORMED: &str = "malformed-directive";
const NO_INSTANCE: &str = "no-such-instance";
const NO_DEFINITION: &str = "no-such-definition";
const UNLINKABLE: &str = "unexpected-unlinkable";

/// The outcomes of directives on an older module `$m`, registered as `r`, after a form that would
/// have replaced it.
fn behind(form: &str, directives: &str) -> Vec<String> {
    let text = format!("(module definition $m) (module instance $m $m) (register \"r\") {form} {directives}");
    let mut outcomes = outcomes(&text);
    assert_eq!(outcomes[..3], ["pass"; 3], "{text}");
    outcomes.split_off(3)
}

const USES: &str = "(invoke \"void\") (invoke $m \"void\") (module instance $x $m) (module instance)";
const IMPORT: &str = "(module (import \"r\" \"f\" (func)))";

#[test]
fn an_unparsable_module_unbinds_the_previous_one() {
    for form in
        ["(module $m (typo))", "(module $m quote 1)", "(module(@a $n)$m binary x)", "(module $\"m\" typo)"]
    {
        assert_eq!(
            behind(form, USES),
            [MALFORMED, NO_INSTANCE, NO_INSTANCE, NO_DEFINITION, NO_DEFINITION],
            "{form}"
        );
    }
    // Without a name it would be the current one.
    for form in ["(module (typo))", "(module binary typo)", "(module quote (func))"] {
        assert_eq!(behind(form, USES), [MALFORMED, NO_INSTANCE, "pass", "pass", NO_DEFINITION], "{form}");
    }
    // If its name is ambiguous, all names are unbound.
    for form in ["(module 7 $m)", "(module definiton $m (func))", "(module $)"] {
        assert_eq!(behind(form, USES)[..4], [MALFORMED, NO_INSTANCE, NO_INSTANCE, NO_DEFINITION], "{form}");
    }
    assert_eq!(
        behind("(module $n (typo))", "(invoke $m \"void\") (invoke $n \"void\")"),
        [MALFORMED, "pass", NO_INSTANCE]
    );
    // Names can be bound again.
    assert_eq!(
        behind("(module $m (typo))", "(module $m) (invoke $m \"void\") (invoke \"void\")"),
        [MALFORMED, "pass", "pass", "pass"]
    );
}

#[test]
fn unparsable_definitions_and_instances_unbind_the_previous_ones() {
    let uses = "(module instance) (module instance $x $m) (invoke $x \"void\") (invoke $m \"void\")";
    for form in
        ["(module definition $m (typo))", "(module definition $m garbage)", "(module definition 1 $m)"]
    {
        assert_eq!(
            behind(form, uses),
            [MALFORMED, NO_DEFINITION, NO_DEFINITION, NO_INSTANCE, "pass"],
            "{form}"
        );
    }
    let uses = "(invoke \"void\") (invoke $m \"void\") (module instance $x $m) (invoke $x \"void\")";
    for form in ["(module instance $m $m extra)", "(module instance $m m)", "(module instance 1 $m $m)"] {
        assert_eq!(behind(form, uses), [MALFORMED, NO_INSTANCE, NO_INSTANCE, "pass", "pass"], "{form}");
    }
}

#[test]
fn an_unparsable_registration_unbinds_the_previous_one() {
    for form in [
        "(register \"r\" junk)",
        "(register \"\\72\" $m $m)",
        "(register r $m)",
        "(register)",
        "(register \"\\q\")",
    ] {
        assert_eq!(behind(form, IMPORT), [MALFORMED, UNLINKABLE], "{form}");
    }
    assert_eq!(behind("(register \"s\" junk)", IMPORT), [MALFORMED, "pass"]);
    assert_eq!(behind("(register \"r\" $nowhere)", IMPORT), [NO_INSTANCE, UNLINKABLE]);
    assert_eq!(
        behind("(register r)", "(register \"r\" $m) (module (import \"r\" \"f\" (func)))"),
        [MALFORMED, "pass", "pass"]
    );
}

#[test]
fn an_unknown_form_unbinds_all_names_in_it() {
    for form in ["(modul $m (func))", "(component $m \"r\")", "(input \"a.wast\")"] {
        assert_eq!(
            behind(form, USES)[..4],
            ["unsupported", NO_INSTANCE, NO_INSTANCE, NO_DEFINITION],
            "{form}"
        );
    }
    assert_eq!(behind("(regster \"r\" $n)", IMPORT), ["unsupported", UNLINKABLE]);
    assert_eq!(behind("(input \"a.wast\")", IMPORT), ["unsupported", UNLINKABLE]);
    assert_eq!(
        behind("(modul $n)", &format!("{IMPORT} (invoke $m \"void\")")),
        ["unsupported", "pass", "pass"]
    );
    for form in [
        "(assert_return (invoke $m \"void\") typo)",
        "(assert_something_new (module $m))",
        "(invoke $m)",
        "$m",
    ] {
        let outcomes = behind(form, &format!("{USES} {IMPORT}"));
        assert_eq!(outcomes[1..], ["pass"; 5], "{form}: a form without bindings fails alone");
    }
}

#[test]
fn an_unparsable_thread_unbinds_the_previous_one() {
    let uses = "(wait $t) (wait $u)";
    for (form, others) in [
        ("(thread $t (typo)", "pass"),
        ("(thread $t (shared $m))", "pass"),
        ("(thread (wait $t))", "no-such-thread"),
    ] {
        let form = if form.ends_with("(typo)") { format!("{form} (invoke))") } else { form.to_owned() };
        let text = format!("(thread $t) (thread $u) {form} {uses}");
        assert_eq!(outcomes(&text)[2..], [MALFORMED, "no-such-thread", others], "{form}");
    }
    let text = "(thread $t) (thread $t (shared (module $nowhere))) (wait $t) (thread $t) (wait $t)";
    assert_eq!(outcomes(text), ["pass", NO_INSTANCE, "no-such-thread", "pass", "pass"]);
}

#[test]
fn a_skipped_directive_unbinds_the_previous_binding() {
    let text = "(module definition $m) (module instance $i $m) (register \"r\")
        (module $i) (invoke \"void\") (invoke $i \"void\")
        (module definition $m) (module instance $m)
        (register \"r\") (module (import \"r\" \"f\" (func)))";
    let skip =
        |number| (number, vec![Arc::new(Expectation { reason: "why".to_owned(), ..Expectation::skip() })]);
    let options = Options { expected: HashMap::from([3, 6, 8].map(skip)), ..Options::default() };
    assert_eq!(
        outcomes_with(text, &options),
        ["pass", "pass", "pass", "skip", NO_INSTANCE, NO_INSTANCE, "skip", NO_DEFINITION, "skip", UNLINKABLE]
    );
    let result = result_with(text, &options);
    let (_, failure) = result.failures().next().unwrap();
    assert!(
        failure.message.ends_with("the directive on line 2, which defines it, was skipped"),
        "{failure:?}"
    );
    // Left-out directives unbind nothing.
    let options = Options { left_out: [3, 6, 8].into(), ..Options::default() };
    let mut expected = ["pass"; 10];
    for number in [3, 6, 8] {
        expected[number] = "skip";
    }
    assert_eq!(outcomes_with(text, &options), expected);
}

#[test]
fn forms_before_the_selected_lines_unbind_too() {
    let text = "(module $m)\n(module $m (typo))\n(invoke $m \"void\")\n";
    let lines = Options { lines: "3".parse().ok(), ..Options::default() };
    assert_eq!(outcomes_with(text, &lines), [NO_INSTANCE]);
    let text = "(module $m)\n(thread $t (module $m (typo)))\n(wait $t)\n";
    assert_eq!(outcomes(text), ["pass", MALFORMED, "no-such-thread"]);
}

#[test]
fn errors_for_unbound_names_name_the_failed_directive() {
    for (form, why) in [
        ("(module $m (typo))", "the directive on line 2, which defines it, failed"),
        ("(module $)", "the directive on line 2, which may define it, failed"),
    ] {
        let result = result_with(&format!("(module $m)\n{form}\n(invoke $m \"void\")"), &Options::default());
        let (_, failure) = result.failures().last().unwrap();
        assert!(failure.message.ends_with(why), "{failure:?}");
    }
}
