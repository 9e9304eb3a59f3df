//! Waiting for descriptors and clocks: `poll_oneoff`.

use std::os::fd::BorrowedFd;

use rustix::event::{PollFd, PollFlags};
use smallvec::SmallVec;
use wassay_engine::Deadline;

use super::{clock, wait};
use crate::abi::flags::Rights;
use crate::abi::layout::{Layout, number};
use crate::abi::{Address, ClockId, Event, EventRwFlags, EventType, Fd, FileType, Out, SubclockFlags};
use crate::calling::{Call, Stop};
use crate::ctx::WasiCtx;
use crate::entry::{Entry, Kind};
use crate::errno::Errno;

/// The limit on the number of subscriptions of a call.
const MAX_SUBSCRIPTIONS: u32 = 4096;

/// The offsets of the fields of a `subscription`. In both previews, the userdata is at 0, the type
/// at 8 and the descriptor at 16.
#[derive(Debug)]
pub(crate) struct SubscriptionLayout {
    pub(crate) size: usize,
    pub(crate) clock: usize,
    pub(crate) timeout: usize,
    pub(crate) flags: usize,
}

/// A `subscription` of preview 1 (48 bytes).
const SUBSCRIPTION: SubscriptionLayout = SubscriptionLayout { size: 48, clock: 16, timeout: 24, flags: 40 };

/// A list with one item for each subscription, which are usually few.
type Few<T> = SmallVec<[T; 8]>;

/// A decoded subscription.
#[derive(Clone, Copy, Debug)]
struct Subscription {
    userdata: u64,
    on: Condition,
}

#[derive(Clone, Copy, Debug)]
enum Condition {
    /// A clock, with the nanoseconds left until the timeout.
    Clock(u64),
    Descriptor(Fd, EventType),
}

/// Waits until at least one subscription is ready. Writes an event (32 bytes) for each ready
/// subscription, in the order of the subscriptions, and the number of events (4 bytes).
///
/// A descriptor is ready if reading or writing would not block, whether or not it would succeed.
/// Errors of a descriptor are reported in its event: BADF, also for a pipe or socket that is not
/// open for reading or writing; NOTCAPABLE without `poll_fd_readwrite` and `fd_read` or `fd_write`.
/// As with `poll` in POSIX, files and devices are always ready for both, whatever their access
/// mode. `nbytes` is the number of bytes available for reading, as far as it is known; `hangup` is
/// set if the peer has closed the connection.
///
/// Errors: INVAL if there are no subscriptions or more than 4096, or if the type, clock or flags of
/// one are undefined; NOTSUP for a clock of processor time.
pub(crate) fn poll_oneoff(
    call: &mut Call<'_>,
    subscriptions: Address,
    events: Out<Event>,
    count: u32,
    nevents: Out<u32>,
) -> Result<(), Stop> {
    poll(call, &SUBSCRIPTION, subscriptions, events, count, nevents)
}

/// `poll_oneoff` with subscriptions of this layout.
pub(crate) fn poll(
    call: &mut Call<'_>,
    layout: &SubscriptionLayout,
    subscriptions: Address,
    events: Out<Event>,
    count: u32,
    nevents: Out<u32>,
) -> Result<(), Stop> {
    let input = call.guest.array(subscriptions.0, count, layout.size, 8)?;
    call.guest.array(events.address, count, Event::SIZE, Event::ALIGN)?;
    call.guest.check(nevents)?;
    if count == 0 || count > MAX_SUBSCRIPTIONS {
        return Err(Errno::Inval.into());
    }
    let bytes = call.guest.all(input);
    let parsed = bytes.chunks_exact(layout.size).map(|bytes| parse(call.ctx, layout, bytes));
    let parsed = parsed.collect::<Result<Few<_>, _>>()?;
    let ready = wait_for_events(call.ctx, &parsed, call.deadline)?;
    for (index, event) in ready.iter().enumerate() {
        call.guest.write(Out::new(events.address + (index * Event::SIZE) as u32), *event)?;
    }
    Ok(call.guest.write(nevents, ready.len() as u32)?)
}

fn parse(ctx: &WasiCtx, layout: &SubscriptionLayout, bytes: &[u8]) -> Result<Subscription, Errno> {
    let on = match EventType::from_code(number::<1>(bytes, 8) as u32)? {
        EventType::Clock => {
            let id = ClockId::from_code(number::<4>(bytes, layout.clock) as u32)?;
            let flags = number::<2>(bytes, layout.flags) as u16;
            let flags = SubclockFlags::from_bits(flags).ok_or(Errno::Inval)?;
            if matches!(id, ClockId::ProcessCpuTime | ClockId::ThreadCpuTime) {
                return Err(Errno::NotSup);
            }
            let timeout = number::<8>(bytes, layout.timeout);
            match flags.contains(SubclockFlags::ABSTIME) {
                true => Condition::Clock(timeout.saturating_sub(clock::now(ctx, id).0)),
                false => Condition::Clock(timeout),
            }
        }
        way => Condition::Descriptor(Fd(number::<4>(bytes, 16) as u32), way),
    };
    Ok(Subscription { userdata: number::<8>(bytes, 0), on })
}

