//! Function bodies of a decoded module, which can be compiled at any time.

use std::fmt;
use std::ops::Range;

use wasmparser::{BinaryReader, FuncToValidate, FunctionBody, ValidatorResources, WasmFeatures};

use super::info::ModuleInfo;

/// A function body that has not been validated and translated yet.
pub(crate) type PendingBody<'a> = (FuncToValidate<ValidatorResources>, FunctionBody<'a>);

/// The locations of a module's function bodies, by position among the functions that it defines.
pub(crate) struct Bodies {
    ranges: Box<[Range<usize>]>,
    /// The validator's data on the module, which is needed to translate a body; `None` if there are
    /// no bodies.
    resources: Option<(ValidatorResources, WasmFeatures)>,
}

impl fmt::Debug for Bodies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bodies").field("count", &self.ranges.len()).finish_non_exhaustive()
    }
}

impl Bodies {
    /// Records the locations of decoded bodies.
    pub(crate) fn of(pending: &[PendingBody<'_>]) -> Bodies {
        let range = |body: &FunctionBody<'_>| body.range().start as usize..body.range().end as usize;
        let ranges = pending.iter().map(|(_, body)| range(body)).collect();
        let resources = pending.first().map(|(func, _)| (func.resources.clone(), func.features));
        Bodies { ranges, resources }
    }

    /// The number of bodies.
    pub(crate) fn len(&self) -> usize {
        self.ranges.len()
    }

    /// The range of a body in the bytes of the module.
    pub(crate) fn range(&self, position: usize) -> Option<Range<usize>> {
        self.ranges.get(position).cloned()
    }

    /// Returns the body at a position, given the module's bytes and sections.
    pub(crate) fn pending<'a>(
        &self,
        position: usize,
        bytes: &'a [u8],
        info: &ModuleInfo,
    ) -> Option<PendingBody<'a>> {
        let range = self.range(position)?;
        let (resources, features) = self.resources.as_ref()?;
        let function = info.imported.functions + position;
        let reader = BinaryReader::new(bytes.get(range.clone())?, range.start as u64);
        let (index, ty) = (function as u32, *info.functions.get(function)?);
        let func = FuncToValidate { resources: resources.clone(), index, ty, features: *features };
        Some((func, FunctionBody::new(reader)))
    }
}
