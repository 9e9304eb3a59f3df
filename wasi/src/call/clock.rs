//! Clocks: `clock_res_get`, `clock_time_get`.

use rustix::time::{ClockId as SystemClock, Timespec, clock_getres, clock_gettime};

use crate::abi::{ClockId, Out, Timestamp};
use crate::calling::Call;
use crate::ctx::WasiCtx;
use crate::errno::Errno;

/// Writes the resolution of the clock in nanoseconds (8 bytes). INVAL if the clock is unknown.
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

/// Writes the time of the clock in nanoseconds (8 bytes), always as precisely as the clock can:
/// `precision` is ignored. INVAL if the clock is unknown.
pub(crate) fn clock_time_get(
    call: &mut Call<'_>,
    id: ClockId,
    _precision: Timestamp,
    time: Out<Timestamp>,
) -> Result<(), Errno> {
    let now = now(call.ctx, id);
    call.guest.write(time, now)
}

/// The current time of a clock.
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