/// Waits, and returns the events.
fn wait_for_events(
    ctx: &WasiCtx,
    subscriptions: &[Subscription],
    deadline: Option<Deadline>,
) -> Result<Few<Event>, Stop> {
    let states: Few<State<'_>> = subscriptions.iter().map(|subscription| state(ctx, subscription)).collect();
    let mut polled: Few<PollFd<'_>> = states.iter().filter_map(State::poll).collect();
    let timeout = states.iter().filter_map(State::timeout).min();
    let ready = wait::poll(&mut polled, timeout, deadline)?;
    let mut polled = polled.iter();
    let mut events = Few::new();
    for (subscription, state) in subscriptions.iter().zip(&states) {
        let way = match subscription.on {
            Condition::Clock(..) => EventType::Clock,
            Condition::Descriptor(_, way) => way,
        };
        let event = match state {
            State::Clock(left) => {
                let elapsed = *left == 0 || (ready == 0 && Some(*left) == timeout);
                elapsed.then_some((Errno::Success, 0, false))
            }
            State::Ready(errno, bytes, hangup) => Some((*errno, *bytes, *hangup)),
            State::Pending(fd, _) => {
                let flags = polled.next().map_or(PollFlags::empty(), PollFd::revents);
                readiness(*fd, way, flags)
            }
        };
        if let Some((error, bytes, hangup)) = event {
            let flags = if hangup { EventRwFlags::HANGUP } else { EventRwFlags::empty() };
            events.push(Event { userdata: subscription.userdata, error, event_type: way, bytes, flags });
        }
    }
    Ok(events)
}

/// The state of a subscription before the wait.
#[derive(Debug)]
enum State<'a> {
    /// A clock, with the nanoseconds left until the timeout.
    Clock(u64),
    /// Ready already: the error, the number of bytes, and whether the peer has closed the
    /// connection.
    Ready(Errno, u64, bool),
    /// To be polled for.
    Pending(BorrowedFd<'a>, PollFlags),
}

impl<'a> State<'a> {
    fn poll(&self) -> Option<PollFd<'a>> {
        match self {
            State::Pending(fd, flags) => Some(PollFd::from_borrowed_fd(*fd, *flags)),
            _ => None,
        }
    }

    /// The longest time that the wait may take because of this subscription.
    fn timeout(&self) -> Option<u64> {
        match self {
            State::Clock(left) => Some(*left),
            State::Ready(..) => Some(0),
            State::Pending(..) => None,
        }
    }
}

fn state<'a>(ctx: &'a WasiCtx, subscription: &Subscription) -> State<'a> {
    let (fd, way) = match subscription.on {
        Condition::Clock(left) => return State::Clock(left),
        Condition::Descriptor(fd, way) => (fd, way),
    };
    let (right, flags) = match way {
        EventType::FdWrite => (Rights::FD_WRITE, PollFlags::OUT),
        _ => (Rights::FD_READ, PollFlags::IN),
    };
    let entry = match ctx.table.get(fd) {
        Ok(entry) => entry,
        Err(errno) => return State::Ready(errno, 0, false),
    };
    if entry.file_type == FileType::Directory {
        return State::Ready(Errno::Success, 0, false);
    }
    if let Err(errno) = entry.require(Rights::POLL_FD_READWRITE).and_then(|()| may_poll(entry, right)) {
        return State::Ready(errno, 0, false);
    }
    match (&entry.kind, entry.system(Errno::Badf)) {
        // Reading a file never blocks. The system does not know the position, so it cannot tell the
        // number of bytes left.
        (_, Ok(system))
            if let Some(position) = entry.position
                && way == EventType::FdRead =>
        {
            match rustix::fs::fstat(system) {
                Ok(stat) => {
                    let rest = (stat.st_size as u64).saturating_sub(position);
                    State::Ready(Errno::Success, rest.min(i32::MAX as u64), false)
                }
                Err(error) => State::Ready(error.into(), 0, false),
            }
        }
        (Kind::Input(input), _) => {
            let rest = input.rest().len() as u64;
            State::Ready(Errno::Success, rest, rest == 0)
        }
        (_, Ok(system)) => State::Pending(system, flags),
        (_, Err(_)) => State::Ready(Errno::Success, 1, false),
    }
}

/// Returns BADF or NOTCAPABLE if the guest may not wait for this right. Files and devices are ready
/// even if their access mode excludes it.
fn may_poll(entry: &Entry, right: Rights) -> Result<(), Errno> {
    use FileType::{BlockDevice, CharacterDevice, RegularFile};
    match entry.require(right) {
        Err(Errno::Badf) if matches!(entry.file_type, RegularFile | BlockDevice | CharacterDevice) => Ok(()),
        required => required,
    }
}

/// The event for the result of a poll, if there is one. For writing, at least one byte can be
/// written.
fn readiness(fd: BorrowedFd<'_>, way: EventType, flags: PollFlags) -> Option<(Errno, u64, bool)> {
    if flags.is_empty() {
        return None;
    }
    if flags.contains(PollFlags::NVAL) {
        return Some((Errno::Badf, 0, false));
    }
    let bytes = match way {
        // The system counts in 31 bits and returns a negative number for a larger file.
        EventType::FdRead => rustix::io::ioctl_fionread(fd).unwrap_or(0).min(i32::MAX as u64),
        _ => 1,
    };
    Some((Errno::Success, bytes, flags.intersects(PollFlags::HUP | PollFlags::RDHUP)))
}
