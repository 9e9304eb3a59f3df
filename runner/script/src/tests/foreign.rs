//! Tests of directives that say nothing about another engine: the same verdicts as for plans.

use std::time::Instant;

use wassay_terms::Features;

use super::mock::{Imports, Instance, Mock};
use crate::embed::{EmbedError, Embedder, Results};
use crate::messages::MatchKind;
use crate::value::Value;
use crate::verdict::Outcome;
use crate::{Options, run_script};

/// An engine that implements only the required methods.
#[derive(Default)]
struct Foreign(Mock);

impl Embedder for Foreign {
    type Module = Imports;
    type Instance = Instance;
    type Thread = Foreign;

    const HAS_TEXTS: bool = false;

    fn begin(&mut self, features: Features, deadline: Option<Instant>) -> Result<(), EmbedError> {
        self.0.begin(features, deadline)
    }

    fn compile(&mut self, bytes: &[u8]) -> Result<Imports, EmbedError> {
        self.0.compile(bytes)
    }

    fn instantiate(&mut self, module: &Imports) -> Result<Instance, EmbedError> {
        self.0.instantiate(module)
    }

    fn register(&mut self, name: &str, instance: Option<&Instance>) -> Result<(), EmbedError> {
        self.0.register(name, instance)
    }

    fn invoke(
        &mut self,
        instance: &Instance,
        export: &str,
        arguments: &[Value],
    ) -> Result<Results, EmbedError> {
        self.0.invoke(instance, export, arguments)
    }

    fn global(&mut self, instance: &Instance, export: &str) -> Result<Value, EmbedError> {
        self.0.global(instance, export)
    }
}

/// The outcome of each directive: `pass`, `coarse`, the category and reason if it was set aside, or
/// the kind of failure.
fn outcomes<E: Embedder + Default>(text: &str) -> Vec<String> {
    let result = run_script("t.wast", text, &Options::default(), &mut E::default()).unwrap();
    let named = result.directives.iter().map(|directive| match directive.outcome {
        Outcome::Passed if directive.coarse => "coarse".to_owned(),
        Outcome::Passed => "pass".to_owned(),
        Outcome::Failed(failure) => failure.kind.to_string(),
        Outcome::Apart(apart, why) => format!("{}: {why}", apart.word()),
        other => format!("{other:?}"),
    });
    named.collect()
}

#[test]
fn directives_that_depend_on_a_failed_module_are_blocked() {
    let text = "(module $a)
        (module $a (func (result i32)))
        (assert_return (invoke $a \"number\") (i32.const 1))
        (register \"a\" $a)
        (module instance $b $a)
        (assert_trap (invoke $b \"trap unreachable\") \"unreachable\")
        (assert_unlinkable (module instance $a) \"unknown import\")
        (invoke $never \"void\")
        (module) (invoke \"void\")";
    let blocked = |line: usize| format!("blocked: it depends on the directive on line {line}, which failed");
    let expected = [
        "pass".to_owned(),
        "unexpected-invalid".to_owned(),
        blocked(2),
        blocked(2),
        blocked(2),
        blocked(5),
        blocked(2),
        "no-such-instance".to_owned(),
        "pass".to_owned(),
        "pass".to_owned(),
    ];
    assert_eq!(outcomes::<Foreign>(text), expected);
    let failed: Vec<String> = outcomes::<Mock>(text);
    assert!(failed.iter().all(|outcome| !outcome.starts_with("blocked")), "{failed:?}");
}

#[test]
fn modules_that_import_from_a_failed_registration_are_blocked() {
    let text = "(module $a (func (result i32)))
        (register \"a\" $a)
        (module $b (import \"a\" \"f\" (func)))
        (assert_unlinkable (module (import \"a\" \"g\" (func))) \"unknown import\")
        (assert_unlinkable (module (import \"b\" \"g\" (func))) \"unknown import\")
        (invoke $b \"void\")
        (module $a) (register \"a\" $a) (module (import \"a\" \"f\" (func)))";
    let blocked = |line: usize| format!("blocked: it depends on the directive on line {line}, which failed");
    let outcomes = outcomes::<Foreign>(text);
    assert_eq!(outcomes[1..4], [blocked(1), blocked(2), blocked(2)]);
    assert_eq!(outcomes[4..], ["pass".to_owned(), blocked(3), "pass".into(), "pass".into(), "pass".into()]);
}

#[test]
fn limits_are_not_failures_but_unsupported_features_are() {
    let limit = "(module (import \"compile\" \"limit of locals\" (func)))";
    assert_eq!(outcomes::<Foreign>(limit), ["limit: of locals"]);
    assert_eq!(outcomes::<Mock>(limit), ["unexpected-limit"]);
    let text =
        "(module) (assert_return (invoke \"limit of frames\")) (assert_trap (invoke \"limit x\") \"y\")
        (assert_exhaustion (invoke \"exhaustion\") \"call stack exhausted\")";
    assert_eq!(outcomes::<Foreign>(text)[1..3], ["limit: of frames", "limit: x"].map(str::to_owned));
    let unsupported = "(module (import \"compile\" \"unsupported gc\" (func)))";
    assert_eq!(outcomes::<Foreign>(unsupported), ["unexpected-unsupported"]);
}

#[test]
fn directives_that_an_interface_cannot_express_are_not_applicable() {
    let text = "(module $a) (assert_return (invoke \"not-applicable no such value\"))
        (assert_trap (invoke \"not-applicable no such value\") \"unreachable\")
        (get \"not-applicable no such global\")
        (assert_invalid_custom (module) \"x\")
        (thread $t (shared (module $a)) (invoke $a \"void\"))
        (wait $t)";
    assert_eq!(
        outcomes::<Foreign>(text)[1..],
        [
            "not applicable: no such value",
            "not applicable: no such value",
            "not applicable: no such global",
            "not applicable: the engine does not check custom sections",
            "not applicable: the engine does not run the threads of scripts",
            "blocked: it depends on the directive on line 5, which failed",
        ]
    );
}

#[test]
fn a_rejection_without_a_kind_passes_coarsely() {
    let refused = "(module (import \"compile\" \"refused bad code\" (func)))";
    let text =
        format!("(assert_invalid {refused} \"type mismatch\") (assert_malformed {refused} \"x\") {refused}");
    assert_eq!(outcomes::<Foreign>(&text), ["coarse", "coarse", "unexpected-refused"]);
    assert_eq!(
        outcomes::<Foreign>("(module) (assert_trap (invoke \"refused\") \"\")")[1],
        "refused-instead-of-trap"
    );
}

#[test]
fn texts_of_an_engine_are_compared_only_on_request() {
    let text = "(module) (assert_trap (invoke \"trap unreachable\") \"integer overflow\")";
    let run = |match_kind| {
        let options = Options { match_kind, ..Options::default() };
        let result = run_script("t.wast", text, &options, &mut Foreign::default()).unwrap();
        (result.counts().failed, result.text_not_compared())
    };
    assert_eq!(run(MatchKind::Class), (0, 1));
    assert_eq!(run(MatchKind::Exact), (1, 0));
    assert_eq!(outcomes::<Mock>(text)[1], "wrong-text");
}
