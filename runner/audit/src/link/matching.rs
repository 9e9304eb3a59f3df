//! Matching of external types (core spec, section 3.2): how a value matches an import, or why not.

use super::kinds::{Match, Mismatch};
use super::types::{Item, Limits, Types};

/// The result of matching an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// It matches in this way.
    Is(Match),
    /// It does not match, for this reason.
    Not(Mismatch),
}

/// The names of the differences of limits, for memories or tables.
struct LimitFaults {
    minimum: Mismatch,
    unlimited: Mismatch,
    maximum: Mismatch,
    larger: Match,
    limited: Match,
    smaller: Match,
    same: Match,
}

const MEMORY: LimitFaults = LimitFaults {
    minimum: Mismatch::MemoryMinimum,
    unlimited: Mismatch::MemoryUnlimited,
    maximum: Mismatch::MemoryMaximum,
    larger: Match::MemoryLarger,
    limited: Match::MemoryLimited,
    smaller: Match::MemoryMaximumSmaller,
    same: Match::SameMemory,
};

const TABLE: LimitFaults = LimitFaults {
    minimum: Mismatch::TableMinimum,
    unlimited: Mismatch::TableUnlimited,
    maximum: Mismatch::TableMaximum,
    larger: Match::TableLarger,
    limited: Match::TableLimited,
    smaller: Match::TableMaximumSmaller,
    same: Match::SameTable,
};

/// Matches a value's type with an import's type. The first difference determines the result.
pub(crate) fn fits(given: &Item, wanted: &Item, types: &Types) -> Fit {
    match (given, wanted) {
        (Item::Function(given), Item::Function(wanted)) => function(*given, *wanted, types),
        (Item::Table { element, limits }, Item::Table { element: of, limits: within }) => {
            if limits.is_64 != within.is_64 {
                Fit::Not(Mismatch::TableAddress)
            } else if element != of {
                Fit::Not(Mismatch::TableElement)
            } else {
                of_limits(*limits, *within, &TABLE)
            }
        }
        (
            Item::Memory { shared, page, limits },
            Item::Memory { shared: is_shared, page: of, limits: within },
        ) => match (shared, is_shared) {
            (true, false) => Fit::Not(Mismatch::MemoryShared),
            (false, true) => Fit::Not(Mismatch::MemoryUnshared),
            _ if limits.is_64 != within.is_64 => Fit::Not(Mismatch::MemoryAddress),
            _ if page != of => Fit::Not(Mismatch::MemoryPage),
            _ => of_limits(*limits, *within, &MEMORY),
        },
        (Item::Global { mutable, content }, Item::Global { mutable: is_mutable, content: of }) => {
            match (mutable, is_mutable) {
                (true, false) => Fit::Not(Mismatch::GlobalMutable),
                (false, true) => Fit::Not(Mismatch::GlobalImmutable),
                (true, true) if content != of => Fit::Not(Mismatch::VariableType),
                // Whether it is a subtype is decided by whether the module links.
                (false, false) if content != of => Fit::Not(Mismatch::ConstantType),
                (true, true) => Fit::Is(Match::SameVariable),
                (false, false) => Fit::Is(Match::SameConstant),
            }
        }
        (Item::Tag(given), Item::Tag(wanted)) => tag(*given, *wanted, types),
        (_, Item::Function(_)) => Fit::Not(Mismatch::NotFunction),
        (_, Item::Table { .. }) => Fit::Not(Mismatch::NotTable),
        (_, Item::Memory { .. }) => Fit::Not(Mismatch::NotMemory),
        (_, Item::Global { .. }) => Fit::Not(Mismatch::NotGlobal),
        (_, Item::Tag(_)) => Fit::Not(Mismatch::NotTag),
    }
}

fn of_limits(given: Limits, wanted: Limits, faults: &LimitFaults) -> Fit {
    if given.minimum < wanted.minimum {
        return Fit::Not(faults.minimum);
    }
    match (given.maximum, wanted.maximum) {
        (None, Some(_)) => return Fit::Not(faults.unlimited),
        (Some(given), Some(wanted)) if given > wanted => return Fit::Not(faults.maximum),
        _ => {}
    }
    Fit::Is(match (given.maximum, wanted.maximum) {
        _ if given.minimum > wanted.minimum => faults.larger,
        (Some(_), None) => faults.limited,
        (Some(given), Some(wanted)) if given < wanted => faults.smaller,
        _ => faults.same,
    })
}

