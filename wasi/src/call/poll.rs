//! `poll_oneoff`.

use std::os::fd::BorrowedFd;

use rustix::event::{PollFd, PollFlags};
use smallvec::SmallVec;
use wassay_engine::Deadline;

use super::{Call, clock, wait};
use crate::abi::arg::Address;
use crate::abi::flags::Rights;
use crate::abi::host_fn::Stop;
use crate::abi::layout::{Layout, number};
use crate::abi::{ClockId, Event, EventRwFlags, EventType, Fd, FileType, Out, SubclockFlags};
use crate::ctx::WasiCtx;
use crate::entry::{Entry, Kind};
use crate::errno::Errno;

/// How many subscriptions one call may have.
const MAX_SUBSCRIPTIONS: u32 = 4096;

/// Where a `subscription` has what. The subscriber's own data are at 0, the type at 8, a descriptor at 16.
#[derive(Debug)]
pub(crate) struct SubscriptionLayout {
    pub(crate) size: usize,
    pub(crate) clock: usize,
    pub(crate) timeout: usize,
    pub(crate) flags: usize,
}

/// A `subscription` of preview 1 (48 bytes).
const SUBSCRIPTION: SubscriptionLayout = SubscriptionLayout { size: 48, clock: 16, timeout: 24, flags: 40 };

/// A few of anything, one for each subscription.
type Few<T> = SmallVec<[T; 8]>;

/// What is waited for.
#[derive(Clone, Copy, Debug)]
struct Subscription {
    userdata: u64,
    on: On,
}

#[derive(Clone, Copy, Debug)]
enum On {
    /// A clock, and how many nanoseconds it still has to go.
    Clock(u64),
    Descriptor(Fd, EventType),
}

/// Waits until at least one of the subscriptions has something to tell, and writes an event (32 bytes) for each that has, in the order
/// of the subscriptions, and how many these are (4 bytes).
///
/// A descriptor has something to tell where reading or writing would not wait, whether or not it would
/// succeed, or an error: BADF, also where a pipe or socket is not open for reading or for writing;
/// NOTCAPABLE without `poll_fd_readwrite` and `fd_read` or `fd_write`. Files and devices are ready for
/// either, however they were opened, as for `poll` of POSIX. Bytes are those that wait to be read, as far
/// as they are known; `hangup` is set where the other side is gone.
///
/// Errors: INVAL where there are no subscriptions or more than 4096, or one is of no type, clock or flag that there is; NOTSUP where a
/// clock counts a processor's time.
pub(crate) fn poll_oneoff(
    call: &mut Call<'_>,
    subscriptions: Address,
    events: Out<Event>,
    count: u32,
    nevents: Out<u32>,
) -> Result<(), Stop> {
    poll(call, &SUBSCRIPTION, subscriptions, events, count, nevents)
}

/// `poll_oneoff` with subscriptions of that layout.
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
    let happened = happened(call.ctx, &parsed, call.deadline)?;
    for (index, event) in happened.iter().enumerate() {
        call.guest.write(Out::new(events.address + (index * Event::SIZE) as u32), *event)?;
    }
    Ok(call.guest.write(nevents, happened.len() as u32)?)
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
                true => On::Clock(timeout.saturating_sub(clock::now(ctx, id).0)),
                false => On::Clock(timeout),
            }
        }
        way => On::Descriptor(Fd(number::<4>(bytes, 16) as u32), way),
    };
    Ok(Subscription { userdata: number::<8>(bytes, 0), on })
}

/// Waits, and gives what has happened.
fn happened(
    ctx: &WasiCtx,
    subscriptions: &[Subscription],
    deadline: Option<Deadline>,
) -> Result<Few<Event>, Stop> {
    let states: Few<State<'_>> = subscriptions.iter().map(|subscription| state(ctx, subscription)).collect();
    let mut waited: Few<PollFd<'_>> = states.iter().filter_map(State::poll).collect();
    let timeout = states.iter().filter_map(State::timeout).min();
    let ready = wait::poll(&mut waited, timeout, deadline)?;
    let mut waited = waited.iter();
    let mut events = Few::new();
    for (subscription, state) in subscriptions.iter().zip(&states) {
        let way = match subscription.on {
            On::Clock(..) => EventType::Clock,
            On::Descriptor(_, way) => way,
        };
        let told = match state {
            State::Clock(left) => {
                let over = *left == 0 || (ready == 0 && Some(*left) == timeout);
                over.then_some((Errno::Success, 0, false))
            }
            State::Told(errno, bytes, hangup) => Some((*errno, *bytes, *hangup)),
            State::Waits(fd, _) => {
                let flags = waited.next().map_or(PollFlags::empty(), PollFd::revents);
                told(*fd, way, flags)
            }
        };
        if let Some((error, bytes, hangup)) = told {
            let flags = if hangup { EventRwFlags::HANGUP } else { EventRwFlags::empty() };
            events.push(Event { userdata: subscription.userdata, error, event_type: way, bytes, flags });
        }
    }
    Ok(events)
}

