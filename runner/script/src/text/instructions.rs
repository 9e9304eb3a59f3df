//! Plain instructions and their immediates (core spec, section 6.5), including those of proposals.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::version::Grammar;

/// The immediates of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Immediates {
    None,
    Index,
    TwoIndices,
    IndexOrNone,
    TwoIndicesOrNone,
    /// The last index, and the one before it if it is not 0.
    OneOrTwoIndices,
    /// One label at least.
    Labels,
    /// A type and the length of an array.
    IndexAndLength,
    HeapType,
    RefType,
    /// A label and two reference types.
    Cast,
    /// A memory's index, an offset and an alignment, each of which can be missing.
    Memory,
    /// The same, and an ordering, which can be missing.
    Atomic,
    /// An ordering, which can be missing.
    Ordering,
    /// An ordering and an index.
    OrderedIndex,
    /// An ordering and an index, which can be missing.
    OrderedIndexOrNone,
    /// An ordering and two indices.
    OrderedTwoIndices,
    /// Those of `Memory`, and a lane.
    MemoryLane,
    Lane,
    /// Sixteen lanes.
    Lanes,
    Number,
    /// A shape and its lanes.
    Vector,
    /// Results.
    Select,
    /// A table's index, which can be missing, and a type use.
    CallIndirect,
    /// A type and handlers.
    Resume,
    /// A type, a tag and handlers.
    ResumeThrow,
}

/// The immediates of a plain instruction of any version.
pub(super) fn of(word: &str) -> Option<Immediates> {
    static NAMED: LazyLock<HashMap<String, Immediates>> = LazyLock::new(|| names().collect());
    NAMED.get(word).copied()
}

/// The immediates of a plain instruction of this version.
pub(super) fn in_version(grammar: Grammar, word: &str) -> Option<Immediates> {
    use Immediates::{OrderedIndex, OrderedIndexOrNone, OrderedTwoIndices};
    let known = |immediates: &Immediates| match (word, immediates) {
        ("ref.i31_shared", _) | (_, OrderedIndex | OrderedIndexOrNone | OrderedTwoIndices) => grammar.shared,
        ("pause", _) => grammar.orderings,
        _ => true,
    };
    of(word).filter(known)
}

/// Every plain instruction with its immediates.
fn names() -> impl Iterator<Item = (String, Immediates)> {
    INSTRUCTIONS.iter().flat_map(|(prefixes, names, immediates)| {
        prefixes.split('|').flat_map(move |prefix| {
            names.split_whitespace().map(move |name| (format!("{prefix}{name}"), *immediates))
        })
    })
}

