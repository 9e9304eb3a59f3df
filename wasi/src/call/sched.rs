//! Scheduling: `sched_yield`.

use crate::calling::Call;
use crate::errno::Errno;

/// Yields the processor to other threads.
pub(crate) fn sched_yield(_call: &mut Call<'_>) -> Result<(), Errno> {
    std::thread::yield_now();
    Ok(())
}
