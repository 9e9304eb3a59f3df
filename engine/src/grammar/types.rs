//! Types in the binary format (core spec, section 5.3), with the features that introduced their
//! encodings.

use wasmparser::WasmFeatures as F;

use super::fault::{Fault, Parsed};
use super::reader::{Reader, as_integer};
use wassay_terms::Rule;

/// The features with references to defined types, `0x63` and `0x64`.
const TYPED_REFERENCES: F = F::FUNCTION_REFERENCES.union(F::GC);

/// The item that limits belong to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Limited {
    Table,
    Memory,
}

impl Reader<'_> {
    pub(super) fn value_type(&mut self) -> Parsed<()> {
        let at = self.at();
        match self.byte()? {
            0x7c..=0x7f => Ok(()),
            0x7b if self.has(F::SIMD) => Ok(()),
            byte if self.is_reference(byte) && self.has(F::REFERENCE_TYPES) => self.reference_rest(byte),
            byte => Err(Fault::new(Rule::MalformedValueType, at).or(as_negative(byte))),
        }
    }

    /// Parses a reference type. In 1.0 the element type of a table can only be `0x70`.
    pub(super) fn reference_type(&mut self) -> Parsed<()> {
        let at = self.at();
        match self.byte()? {
            0x70 => Ok(()),
            byte if self.is_reference(byte) && self.has(F::REFERENCE_TYPES) => self.reference_rest(byte),
            byte => Err(Fault::new(Rule::MalformedReferenceType, at).or(as_negative(byte))),
        }
    }

    /// Whether the grammar has a reference type that starts with the byte.
    fn is_reference(&self, byte: u8) -> bool {
        match byte {
            // A shared abstract type follows (shared-everything threads proposal).
            0x65 => self.has(F::SHARED_EVERYTHING_THREADS),
            0x63 => self.has_any(TYPED_REFERENCES),
            0x64 => self.has(F::FUNCTION_REFERENCES),
            byte => self.is_abstract(byte),
        }
    }

    fn reference_rest(&mut self, byte: u8) -> Parsed<()> {
        match byte {
            0x63 | 0x64 => self.heap_type(),
            0x65 => self.abstract_type(),
            _ => Ok(()),
        }
    }

    /// Whether the grammar has the abstract heap type.
    fn is_abstract(&self, byte: u8) -> bool {
        match byte {
            0x6f | 0x70 => self.has(F::REFERENCE_TYPES),
            0x69 => self.has(F::EXCEPTIONS),
            0x74 => self.has(F::EXCEPTIONS.union(F::GC)),
            0x6a..=0x6e | 0x71..=0x73 => self.has(F::GC),
            0x68 | 0x75 => self.has(F::STACK_SWITCHING),
            _ => false,
        }
    }

    fn abstract_type(&mut self) -> Parsed<()> {
        match self.byte()? {
            byte if self.is_abstract(byte) => Ok(()),
            _ => Err(self.fault_before(Rule::MalformedHeapType)),
        }
    }

    /// Parses a heap type: an abstract one, or a type index.
    pub(super) fn heap_type(&mut self) -> Parsed<()> {
        let at = self.at();
        match self.peek() {
            Some(byte) if self.is_abstract(byte) => self.byte().map(drop),
            Some(0x65) if self.has(F::SHARED_EVERYTHING_THREADS) => {
                self.byte()?;
                self.abstract_type()
            }
            Some(0x62) if self.has(F::CUSTOM_DESCRIPTORS) => {
                self.byte()?;
                self.exact_twice |= self.peek() == Some(0x62);
                self.u32().map(drop)
            }
            Some(byte) if self.has_any(TYPED_REFERENCES) && !is_negative(byte) => {
                let index = self.signed(33)?;
                if index >= 0 { Ok(()) } else { Err(Fault::new(Rule::MalformedHeapType, at)) }
            }
            Some(byte) => Err(self.fault(Rule::MalformedHeapType).or(as_negative(byte))),
            None => Err(self.fault(Rule::UnexpectedEnd)),
        }
    }

    /// Parses a block type: empty, a value type, or with multiple values a type index (section
    /// 5.4).
    pub(super) fn block_type(&mut self) -> Parsed<()> {
        match self.peek() {
            Some(0x40) => self.byte().map(drop),
            Some(byte) if self.has(F::MULTI_VALUE) && !is_negative(byte) => {
                let at = self.at();
                let index = self.signed(33)?;
                if index >= 0 { Ok(()) } else { Err(Fault::new(Rule::MalformedBlockType, at)) }
            }
            Some(byte) if !is_negative(byte) => {
                Err(self.fault(Rule::MalformedBlockType).or(Some(Rule::MalformedValueType)))
            }
            _ => self.value_type(),
        }
    }

    /// Parses a recursive type (section 5.3, "Recursive Types"); without garbage collection, a
    /// function type.
    pub(super) fn recursive_type(&mut self) -> Parsed<()> {
        let begin = self.group.end;
        if self.has(F::GC) && self.peek() == Some(0x4e) {
            self.byte()?;
            let length = self.u32()?;
            self.group = begin..begin.saturating_add(length);
            return (0..length).try_for_each(|_| self.sub_type());
        }
        self.group = begin..begin.saturating_add(1);
        self.sub_type()
    }

    fn sub_type(&mut self) -> Parsed<()> {
        if self.has(F::GC) && matches!(self.peek(), Some(0x4f | 0x50)) {
            self.byte()?;
            self.list(|reader| reader.u32().map(drop))?;
        }
        self.composite_type()
    }

    fn composite_type(&mut self) -> Parsed<()> {
        if self.has(F::SHARED_EVERYTHING_THREADS) && self.peek() == Some(0x65) {
            self.byte()?;
        }
        // Custom descriptors proposal: the described type, followed by the descriptor type, both of
        // the same group.
        for (prefix, outside) in [(0x4c, Rule::DescribedOutside), (0x4d, Rule::DescriptorOutside)] {
            if self.has(F::CUSTOM_DESCRIPTORS) && self.peek() == Some(prefix) {
                let at = self.at();
                self.byte()?;
                let index = self.u32()?;
                if !self.group.contains(&index) {
                    self.note(outside, at);
                }
            }
        }
        let at = self.at();
        match self.byte()? {
            0x60 => {
                self.list(Reader::value_type)?;
                self.list(Reader::value_type).map(drop)
            }
            0x5f if self.has(F::GC) => self.list(Reader::field_type).map(drop),
            0x5e if self.has(F::GC) => self.field_type(),
            0x5d if self.has(F::STACK_SWITCHING) => {
                let at = self.at();
                let index = self.signed(33)?;
                if index >= 0 { Ok(()) } else { Err(Fault::new(Rule::MalformedHeapType, at)) }
            }
            byte => Err(Fault::new(Rule::MalformedDefinitionType, at).or(as_negative(byte))),
        }
    }

    fn field_type(&mut self) -> Parsed<()> {
        match self.peek() {
            Some(0x77 | 0x78) => {
                self.byte()?;
            }
            _ => self.value_type().map_err(|fault| match fault.rule {
                Rule::MalformedValueType => fault.or(Some(Rule::MalformedStorageType)),
                _ => fault,
            })?,
        }
        self.mutability()
    }

    fn mutability(&mut self) -> Parsed<()> {
        match self.byte()? {
            0 | 1 => Ok(()),
            byte => Err(self.fault_before(Rule::MalformedMutability).or(as_integer(byte, 1))),
        }
    }

    pub(super) fn global_type(&mut self) -> Parsed<()> {
        self.value_type()?;
        // Bit 1 is the flag of a shared global.
        if self.has(F::SHARED_EVERYTHING_THREADS) && matches!(self.peek(), Some(2 | 3)) {
            return self.byte().map(drop);
        }
        self.mutability()
    }

    pub(super) fn table_type(&mut self) -> Parsed<()> {
        self.reference_type()?;
        self.limits(Limited::Table)
    }

    pub(super) fn memory_type(&mut self) -> Parsed<()> {
        self.limits(Limited::Memory)
    }

    pub(super) fn tag_type(&mut self) -> Parsed<()> {
        match self.byte()? {
            0 => self.u32().map(drop),
            _ => Err(self.fault_before(Rule::MalformedTagAttribute)),
        }
    }

    /// Parses limits (section 5.3, "Limits"): flags, a minimum, and the parts that the flags
    /// indicate.
    fn limits(&mut self, of: Limited) -> Parsed<()> {
        let memory = of == Limited::Memory;
        let mut known = 0x01;
        // The flag of a disabled feature is a byte that is not in the grammar.
        if self.has(F::MEMORY64) {
            known |= 0x04;
        }
        if self.has(if memory { F::THREADS } else { F::SHARED_EVERYTHING_THREADS }) {
            known |= 0x02;
        }
        if memory && self.has(F::CUSTOM_PAGE_SIZES) {
            known |= 0x08;
        }
        let flags = self.byte()?;
        if flags & !known != 0 {
            return Err(self.fault_before(Rule::MalformedLimits).or(as_integer(flags, 1)));
        }
        self.limit()?;
        if flags & 0x01 != 0 {
            self.limit()?;
        }
        if flags & 0x08 != 0 {
            let at = self.at();
            // The binary logarithm of the page size, which the proposal's grammar limits to 63.
            if self.u32()? >= 64 {
                return Err(Fault::new(Rule::MalformedPageSize, at));
            }
        }
        Ok(())
    }

    /// Parses a limit. With 64-bit addresses all limits have 64 bits, and validation bounds them.
    fn limit(&mut self) -> Parsed<()> {
        if self.has(F::MEMORY64) { self.u64().map(drop) } else { self.u32().map(drop) }
    }
}

/// Whether a byte is a negative one-byte integer, like the encodings of types.
fn is_negative(byte: u8) -> bool {
    byte & 0xc0 == 0x40
}

/// The violated rule if the byte is read as the start of a negative 7-bit integer.
fn as_negative(byte: u8) -> Option<Rule> {
    (byte & 0x80 != 0).then_some(Rule::IntegerTooLong)
}
