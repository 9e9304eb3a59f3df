//! Conversion of a call's raw arguments into typed parameters, and their text for traces.

use std::fmt::Write;

use bitflags::Flags;
use wassay_engine::{ValType, Words};

use crate::abi::flags::{
    Advice, ClockId, FdFlags, FstFlags, LookupFlags, OFlags, RiFlags, Rights, SdFlags, SiFlags, Whence,
};
use crate::abi::layout::{Fd, FileSize, Layout, Timestamp};
use crate::abi::pointer::{Address, Buffer, IoVecs, Out, Text};
use crate::errno::Errno;
use crate::guest::Guest;

/// A typed parameter, made of one raw argument or of an address and a length.
pub(crate) trait Arg: Sized {
    /// The WebAssembly types of the raw arguments it is made of.
    const TYPES: &'static [ValType] = &[ValType::I32];

    /// Reads the parameter from the raw arguments at index `at`. Returns INVAL if the value is not
    /// defined by the specification.
    fn take(words: &Words<'_>, at: usize) -> Result<Self, Errno>;

    /// For traces: the parameter before the call, as text.
    fn show(words: &Words<'_>, at: usize, guest: &Guest<'_>) -> String;

    /// For traces: what a successful call has written to it, as text.
    fn result(_words: &Words<'_>, _at: usize, _guest: &Guest<'_>) -> Option<String> {
        None
    }
}

impl Arg for Address {
    fn take(words: &Words<'_>, at: usize) -> Result<Address, Errno> {
        Ok(Address(words.u32(at)))
    }

    fn show(words: &Words<'_>, at: usize, _guest: &Guest<'_>) -> String {
        format!("{:#x}", words.u32(at))
    }
}

impl Arg for u32 {
    fn take(words: &Words<'_>, at: usize) -> Result<u32, Errno> {
        Ok(words.u32(at))
    }

    fn show(words: &Words<'_>, at: usize, _guest: &Guest<'_>) -> String {
        words.u32(at).to_string()
    }
}

impl Arg for Fd {
    fn take(words: &Words<'_>, at: usize) -> Result<Fd, Errno> {
        Ok(Fd(words.u32(at)))
    }

    fn show(words: &Words<'_>, at: usize, _guest: &Guest<'_>) -> String {
        (words.u32(at) as i32).to_string()
    }
}

/// A 64-bit parameter.
macro_rules! wide {
    ($ty:ty, |$word:ident| $make:expr, $format:literal) => {
        impl Arg for $ty {
            const TYPES: &'static [ValType] = &[ValType::I64];

            fn take(words: &Words<'_>, at: usize) -> Result<$ty, Errno> {
                let $word = words.u64(at);
                Ok($make)
            }

            fn show(words: &Words<'_>, at: usize, _guest: &Guest<'_>) -> String {
                format!($format, words.u64(at))
            }
        }
    };
}

wide!(u64, |word| word, "{}");
wide!(FileSize, |word| FileSize(word), "{}");
wide!(Timestamp, |word| Timestamp(word), "{}");
wide!(Rights, |word| Rights::from_bits_retain(word), "{:#x}");

impl Arg for i64 {
    const TYPES: &'static [ValType] = &[ValType::I64];

    fn take(words: &Words<'_>, at: usize) -> Result<i64, Errno> {
        Ok(words.u64(at) as i64)
    }

    fn show(words: &Words<'_>, at: usize, _guest: &Guest<'_>) -> String {
        (words.u64(at) as i64).to_string()
    }
}

/// Converts a set of flags. Returns INVAL if a flag is not defined by the specification.
fn take_flags<F: Flags>(word: u32) -> Result<F, Errno>
where
    F::Bits: TryFrom<u32>,
{
    F::Bits::try_from(word).ok().and_then(F::from_bits).ok_or(Errno::Inval)
}

fn show_flags<F: Flags>(word: u32) -> String
where
    F::Bits: TryFrom<u32>,
{
    match take_flags::<F>(word) {
        Ok(flags) if !flags.is_empty() => {
            flags.iter_names().map(|(name, _)| name).collect::<Vec<_>>().join("|")
        }
        _ => format!("{word:#x}"),
    }
}

macro_rules! flags_arg {
    ($($ty:ty),*) => {
        $(impl Arg for $ty {
            fn take(words: &Words<'_>, at: usize) -> Result<$ty, Errno> {
                take_flags(words.u32(at))
            }

            fn show(words: &Words<'_>, at: usize, _guest: &Guest<'_>) -> String {
                show_flags::<$ty>(words.u32(at))
            }
        })*
    };
}

flags_arg!(FdFlags, FstFlags, LookupFlags, OFlags, RiFlags, SdFlags, SiFlags);

macro_rules! enumeration_arg {
    ($($ty:ty),*) => {
        $(impl Arg for $ty {
            fn take(words: &Words<'_>, at: usize) -> Result<$ty, Errno> {
                <$ty>::from_code(words.u32(at))
            }

            fn show(words: &Words<'_>, at: usize, _guest: &Guest<'_>) -> String {
                let word = words.u32(at);
                <$ty>::from_code(word).map_or_else(|_| word.to_string(), |value| value.name().to_owned())
            }
        })*
    };
}

enumeration_arg!(Advice, ClockId, Whence);

impl Arg for Buffer {
    const TYPES: &'static [ValType] = &[ValType::I32, ValType::I32];

