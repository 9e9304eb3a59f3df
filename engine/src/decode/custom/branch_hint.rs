//! The branch hint section (appendix, "Branch Hints"), which tells for an `if` or `br_if` which arm
//! is likely.

use std::collections::HashMap;

use wasmparser::{
    BinaryReader, BranchHint, BranchHintSectionReader, CustomSectionReader, FunctionBody, Operator,
};

use super::fault::{invalid_custom, malformed_custom};
use super::outline::Outline;
use crate::error::{Error, Result};

/// The name of the section.
pub(super) const NAME: &str = "metadata.code.branch_hint";

/// The branch hints of a module, by function index and by the offset of the branch from the start
/// of the function's body.
#[derive(Debug, Default)]
pub(crate) struct BranchHints(HashMap<u32, HashMap<u64, bool>>);

impl BranchHints {
    /// Reads a section. A malformed section gives no hints. Hints only affect the order of code, so
    /// wrong hints are harmless.
    fn read(reader: BinaryReader<'_>) -> wasmparser::Result<BranchHints> {
        let mut hints = HashMap::new();
        for function in BranchHintSectionReader::new(reader)? {
            let function = function?;
            let of_function = function.hints.into_iter();
            let of_function =
                of_function.map(|hint| hint.map(|hint| (u64::from(hint.func_offset), hint.taken)));
            hints.insert(function.func, of_function.collect::<wasmparser::Result<_>>()?);
        }
        Ok(BranchHints(hints))
    }

    /// Adds the hints of a custom section, if it is a branch hint section.
    pub(in crate::decode) fn take(&mut self, section: &CustomSectionReader<'_>) {
        if section.name() == NAME {
            *self = BranchHints::read(section.data_reader()).unwrap_or_default();
        }
    }

    /// The hints of a function: whether a branch is likely taken, or the condition of an `if`
    /// likely true.
    pub(crate) fn of(&self, function: u32) -> Option<&HashMap<u64, bool>> {
        self.0.get(&function)
    }
}

/// Checks the contents of a branch hint section.
pub(super) fn check(reader: BinaryReader<'_>, module: &Outline<'_>) -> Result<()> {
    let (mut invalid, mut before) = (None, None);
    let section = BranchHintSectionReader::new(reader).map_err(malformed)?;
    for function in section.into_iter_with_offsets() {
        let (at, function) = function.map_err(malformed)?;
        let hints: Vec<(u64, BranchHint)> =
            function.hints.into_iter_with_offsets().collect::<wasmparser::Result<_>>().map_err(malformed)?;
        if before.is_some_and(|before| function.func <= before) {
            let message = format!("function {} is repeated or out of order", function.func);
            return Err(malformed_custom(NAME, &message, at));
        }
        before = Some(function.func);
        let Some(body) = module.body(function.func) else {
            let message = format!("no function {} with a body", function.func);
            invalid.get_or_insert_with(|| invalid_custom(NAME, &message, at));
            continue;
        };
        if let Some(error) = check_hints(&hints, body)? {
            invalid.get_or_insert(error);
        }
    }
    invalid.map_or(Ok(()), Err)
}

/// Checks the hints of a function. Returns the first invalid hint, and fails if a hint is
/// malformed.
fn check_hints(hints: &[(u64, BranchHint)], body: &FunctionBody<'_>) -> Result<Option<Error>> {
    let targets = instructions(body).map_err(malformed)?;
    let (mut invalid, mut before) = (None, None);
    for (at, hint) in hints {
        let Some(is_branch) = targets.get(&hint.func_offset) else {
            let message = format!("no instruction begins at offset {:#x} of the function", hint.func_offset);
            return Err(malformed_custom(NAME, &message, *at));
        };
        if before.is_some_and(|before| hint.func_offset <= before) {
            let message = "invalid order: hints must be sorted by offset, without duplicates";
            invalid.get_or_insert_with(|| invalid_custom(NAME, message, *at));
        }
        before = Some(hint.func_offset);
        if !is_branch {
            let message = "invalid target: expected an `if` or a `br_if`";
            invalid.get_or_insert_with(|| invalid_custom(NAME, message, *at));
        }
    }
    Ok(invalid)
}

/// The offset of each instruction from the start of a function's body, with whether a hint can
/// apply to it.
fn instructions(body: &FunctionBody<'_>) -> wasmparser::Result<HashMap<u32, bool>> {
    let mut found = HashMap::new();
    let mut operators = body.get_operators_reader()?;
    while !operators.eof() {
        let (operator, offset) = operators.read_with_offset()?;
        let is_branch = matches!(operator, Operator::If { .. } | Operator::BrIf { .. });
        if let Ok(offset) = u32::try_from(offset - body.range().start) {
            found.insert(offset, is_branch);
        }
    }
    Ok(found)
}

fn malformed(error: wasmparser::Error) -> Error {
    malformed_custom(NAME, error.message(), error.offset())
}
