//! Type tests that one comparison does not answer (core spec, section 3.3.3, "Matching", heap types).

use crate::error::Result;
use crate::runtime::StoreState;
use crate::types::TypeId;

/// Two numbers of types; gives 1 if the first is below the second, else 0.
pub(super) fn is_subtype(store: &mut StoreState, _: usize, [sub, sup, ..]: [u64; 5]) -> Result<u64> {
    let below = store.engine().types().is_subtype(TypeId(sub as u32), TypeId(sup as u32));
    Ok(u64::from(below))
}
