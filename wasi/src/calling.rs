//! A call of a WASI function: what it works on, and how it ends.

use wassay_engine::{Deadline, RawValues};

use crate::abi::Buffer;
use crate::ctx::WasiCtx;
use crate::errno::Errno;
use crate::exit::Exit;
use crate::guest::Guest;

/// What a call works on: the guest's memory and context.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) guest: Guest<'a>,
    pub(crate) ctx: &'a mut WasiCtx,
    /// When a blocking call must give up, which ends the guest.
    pub(crate) deadline: Option<Deadline>,
    /// Its arguments, which its parameters are made of.
    pub(crate) args: Args<'a>,
}

/// The arguments of a call, taken one after the other.
#[derive(Debug)]
pub(crate) struct Args<'a> {
    words: &'a RawValues<'a>,
    /// The index of the next one.
    next: usize,
    trace: Option<&'a mut Trace>,
}

/// What a trace shows of the parameters of a call.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    /// The parameters before the call, as text.
    arguments: Vec<String>,
    /// The parameters that a successful call writes to.
    results: Vec<ResultAt>,
}

/// A result in the guest's memory.
#[derive(Debug)]
struct ResultAt {
    /// Which parameter has its address.
    parameter: usize,
    bytes: Buffer,
    show: Show,
}

/// Shows a result, given its bytes.
type Show = fn(&[u8]) -> String;

/// Names and values of parameters, for a trace.
pub(crate) type Shown = Vec<(&'static str, String)>;

impl Trace {
    /// The parameters before the call, and what it has written, given the parameters' names.
    pub(crate) fn shown(self, names: &[&'static str], guest: &Guest<'_>) -> (Shown, Shown) {
        debug_assert_eq!(names.len(), self.arguments.len(), "each parameter has a name: {names:?}");
        let result = |at: ResultAt| {
            let text = guest.bytes(at.bytes).map_or_else(|errno| errno.to_string(), at.show);
            Some((*names.get(at.parameter)?, text))
        };
        let results = self.results.into_iter().filter_map(result).collect();
        (names.iter().copied().zip(self.arguments).collect(), results)
    }
}

impl<'a> Args<'a> {
    /// The arguments of a call, from the first. If there is a trace, it keeps the text of each
    /// parameter that is taken.
    #[inline]
    pub(crate) fn new(words: &'a RawValues<'a>, trace: Option<&'a mut Trace>) -> Args<'a> {
        Args { words, next: 0, trace }
    }

    /// Takes what the trace has kept, which is nothing if there is none.
    pub(crate) fn take_trace(&mut self) -> Trace {
        self.trace.as_mut().map(|trace| std::mem::take(&mut **trace)).unwrap_or_default()
    }

    /// Takes the next argument, an `i32`.
    #[inline]
    pub(crate) fn u32(&mut self) -> u32 {
        self.next += 1;
        self.words.u32(self.next - 1)
    }

    /// Takes the next argument, an `i64`.
    #[inline]
    pub(crate) fn u64(&mut self) -> u64 {
        self.next += 1;
        self.words.u64(self.next - 1)
    }
}

impl Call<'_> {
    /// Keeps the text of the parameter that is being taken, if there is a trace.
    #[inline]
    pub(crate) fn show(&mut self, text: impl FnOnce(&Guest<'_>) -> String) {
        if self.args.trace.is_some() {
            self.trace(text, None);
        }
    }

    /// [`Call::show`] for the address of a result, and how to show that result.
    #[inline]
    pub(crate) fn show_result(&mut self, text: impl FnOnce(&Guest<'_>) -> String, bytes: Buffer, show: Show) {
        if self.args.trace.is_some() {
            self.trace(text, Some((bytes, show)));
        }
    }

    /// Keeps the text of a parameter, and where to find the result of which it is the address.
    #[cold]
    #[inline(never)]
    fn trace(&mut self, text: impl FnOnce(&Guest<'_>) -> String, result: Option<(Buffer, Show)>) {
        if let Some(trace) = &mut self.args.trace {
            let parameter = trace.arguments.len();
            trace.results.extend(result.map(|(bytes, show)| ResultAt { parameter, bytes, show }));
            trace.arguments.push(text(&self.guest));
        }
    }
}

/// How a call ends without success.
#[derive(Debug)]
pub(crate) enum Stop {
    Errno(Errno),
    Exit(Exit),
    /// The guest's deadline passed while the call was blocked.
    TimedOut,
}

impl From<Errno> for Stop {
    fn from(errno: Errno) -> Stop {
        Stop::Errno(errno)
    }
}

impl From<rustix::io::Errno> for Stop {
    fn from(errno: rustix::io::Errno) -> Stop {
        Stop::Errno(errno.into())
    }
}
