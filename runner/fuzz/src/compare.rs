//! Compares what two engines did with the same script.

use std::fmt;

use wassay_script::embed::ErrorKind;

use crate::observe::Seen;
use crate::traps;

/// Where two engines first differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The index of the directive.
    pub step: usize,
    /// How they differ.
    pub class: Class,
    /// What the first engine did.
    pub a: Seen,
    /// What the second engine did.
    pub b: Seen,
}

/// How engines differ. Differences of one class may have one cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Other results.
    Values,
    /// One returned or accepted, and the other one ended with an error of this kind.
    Ended {
        /// Whether the first engine is the one that ended.
        first: bool,
        /// The kind of the error.
        kind: &'static str,
    },
    /// Errors of two kinds.
    Kinds(&'static str, &'static str),
    /// Traps of two kinds.
    Traps(&'static str, &'static str),
    /// An engine crashed.
    Crash {
        /// Whether it is the first one.
        first: bool,
    },
    /// An engine did not end in time.
    Hang {
        /// Whether it is the first one.
        first: bool,
    },
    /// An engine and the grammar of the specification, by `classify`, judge bytes differently.
    Classified,
    /// Something that is not shown again.
    Once,
}

impl Class {
    /// A word for file names.
    pub fn word(self) -> String {
        match self {
            Class::Values => "values".to_owned(),
            Class::Ended { kind, .. } => kind.to_owned(),
            Class::Kinds(a, b) => format!("{a}-{b}"),
            Class::Traps(a, b) => format!("{a}-{b}").replace(' ', "-"),
            Class::Crash { .. } => "crash".to_owned(),
            Class::Hang { .. } => "hang".to_owned(),
            Class::Classified => "classified".to_owned(),
            Class::Once => "once".to_owned(),
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |first: bool| if first { "the first engine" } else { "the second engine" };
        match self {
            Class::Values => f.write_str("other results"),
            Class::Ended { first, kind } => write!(f, "only {} ends with the error {kind}", side(*first)),
            Class::Kinds(a, b) => write!(f, "{a} against {b}"),
            Class::Traps(a, b) => write!(f, "the trap `{a}` against `{b}`"),
            Class::Crash { first } => write!(f, "{} crashes", side(*first)),
            Class::Hang { first } => write!(f, "{} hangs", side(*first)),
            Class::Classified => f.write_str("the engine and the specification's grammar differ"),
            Class::Once => f.write_str("a difference that is not shown again"),
        }
    }
}

/// How far two engines could be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Compared {
    /// They did the same.
    Same,
    /// They did the same up to this directive, where one of them reached a limit of its own.
    UpTo(usize),
    /// They differ.
    Differ(Difference),
}

/// Compares what two engines did, directive by directive.
pub(crate) fn compare(a: &[Seen], b: &[Seen]) -> Compared {
    let mut rest = (a, b);
    for (step, (a, b)) in a.iter().zip(b).enumerate() {
        rest = (rest.0.get(1..).unwrap_or_default(), rest.1.get(1..).unwrap_or_default());
        if let Some(class) = class(a, b) {
            return Compared::Differ(Difference { step, class, a: a.clone(), b: b.clone() });
        }
        if a.is_inconclusive() || b.is_inconclusive() || a.is_timeout() {
            return later_crash(step, rest).map_or(Compared::UpTo(step), Compared::Differ);
        }
    }
    Compared::Same
}

/// A crash in the directives after this one, which counts whatever is before it: results before a
/// crash may be unknown.
fn later_crash(step: usize, (a, b): (&[Seen], &[Seen])) -> Option<Difference> {
    let at = a.iter().zip(b).position(|(a, b)| a.is_crash() || b.is_crash())?;
    let (a, b) = (a.get(at)?.clone(), b.get(at)?.clone());
    let class = Class::Crash { first: a.is_crash() };
    Some(Difference { step: step + 1 + at, class, a, b })
}

