//! The rows of the matrix: features by the version of the specification that introduced them, or by
//! the phase of their proposal.

use serde::Serialize;

/// A proposal, with the name of its feature in reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proposal {
    /// The name of the feature, such as `memory64`; empty for version 1.0.
    pub feature: &'static str,
    /// Its title.
    pub title: &'static str,
    /// Its standardisation status.
    pub standard: Standard,
    /// Its key in webassembly.org's `features.json`; empty if that has none.
    pub key: &'static str,
    /// Its URL.
    pub url: &'static str,
}

/// The standardisation status of a feature, in the order of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Standard {
    /// Part of version 1.0.
    V1,
    /// Added in version 2.0.
    V2,
    /// Added in version 3.0.
    V3,
    /// A proposal in phase 4: standardise the feature.
    Phase4,
    /// A proposal in phase 3: implementation.
    Phase3,
    /// A proposal in phase 1 or 2, which some engines implement.
    Early,
    /// Inactive, but implemented in some engines.
    Inactive,
    /// Unknown to this version.
    Unknown,
    /// Not a feature, but a suite of WASI guests.
    Wasi,
}

impl Standard {
    /// All of them, in the order of the rows.
    pub const ALL: [Standard; 9] = [
        Standard::V1,
        Standard::V2,
        Standard::V3,
        Standard::Phase4,
        Standard::Phase3,
        Standard::Early,
        Standard::Inactive,
        Standard::Unknown,
        Standard::Wasi,
    ];

    /// Its heading.
    pub fn title(self) -> &'static str {
        match self {
            Standard::V1 => "WebAssembly 1.0",
            Standard::V2 => "WebAssembly 2.0",
            Standard::V3 => "WebAssembly 3.0",
            Standard::Phase4 => "Proposals in phase 4",
            Standard::Phase3 => "Proposals in phase 3",
            Standard::Early => "Proposals in phases 1 and 2",
            Standard::Inactive => "Inactive proposals",
            Standard::Unknown => "Other features",
            Standard::Wasi => "WASI cases",
        }
    }

    /// Whether it is a version of the specification, whose features are summarised together.
    pub fn is_version(self) -> bool {
        self <= Standard::V3
    }

    /// The phase of its proposals in the W3C process: 5 if it is part of the specification, `None`
    /// if there is no number.
    pub fn phase(self) -> Option<u8> {
        match self {
            Standard::V1 | Standard::V2 | Standard::V3 => Some(5),
            Standard::Phase4 => Some(4),
            Standard::Phase3 => Some(3),
            Standard::Early | Standard::Inactive | Standard::Unknown | Standard::Wasi => None,
        }
    }
}

const fn proposal(
    feature: &'static str,
    title: &'static str,
    standard: Standard,
    key: &'static str,
    url: &'static str,
) -> Proposal {
    Proposal { feature, title, standard, key, url }
}

