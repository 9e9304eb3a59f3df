//! Faults in instantiation, and in sharing between instances.

mod append;
mod segments;
mod sharing;

use serde::Deserialize;
use wasm_encoder::{Encode, Instruction, StartSection};
use wasmparser::{BinaryReader, TypeRef};

pub(crate) use self::append::append;
use self::append::count;
use self::segments::{Applied, Segments};
use self::sharing::{Kind, exported_copied, imported_copied};
use crate::module::{CODE, FUNCTION, START, Sections, TYPE};

/// A fault in instantiation or sharing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// The start function is not run.
    StartNotRun,
    /// The start function is run twice.
    StartRunTwice,
    /// Active data segments are not copied to their memory.
    DataNotApplied,
    /// Active element segments are not copied to their table.
    ElementsNotApplied,
    /// Active data segments are copied after the start function has run.
    DataAppliedLate,
    /// Active element segments are copied after the start function has run.
    ElementsAppliedLate,
    /// Active data segments are copied in the reverse order.
    DataReversed,
    /// Active element segments are copied in the reverse order.
    ElementsReversed,
    /// Active data segments are copied before the active element segments.
    DataBeforeElements,
    /// Active data segments are not dropped after they are copied.
    DataNotDropped,
    /// Active element segments are not dropped after they are copied.
    ElementsNotDropped,
    /// Declarative element segments are not dropped.
    DeclaredNotDropped,
    /// All active data segments are checked before the first is copied, so that a failed
    /// instantiation has no effects.
    DataCheckedFirst,
    /// All active element segments are checked before the first is copied.
    ElementsCheckedFirst,
    /// An active data segment is cut off at the end of the memory instead of trapping.
    DataTruncated,
    /// An imported memory is a new one of the same type.
    ImportedMemoryCopied,
    /// An imported table is a new one of the same type.
    ImportedTableCopied,
    /// An imported mutable global is a new one of the same type, with its default value.
    ImportedGlobalCopied,
    /// An imported tag is a new one of the same type.
    ImportedTagCopied,
    /// An exported memory is a new one of the same type.
    ExportedMemoryCopied,
    /// An exported table is a new one of the same type.
    ExportedTableCopied,
    /// An exported global is a new one with the same initial value.
    ExportedGlobalCopied,
    /// An exported tag is a new one of the same type.
    ExportedTagCopied,
    /// The initial value of a table is ignored.
    TableValueIgnored,
}

impl State {
    /// Rewrites a module with the fault. Returns `None` if the fault does not affect the module.
    pub(crate) fn apply(self, module: &[u8]) -> Option<Vec<u8>> {
        let mut sections = Sections::read(module)?;
        let mut segments = Segments::read(&sections)?;
        match self {
            State::StartNotRun => {
                start_function(&sections)?;
                sections.set(START, None);
            }
            State::StartRunTwice => {
                start_function(&sections)?;
                add_start(&mut sections, |start| [call(start), call(start)].concat())?;
            }
            State::DataNotApplied => segments.data.retire(Applied::Never)?,
            State::ElementsNotApplied => segments.elements.retire(Applied::Never)?,
            State::DataAppliedLate => {
                start_function(&sections)?;
                segments.data.retire(Applied::AfterStart)?;
            }
            State::ElementsAppliedLate => {
                start_function(&sections)?;
                segments.elements.retire(Applied::AfterStart)?;
            }
            State::DataReversed => segments.data.retire(Applied::Reversed)?,
            State::ElementsReversed => segments.elements.retire(Applied::Reversed)?,
            State::DataBeforeElements => {
                segments.data.retire(Applied::First)?;
                segments.elements.retire(Applied::BeforeStart)?;
            }
            State::DataNotDropped => segments.data.retire(Applied::Kept)?,
            State::ElementsNotDropped => segments.elements.retire(Applied::Kept)?,
            State::DeclaredNotDropped => segments.elements.keep_declared()?,
            State::DataCheckedFirst => segments.data.retire(Applied::Checked)?,
            State::ElementsCheckedFirst => segments.elements.retire(Applied::Checked)?,
            State::DataTruncated => segments.data.retire(Applied::Truncated)?,
            State::ImportedMemoryCopied => imported_copied(&mut sections, Kind::Memory)?,
            State::ImportedTableCopied => imported_copied(&mut sections, Kind::Table)?,
            State::ImportedGlobalCopied => imported_copied(&mut sections, Kind::Global)?,
            State::ImportedTagCopied => imported_copied(&mut sections, Kind::Tag)?,
            State::ExportedMemoryCopied => exported_copied(&mut sections, Kind::Memory)?,
            State::ExportedTableCopied => exported_copied(&mut sections, Kind::Table)?,
            State::ExportedGlobalCopied => exported_copied(&mut sections, Kind::Global)?,
            State::ExportedTagCopied => exported_copied(&mut sections, Kind::Tag)?,
            State::TableValueIgnored => sharing::table_value_ignored(&mut sections)?,
        }
        if segments.is_changed() {
            let (before, after) = segments.code();
            segments.write(&mut sections);
            if !before.is_empty() || !after.is_empty() {
                add_start(&mut sections, |start| [before, call(start), after].concat())?;
            }
        }
        Some(sections.write())
    }
}

/// Encodes a call of the function, if there is one.
fn call(function: Option<u32>) -> Vec<u8> {
    let mut code = Vec::new();
    if let Some(function) = function {
        Instruction::Call(function).encode(&mut code);
    }
    code
}

