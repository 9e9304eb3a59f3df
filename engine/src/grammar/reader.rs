//! Values of the binary format (core spec, section 5.2).

use std::ops::Range;

use wasmparser::WasmFeatures;

use super::fault::{Fault, Parsed};
use wassay_terms::Rule;

/// A place in the bytes of a module, with the features whose grammar is read.
///
/// It reads on past the end of a section, as the specification's reference interpreter does, so
/// that what is wrong with the bytes there is told, and then that the section has another size than
/// it states.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    features: WasmFeatures,
    /// The types that the group at hand defines, by index.
    pub(super) group: Range<u32>,
    /// Whether an index was read that would be the prefix of an exact type in its place.
    pub(super) exact_twice: bool,
    broken: Option<Fault>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8], features: WasmFeatures) -> Reader<'a> {
        Reader { bytes, at: 0, features, group: 0..0, exact_twice: false, broken: None }
    }

    /// Notes a rule of validation that is seen to be broken, unless another one is noted.
    pub(super) fn note(&mut self, rule: Rule, offset: usize) {
        self.broken.get_or_insert(Fault::new(rule, offset));
    }

    /// The rule of validation that was seen to be broken first.
    pub(super) fn noted(&self) -> Option<Fault> {
        self.broken
    }

    /// Whether all of these features are on.
    pub(super) fn has(&self, features: WasmFeatures) -> bool {
        self.features.contains(features)
    }

    /// Whether one of these features is on.
    pub(super) fn has_any(&self, features: WasmFeatures) -> bool {
        self.features.intersects(features)
    }

    /// The offset of the next byte.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// How many bytes follow.
    pub(super) fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// The next byte, which stays the next.
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub(super) fn byte(&mut self) -> Parsed<u8> {
        let byte = self.peek().ok_or_else(|| self.fault(Rule::UnexpectedEnd))?;
        self.at += 1;
        Ok(byte)
    }

    /// Takes as many bytes.
    pub(super) fn take(&mut self, count: usize) -> Parsed<&'a [u8]> {
        let end = self.at.checked_add(count);
        let taken = end.and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or_else(|| Fault::new(Rule::UnexpectedEnd, self.bytes.len()))?;
        self.at += count;
        Ok(taken)
    }

    /// A byte that has to be 0.
    pub(super) fn zero(&mut self) -> Parsed<()> {
        match self.byte()? {
            0 => Ok(()),
            byte => Err(self.fault_before(Rule::ZeroByteExpected).or(as_integer(byte, 1))),
        }
    }

    pub(super) fn u32(&mut self) -> Parsed<u32> {
        // It has at most 32 bits.
        self.unsigned(32).map(|value| value as u32)
    }

    pub(super) fn u64(&mut self) -> Parsed<u64> {
        self.unsigned(64)
    }

    /// An integer without a sign (section 5.2.2).
    fn unsigned(&mut self, width: u32) -> Parsed<u64> {
        let (mut value, mut shift) = (0, 0);
        loop {
            let left = self.bits_left(width, shift)?;
            let byte = self.byte()?;
            let bits = byte & 0x7f;
            if left < 7 && bits >> left != 0 {
                return Err(self.fault_before(Rule::IntegerTooLarge));
            }
            value |= u64::from(bits) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
            shift += 7;
        }
    }

    /// An integer with a sign of at most 64 bits (section 5.2.2).
    pub(super) fn signed(&mut self, width: u32) -> Parsed<i64> {
        let (mut value, mut shift) = (0i64, 0);
        loop {
            let left = self.bits_left(width, shift)?;
            let byte = self.byte()?;
            let bits = byte & 0x7f;
            if left < 7 {
                // The sign and the bits beyond the width have to be the same.
                let mask = (0x7f << (left - 1)) & 0x7f;
                if bits & mask != 0 && bits & mask != mask {
                    return Err(self.fault_before(Rule::IntegerTooLarge));
                }
            }
            value |= i64::from(bits) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                let negative = byte & 0x40 != 0 && shift < 64;
                return Ok(if negative { value | (-1 << shift) } else { value });
            }
        }
    }

    fn bits_left(&self, width: u32, shift: u32) -> Parsed<u32> {
        match width.checked_sub(shift) {
            None | Some(0) => Err(self.fault(Rule::IntegerTooLong)),
            Some(left) => Ok(left),
        }
    }

    /// A length in bytes, of which there are as many. Older versions read on to the end of the
    /// bytes first.
    pub(super) fn length(&mut self) -> Parsed<usize> {
        let at = self.at;
        let length = self.u32()? as usize;
        if length > self.left() {
            return Err(Fault::new(Rule::LengthOutOfBounds, at).or(Some(Rule::UnexpectedEnd)));
        }
        Ok(length)
    }

    /// A list of items (section 5.1.3). Each has a byte at least, so that a length that is too
    /// great ends with the bytes.
    pub(super) fn list(&mut self, mut item: impl FnMut(&mut Self) -> Parsed<()>) -> Parsed<usize> {
        let length = self.u32()?;
        for _ in 0..length {
            item(self)?;
        }
        Ok(length as usize)
    }

    /// A name (section 5.2.4).
    pub(super) fn name(&mut self) -> Parsed<()> {
        let length = self.length()?;
        let begin = self.at;
        match std::str::from_utf8(self.take(length)?) {
            Ok(_) => Ok(()),
            Err(error) => Err(Fault::new(Rule::MalformedUtf8, begin + error.valid_up_to())),
        }
    }

    /// A part that begins with its size in bytes.
    pub(super) fn sized<T>(&mut self, read: impl FnOnce(&mut Self, usize) -> Parsed<T>) -> Parsed<T> {
        let size = self.length()?;
        let end = self.at + size;
        let value = read(self, end)?;
        if self.at == end {
            return Ok(value);
        }
        // An exact type may not be in another one: its prefix is taken as an index, and bytes are
        // left over.
        let also = self.exact_twice.then_some(Rule::MalformedStorageType);
        Err(Fault::new(Rule::SectionSizeMismatch, end.min(self.at)).or(also))
    }

    /// A fault at the next byte.
    pub(super) fn fault(&self, rule: Rule) -> Fault {
        Fault::new(rule, self.at)
    }

    /// A fault at the byte that was read last.
    pub(super) fn fault_before(&self, rule: Rule) -> Fault {
        Fault::new(rule, self.at.saturating_sub(1))
    }
}

/// What is wrong with a byte as the start of an unsigned integer of less than 7 bits, which it was
/// in older versions of the grammar.
pub(super) fn as_integer(byte: u8, width: u32) -> Option<Rule> {
    if byte & 0x7f >= 1 << width {
        Some(Rule::IntegerTooLarge)
    } else {
        (byte & 0x80 != 0).then_some(Rule::IntegerTooLong)
    }
}
