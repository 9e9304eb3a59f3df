//! Instructions and expressions (core spec, section 5.4).

use wasmparser::WasmFeatures as F;

use super::fault::{Fault, Parsed};
use super::opcodes::{Immediates, is_prefix, plain, prefixed};
use super::reader::Reader;
use wassay_terms::Rule;

/// The encodings of orderings: sequentially consistent, and acquire or release.
const ORDERINGS: [u8; 2] = [0x00, 0x01];

/// The same for instructions that read and write.
const ORDERINGS_OF_UPDATES: [u8; 2] = [0x00, 0x11];

/// The proposals that introduced orderings.
const ORDERED: F = F::ACQUIRE_RELEASE_ATOMICS.union(F::SHARED_EVERYTHING_THREADS);

/// An open structured instruction.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Frame {
    Block,
    /// An `if` before its `else`.
    If,
    /// A legacy `try` before its first clause.
    Try,
    /// A legacy `try` after its first clause, which is not `catch_all`.
    Catch,
}

impl Reader<'_> {
    /// Parses an expression: instructions up to their `end`. Returns the offset of the first
    /// instruction that refers to a data segment.
    pub(super) fn expression(&mut self) -> Parsed<Option<usize>> {
        // The open blocks. Each takes at least a byte, so the nesting depth is bounded by the size
        // of the input.
        let mut open = Vec::new();
        let mut names_data = None;
        loop {
            let at = self.at();
            let immediates = self.opcode()?;
            match immediates {
                Immediates::Block | Immediates::If | Immediates::Try | Immediates::TryTable => {
                    self.block_type()?;
                    if immediates == Immediates::TryTable {
                        self.list(Reader::catch_clause)?;
                    }
                    open.push(match immediates {
                        Immediates::If => Frame::If,
                        Immediates::Try => Frame::Try,
                        _ => Frame::Block,
                    });
                }
                Immediates::End => {
                    if open.pop().is_none() {
                        return Ok(names_data);
                    }
                }
                Immediates::Else => match open.last_mut() {
                    Some(frame @ Frame::If) => *frame = Frame::Block,
                    _ => return Err(Fault::new(Rule::EndExpected, at)),
                },
                Immediates::Catch | Immediates::CatchAll | Immediates::Delegate => {
                    self.clause(immediates, &mut open, at)?;
                }
                Immediates::MemoryInit | Immediates::Data | Immediates::TypeAndData => {
                    names_data.get_or_insert(at);
                    self.immediates(immediates)?;
                }
                immediates => self.immediates(immediates)?,
            }
        }
    }

    /// Parses a clause of a legacy `try`.
    fn clause(&mut self, clause: Immediates, open: &mut Vec<Frame>, at: usize) -> Parsed<()> {
        let misplaced = Err(Fault::new(Rule::MisplacedClause, at));
        match (clause, open.last_mut()) {
            (Immediates::Catch, Some(frame @ (Frame::Try | Frame::Catch))) => {
                *frame = Frame::Catch;
                self.u32().map(drop)
            }
            (Immediates::CatchAll, Some(frame @ (Frame::Try | Frame::Catch))) => {
                // No further clauses are allowed.
                *frame = Frame::Block;
                Ok(())
            }
            (Immediates::Delegate, Some(Frame::Try)) => {
                open.pop();
                self.u32().map(drop)
            }
            _ => misplaced,
        }
    }

    fn opcode(&mut self) -> Parsed<Immediates> {
        let at = self.at();
        let byte = self.byte()?;
        let illegal = || Fault::new(Rule::IllegalOpcode, at);
        let found = if !is_prefix(byte) {
            plain(byte)
        } else if self.has_any(features_with_prefix(byte)) {
            let code = self.u32()?;
            prefixed(byte, code)
        } else {
            None
        };
        let (immediates, features) = found.ok_or_else(illegal)?;
        // Both exception handling proposals have `throw`.
        let legacy = byte == 0x08 && self.has(F::LEGACY_EXCEPTIONS);
        if self.has(features) || legacy { Ok(immediates) } else { Err(illegal()) }
    }

    fn immediates(&mut self, immediates: Immediates) -> Parsed<()> {
        match immediates {
            Immediates::Index | Immediates::Data => self.u32().map(drop),
            Immediates::Indices | Immediates::TypeAndData => self.indices(2),
            Immediates::MemoryInit => {
                self.u32()?;
                self.memory_index()
            }
            Immediates::MemoryCopy => {
                self.memory_index()?;
                self.memory_index()
            }
            Immediates::Memory => self.memory_index(),
            Immediates::CallIndirect | Immediates::TableInit => {
                self.u32()?;
                self.table_index()
            }
            Immediates::TableCopy => {
                self.table_index()?;
                self.table_index()
            }
            Immediates::BranchTable => {
                self.list(|reader| reader.u32().map(drop))?;
                self.u32().map(drop)
            }
            Immediates::ValueTypes => self.list(Reader::value_type).map(drop),
            Immediates::HeapType => self.heap_type(),
            Immediates::BranchOnCast => self.branch_on_cast(),
            Immediates::MemoryArgument => self.memory_argument(&[]),
            Immediates::AtomicArgument => self.memory_argument(&ORDERINGS),
            Immediates::UpdateArgument => self.memory_argument(&ORDERINGS_OF_UPDATES),
            Immediates::Ordering if !self.has_any(ORDERED) => self.zero(),
            Immediates::Ordering => self.ordering(&ORDERINGS),
            Immediates::Ordered(indices) => {
                self.ordering(&ORDERINGS)?;
                self.indices(indices)
            }
            Immediates::MemoryLane => {
                self.memory_argument(&[])?;
                self.byte().map(drop)
            }
            Immediates::Byte => self.byte().map(drop),
            Immediates::I32 => self.signed(32).map(drop),
            Immediates::I64 => self.signed(64).map(drop),
            Immediates::Bytes(count) => self.take(usize::from(count)).map(drop),
            Immediates::Handlers(indices) => {
                self.indices(indices)?;
                self.list(Reader::handler).map(drop)
            }
            // The others have no immediates, or are parsed with blocks.
            _ => Ok(()),
        }
    }

    fn indices(&mut self, count: u8) -> Parsed<()> {
        for _ in 0..count {
            self.u32()?;
        }
        Ok(())
    }

    /// A memory index; without the multi-memory proposal, a zero byte.
    fn memory_index(&mut self) -> Parsed<()> {
        if self.has(F::MULTI_MEMORY) { self.u32().map(drop) } else { self.zero() }
    }

    /// A table index; without the reference types proposal, a zero byte.
    fn table_index(&mut self) -> Parsed<()> {
        if self.has(F::REFERENCE_TYPES) { self.u32().map(drop) } else { self.zero() }
    }

    /// A memory argument: an alignment, in whose bits are the flags of a memory index (multi-memory
    /// proposal, bit 6), a type index (multibyte array access, bit 5) and an ordering
    /// (acquire-release atomics, bit 4), what these say, and an offset. `orderings` are those that
    /// the instruction can have.
    fn memory_argument(&mut self, orderings: &[u8]) -> Parsed<()> {
        let at = self.at();
        let flags = self.u32()?;
        let known = self.known_memop_flags();
        let has = |features, flag| self.has(features) && flags & flag != 0;
        let memory = has(F::MULTI_MEMORY, 0x40);
        let array = has(F::MULTIBYTE_ARRAY_ACCESS, 0x20);
        let ordered = has(F::ACQUIRE_RELEASE_ATOMICS, 0x10);
        let misplaced = memory && array || ordered && orderings.is_empty();
        if known.is_some_and(|known| flags >= known) || misplaced {
            return Err(Fault::new(Rule::MalformedMemop, at));
        }
        if known.is_none() && flags >= 0x20 {
            self.note(Rule::AlignmentTooLarge, at);
        }
        if memory || array {
            self.u32()?;
        }
        if ordered {
            self.ordering(orderings)?;
        }
        if self.has(F::MEMORY64) { self.u64().map(drop) } else { self.u32().map(drop) }
    }

    /// An ordering of the given ones.
    fn ordering(&mut self, orderings: &[u8]) -> Parsed<()> {
        match self.byte()? {
            byte if orderings.contains(&byte) => Ok(()),
            _ => Err(self.fault_before(Rule::MalformedMemop)),
        }
    }

    /// The upper bound of the flags. In 1.0 only validation bounds the alignment; the test suite of
    /// 2.0 expects alignments of 2^32 and more to be malformed.
    fn known_memop_flags(&self) -> Option<u32> {
        if self.has(F::MULTI_MEMORY) {
            return Some(0x80);
        }
        if self.has(F::MULTIBYTE_ARRAY_ACCESS) {
            return Some(0x40);
        }
        self.has_any(F::REFERENCE_TYPES.union(F::BULK_MEMORY).union(F::SIMD)).then_some(0x20)
    }

    fn branch_on_cast(&mut self) -> Parsed<()> {
        if self.byte()? > 3 {
            return Err(self.fault_before(Rule::MalformedCastFlags));
        }
        self.u32()?;
        self.heap_type()?;
        self.heap_type()
    }

    fn catch_clause(&mut self) -> Parsed<()> {
        match self.byte()? {
            0x00 | 0x01 => self.indices(2),
            0x02 | 0x03 => self.indices(1),
            _ => Err(self.fault_before(Rule::MalformedCatch)),
        }
    }

    fn handler(&mut self) -> Parsed<()> {
        match self.byte()? {
            0x00 => self.indices(2),
            0x01 => self.indices(1),
            _ => Err(self.fault_before(Rule::MalformedHandler)),
        }
    }
}

/// The features that introduced opcodes with this prefix. If none of them is enabled, the prefix
/// itself is not in the grammar.
fn features_with_prefix(prefix: u8) -> F {
    match prefix {
        0xfb => F::GC.union(F::CUSTOM_DESCRIPTORS),
        0xfc => F::SATURATING_FLOAT_TO_INT
            .union(F::BULK_MEMORY)
            .union(F::REFERENCE_TYPES)
            .union(F::WIDE_ARITHMETIC),
        0xfd => F::SIMD.union(F::RELAXED_SIMD),
        _ => F::THREADS.union(F::SHARED_EVERYTHING_THREADS),
    }
}