fn function(given: u32, wanted: u32, types: &Types) -> Fit {
    if given == wanted {
        return Fit::Is(Match::SameFunction);
    }
    if types.is_below(given, wanted) {
        return Fit::Is(Match::FunctionSubtype);
    }
    if types.is_below(wanted, given) {
        return Fit::Not(Mismatch::FunctionSupertype);
    }
    Fit::Not(match (types.signature(given), types.signature(wanted)) {
        (Some((params, _)), Some((other, _))) if params != other => Mismatch::Parameters,
        (Some((_, results)), Some((_, other))) if results != other => Mismatch::Results,
        _ => Mismatch::FunctionIdentity,
    })
}

fn tag(given: u32, wanted: u32, types: &Types) -> Fit {
    match given == wanted {
        true => Fit::Is(Match::SameTag),
        false if types.signature(given) != types.signature(wanted) => Fit::Not(Mismatch::TagParameters),
        false => Fit::Not(Mismatch::TagIdentity),
    }
}

#[cfg(test)]
mod tests {
    use wassay_script::quoted;

    use super::*;

    /// Matches the import of one module with the export `x` of another.
    fn fit(export: &str, import: &str) -> Fit {
        let mut types = Types::default();
        let given = quoted(format!("(module {export})").as_bytes()).unwrap();
        let wanted = quoted(format!("(module {import})").as_bytes()).unwrap();
        let (_, exports) = types.interface(&given).unwrap();
        let (imports, _) = types.interface(&wanted).unwrap();
        fits(&exports["x"], &imports[0].2, &types)
    }

    #[test]
    fn the_first_difference_counts() {
        for (export, import, expected) in [
            ("(memory (export \"x\") 1 2)", "(import \"\" \"\" (memory 1 2))", Fit::Is(Match::SameMemory)),
            ("(memory (export \"x\") 2 2)", "(import \"\" \"\" (memory 1 2))", Fit::Is(Match::MemoryLarger)),
            ("(memory (export \"x\") 1 2)", "(import \"\" \"\" (memory 1))", Fit::Is(Match::MemoryLimited)),
            (
                "(memory (export \"x\") 1 2)",
                "(import \"\" \"\" (memory 2 2))",
                Fit::Not(Mismatch::MemoryMinimum),
            ),
            (
                "(memory (export \"x\") 1)",
                "(import \"\" \"\" (memory 1 2))",
                Fit::Not(Mismatch::MemoryUnlimited),
            ),
            (
                "(memory (export \"x\") 1 3)",
                "(import \"\" \"\" (memory 1 2))",
                Fit::Not(Mismatch::MemoryMaximum),
            ),
            (
                "(memory (export \"x\") i64 1)",
                "(import \"\" \"\" (memory 1))",
                Fit::Not(Mismatch::MemoryAddress),
            ),
            ("(memory (export \"x\") 1)", "(import \"\" \"\" (func))", Fit::Not(Mismatch::NotFunction)),
            (
                "(table (export \"x\") 1 externref)",
                "(import \"\" \"\" (table 1 funcref))",
                Fit::Not(Mismatch::TableElement),
            ),
            (
                "(global (export \"x\") (mut i32) (i32.const 0))",
                "(import \"\" \"\" (global i32))",
                Fit::Not(Mismatch::GlobalMutable),
            ),
            (
                "(tag (export \"x\"))",
                "(import \"\" \"\" (tag (param i32)))",
                Fit::Not(Mismatch::TagParameters),
            ),
        ] {
            assert_eq!(fit(export, import), expected, "{export} as {import}");
        }
    }

    #[test]
    fn function_types_are_the_same_by_their_groups() {
        let export = |types: &str| format!("{types} (func (export \"x\") (type $t))");
        let import = |types: &str| format!("{types} (import \"\" \"\" (func (type $t)))");
        let plain = "(type $t (func))";
        let in_group = "(rec (type (struct)) (type $t (func)))";
        let open = "(type $t (sub (func)))";
        let below = "(type $s (sub (func))) (type $t (sub $s (func)))";
        for (given, wanted, expected) in [
            (plain, plain, Fit::Is(Match::SameFunction)),
            (in_group, in_group, Fit::Is(Match::SameFunction)),
            (in_group, plain, Fit::Not(Mismatch::FunctionIdentity)),
            (below, open, Fit::Is(Match::FunctionSubtype)),
            (open, below, Fit::Not(Mismatch::FunctionSupertype)),
            ("(type $t (func (param i32)))", plain, Fit::Not(Mismatch::Parameters)),
            ("(type $t (func (result i32)))", plain, Fit::Not(Mismatch::Results)),
        ] {
            assert_eq!(fit(&export(given), &import(wanted)), expected, "{given} as {wanted}");
        }
        let recursive = "(rec (type $t (func (param (ref null $t)))))";
        assert_eq!(fit(&export(recursive), &import(recursive)), Fit::Is(Match::SameFunction));
    }
}