fn class(a: &Seen, b: &Seen) -> Option<Class> {
    match (a, b) {
        (Seen::Crashed(_), _) => Some(Class::Crash { first: true }),
        (_, Seen::Crashed(_)) => Some(Class::Crash { first: false }),
        _ if a.is_timeout() && b.is_timeout() => None,
        _ if a.is_timeout() => Some(Class::Hang { first: true }),
        _ if b.is_timeout() => Some(Class::Hang { first: false }),
        _ if a.is_inconclusive() || b.is_inconclusive() => None,
        (Seen::Returned(a), Seen::Returned(b)) => (a != b).then_some(Class::Values),
        (Seen::Returned(_), Seen::Ended(kind, _)) => Some(Class::Ended { first: false, kind: kind.name() }),
        (Seen::Ended(kind, _), Seen::Returned(_)) => Some(Class::Ended { first: true, kind: kind.name() }),
        (Seen::Ended(ErrorKind::Trap, a), Seen::Ended(ErrorKind::Trap, b)) => traps::differ(a, b)
            .then(|| Class::Traps(traps::kind(a).unwrap_or("trap"), traps::kind(b).unwrap_or("trap"))),
        (Seen::Ended(a, _), Seen::Ended(b, _)) => {
            (!is_same(*a, *b)).then(|| Class::Kinds(a.name(), b.name()))
        }
        _ => None,
    }
}

/// Whether two kinds of errors are the same as far as both engines distinguish them.
fn is_same(a: ErrorKind, b: ErrorKind) -> bool {
    let refuses = |kind| matches!(kind, ErrorKind::Refused | ErrorKind::Malformed | ErrorKind::Invalid);
    a == b || a == ErrorKind::Refused && refuses(b) || b == ErrorKind::Refused && refuses(a)
}

#[cfg(test)]
mod tests {
    use wassay_script::value::Value;

    use super::*;

    fn returned(value: i32) -> Seen {
        Seen::Returned(vec![Value::I32(value)])
    }

    fn ended(kind: ErrorKind, text: &str) -> Seen {
        Seen::Ended(kind, text.to_owned())
    }

    #[test]
    fn values_errors_and_traps_are_distinguished() {
        let trap = || ended(ErrorKind::Trap, "unreachable");
        assert_eq!(class(&returned(1), &returned(1)), None);
        assert_eq!(class(&returned(1), &returned(2)), Some(Class::Values));
        assert_eq!(class(&returned(1), &trap()), Some(Class::Ended { first: false, kind: "trap" }));
        assert_eq!(class(&trap(), &returned(1)), Some(Class::Ended { first: true, kind: "trap" }));
        assert_eq!(class(&trap(), &ended(ErrorKind::Trap, "wasm trap: wasm `unreachable`")), None);
        let other = ended(ErrorKind::Trap, "integer overflow");
        assert_eq!(class(&trap(), &other), Some(Class::Traps("unreachable", "integer overflow")));
        let thrown = ended(ErrorKind::Exception, "");
        assert_eq!(class(&trap(), &thrown), Some(Class::Kinds("trap", "exception")));
    }

    #[test]
    fn an_engine_that_does_not_tell_malformed_from_invalid_agrees_with_both() {
        let [malformed, invalid, refused] =
            [ErrorKind::Malformed, ErrorKind::Invalid, ErrorKind::Refused].map(|kind| ended(kind, ""));
        assert_eq!(class(&malformed, &refused), None);
        assert_eq!(class(&refused, &invalid), None);
        assert_eq!(class(&malformed, &invalid), Some(Class::Kinds("malformed", "invalid")));
    }

    #[test]
    fn what_follows_a_limit_is_not_compared_and_a_crash_or_hang_always_counts() {
        let limit = || ended(ErrorKind::Limit, "");
        assert_eq!(compare(&[limit(), returned(1)], &[returned(3), returned(2)]), Compared::UpTo(0));
        let exhausted = ended(ErrorKind::Exhaustion, "");
        assert_eq!(compare(&[returned(1), exhausted], &[returned(1), limit()]), Compared::UpTo(1));
        let crashed = Seen::Crashed("signal 11".to_owned());
        let unknown = Seen::Unknown("not told".to_owned());
        let compared = compare(&[unknown, crashed.clone()], &[returned(1), returned(2)]);
        let Compared::Differ(difference) = compared else { panic!("{compared:?}") };
        assert_eq!((difference.step, difference.class), (1, Class::Crash { first: true }));
        assert_eq!(class(&limit(), &crashed), Some(Class::Crash { first: false }));
        let late = ended(ErrorKind::Timeout, "");
        assert_eq!(class(&late, &returned(1)), Some(Class::Hang { first: true }));
        assert_eq!(class(&late, &late), None);
    }
}