/// The known features, in the order of the rows.
pub const PROPOSALS: [Proposal; 26] = [
    proposal("", "Nothing beyond 1.0", Standard::V1, "", "https://www.w3.org/TR/wasm-core-1/"),
    proposal(
        "mutable-global",
        "Mutable globals at imports and exports",
        Standard::V1,
        "mutableGlobals",
        "https://github.com/WebAssembly/mutable-global",
    ),
    proposal(
        "saturating-float-to-int",
        "Saturating conversions to integers",
        Standard::V2,
        "saturatedFloatToInt",
        "https://github.com/WebAssembly/nontrapping-float-to-int-conversions",
    ),
    proposal(
        "sign-extension",
        "Sign extension",
        Standard::V2,
        "signExtensions",
        "https://github.com/WebAssembly/sign-extension-ops",
    ),
    proposal(
        "multi-value",
        "Several results",
        Standard::V2,
        "multiValue",
        "https://github.com/WebAssembly/multi-value",
    ),
    proposal(
        "bulk-memory",
        "Bulk memory and tables",
        Standard::V2,
        "bulkMemory",
        "https://github.com/WebAssembly/bulk-memory-operations",
    ),
    proposal(
        "reference-types",
        "Reference types",
        Standard::V2,
        "referenceTypes",
        "https://github.com/WebAssembly/reference-types",
    ),
    proposal("simd", "Vectors", Standard::V2, "simd", "https://github.com/WebAssembly/simd"),
    proposal(
        "relaxed-simd",
        "Relaxed vectors",
        Standard::V3,
        "relaxedSimd",
        "https://github.com/WebAssembly/relaxed-simd",
    ),
    proposal("tail-call", "Tail calls", Standard::V3, "tailCall", "https://github.com/WebAssembly/tail-call"),
    proposal(
        "extended-const",
        "Extended constant expressions",
        Standard::V3,
        "extendedConst",
        "https://github.com/WebAssembly/extended-const",
    ),
    proposal(
        "function-references",
        "Typed function references",
        Standard::V3,
        "typedFunctionReferences",
        "https://github.com/WebAssembly/function-references",
    ),
    proposal("gc", "Garbage collection", Standard::V3, "gc", "https://github.com/WebAssembly/gc"),
    proposal(
        "multi-memory",
        "Several memories",
        Standard::V3,
        "multiMemory",
        "https://github.com/WebAssembly/multi-memory",
    ),
    proposal(
        "memory64",
        "64-bit memories and tables",
        Standard::V3,
        "memory64",
        "https://github.com/WebAssembly/memory64",
    ),
    proposal(
        "exceptions",
        "Exceptions",
        Standard::V3,
        "exceptionsFinal",
        "https://github.com/WebAssembly/exception-handling",
    ),
    proposal("threads", "Threads", Standard::Phase4, "threads", "https://github.com/WebAssembly/threads"),
    proposal(
        "wide-arithmetic",
        "Wide arithmetic",
        Standard::Phase4,
        "wideArithmetic",
        "https://github.com/WebAssembly/wide-arithmetic",
    ),
    proposal(
        "custom-page-sizes",
        "Custom page sizes",
        Standard::Phase3,
        "customPageSizes",
        "https://github.com/WebAssembly/custom-page-sizes",
    ),
    proposal(
        "custom-descriptors",
        "Custom descriptors",
        Standard::Phase3,
        "customDescriptors",
        "https://github.com/WebAssembly/custom-descriptors",
    ),
    proposal(
        "stack-switching",
        "Stack switching",
        Standard::Phase3,
        "stackSwitching",
        "https://github.com/WebAssembly/stack-switching",
    ),
    proposal(
        "compact-import-section",
        "Compact import section",
        Standard::Phase3,
        "",
        "https://github.com/WebAssembly/compact-import-section",
    ),
    proposal(
        "acquire-release-atomics",
        "Acquire and release atomics",
        Standard::Early,
        "",
        "https://github.com/WebAssembly/acquire-release-atomics",
    ),
    proposal(
        "multibyte-array-access",
        "Multibyte array access",
        Standard::Early,
        "",
        "https://github.com/WebAssembly/multibyte-array-access",
    ),
    proposal(
        "shared-everything-threads",
        "Shared everything threads",
        Standard::Early,
        "",
        "https://github.com/WebAssembly/shared-everything-threads",
    ),
    proposal(
        "legacy-exceptions",
        "Exceptions, legacy",
        Standard::Inactive,
        "exceptions",
        "https://github.com/WebAssembly/exception-handling/tree/main/proposals/exception-handling/legacy",
    ),
];

/// The proposal of a feature.
pub fn find(feature: &str) -> Option<&'static Proposal> {
    PROPOSALS.iter().find(|proposal| proposal.feature == feature)
}

/// The rank of a feature by age; unknown features are last.
pub(super) fn rank(feature: &str) -> usize {
    PROPOSALS.iter().position(|proposal| proposal.feature == feature).unwrap_or(PROPOSALS.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_unique_and_ordered_by_standard() {
        for (at, proposal) in PROPOSALS.iter().enumerate() {
            let first = PROPOSALS.iter().position(|other| other.feature == proposal.feature);
            assert_eq!(first, Some(at), "{}", proposal.feature);
            assert!(proposal.url.starts_with("https://"), "{}", proposal.feature);
        }
        assert!(PROPOSALS.is_sorted_by_key(|proposal| proposal.standard));
        assert!(Standard::ALL.is_sorted());
        assert_eq!((find("gc").unwrap().key, find("teleport")), ("gc", None));
    }
}