    fn take(words: &Words<'_>, at: usize) -> Result<Buffer, Errno> {
        Ok(Buffer { address: words.u32(at), len: words.u32(at + 1) })
    }

    fn show(words: &Words<'_>, at: usize, guest: &Guest<'_>) -> String {
        let (address, len) = (words.u32(at), words.u32(at + 1));
        format!("{}[{len}]", show_address(guest, address, len, 1, 1))
    }
}

impl Arg for Text {
    const TYPES: &'static [ValType] = Buffer::TYPES;

    fn take(words: &Words<'_>, at: usize) -> Result<Text, Errno> {
        Buffer::take(words, at).map(Text)
    }

    fn show(words: &Words<'_>, at: usize, guest: &Guest<'_>) -> String {
        const SHOWN: usize = 256;
        let buffer = Buffer { address: words.u32(at), len: words.u32(at + 1) };
        match guest.bytes(buffer) {
            Ok(bytes) if bytes.len() > SHOWN => format!("{:?}...", String::from_utf8_lossy(&bytes[..SHOWN])),
            Ok(bytes) => format!("{:?}", String::from_utf8_lossy(bytes)),
            Err(_) => Buffer::show(words, at, guest),
        }
    }
}

impl Arg for IoVecs {
    const TYPES: &'static [ValType] = Buffer::TYPES;

    fn take(words: &Words<'_>, at: usize) -> Result<IoVecs, Errno> {
        Ok(IoVecs { address: words.u32(at), count: words.u32(at + 1) })
    }

    fn show(words: &Words<'_>, at: usize, guest: &Guest<'_>) -> String {
        const SHOWN: u32 = 8;
        let (address, count) = (words.u32(at), words.u32(at + 1));
        let mut text = show_address(guest, address, count, 8, 4);
        let shown = IoVecs { address, count: count.min(SHOWN) };
        let lengths = guest.gather::<_, Errno>(shown, |buffers| {
            Ok(buffers.iter().map(|buffer| buffer.len().to_string()).collect::<Vec<_>>())
        });
        match lengths {
            Ok(lengths) => {
                let more = if count > SHOWN { ", ..." } else { "" };
                let _ = write!(text, "[{}{more}]", lengths.join(", "));
            }
            Err(errno) => {
                let _ = write!(text, "[{count}: {errno}]");
            }
        }
        text
    }
}

impl<T: Layout> Arg for Out<T> {
    fn take(words: &Words<'_>, at: usize) -> Result<Out<T>, Errno> {
        Ok(Out::new(words.u32(at)))
    }

    fn show(words: &Words<'_>, at: usize, guest: &Guest<'_>) -> String {
        show_address(guest, words.u32(at), 1, T::SIZE, T::ALIGN)
    }

    fn result(words: &Words<'_>, at: usize, guest: &Guest<'_>) -> Option<String> {
        let bytes = guest.bytes(Buffer { address: words.u32(at), len: T::SIZE as u32 });
        Some(bytes.map_or_else(|errno| errno.to_string(), T::show))
    }
}

/// An address, with the reason if it is invalid.
fn show_address(guest: &Guest<'_>, address: u32, count: u32, size: usize, align: u32) -> String {
    match guest.array(address, count, size, align) {
        Ok(_) => format!("{address:#x}"),
        Err(Errno::Inval) => format!("{address:#x} (not a multiple of {align})"),
        Err(_) => format!("{address:#x} (out of bounds)"),
    }
}
