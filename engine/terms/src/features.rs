//! Feature sets: which proposals a module may use.

use std::fmt;
use std::str::FromStr;

use wasmparser::WasmFeatures;

/// A set of WebAssembly features that the validator accepts.
///
/// A set is written as a version, `1.0`, `2.0` or `3.0`, followed by names to add and, with a
/// leading `-`, names to remove: `2.0,threads,-reference-types`. Without a version, the names
/// modify the default set.
///
/// ```
/// use wassay_terms::Features;
/// let features: Features = "2.0,threads".parse().unwrap();
/// assert!(features.contains("simd") && features.contains("threads") && !features.contains("gc"));
/// assert!("2.0,teleport".parse::<Features>().unwrap_err().to_string().contains("teleport"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Features(WasmFeatures);

impl Features {
    /// WebAssembly 1.0, released in 2019.
    pub const V1: Features = Features(WasmFeatures::WASM1);
    /// WebAssembly 2.0: 1.0 with vectors, reference types, bulk instructions, multiple values, sign
    /// extension and saturating truncation.
    pub const V2: Features = Features(WasmFeatures::WASM2);
    /// WebAssembly 3.0: 2.0 with garbage collection, exceptions, tail calls, multiple memories,
    /// 64-bit memories and relaxed vectors.
    pub const V3: Features = Features(WasmFeatures::WASM3.difference(WasmFeatures::THREADS));
    /// The default: 3.0 with threads, wide arithmetic and custom page sizes, which do not affect
    /// modules that do not use them.
    pub const DEFAULT: Features = Features(
        WasmFeatures::WASM3
            .union(WasmFeatures::THREADS)
            .union(WasmFeatures::WIDE_ARITHMETIC)
            .union(WasmFeatures::CUSTOM_PAGE_SIZES),
    );

    /// The names of all features.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }

    /// Whether the set contains the feature with this name; false for an unknown name.
    pub fn contains(&self, name: &str) -> bool {
        Features::flag(name).is_some_and(|flag| self.0.contains(flag))
    }

    /// The names of the features in the set, in the order of [`Features::names`].
    pub fn iter(&self) -> impl Iterator<Item = &'static str> {
        let set = self.0;
        NAMES.iter().filter(move |(_, flag)| set.contains(*flag)).map(|(name, _)| *name)
    }

    /// Adds or removes the feature with this name. Returns false for an unknown name.
    pub fn set(&mut self, name: &str, on: bool) -> bool {
        let flag = Features::flag(name);
        flag.into_iter().for_each(|flag| self.0.set(flag, on));
        flag.is_some()
    }

    /// The flag of `wasmparser` for the feature with this name; `None` for an unknown name.
    pub fn flag(name: &str) -> Option<WasmFeatures> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, flag)| *flag)
    }

    /// The set as flags of `wasmparser`.
    pub fn flags(self) -> WasmFeatures {
        self.0
    }

    /// The flags to pass to `wasmparser`. It enables tags and `throw`, which legacy exceptions need
    /// as well, only together with the exceptions of 3.0. If those are disabled, the engine's own
    /// grammar rejects the rest of them.
    pub fn library_flags(self) -> WasmFeatures {
        let legacy = self.0.contains(WasmFeatures::LEGACY_EXCEPTIONS);
        if legacy { self.0.union(WasmFeatures::EXCEPTIONS) } else { self.0 }
    }
}

impl Default for Features {
    fn default() -> Self {
        Features::DEFAULT
    }
}

impl FromStr for Features {
    type Err = UnknownFeature;

    fn from_str(text: &str) -> Result<Features, UnknownFeature> {
        let mut set = Features::DEFAULT.0;
        for (position, word) in text.split(',').map(str::trim).filter(|word| !word.is_empty()).enumerate() {
            if let (0, Some(version)) = (position, version(word)) {
                set = version.0;
                continue;
            }
            let (name, on) = word.strip_prefix('-').map_or((word, true), |name| (name, false));
            let flag = Features::flag(name).ok_or_else(|| UnknownFeature(name.to_owned()))?;
            set.set(flag, on);
        }
        Ok(Features(set))
    }
}

