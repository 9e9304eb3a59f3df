//! Where the function bodies of a module are, to be read at any time.

use std::fmt;
use std::ops::Range;

use wasmparser::{BinaryReader, FuncToValidate, FunctionBody, ValidatorResources, WasmFeatures};

use super::info::ModuleInfo;

/// A function body that waits for validation and translation.
pub(crate) type PendingBody<'a> = (FuncToValidate<ValidatorResources>, FunctionBody<'a>);

/// The function bodies of a module, by their position among the functions that it defines.
pub(crate) struct Bodies {
    ranges: Box<[Range<usize>]>,
    /// What validation knows of the module, which the translation of a body asks for types. It is
    /// there if there is a body.
    resources: Option<(ValidatorResources, WasmFeatures)>,
}

impl fmt::Debug for Bodies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bodies").field("count", &self.ranges.len()).finish_non_exhaustive()
    }
}

impl Bodies {
    /// Remembers bodies that were decoded.
    pub(crate) fn of(pending: &[PendingBody<'_>]) -> Bodies {
        let range = |body: &FunctionBody<'_>| body.range().start as usize..body.range().end as usize;
        let ranges = pending.iter().map(|(_, body)| range(body)).collect();
        let resources = pending.first().map(|(func, _)| (func.resources.clone(), func.features));
        Bodies { ranges, resources }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.ranges.len()
    }

    /// Where a body is in the bytes of the module.
    pub(crate) fn range(&self, position: usize) -> Option<Range<usize>> {
        self.ranges.get(position).cloned()
    }

    /// A body, given the bytes that it was decoded from and what they say; `None` where there are
    /// not that many.
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
