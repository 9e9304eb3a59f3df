//! Clocks: `clock_res_get`, `clock_time_get`.

use rustix::time::{ClockId as SystemClock, Timespec, clock_getres, clock_gettime};

use super::Call;
use crate::abi::{ClockId, Out, Timestamp};
use crate::ctx::WasiCtx;
use crate::errno::Errno;

/// Writes how many nanoseconds the clock moves at a time (8 bytes). INVAL where there is no such clock.
pub(crate) fn clock_res_get(
    call: &mut Call<'_>,
    id: ClockId,
    resolution: Out<Timestamp>,
) -> Result<(), Errno> {
    let nanoseconds = match &call.ctx.clocks {
        Some(clocks) => clocks.resolution(id),
        None => nanoseconds(clock_getres(system(id))),
    };
    call.guest.write(resolution, Timestamp(nanoseconds))
}

/// Writes the clock's time in nanoseconds (8 bytes). INVAL where there is no such clock. It is always as precise as the clock is,
/// whatever `precision` would allow.
pub(crate) fn clock_time_get(
    call: &mut Call<'_>,
    id: ClockId,
    _precision: Timestamp,
    time: Out<Timestamp>,
) -> Result<(), Errno> {
    let now = now(call.ctx, id);
    call.guest.write(time, now)
}

/// A clock's time.
pub(super) fn now(ctx: &WasiCtx, id: ClockId) -> Timestamp {
    Timestamp(match &ctx.clocks {
        Some(clocks) => clocks.now(id),
        None => nanoseconds(clock_gettime(system(id))),
    })
}

fn system(id: ClockId) -> SystemClock {
    match id {
        ClockId::Realtime => SystemClock::Realtime,
        ClockId::Monotonic => SystemClock::Monotonic,
        ClockId::ProcessCpuTime => SystemClock::ProcessCPUTime,
        ClockId::ThreadCpuTime => SystemClock::ThreadCPUTime,
    }
}

fn nanoseconds(time: Timespec) -> u64 {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(time.tv_nsec).unwrap_or(0))
}
