//! `sched_yield`.

use super::Call;
use crate::errno::Errno;

/// Lets other threads run.
pub(crate) fn sched_yield(_call: &mut Call<'_>) -> Result<(), Errno> {
    std::thread::yield_now();
    Ok(())
}
