//! Type tests that one comparison does not answer (core spec, section 3.3.3, "Matching", heap
//! types).

use crate::error::Result;
use crate::runtime::StoreState;

/// Two numbers of types; gives 1 if the first is below the second, else 0.
pub(super) fn is_subtype(store: &mut StoreState, _: usize, [sub, sup, ..]: [u64; 5]) -> Result<u64> {
    let types = store.engine().types();
    let below = types.is_subtype(types.id(sub as u32), types.id(sup as u32));
    Ok(u64::from(below))
}
