//! What the modules of a case may use: a different selection in each case ("swarm testing", Groce
//! et al., ISSTA 2012), since a module that uses everything uses little of each.

use wasm_smith::{Config, InstructionKind, InstructionKinds, MemoryOffsetChoices};
use wassay_terms::Features;

use crate::random::Random;

/// The features that modules are generated with, by their names, with the switch of each.
type Switch = fn(&mut Config, bool);
const SWITCHES: [(&str, Switch); 17] = [
    ("saturating-float-to-int", |config, on| config.saturating_float_to_int_enabled = on),
    ("sign-extension", |config, on| config.sign_extension_ops_enabled = on),
    ("multi-value", |config, on| config.multi_value_enabled = on),
    ("bulk-memory", |config, on| config.bulk_memory_enabled = on),
    ("reference-types", |config, on| config.reference_types_enabled = on),
    ("simd", |config, on| config.simd_enabled = on),
    ("relaxed-simd", |config, on| config.relaxed_simd_enabled = on),
    ("tail-call", |config, on| config.tail_call_enabled = on),
    ("extended-const", |config, on| config.extended_const_enabled = on),
    ("memory64", |config, on| config.memory64_enabled = on),
    ("exceptions", |config, on| config.exceptions_enabled = on),
    ("gc", |config, on| config.gc_enabled = on),
    ("threads", |config, on| config.threads_enabled = on),
    ("custom-page-sizes", |config, on| config.custom_page_sizes_enabled = on),
    ("wide-arithmetic", |config, on| config.wide_arithmetic_enabled = on),
    ("custom-descriptors", |config, on| config.custom_descriptors_enabled = on),
    ("multi-memory", |config, on| config.max_memories = if on { 3 } else { 1 }),
];

/// What a feature is built on.
const NEEDS: [(&str, &str); 6] = [
    ("gc", "reference-types"),
    ("gc", "function-references"),
    ("custom-descriptors", "gc"),
    ("relaxed-simd", "simd"),
    ("exceptions", "reference-types"),
    ("reference-types", "bulk-memory"),
];

const KINDS: [InstructionKind; 9] = [
    InstructionKind::Numeric,
    InstructionKind::Vector,
    InstructionKind::Reference,
    InstructionKind::Parametric,
    InstructionKind::Variable,
    InstructionKind::Table,
    InstructionKind::Memory,
    InstructionKind::Control,
    InstructionKind::Aggregate,
];

/// Picks the configuration of a case among these features; also the features that its modules are
/// judged under.
pub(super) fn pick(random: &mut Random, allowed: Features) -> (Config, Features) {
    let mut on: Vec<&str> = Vec::new();
    for (name, _) in SWITCHES {
        if allowed.contains(name) && random.chance(65) {
            on.push(name);
        }
    }
    if on.contains(&"gc") {
        on.push("function-references");
    }
    let lacks = |on: &[&str], name: &str| {
        NEEDS.iter().any(|(feature, needs)| *feature == name && !on.contains(needs))
    };
    while let Some(at) = on.iter().position(|name| lacks(&on, name)) {
        on.remove(at);
    }
    let mut config = Config {
        canonicalize_nans: true,
        disallow_traps: random.chance(65),
        compact_imports_enabled: false,
        max_types: random.between(2, 14),
        max_type_size: 200,
        min_funcs: 1,
        max_funcs: random.between(1, 8),
        max_globals: random.between(0, 8),
        max_tags: random.between(0, 4),
        max_tables: if on.contains(&"reference-types") { random.between(0, 4) } else { 1 },
        max_exports: 0,
        max_imports: 0,
        max_instructions: random.pick(20, &[60, 120, 200]),
        max_data_segments: random.between(0, 5),
        max_element_segments: random.between(0, 5),
        max_elements: 8,
        // Whether a memory can grow must not depend on the machine.
        memory_max_size_required: true,
        max_memory32_bytes: 8 << 16,
        max_memory64_bytes: 8 << 16,
        memory_offset_choices: MemoryOffsetChoices(75, 24, 1),
        table_max_size_required: true,
        max_table_elements: 40,
        min_uleb_size: if random.chance(8) { random.between(2, 5) as u8 } else { 1 },
        limit_arrays_in_const_exprs: true,
        allow_floats: random.chance(85),
        ..Config::default()
    };
    for (name, switch) in SWITCHES {
        switch(&mut config, on.contains(&name));
    }
    // Some modules have instructions of few kinds, to have more of each.
    if random.chance(50) {
        let kinds: Vec<InstructionKind> =
            KINDS.into_iter().filter(|_| random.chance(45)).chain([InstructionKind::Parametric]).collect();
        config.allowed_instructions = InstructionKinds::new(&kinds);
    }
    (config, features(&on, allowed))
}

/// The set that modules with these features are judged under. It has every allowed feature of 2.0,
/// whether the modules use it or not: engines cannot switch all of these off, and later features
/// are built on them.
fn features(on: &[&'static str], allowed: Features) -> Features {
    let base = Features::V2.iter().filter(|name| allowed.contains(name));
    let words: Vec<&str> = ["1.0"].into_iter().chain(base).chain(on.iter().copied()).collect();
    words.join(",").parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_have_what_they_need_and_are_allowed() {
        let allowed: Features = "3.0,-simd,threads".parse().unwrap();
        let mut seen = Vec::new();
        for number in 0..200 {
            let (config, features) = pick(&mut Random::of_case(1, number), allowed);
            assert!(features.iter().all(|name| allowed.contains(name)), "{features}");
            assert!(!features.contains("gc") || features.contains("function-references"), "{features}");
            let base = Features::V2.iter().filter(|name| *name != "simd");
            assert!(base.into_iter().all(|name| features.contains(name)), "{features}");
            assert_eq!(config.gc_enabled, features.contains("gc"));
            assert_eq!(config.max_memories > 1, features.contains("multi-memory"));
            seen.extend(features.iter());
        }
        for name in SWITCHES.map(|(name, _)| name) {
            assert_eq!(seen.contains(&name), allowed.contains(name) && name != "relaxed-simd", "{name}");
        }
    }
}
