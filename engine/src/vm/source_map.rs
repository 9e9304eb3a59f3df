//! The mapping from machine code to the instructions of a module.

/// For each function of a batch, the offsets in its machine code at which the code of another
/// instruction begins.
///
/// The data of a function is a sequence of pairs of LEB128 numbers (core spec, section 5.2.2): the
/// distance from the code of the previous pair, and the distance from its instruction. That is two
/// or three bytes for each point where code can be unwound. A lookup decodes the data from the
/// start of the function.
#[derive(Debug, Default)]
pub(crate) struct SourceMap {
    bytes: Box<[u8]>,
    /// The end of each function's data.
    ends: Box<[u32]>,
}

/// Encodes the mapping of a function: offsets in its machine code, in ascending order, each with
/// the offset of the instruction whose code begins there, if it belongs to one.
pub(crate) fn encode(entries: impl Iterator<Item = (u32, Option<u32>)>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut last = (0, 0);
    for (code, instruction) in entries {
        // 0 means no instruction.
        let instruction = instruction.map_or(0, |offset| i64::from(offset) + 1);
        if instruction != last.1 {
            write(&mut bytes, u64::from(code - last.0));
            let distance = instruction - last.1;
            // Zigzag encoding, so that small distances of either sign are small numbers.
            write(&mut bytes, ((distance << 1) ^ (distance >> 63)) as u64);
            last = (code, instruction);
        }
    }
    bytes
}

impl SourceMap {
    /// Concatenates the data of the functions of a batch.
    pub(crate) fn of<'a>(functions: impl Iterator<Item = &'a [u8]>) -> SourceMap {
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        for function in functions {
            bytes.extend_from_slice(function);
            ends.push(bytes.len() as u32);
        }
        SourceMap { bytes: bytes.into(), ends: ends.into() }
    }

    /// The offset of the instruction that the machine code at this offset of a function belongs to.
    pub(crate) fn find(&self, function: usize, offset: u32) -> Option<u32> {
        let end = |function: usize| self.ends.get(function).map_or(0, |end| *end as usize);
        let start = function.checked_sub(1).map_or(0, end);
        let mut bytes = self.bytes.get(start..end(function))?.iter();
        let (mut code, mut instruction) = (0, 0);
        while let Some(distance) = read(&mut bytes) {
            code = u64::checked_add(code, distance)?;
            if code > u64::from(offset) {
                break;
            }
            let distance = read(&mut bytes)?;
            let distance = (distance >> 1) as i64 ^ -((distance & 1) as i64);
            instruction = i64::checked_add(instruction, distance)?;
        }
        u32::try_from(instruction.checked_sub(1)?).ok()
    }
}

fn write(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn read<'a>(bytes: &mut impl Iterator<Item = &'a u8>) -> Option<u64> {
    let (mut value, mut shift) = (0, 0u32);
    loop {
        let byte = *bytes.next()?;
        // The data can come from a file, in which numbers can be too long.
        value |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
        shift += 7;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_extends_to_the_next_one() {
        let first = [(4, Some(9)), (6, Some(9)), (200, Some(3)), (300, None), (305, Some(7_000_000))];
        let second = [(0, Some(0)), (1 << 20, Some(1))];
        let encoded = [first.as_slice(), &[], &second].map(|entries| encode(entries.iter().copied()));
        assert_eq!(encoded[0].len(), 2 + 3 + 2 + 5, "a repeated instruction is not encoded");
        let source_map = SourceMap::of(encoded.iter().map(Vec::as_slice));
        for (function, offset, expected) in [
            (0, 0, None),
            (0, 3, None),
            (0, 4, Some(9)),
            (0, 199, Some(9)),
            (0, 200, Some(3)),
            (0, 304, None),
            (0, u32::MAX, Some(7_000_000)),
            (1, 0, None),
            (2, 0, Some(0)),
            (2, (1 << 20) - 1, Some(0)),
            (2, 1 << 20, Some(1)),
            (3, 0, None),
        ] {
            assert_eq!(source_map.find(function, offset), expected, "function {function}, offset {offset}");
        }
    }
    #[test]
    fn data_that_is_not_a_mapping_has_no_instructions() {
        let long = [0x80; 40];
        let large = [[0xff; 9].as_slice(), &[0x01, 0x00]].concat();
        let far = [[0x00].as_slice(), &[0xff; 9], &[0x01], &large, &large].concat();
        for bytes in [&long, &*large, &*far, &[0x00, 0x01, 0x00]] {
            let source_map = SourceMap::of([bytes].into_iter());
            assert_eq!(source_map.find(0, 5), None, "{bytes:x?}");
        }
    }
}
