//! Values of the binary format (core spec, section 5.2).

use std::ops::Range;

use wasmparser::WasmFeatures;

use super::fault::{Fault, Parsed};
use wassay_terms::Rule;

/// A position in the bytes of a module, with the features of the grammar.
///
/// Reading does not stop at the end of a section, as in the specification's reference interpreter.
/// Errors in the following bytes are therefore reported first, and a mismatch of the section's size
/// after that.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    features: WasmFeatures,
    /// The type indices that the current group defines.
    pub(super) group: Range<u32>,
    /// Whether an index was read in a position where its byte would be the prefix of an exact type.
    pub(super) exact_twice: bool,
    broken: Option<Fault>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8], features: WasmFeatures) -> Reader<'a> {
        Reader { bytes, at: 0, features, group: 0..0, exact_twice: false, broken: None }
    }

    /// Records a violation of a validation rule, unless one has been recorded before.
    pub(super) fn note(&mut self, rule: Rule, offset: usize) {
        self.broken.get_or_insert(Fault::new(rule, offset));
    }

    /// The first recorded violation of a validation rule.
    pub(super) fn noted(&self) -> Option<Fault> {
        self.broken
    }

    /// Whether all of these features are enabled.
    pub(super) fn has(&self, features: WasmFeatures) -> bool {
        self.features.contains(features)
    }

    /// Whether one of these features is enabled.
    pub(super) fn has_any(&self, features: WasmFeatures) -> bool {
        self.features.intersects(features)
    }

    /// The offset of the next byte.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Whether the integer between an offset and the next byte is 0, in any of its encodings.
    pub(super) fn is_zero_from(&self, begin: usize) -> bool {
        self.bytes.get(begin..self.at).is_some_and(|bytes| bytes.iter().all(|byte| byte & 0x7f == 0))
    }

    /// The number of bytes left.
    pub(super) fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// The next byte, without consuming it.
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub(super) fn byte(&mut self) -> Parsed<u8> {
        let byte = self.peek().ok_or_else(|| self.fault(Rule::UnexpectedEnd))?;
        self.at += 1;
        Ok(byte)
    }

    /// Reads `count` bytes.
    pub(super) fn take(&mut self, count: usize) -> Parsed<&'a [u8]> {
        let end = self.at.checked_add(count);
        let taken = end.and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or_else(|| Fault::new(Rule::UnexpectedEnd, self.bytes.len()))?;
        self.at += count;
        Ok(taken)
    }

    /// Reads a byte that must be 0.
    pub(super) fn zero(&mut self) -> Parsed<()> {
        match self.byte()? {
            0 => Ok(()),
            byte => Err(self.fault_before(Rule::ZeroByteExpected).or(as_integer(byte, 1))),
        }
    }

    pub(super) fn u32(&mut self) -> Parsed<u32> {
        // The value has at most 32 bits.
        self.unsigned(32).map(|value| value as u32)
    }

    pub(super) fn u64(&mut self) -> Parsed<u64> {
        self.unsigned(64)
    }

    /// Reads an unsigned integer (section 5.2.2).
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

    /// Reads a signed integer of at most 64 bits (section 5.2.2).
    pub(super) fn signed(&mut self, width: u32) -> Parsed<i64> {
        let (mut value, mut shift) = (0i64, 0);
        loop {
            let left = self.bits_left(width, shift)?;
            let byte = self.byte()?;
            let bits = byte & 0x7f;
            if left < 7 {
                // The sign and the bits beyond the width must be equal.
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

    /// Reads a length in bytes, which must not exceed the bytes left. Older versions read to the
    /// end of the bytes first.
    pub(super) fn length(&mut self) -> Parsed<usize> {
        let at = self.at;
        let length = self.u32()? as usize;
        if length > self.left() {
            return Err(Fault::new(Rule::LengthOutOfBounds, at).or(Some(Rule::UnexpectedEnd)));
        }
        Ok(length)
    }

    /// Reads a list of items (section 5.1.3). Each item has at least one byte, so reading ends with
    /// the bytes if the length is too large.
    pub(super) fn list(&mut self, mut item: impl FnMut(&mut Self) -> Parsed<()>) -> Parsed<usize> {
        let length = self.u32()?;
        for _ in 0..length {
            item(self)?;
        }
        Ok(length as usize)
    }

    /// Reads a name (section 5.2.4).
    pub(super) fn name(&mut self) -> Parsed<()> {
        let length = self.length()?;
        let begin = self.at;
        match std::str::from_utf8(self.take(length)?) {
            Ok(_) => Ok(()),
            Err(error) => Err(Fault::new(Rule::MalformedUtf8, begin + error.valid_up_to())),
        }
    }

    /// Reads a part that starts with its size in bytes. The reference interpreter only compares the
    /// size with that of the whole module before it reads the part, so that a fault in the part
    /// comes first.
    pub(super) fn sized<T>(&mut self, read: impl FnOnce(&mut Self, usize) -> Parsed<T>) -> Parsed<T> {
        let at = self.at;
        let size = self.u32()? as usize;
        let too_long = Fault::new(Rule::LengthOutOfBounds, at).or(Some(Rule::UnexpectedEnd));
        if size > self.bytes.len() {
            return Err(too_long);
        }
        let (end, is_beyond) = (self.at + size, size > self.left());
        let also = |fault: Fault| match fault.also {
            None if is_beyond => fault.or(Some(Rule::LengthOutOfBounds)),
            _ => fault,
        };
        let value = read(self, end).map_err(also)?;
        if is_beyond {
            return Err(too_long);
        }
        if self.at == end {
            return Ok(value);
        }
        // An exact type cannot contain another one: its prefix is read as an index, and bytes are
        // left over.
        let also = self.exact_twice.then_some(Rule::MalformedStorageType);
        Err(Fault::new(Rule::SectionSizeMismatch, end.min(self.at)).or(also))
    }

    /// A violation at the next byte.
    pub(super) fn fault(&self, rule: Rule) -> Fault {
        Fault::new(rule, self.at)
    }

    /// A violation at the last byte that was read.
    pub(super) fn fault_before(&self, rule: Rule) -> Fault {
        Fault::new(rule, self.at.saturating_sub(1))
    }
}

/// The violated rule if the byte is read as the start of an unsigned integer of less than 7 bits,
/// which it was in older versions of the grammar.
pub(super) fn as_integer(byte: u8, width: u32) -> Option<Rule> {
    if byte & 0x7f >= 1 << width {
        Some(Rule::IntegerTooLarge)
    } else {
        (byte & 0x80 != 0).then_some(Rule::IntegerTooLong)
    }
}
