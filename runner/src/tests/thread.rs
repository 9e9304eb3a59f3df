//! Tests of script threads on our own engine: deadlines, features and shared memories.

use std::time::{Duration, Instant};

use wassay_engine::Config;
use wassay_script::{Options, run_script};

use super::named;
use crate::script::EngineEmbedder;

/// The outcomes of a script's directives on our own engine.
fn on_the_engine(text: &str, options: &Options) -> Vec<String> {
    let result = run_script("t.wast", text, options, &mut EngineEmbedder::new(Config::new())).unwrap();
    result.directives.iter().map(|directive| named(directive.outcome)).collect()
}

#[test]
fn threads_share_the_time_limit_of_their_script() {
    let module = "(module $m (memory (export \"m\") 1 1 shared))";
    let body = "(register \"m\" $m) (module (memory (import \"m\" \"m\") 1 1 shared)
        (func (export \"wait\") (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1))))
        (func (export \"loop\") (loop (br 0))))";
    let options = Options { timeout: Some(Duration::from_millis(300)), ..Options::default() };
    for function in ["wait", "loop"] {
        let begun = Instant::now();
        let thread =
            format!("(thread $t (shared (module $m)) {body} (invoke \"{function}\") (invoke \"loop\"))");
        let outcomes = on_the_engine(&format!("{module} {thread} (wait $t) (invoke $m \"f\")"), &options);
        assert_eq!(outcomes, ["pass", "pass", "timeout", "not-run"]);
        let outcomes = on_the_engine(&format!("{module} {thread}"), &options);
        assert_eq!(outcomes, ["pass", "timeout"]);
        assert!(begun.elapsed() < Duration::from_secs(20));
    }
}

#[test]
fn a_thread_has_the_script_features_and_only_shared_memories() {
    let text = "(module $m (memory (export \"s\") 1 1 shared) (memory (export \"o\") 1) (global (export \"g\") i32 (i32.const 1)))
        (thread $t (shared (module $m)) (assert_return (get $m \"g\") (i32.const 1))) (wait $t)
        (thread $t (shared (module $m)) (invoke $m \"s\")) (wait $t)
        (thread $t (shared (module $m)) (register \"m\" $m) (module (import \"m\" \"o\" (memory 1)))) (wait $t)
        (thread $t (module (memory 1 1 shared) (memory 1))) (wait $t)";
    let found = on_the_engine(text, &Options::default());
    assert_eq!(
        found,
        [
            "pass",
            "pass",
            "no-such-export",
            "pass",
            "no-such-export",
            "pass",
            "unexpected-unlinkable",
            "pass",
            "pass"
        ]
    );
    let options = Options { features: "3.0,-multi-memory".parse().unwrap(), ..Options::default() };
    assert_eq!(
        on_the_engine("(thread $t (module (memory 1) (memory 1))) (wait $t)", &options),
        ["pass", "unexpected-invalid"]
    );
}