/// Prefixes, with `|` between them, what follows each of them, and the immediates.
const INSTRUCTIONS: &[(&str, &str, Immediates)] = &[
    // Parametric and control instructions (sections 6.5.1 to 6.5.3).
    ("", "unreachable nop drop return throw_ref", Immediates::None),
    ("", "select", Immediates::Select),
    (
        "",
        "br br_if br_on_null br_on_non_null call return_call call_ref return_call_ref throw",
        Immediates::Index,
    ),
    ("", "br_table", Immediates::Labels),
    ("br_on_cast", "_fail _desc_eq _desc_eq_fail", Immediates::Cast),
    ("", "br_on_cast", Immediates::Cast),
    ("|return_", "call_indirect", Immediates::CallIndirect),
    // Legacy exceptions.
    ("", "rethrow", Immediates::Index),
    // Stack switching.
    ("", "cont.new suspend", Immediates::Index),
    ("", "cont.bind switch", Immediates::TwoIndices),
    ("", "resume resume_throw_ref", Immediates::Resume),
    ("", "resume_throw", Immediates::ResumeThrow),
    // Variables and tables (sections 6.5.4 and 6.5.5).
    ("", "local.get local.set local.tee global.get global.set", Immediates::Index),
    ("table.", "get set size grow fill", Immediates::IndexOrNone),
    ("", "table.copy memory.copy", Immediates::TwoIndicesOrNone),
    ("", "table.init memory.init", Immediates::OneOrTwoIndices),
    ("", "elem.drop data.drop", Immediates::Index),
    // Memories (section 6.5.6).
    ("memory.", "size grow fill", Immediates::IndexOrNone),
    ("i32.|i64.|f32.|f64.|v128.", "load store", Immediates::Memory),
    ("i32.|i64.", "load8_s load8_u load16_s load16_u store8 store16", Immediates::Memory),
    ("i64.", "load32_s load32_u store32", Immediates::Memory),
    ("v128.load", "8x8_s 8x8_u 16x4_s 16x4_u 32x2_s 32x2_u", Immediates::Memory),
    ("v128.load", "8_splat 16_splat 32_splat 64_splat 32_zero 64_zero", Immediates::Memory),
    ("v128.load|v128.store", "8_lane 16_lane 32_lane 64_lane", Immediates::MemoryLane),
    // Threads.
    ("", "atomic.fence", Immediates::Ordering),
    ("memory.atomic.", "notify wait32 wait64", Immediates::Memory),
    ("i32.atomic.|i64.atomic.", "load load8_u load16_u store store8 store16", Immediates::Atomic),
    ("i64.atomic.", "load32_u store32", Immediates::Atomic),
    ("i32.atomic.rmw.|i64.atomic.rmw.", "add sub and or xor xchg cmpxchg", Immediates::Atomic),
    (
        "i32.atomic.rmw8.|i32.atomic.rmw16.|i64.atomic.rmw8.|i64.atomic.rmw16.|i64.atomic.rmw32.",
        "add_u sub_u and_u or_u xor_u xchg_u cmpxchg_u",
        Immediates::Atomic,
    ),
    // Acquire-release atomics.
    ("", "pause", Immediates::None),
    // Shared-everything threads.
    ("", "ref.i31_shared", Immediates::None),
    ("global.atomic.|array.atomic.", "get set", Immediates::OrderedIndex),
    ("array.atomic.", "get_s get_u", Immediates::OrderedIndex),
    ("global.atomic.rmw.|array.atomic.rmw.", "add sub and or xor xchg cmpxchg", Immediates::OrderedIndex),
    ("table.atomic.", "get set rmw.xchg rmw.cmpxchg", Immediates::OrderedIndexOrNone),
    ("struct.atomic.", "get get_s get_u set", Immediates::OrderedTwoIndices),
    ("struct.atomic.rmw.", "add sub and or xor xchg cmpxchg", Immediates::OrderedTwoIndices),
    // References and aggregates (sections 6.5.7 and 6.5.8).
    ("", "ref.null", Immediates::HeapType),
    ("", "ref.func", Immediates::Index),
    ("", "ref.is_null ref.as_non_null ref.eq ref.i31 i31.get_s i31.get_u", Immediates::None),
    ("", "any.convert_extern extern.convert_any array.len", Immediates::None),
    ("", "ref.test ref.cast", Immediates::RefType),
    ("struct.", "new new_default", Immediates::Index),
    ("struct.", "get get_s get_u set", Immediates::TwoIndices),
    ("array.", "new new_default get get_s get_u set fill", Immediates::Index),
    ("array.", "new_data new_elem copy init_data init_elem", Immediates::TwoIndices),
    ("", "array.new_fixed", Immediates::IndexAndLength),
    // Custom descriptors.
    ("", "struct.new_desc struct.new_default_desc ref.get_desc", Immediates::Index),
    ("", "ref.cast_desc_eq", Immediates::RefType),
    // Numbers (section 6.5.9).
    ("i32.|i64.|f32.|f64.", "const", Immediates::Number),
    ("i32.|i64.", "eqz eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u clz ctz popcnt", Immediates::None),
    (
        "i32.|i64.",
        "add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr",
        Immediates::None,
    ),
    ("i32.|i64.", "extend8_s extend16_s", Immediates::None),
    ("f32.|f64.", "eq ne lt gt le ge abs neg ceil floor trunc nearest sqrt", Immediates::None),
    ("f32.|f64.", "add sub mul div min max copysign", Immediates::None),
    ("i32.|i64.", "trunc_f32_s trunc_f32_u trunc_f64_s trunc_f64_u", Immediates::None),
    ("i32.|i64.", "trunc_sat_f32_s trunc_sat_f32_u trunc_sat_f64_s trunc_sat_f64_u", Immediates::None),
    ("f32.|f64.", "convert_i32_s convert_i32_u convert_i64_s convert_i64_u", Immediates::None),
    ("", "i32.wrap_i64 i64.extend_i32_s i64.extend_i32_u i64.extend32_s", Immediates::None),
    ("", "f32.demote_f64 f64.promote_f32 i32.reinterpret_f32 i64.reinterpret_f64", Immediates::None),
    ("", "f32.reinterpret_i32 f64.reinterpret_i64", Immediates::None),
    // Wide arithmetic.
    ("i64.", "add128 sub128 mul_wide_s mul_wide_u", Immediates::None),
    // Vectors (section 6.5.10).
    ("", "v128.const", Immediates::Vector),
    ("", "i8x16.shuffle", Immediates::Lanes),
    ("i8x16.|i16x8.", "extract_lane_s extract_lane_u replace_lane", Immediates::Lane),
    ("i32x4.|i64x2.|f32x4.|f64x2.", "extract_lane replace_lane", Immediates::Lane),
    ("v128.", "not and andnot or xor bitselect any_true", Immediates::None),
    ("i8x16.|i16x8.|i32x4.|i64x2.|f32x4.|f64x2.", "splat eq ne abs neg add sub", Immediates::None),
    ("i8x16.|i16x8.|i32x4.|i64x2.", "lt_s gt_s le_s ge_s all_true bitmask shl shr_s shr_u", Immediates::None),
    ("i8x16.|i16x8.|i32x4.", "lt_u gt_u le_u ge_u min_s min_u max_s max_u", Immediates::None),
    ("i8x16.|i16x8.", "add_sat_s add_sat_u sub_sat_s sub_sat_u avgr_u", Immediates::None),
    ("i16x8.|i32x4.|i64x2.", "mul", Immediates::None),
    (
        "f32x4.|f64x2.",
        "lt gt le ge ceil floor trunc nearest sqrt mul div min max pmin pmax",
        Immediates::None,
    ),
    ("", "i8x16.swizzle i8x16.popcnt i16x8.q15mulr_sat_s i32x4.dot_i16x8_s", Immediates::None),
    ("i8x16.narrow_i16x8|i16x8.narrow_i32x4", "_s _u", Immediates::None),
    ("i16x8.extadd_pairwise_i8x16|i32x4.extadd_pairwise_i16x8", "_s _u", Immediates::None),
    ("i16x8.extend_low_i8x16|i16x8.extend_high_i8x16", "_s _u", Immediates::None),
    ("i32x4.extend_low_i16x8|i32x4.extend_high_i16x8", "_s _u", Immediates::None),
    ("i64x2.extend_low_i32x4|i64x2.extend_high_i32x4", "_s _u", Immediates::None),
    ("i16x8.extmul_low_i8x16|i16x8.extmul_high_i8x16", "_s _u", Immediates::None),
    ("i32x4.extmul_low_i16x8|i32x4.extmul_high_i16x8", "_s _u", Immediates::None),
    ("i64x2.extmul_low_i32x4|i64x2.extmul_high_i32x4", "_s _u", Immediates::None),
    ("i32x4.trunc_sat_", "f32x4_s f32x4_u f64x2_s_zero f64x2_u_zero", Immediates::None),
    ("f32x4.", "convert_i32x4_s convert_i32x4_u demote_f64x2_zero", Immediates::None),
    ("f64x2.", "convert_low_i32x4_s convert_low_i32x4_u promote_low_f32x4", Immediates::None),
    // Relaxed vectors.
    ("i32x4.relaxed_trunc_", "f32x4_s f32x4_u f64x2_s_zero f64x2_u_zero", Immediates::None),
    ("f32x4.relaxed_|f64x2.relaxed_", "madd nmadd min max", Immediates::None),
    ("i8x16.|i16x8.|i32x4.|i64x2.", "relaxed_laneselect", Immediates::None),
    ("", "i8x16.relaxed_swizzle i16x8.relaxed_q15mulr_s", Immediates::None),
    ("", "i16x8.relaxed_dot_i8x16_i7x16_s i32x4.relaxed_dot_i8x16_i7x16_add_s", Immediates::None),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_listed_once() {
        let mut all: Vec<String> = names().map(|(name, _)| name).collect();
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
