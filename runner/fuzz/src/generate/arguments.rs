//! Arguments: interesting values, and random ones.

use wasmparser::{AbstractHeapType, HeapType as Parsed, ValType};
use wassay_script::value::{HeapType, Reference, Value};

use crate::random::Random;
use crate::shape::Shape;

/// An argument for a parameter; `None` if scripts cannot make one.
pub(super) fn argument(random: &mut Random, shape: &Shape, ty: ValType) -> Option<Value> {
    Some(match ty {
        ValType::I32 => Value::I32(integer(random, 32) as i32),
        ValType::I64 => Value::I64(integer(random, 64).cast_signed()),
        ValType::F32 => Value::F32(f32_bits(random)),
        ValType::F64 => Value::F64(f64_bits(random)),
        ValType::V128 => Value::V128(vector(random)),
        ValType::Ref(ty) => {
            let top = top(shape, ty.heap_type())?;
            let number = random.below(3) as u32;
            match (ty.heap_type(), top) {
                (Parsed::Abstract { ty: AbstractHeapType::Extern, shared: false }, _)
                    if !ty.is_nullable() || random.chance(60) =>
                {
                    Value::Ref(Reference::Extern(Some(number)))
                }
                (Parsed::Abstract { ty: AbstractHeapType::Any, shared: false }, _)
                    if !ty.is_nullable() || random.chance(60) =>
                {
                    Value::Ref(Reference::Host(number))
                }
                _ if ty.is_nullable() => Value::Ref(Reference::Null(top)),
                _ => return None,
            }
        }
    })
}

/// The top type of the hierarchy of a heap type; `None` for types that scripts do not have.
fn top(shape: &Shape, heap: Parsed) -> Option<HeapType> {
    Some(match heap {
        Parsed::Abstract { ty, shared: false } => match HeapType::of_abstract(ty).top() {
            // They cannot be arguments in a script.
            HeapType::Exn | HeapType::Cont => return None,
            top => top,
        },
        Parsed::Concrete(index) | Parsed::Exact(index) => {
            match shape.types.get(usize::try_from(index.as_module_index()?).ok()?)? {
                Some(_) => HeapType::Func,
                None => HeapType::Any,
            }
        }
        Parsed::Abstract { shared: true, .. } => return None,
    })
}

/// An integer near a power of two, a small one, or a random one.
pub(super) fn integer(random: &mut Random, bits: u32) -> u64 {
    match random.below(10) {
        0..3 => (random.below(9) as u64).wrapping_sub(4),
        3..7 => {
            let power = 1u64 << random.below(bits as usize);
            let near = power.wrapping_add((random.below(3) as u64).wrapping_sub(1));
            if random.chance(30) { near.wrapping_neg() } else { near }
        }
        // Addresses of the first pages.
        7 => random.below(1 << 18) as u64,
        _ => random.bits(),
    }
}

/// An address or a length for a bulk instruction: mostly small, or near the end of a page.
pub(super) fn length(random: &mut Random) -> i64 {
    match random.below(8) {
        0..5 => random.below(40) as i64,
        5 => 0x10000 - random.below(20) as i64,
        6 => random.below(0x20000) as i64,
        _ => integer(random, 32).cast_signed(),
    }
}

/// Floats where arithmetic is special. NaNs are canonical or have a payload of their own.
const FLOATS: [f64; 20] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    1.5,
    2.5,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::MAX,
    f64::MIN_POSITIVE,
    5e-324,
    2147483647.0,
    -2147483649.0,
    4294967296.0,
    9223372036854775807.0,
    -9223372036854777856.0,
    18446744073709551616.0,
    8388609.0,
];

pub(super) fn f64_bits(random: &mut Random) -> u64 {
    match random.below(10) {
        0..6 => FLOATS[random.below(FLOATS.len())].to_bits(),
        6 => 0x7ff8_0000_0000_0000 | random.bits() & 1 << 63,
        7 => 0x7ff0_0000_0000_0001 | random.bits() & 0x800f_ffff_0000_0000,
        _ => random.bits(),
    }
}

pub(super) fn f32_bits(random: &mut Random) -> u32 {
    match random.below(10) {
        0..5 => (FLOATS[random.below(FLOATS.len())] as f32).to_bits(),
        5 => random.pick(1, &[0x7f7f_ffff, 0x0080_0000, 0x4b80_0000, 0x4f00_0000, 0xcf00_0001]),
        6 => 0x7fc0_0000 | random.bits() as u32 & 1 << 31,
        7 => 0x7f80_0001 | random.bits() as u32 & 0x807f_0000,
        _ => random.bits() as u32,
    }
}

pub(super) fn vector(random: &mut Random) -> u128 {
    match random.below(4) {
        0 => random.wide_bits(),
        1 => (0..4).fold(0, |bits, _| bits << 32 | u128::from(f32_bits(random))),
        2 => (0..2).fold(0, |bits, _| bits << 64 | u128::from(f64_bits(random))),
        _ => (0..2).fold(0, |bits, _| bits << 64 | u128::from(integer(random, 64))),
    }
}