impl fmt::Display for Features {
    /// Writes the shortest expression that parses to the same set: the nearest version and the
    /// differences from it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let differences =
            |base: &Features| NAMES.iter().filter(|(_, flag)| differs(self.0, base.0, *flag)).count();
        let versions = [("3.0", Features::V3), ("2.0", Features::V2), ("1.0", Features::V1)];
        let (name, base) =
            versions.into_iter().min_by_key(|(_, base)| differences(base)).unwrap_or(versions[0]);
        f.write_str(name)?;
        for (name, flag) in NAMES.iter().filter(|(_, flag)| differs(self.0, base.0, *flag)) {
            write!(f, ",{}{name}", if self.0.contains(*flag) { "" } else { "-" })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Features({self})")
    }
}

/// An unknown name in a feature list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownFeature(String);

impl UnknownFeature {
    /// The unknown name.
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UnknownFeature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown feature `{}`: expected 1.0, 2.0 or 3.0 as the first item, or one of ", self.0)?;
        for (index, name) in Features::names().enumerate() {
            write!(f, "{}{name}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownFeature {}

const NAMES: &[(&str, WasmFeatures)] = &[
    ("mutable-global", WasmFeatures::MUTABLE_GLOBAL),
    ("saturating-float-to-int", WasmFeatures::SATURATING_FLOAT_TO_INT),
    ("sign-extension", WasmFeatures::SIGN_EXTENSION),
    ("multi-value", WasmFeatures::MULTI_VALUE),
    ("bulk-memory", WasmFeatures::BULK_MEMORY),
    ("reference-types", WasmFeatures::REFERENCE_TYPES),
    ("simd", WasmFeatures::SIMD),
    ("relaxed-simd", WasmFeatures::RELAXED_SIMD),
    ("tail-call", WasmFeatures::TAIL_CALL),
    ("extended-const", WasmFeatures::EXTENDED_CONST),
    ("function-references", WasmFeatures::FUNCTION_REFERENCES),
    ("multi-memory", WasmFeatures::MULTI_MEMORY),
    ("memory64", WasmFeatures::MEMORY64),
    ("exceptions", WasmFeatures::EXCEPTIONS),
    ("gc", WasmFeatures::GC),
    ("threads", WasmFeatures::THREADS),
    ("custom-page-sizes", WasmFeatures::CUSTOM_PAGE_SIZES),
    ("wide-arithmetic", WasmFeatures::WIDE_ARITHMETIC),
    ("custom-descriptors", WasmFeatures::CUSTOM_DESCRIPTORS),
    ("legacy-exceptions", WasmFeatures::LEGACY_EXCEPTIONS),
    ("stack-switching", WasmFeatures::STACK_SWITCHING),
    ("compact-import-section", WasmFeatures::COMPACT_IMPORTS),
    ("acquire-release-atomics", WasmFeatures::ACQUIRE_RELEASE_ATOMICS),
    ("multibyte-array-access", WasmFeatures::MULTIBYTE_ARRAY_ACCESS),
    ("shared-everything-threads", WasmFeatures::SHARED_EVERYTHING_THREADS),
];

fn version(word: &str) -> Option<Features> {
    match word {
        "1.0" => Some(Features::V1),
        "2.0" => Some(Features::V2),
        "3.0" => Some(Features::V3),
        _ => None,
    }
}

fn differs(left: WasmFeatures, right: WasmFeatures, flag: WasmFeatures) -> bool {
    left.contains(flag) != right.contains(flag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_round_trip() {
        for text in ["1.0", "2.0", "3.0", "2.0,-reference-types,threads", "3.0,custom-page-sizes"] {
            let features: Features = text.parse().unwrap();
            assert_eq!(features.to_string().parse::<Features>(), Ok(features), "{text}");
        }
        assert_eq!(Features::V2.to_string(), "2.0");
    }

    #[test]
    fn a_version_is_only_allowed_first() {
        assert_eq!("threads,1.0".parse::<Features>(), Err(UnknownFeature("1.0".into())));
        assert_eq!("".parse::<Features>(), Ok(Features::DEFAULT));
    }

    #[test]
    fn a_feature_is_switched_by_its_name() {
        let mut features = Features::V3;
        assert!(
            features.set("gc", false) && features.set("threads", true) && !features.set("teleport", true)
        );
        assert_eq!(features.to_string(), "3.0,-gc,threads");
    }
}
