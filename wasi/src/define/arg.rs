//! Conversion of a call's raw arguments into typed parameters, and their text for traces.

use std::fmt::Write;

use bitflags::Flags;
use wassay_engine::{Param, ValType};

use crate::abi::flags::{
    Advice, ClockId, FdFlags, FstFlags, LookupFlags, OFlags, RiFlags, Rights, SdFlags, SiFlags, Whence,
};
use crate::abi::layout::{Fd, FileSize, Layout, Timestamp};
use crate::abi::pointer::{Address, Buffer, IoVecs, Out, Text};
use crate::calling::Call;
use crate::errno::Errno;
use crate::guest::Guest;

/// A parameter of one argument: how it is made of it, and shown.
macro_rules! plain {
    ($($ty:ty, $wasm:ident: $word:ident => $make:expr, $show:expr;)*) => {
        $(impl Param<Call<'_>, Errno> for $ty {
            const TYPES: &'static [ValType] = &[ValType::$wasm];

            #[inline]
            fn take(call: &mut Call<'_>) -> Result<$ty, Errno> {
                let $word = plain!(@ call $wasm);
                call.show(|_| $show);
                $make
            }
        })*
    };
    (@ $call:ident I32) => { $call.args.u32() };
    (@ $call:ident I64) => { $call.args.u64() };
}

plain! {
    Address, I32: word => Ok(Address(word)), format!("{word:#x}");
    u32, I32: word => Ok(word), word.to_string();
    Fd, I32: word => Ok(Fd(word)), word.cast_signed().to_string();
    u64, I64: word => Ok(word), word.to_string();
    i64, I64: word => Ok(word.cast_signed()), word.cast_signed().to_string();
    FileSize, I64: word => Ok(FileSize(word)), word.to_string();
    Timestamp, I64: word => Ok(Timestamp(word)), word.to_string();
    Rights, I64: word => Ok(Rights::from_bits_retain(word)), format!("{word:#x}");
    FdFlags, I32: word => take_flags(word), show_flags::<FdFlags>(word);
    FstFlags, I32: word => take_flags(word), show_flags::<FstFlags>(word);
    LookupFlags, I32: word => take_flags(word), show_flags::<LookupFlags>(word);
    OFlags, I32: word => take_flags(word), show_flags::<OFlags>(word);
    RiFlags, I32: word => take_flags(word), show_flags::<RiFlags>(word);
    SdFlags, I32: word => take_flags(word), show_flags::<SdFlags>(word);
    SiFlags, I32: word => take_flags(word), show_flags::<SiFlags>(word);
    Advice, I32: word => Advice::from_code(word), show_code(word, Advice::from_code(word), Advice::name);
    ClockId, I32: word => ClockId::from_code(word), show_code(word, ClockId::from_code(word), ClockId::name);
    Whence, I32: word => Whence::from_code(word), show_code(word, Whence::from_code(word), Whence::name);
}

/// The name of an enumeration's value, or the number if it has none.
pub(crate) fn show_code<T>(
    word: u32,
    value: Result<T, Errno>,
    name: impl FnOnce(T) -> &'static str,
) -> String {
    value.map_or_else(|_| word.to_string(), |value| name(value).to_owned())
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

const TWO_I32: &[ValType] = &[ValType::I32, ValType::I32];

impl Param<Call<'_>, Errno> for Buffer {
    const TYPES: &'static [ValType] = TWO_I32;

    #[inline]
    fn take(call: &mut Call<'_>) -> Result<Buffer, Errno> {
        let buffer = Buffer { address: call.args.u32(), len: call.args.u32() };
        call.show(|guest| buffer.show(guest));
        Ok(buffer)
    }
}

impl Buffer {
    fn show(self, guest: &Guest<'_>) -> String {
        format!("{}[{}]", show_address(guest, self.address, self.len, 1, 1), self.len)
    }
}

impl Param<Call<'_>, Errno> for Text {
    const TYPES: &'static [ValType] = TWO_I32;

    #[inline]
    fn take(call: &mut Call<'_>) -> Result<Text, Errno> {
        let text = Text(Buffer { address: call.args.u32(), len: call.args.u32() });
        call.show(|guest| text.show(guest));
        Ok(text)
    }
}

impl Text {
    fn show(self, guest: &Guest<'_>) -> String {
        const SHOWN: usize = 256;
        match guest.bytes(self.0) {
            Ok(bytes) if bytes.len() > SHOWN => format!("{:?}...", String::from_utf8_lossy(&bytes[..SHOWN])),
            Ok(bytes) => format!("{:?}", String::from_utf8_lossy(bytes)),
            Err(_) => self.0.show(guest),
        }
    }
}

impl Param<Call<'_>, Errno> for IoVecs {
    const TYPES: &'static [ValType] = TWO_I32;

    #[inline]
    fn take(call: &mut Call<'_>) -> Result<IoVecs, Errno> {
        let vectors = IoVecs { address: call.args.u32(), count: call.args.u32() };
        call.show(|guest| vectors.show(guest));
        Ok(vectors)
    }
}

impl IoVecs {
    fn show(self, guest: &Guest<'_>) -> String {
        const SHOWN: u32 = 8;
        let IoVecs { address, count } = self;
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

impl<T: Layout> Param<Call<'_>, Errno> for Out<T> {
    const TYPES: &'static [ValType] = &[ValType::I32];

    #[inline]
    fn take(call: &mut Call<'_>) -> Result<Out<T>, Errno> {
        let out = Out::new(call.args.u32());
        let bytes = Buffer { address: out.address, len: T::SIZE as u32 };
        call.show_result(|guest| show_address(guest, out.address, 1, T::SIZE, T::ALIGN), bytes, T::show);
        Ok(out)
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