fn start_function(sections: &Sections<'_>) -> Option<u32> {
    BinaryReader::new(sections.get(START)?, 0).read_var_u32().ok()
}

/// Adds a new start function. `code` gets the original one and returns the body.
fn add_start(sections: &mut Sections<'_>, code: impl FnOnce(Option<u32>) -> Vec<u8>) -> Option<()> {
    let start = start_function(sections);
    let imported = sections.imports()?;
    let is_function = |ty: &TypeRef| matches!(ty, TypeRef::Func(_) | TypeRef::FuncExact(_));
    let imported = imported.iter().filter(|(_, _, ty)| is_function(ty)).count();
    let function = u32::try_from(imported).ok()? + count(sections, FUNCTION);
    let ty = u32::try_from(sections.parameters()?.len()).ok()?;
    let mut index = Vec::new();
    ty.encode(&mut index);
    append(sections, TYPE, &[0x60, 0, 0]);
    append(sections, FUNCTION, &index);
    let mut body = vec![0];
    body.extend(code(start));
    body.push(0x0b);
    let mut sized = Vec::new();
    body.encode(&mut sized);
    append(sections, CODE, &sized);
    sections.set_encoded(START, &StartSection { function_index: function });
    Some(())
}

#[cfg(test)]
mod tests {
    use wasmparser::Validator;
    use wassay_script::quoted;

    use super::*;

    fn applied(state: State, module: &str) -> Option<Vec<u8>> {
        let altered = state.apply(&quoted(module.as_bytes()).unwrap())?;
        Validator::new().validate_all(&altered).unwrap();
        Some(altered)
    }

    fn becomes(state: State, module: &str, expected: &str) {
        // Without custom sections.
        let expected = Sections::read(&quoted(expected.as_bytes()).unwrap()).unwrap().write();
        assert_eq!(applied(state, module), Some(expected), "{state:?}");
    }

    #[test]
    fn the_start_function_is_not_run_or_run_twice() {
        becomes(State::StartNotRun, "(module (func $f) (start $f))", "(module (func $f))");
        becomes(
            State::StartRunTwice,
            "(module (type (func)) (func $f (type 0)) (start $f))",
            "(module (type (func)) (type (func)) (func $f (type 0)) (func (type 1) (call $f) (call $f)) (start 1))",
        );
        assert_eq!(applied(State::StartNotRun, "(module (func $f))"), None);
    }

    #[test]
    fn active_segments_become_code_of_the_start_function() {
        becomes(
            State::DataAppliedLate,
            "(module (type (func)) (memory 1) (data (i32.const 7) \"abc\") (data \"x\") (func $f (type 0)) (start $f))",
            "(module (type (func)) (type (func)) (memory 1) (data \"abc\") (data \"x\") (func $f (type 0))
               (func (type 1) (call $f) (memory.init 0 (i32.const 7) (i32.const 0) (i32.const 3)) (data.drop 0)) (start 1))",
        );
        becomes(
            State::ElementsNotDropped,
            "(module (table 1 funcref) (elem (i32.const 0) func $f) (func $f))",
            "(module (type (func)) (type (func)) (table 1 funcref) (elem func $f) (func $f (type 0))
               (func (type 1) (table.init 0 (i32.const 0) (i32.const 0) (i32.const 1))) (start 1))",
        );
        becomes(
            State::DataNotApplied,
            "(module (memory 1) (data (i32.const 7) \"abc\"))",
            "(module (memory 1) (data \"abc\"))",
        );
    }

    #[test]
    fn every_state_leaves_a_module_valid() {
        let module = "(module (import \"m\" \"m\" (memory 1)) (import \"m\" \"g\" (global (mut i32))) (import \"m\" \"t\" (table 1 funcref)) (import \"m\" \"e\" (tag))
            (memory 2) (table 3 (ref func) (ref.func $f)) (table 2 funcref (ref.func $f)) (global i32 (i32.const 4)) (tag (param i32))
            (export \"a\" (memory 0)) (export \"b\" (memory 1)) (export \"c\" (table 1)) (export \"d\" (global 0)) (export \"e\" (global 1)) (export \"f\" (tag 0)) (export \"g\" (table 2))
            (elem (i32.const 0) func $f $f) (elem (table 1) (i32.const 1) (ref func) (ref.func $f)) (elem declare func $f)
            (data (i32.const 7) \"abc\") (data (memory 1) (i32.const 7) \"abc\") (func $f) (start $f))";
        for state in [
            State::StartNotRun,
            State::StartRunTwice,
            State::DataNotApplied,
            State::ElementsNotApplied,
            State::DataAppliedLate,
            State::ElementsAppliedLate,
            State::DataReversed,
            State::ElementsReversed,
            State::DataBeforeElements,
            State::DataNotDropped,
            State::ElementsNotDropped,
            State::DeclaredNotDropped,
            State::DataCheckedFirst,
            State::ElementsCheckedFirst,
            State::DataTruncated,
            State::ImportedMemoryCopied,
            State::ImportedTableCopied,
            State::ImportedGlobalCopied,
            State::ImportedTagCopied,
            State::ExportedMemoryCopied,
            State::ExportedTableCopied,
            State::ExportedGlobalCopied,
            State::ExportedTagCopied,
            State::TableValueIgnored,
        ] {
            assert!(applied(state, module).is_some(), "{state:?}");
            assert_eq!(applied(state, "(module)"), None, "{state:?}");
        }
    }
}
