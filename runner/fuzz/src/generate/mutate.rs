//! Modules with mutated bytes, most of which are malformed or invalid.

use crate::random::Random;

/// Bytes that mean something in many places of a module: types, section and opcode numbers, and
/// numbers in LEB128 that are too large or too long.
const TOKENS: [&[u8]; 16] = [
    &[0x00],
    &[0x01],
    &[0x0b],
    &[0x40],
    &[0x60],
    &[0x70],
    &[0x7f],
    &[0x7e],
    &[0x80, 0x00],
    &[0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
    &[0xff, 0xff, 0xff, 0xff, 0x0f],
    &[0xff, 0xff, 0xff, 0xff, 0x1f],
    &[0xfb],
    &[0xfc],
    &[0xfd],
    &[0xfe],
];

/// Changes a few bytes of a module.
pub fn mutate(random: &mut Random, bytes: &mut Vec<u8>) {
    for _ in 0..random.between(1, 4) {
        let at = random.below(bytes.len());
        let length = random.between(1, 8).min(bytes.len().saturating_sub(at));
        match random.below(8) {
            0..3 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << random.below(8);
                }
            }
            3 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = random.bits() as u8;
                }
            }
            4 => drop(bytes.drain(at..at + length)),
            5 => {
                let again = bytes.get(at..at + length).unwrap_or_default().to_vec();
                let to = random.below(bytes.len() + 1);
                bytes.splice(to..to, again);
            }
            6 => {
                let token = random.pick(TOKENS[0], &TOKENS[1..]);
                let over = if random.chance(50) { at..(at + token.len()).min(bytes.len()) } else { at..at };
                bytes.splice(over, token.iter().copied());
            }
            _ if random.chance(30) => bytes.truncate(at),
            _ => {
                let token = random.pick(TOKENS[0], &TOKENS[1..]);
                bytes.extend_from_slice(token);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_can_be_mutated() {
        for number in 0..2000 {
            let mut random = Random::of_case(3, number);
            let mut bytes = vec![7; random.below(20)];
            mutate(&mut random, &mut bytes);
        }
    }
}
