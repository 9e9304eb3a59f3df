//! Bulk instructions (core spec, sections 4.6.7 and 4.6.8).

use super::Translator;
use crate::abi::builtin::Builtin;

impl Translator<'_, '_> {
    /// Translates an instruction with three operands, preceded by one or two immediates.
    pub(super) fn bulk(&mut self, builtin: Builtin, immediates: &[u32]) {
        let (first, second, third) = self.pop3();
        let mut args: Vec<_> = immediates.iter().map(|immediate| self.immediate(*immediate)).collect();
        args.extend([first, second, third]);
        self.call_builtin(builtin, &args);
    }

    /// Drops a segment.
    pub(super) fn drop_segment(&mut self, builtin: Builtin, segment: u32) {
        let segment = self.immediate(segment);
        self.call_builtin(builtin, &[segment]);
    }
}