/// A subscription before the wait.
#[derive(Debug)]
enum State<'a> {
    /// A clock with nanoseconds to go.
    Clock(u64),
    /// There is something to tell already: an error, bytes, and whether the other side is gone.
    Told(Errno, u64, bool),
    /// The system knows when there is.
    Waits(BorrowedFd<'a>, PollFlags),
}

impl<'a> State<'a> {
    fn poll(&self) -> Option<PollFd<'a>> {
        match self {
            State::Waits(fd, flags) => Some(PollFd::from_borrowed_fd(*fd, *flags)),
            _ => None,
        }
    }

    /// How long the wait may be because of this.
    fn timeout(&self) -> Option<u64> {
        match self {
            State::Clock(left) => Some(*left),
            State::Told(..) => Some(0),
            State::Waits(..) => None,
        }
    }
}

fn state<'a>(ctx: &'a WasiCtx, subscription: &Subscription) -> State<'a> {
    let (fd, way) = match subscription.on {
        On::Clock(left) => return State::Clock(left),
        On::Descriptor(fd, way) => (fd, way),
    };
    let (right, flags) = match way {
        EventType::FdWrite => (Rights::FD_WRITE, PollFlags::OUT),
        _ => (Rights::FD_READ, PollFlags::IN),
    };
    let entry = match ctx.table.get(fd) {
        Ok(entry) => entry,
        Err(errno) => return State::Told(errno, 0, false),
    };
    if entry.file_type == FileType::Directory {
        return State::Told(Errno::Success, 0, false);
    }
    if let Err(errno) = entry.require(Rights::POLL_FD_READWRITE).and_then(|()| may_poll(entry, right)) {
        return State::Told(errno, 0, false);
    }
    match (&entry.kind, entry.system(Errno::Badf)) {
        // A file never makes anybody wait, and the system does not know where it stands.
        (_, Ok(system))
            if let Some(position) = entry.position
                && way == EventType::FdRead =>
        {
            match rustix::fs::fstat(system) {
                Ok(stat) => {
                    let rest = (stat.st_size as u64).saturating_sub(position);
                    State::Told(Errno::Success, rest.min(i32::MAX as u64), false)
                }
                Err(error) => State::Told(error.into(), 0, false),
            }
        }
        (Kind::Input(input), _) => {
            let rest = input.rest().len() as u64;
            State::Told(Errno::Success, rest, rest == 0)
        }
        (_, Ok(system)) => State::Waits(system, flags),
        (_, Err(_)) => State::Told(Errno::Success, 1, false),
    }
}

/// BADF or NOTCAPABLE where a wait for this right is an error. A file or device that the guest did not
/// open for it is ready all the same.
fn may_poll(entry: &Entry, right: Rights) -> Result<(), Errno> {
    use FileType::{BlockDevice, CharacterDevice, RegularFile};
    match entry.require(right) {
        Err(Errno::Badf) if matches!(entry.file_type, RegularFile | BlockDevice | CharacterDevice) => Ok(()),
        required => required,
    }
}

/// What the system's answer tells of a descriptor; at least one byte can be written where writing would not wait.
fn told(fd: BorrowedFd<'_>, way: EventType, flags: PollFlags) -> Option<(Errno, u64, bool)> {
    if flags.is_empty() {
        return None;
    }
    if flags.contains(PollFlags::NVAL) {
        return Some((Errno::Badf, 0, false));
    }
    let bytes = match way {
        // The system counts in 31 bits; of a larger file it tells a number below zero.
        EventType::FdRead => rustix::io::ioctl_fionread(fd).unwrap_or(0).min(i32::MAX as u64),
        _ => 1,
    };
    Some((Errno::Success, bytes, flags.intersects(PollFlags::HUP | PollFlags::RDHUP)))
}
