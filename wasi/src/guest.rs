//! Bounds-checked access to a guest's memory. No pointer or length from the guest is trusted.

use std::io::{IoSlice, IoSliceMut};
use std::ops::Range;

use smallvec::SmallVec;

use crate::abi::layout::{Layout, number};
use crate::abi::{Buffer, IoVecs, Out, Text};
use crate::errno::Errno;

/// The limit on the length of a path: the system's, so that nothing longer is copied.
const MAX_PATH: u32 = 4096;

/// How many buffers of a vector one call uses. The rest is left to the guest's next call, as after
/// any partial transfer.
const MAX_IOVECS: u32 = 1024;

/// The memory of the calling instance.
#[derive(Debug)]
pub(crate) struct Guest<'a>(&'a mut [u8]);

impl<'a> Guest<'a> {
    #[inline]
    pub(crate) fn new(memory: &'a mut [u8]) -> Guest<'a> {
        Guest(memory)
    }

    /// Returns the range of `count` values of `size` bytes: FAULT if it is out of bounds, INVAL if
    /// the address is not a multiple of `align`.
    pub(crate) fn array(
        &self,
        address: u32,
        count: u32,
        size: usize,
        align: u32,
    ) -> Result<Range<usize>, Errno> {
        if !address.is_multiple_of(align) {
            return Err(Errno::Inval);
        }
        let end = u64::from(address) + u64::from(count) * size as u64;
        if end > self.0.len() as u64 {
            return Err(Errno::Fault);
        }
        Ok(address as usize..end as usize)
    }

    /// The bytes of a range that [`Guest::array`] returned.
    pub(crate) fn all(&self, range: Range<usize>) -> &[u8] {
        &self.0[range]
    }

    /// The bytes of a buffer.
    pub(crate) fn bytes(&self, buffer: Buffer) -> Result<&[u8], Errno> {
        let range = self.array(buffer.address, buffer.len, 1, 1)?;
        Ok(&self.0[range])
    }

    /// The bytes of a buffer, mutable.
    pub(crate) fn bytes_mut(&mut self, buffer: Buffer) -> Result<&mut [u8], Errno> {
        let range = self.array(buffer.address, buffer.len, 1, 1)?;
        Ok(&mut self.0[range])
    }

    /// Checks that a value can be written at this address. Calls with side effects check all their
    /// result addresses first.
    pub(crate) fn check<T: Layout>(&self, out: Out<T>) -> Result<(), Errno> {
        self.array(out.address, 1, T::SIZE, T::ALIGN).map(drop)
    }

    /// Writes a value.
    pub(crate) fn write<T: Layout>(&mut self, out: Out<T>, value: T) -> Result<(), Errno> {
        let range = self.array(out.address, 1, T::SIZE, T::ALIGN)?;
        value.store(&mut self.0[range]);
        Ok(())
    }

    /// Returns a path or the contents of a symbolic link: NOENT if it is empty, NAMETOOLONG, ILSEQ
    /// if it is not UTF-8, INVAL if it contains a NUL.
    pub(crate) fn text(&self, text: Text) -> Result<&str, Errno> {
        let bytes = self.bytes(text.0)?;
        if bytes.is_empty() {
            return Err(Errno::NoEnt);
        }
        if text.0.len >= MAX_PATH {
            return Err(Errno::NameTooLong);
        }
        if bytes.contains(&0) {
            return Err(Errno::Inval);
        }
        std::str::from_utf8(bytes).map_err(|_| Errno::Ilseq)
    }

    /// Calls `write` with the buffers of a vector. If any of them is out of bounds, `write`, which
    /// may block, is not called.
    pub(crate) fn gather<T, E: From<Errno>>(
        &self,
        vectors: IoVecs,
        write: impl FnOnce(&[IoSlice<'_>]) -> Result<T, E>,
    ) -> Result<T, E> {
        if vectors.count == 1 {
            return write(&[IoSlice::new(&self.0[self.range(vectors)?])]);
        }
        let ranges = self.ranges(vectors)?;
        let buffers: SmallVec<[IoSlice<'_>; 8]> =
            ranges.iter().map(|range| IoSlice::new(&self.0[range.clone()])).collect();
        write(&buffers)
    }

    /// Calls `read` with the buffers of a vector, or with the first one only if they overlap. If
    /// any of them is out of bounds, `read`, which may block, is not called.
    pub(crate) fn scatter<T, E: From<Errno>>(
        &mut self,
        vectors: IoVecs,
        read: impl FnOnce(&mut [IoSliceMut<'_>]) -> Result<T, E>,
    ) -> Result<T, E> {
        if vectors.count == 1 {
            let range = self.range(vectors)?;
            return read(&mut [IoSliceMut::new(&mut self.0[range])]);
        }
        let mut ranges = self.ranges(vectors)?;
        let mut order: SmallVec<[usize; 8]> = (0..ranges.len()).collect();
        order.sort_unstable_by_key(|index| ranges[*index].start);
        if order.windows(2).any(|pair| ranges[pair[0]].end > ranges[pair[1]].start) {
            ranges.truncate(1);
            order = SmallVec::from_iter([0]);
        }
        let mut buffers: SmallVec<[IoSliceMut<'_>; 8]> =
            ranges.iter().map(|_| IoSliceMut::new(&mut [])).collect();
        let (mut rest, mut position) = (&mut *self.0, 0);
        for index in order {
            let Range { start, end } = ranges[index];
            let (buffer, after) = rest.split_at_mut(start - position).1.split_at_mut(end - start);
            buffers[index] = IoSliceMut::new(buffer);
            (rest, position) = (after, end);
        }
        read(&mut buffers)
    }

    /// The range of the first buffer of a vector.
    fn range(&self, vectors: IoVecs) -> Result<Range<usize>, Errno> {
        let vector = &self.0[self.array(vectors.address, 1, 8, 4)?];
        self.array(number::<4>(vector, 0) as u32, number::<4>(vector, 4) as u32, 1, 1)
    }

    /// The ranges of the nonempty buffers of a vector. Returns INVAL if their total size exceeds
    /// 2^32-1 bytes, since the result could not hold the number of bytes transferred.
    fn ranges(&self, vectors: IoVecs) -> Result<SmallVec<[Range<usize>; 8]>, Errno> {
        let array = self.array(vectors.address, vectors.count, 8, 4)?;
        let mut ranges = SmallVec::new();
        let mut total = 0u32;
        for vector in self.0[array].chunks_exact(8).take(MAX_IOVECS as usize) {
            let (address, len) = (number::<4>(vector, 0) as u32, number::<4>(vector, 4) as u32);
            let range = self.array(address, len, 1, 1)?;
            total = total.checked_add(len).ok_or(Errno::Inval)?;
            if !range.is_empty() {
                ranges.push(range);
            }
        }
        Ok(ranges)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vectors(memory: &mut [u8], pairs: &[(u32, u32)]) -> IoVecs {
        for (index, (address, len)) in pairs.iter().enumerate() {
            memory[8 * index..8 * index + 4].copy_from_slice(&address.to_le_bytes());
            memory[8 * index + 4..8 * index + 8].copy_from_slice(&len.to_le_bytes());
        }
        IoVecs { address: 0, count: pairs.len() as u32 }
    }

    #[test]
    fn buffers_are_in_the_order_of_the_vector() {
        let mut memory = vec![0; 256];
        let list = vectors(&mut memory, &[(100, 3), (250, 0), (64, 2), (103, 4)]);
        let mut guest = Guest::new(&mut memory);
        let lengths = guest.scatter::<_, Errno>(list, |buffers| {
            for (index, buffer) in buffers.iter_mut().enumerate() {
                buffer.fill(index as u8 + 1);
            }
            Ok(buffers.iter().map(|buffer| buffer.len()).collect::<Vec<_>>())
        });
        assert_eq!(lengths.unwrap(), [3, 2, 4]);
        assert_eq!((&memory[64..66], &memory[100..107]), (&[2u8, 2][..], &[1u8, 1, 1, 3, 3, 3, 3][..]));
    }

    #[test]
    fn only_the_first_of_overlapping_buffers_is_read_into() {
        let mut memory = vec![0; 256];
        let list = vectors(&mut memory, &[(100, 9), (90, 11)]);
        let mut guest = Guest::new(&mut memory);
        let first = guest.scatter::<_, Errno>(list, |buffers| Ok((buffers.len(), buffers[0].len())));
        assert_eq!(first, Ok((1, 9)));
        assert_eq!(guest.gather::<_, Errno>(list, |buffers| Ok(buffers.len())), Ok(2));
    }

    #[test]
    fn buffers_out_of_bounds_are_refused() {
        let mut memory = vec![0; 256];
        let list = vectors(&mut memory, &[(250, 7)]);
        let guest = Guest::new(&mut memory);
        let gathered = |vectors| guest.gather::<_, Errno>(vectors, |buffers| Ok(buffers.len()));
        assert_eq!(gathered(list), Err(Errno::Fault));
        assert_eq!(gathered(IoVecs { address: 0, count: u32::MAX }), Err(Errno::Fault));
        assert_eq!(gathered(IoVecs { address: 2, count: 1 }), Err(Errno::Inval));
        assert_eq!(guest.bytes(Buffer { address: u32::MAX, len: u32::MAX }).unwrap_err(), Errno::Fault);
        assert_eq!(guest.bytes(Buffer { address: 257, len: 0 }).unwrap_err(), Errno::Fault);
        assert!(guest.bytes(Buffer { address: 256, len: 0 }).unwrap().is_empty());
    }
}
