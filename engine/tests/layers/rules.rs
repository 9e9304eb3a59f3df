//! What is asserted of each crate.

/// The layers of a crate.
pub(crate) struct Rules {
    /// The crate's folder, from that of the workspace.
    pub(crate) folder: &'static str,
    /// The modules at the top of the crate, all of them, from the lowest layer to the highest.
    /// Modules of the same layer do not import each other. The root, `lib`, is above all.
    pub(crate) layers: &'static [&'static [&'static str]],
    /// The files that import each other in a circle, with the reason.
    pub(crate) circles: &'static [(&'static str, &'static [&'static str])],
}

/// The crates of the workspace.
pub(crate) const RULES: [Rules; 10] = [
    Rules {
        folder: "engine",
        layers: &[
            &["config", "grammar", "trap"],
            &["error"],
            &["time", "types"],
            &["vm", "abi", "decode"],
            &["translate"],
            &["compile", "precompiled"],
            &["engine"],
            &["module"],
            &["runtime", "backtrace"],
            &["builtin"],
        ],
        circles: &[
            (
                "types/mod.rs declares the types, and re-exports what its files do with them",
                &["types", "types/canon", "types/convert", "types/external", "types/held", "types/layout"],
            ),
            (
                "to run code takes the record of a store, whose code calls back into its owner",
                &["vm/call", "vm/host", "vm/instance", "vm/store", "vm/unwind"],
            ),
            (
                "the families of operators are methods of one translator, which keeps state for them",
                &[
                    "translate",
                    "translate/control",
                    "translate/exception",
                    "translate/legacy_exception",
                    "translate/tier",
                    "translate/variable",
                ],
            ),
            (
                "a store owns everything in it, and every handle is looked up in its store",
                &[
                    "runtime",
                    "runtime/continuation",
                    "runtime/data",
                    "runtime/exception",
                    "runtime/func",
                    "runtime/gc",
                    "runtime/gc/collect",
                    "runtime/gc/heap",
                    "runtime/gc/host",
                    "runtime/gc/mark",
                    "runtime/gc/object",
                    "runtime/global",
                    "runtime/instance",
                    "runtime/linker",
                    "runtime/memory",
                    "runtime/shared",
                    "runtime/store",
                    "runtime/table",
                    "runtime/tag",
                    "runtime/typed",
                    "runtime/value",
                    "runtime/wrap",
                ],
            ),
        ],
    },
    Rules {
        folder: "engine/terms",
        layers: &[&["features", "rule", "time"], &["classification", "refusal", "stream"]],
        circles: &[],
    },
    Rules {
        folder: "reports",
        layers: &[
            &["aside", "key", "millis", "outcome", "terminal"],
            &["text"],
            &["shards"],
            &["model"],
            &["apart", "bounds", "describe", "json", "merge"],
            &["badge", "diff", "format", "html", "junit", "summary"],
            &["markdown"],
            &["audit", "matrix"],
        ],
        circles: &[],
    },
    Rules {
        folder: "testsuite",
        layers: &[
            &["access", "conditions", "expectation", "features", "paths", "text"],
            &["header", "manifest", "script", "wasi"],
            &["case"],
            &["suite"],
            &["catalogue", "fetched"],
            &["folders", "naming"],
            &["directory", "embedded"],
            &["cases", "clone"],
        ],
        circles: &[],
    },
    Rules {
        folder: "wasi",
        layers: &[
            &["errno", "exit"],
            &["abi", "cookies", "stdio", "trace"],
            &["entry", "guest"],
            &["table"],
            &["ctx"],
            &["calling"],
            &["define"],
            &["call"],
            &["preview0"],
        ],
        circles: &[],
    },
    Rules {
        folder: "runner/script",
        layers: &[
            &["encode", "message_table", "shrink", "source", "suggest", "type_section", "value", "wanted"],
            &["embed", "literal", "matching", "spectest", "tokens"],
            &["messages", "split", "wap"],
            &["annotations", "model"],
            &["binds", "grammar", "verdict"],
            &["env", "options", "text"],
            &["failures", "malformed_text"],
            &["parse"],
            &["reading"],
            &["interpreter", "keys", "plan"],
            &["judges", "selfcheck"],
        ],
        circles: &[],
    },
    Rules {
        folder: "runner/drive",
        layers: &[
            &["command", "diagnosis", "program", "quantity", "template"],
            &["process"],
            &["child", "version", "wasi"],
            &["driver"],
            &["modules", "selftest"],
            &["description", "driven"],
        ],
        circles: &[],
    },
    Rules {
        folder: "runner/audit",
        layers: &[
            &["instruction", "module"],
            &["link", "opcode", "state"],
            &["code", "construct"],
            &["template", "tweak"],
            &["export"],
            &["fault"],
            &["subject", "table"],
            &["inject"],
            &["coverage"],
        ],
        circles: &[],
    },
    Rules {
        folder: "runner/fuzz",
        layers: &[
            &["literal", "random", "shape", "traps", "tree"],
            &["case", "observe", "reduce", "text", "wasi"],
            &["compare", "corpus", "generate"],
            &["finding", "known"],
            &["session"],
        ],
        circles: &[],
    },
    Rules {
        folder: "runner",
        layers: &[
            &["cache", "config", "printer", "scratch", "threads", "verdict"],
            &["engines", "fetch", "finished", "interrupt", "repro"],
            &["catalogue", "expectations", "settings"],
            &["exit"],
            &["console"],
            &["own"],
            &["wasi_case"],
            &["batch"],
            &["commands"],
            &["cli"],
            &["harness"],
        ],
        circles: &[],
    },
];
