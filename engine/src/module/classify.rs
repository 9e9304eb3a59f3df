//! Whether bytes are a valid module, an invalid one, or none at all.

use std::sync::Arc;

use wasmparser::{Parser, Validator};
use wassay_terms::{Classification, Features, Rule};

use crate::compile::parallel;
use crate::decode;
use crate::decode::refused::malformed;
use crate::error::{Error, ErrorKind};
use crate::grammar;
use crate::types::TypeRegistry;

/// Tells malformed from invalid from valid bytes, by the grammar and the rules of a feature set.
///
/// It compiles nothing and needs no engine: an adapter that drives another engine may ask it which
/// of the two kinds the engine's refusal is, where the engine does not say.
///
/// What a feature adds is malformed without it if it is an encoding that the grammar did not have,
/// such as an opcode; it is invalid if the grammar had it and validation refused it, such as a
/// second memory. A feature that another one in the set needs counts as it is in the set.
///
/// ```
/// use wassay_engine::{Classification, Features, Rule, classify};
///
/// // A memory whose limits have the flag of 64-bit addresses.
/// let memory64 = b"\0asm\x01\0\0\0\x05\x03\x01\x04\x00";
/// assert_eq!(classify(memory64, Features::V3), Classification::Valid);
/// let Classification::Malformed { rule, offset, .. } = classify(memory64, Features::V2) else {
///     panic!()
/// };
/// assert_eq!((rule, offset), (Rule::MalformedLimits, 11));
///
/// // Two memories: 2.0 has a list of them in its grammar, and a rule against the second.
/// let two = b"\0asm\x01\0\0\0\x05\x05\x02\x00\x00\x00\x00";
/// assert_eq!(classify(two, Features::V3), Classification::Valid);
/// let Classification::Invalid { rule, .. } = classify(two, Features::V2) else { panic!() };
/// assert_eq!(rule, Rule::MultipleMemories);
/// ```
pub fn classify(bytes: &[u8], features: Features) -> Classification {
    let noted = match grammar::recognise(bytes, features) {
        Ok(noted) => noted,
        Err(fault) => {
            let offset = fault.offset as u64;
            return Classification::Malformed { rule: fault.rule, also: fault.also, offset };
        }
    };
    let error = match noted {
        Some(noted) => Error::breaks(noted),
        None => match validate(bytes, features) {
            Ok(()) => return Classification::Valid,
            Err(error) => error,
        },
    };
    let offset = error.offset().unwrap_or_default();
    match error.kind() {
        ErrorKind::Limit => Classification::BeyondLimits { offset },
        _ => Classification::Invalid { rule: error.rule().unwrap_or(Rule::Other), offset },
    }
}

/// Refuses a module that `wasmparser` would take although the grammar of the feature set does not
/// derive it.
///
/// It reads some encodings of 2.0 and 3.0 whether their features are on or not, and leaves it at
/// that where they mean the same as an older one. With all of 3.0 there is nothing to find, and
/// modules are not read twice.
pub(crate) fn admit(bytes: &[u8], features: Features) -> Result<(), Error> {
    if features.flags().contains(Features::V3.flags()) {
        return Ok(());
    }
    match grammar::recognise(bytes, features).map_err(Error::ungrammatical)? {
        Some(noted) => Err(Error::breaks(noted)),
        None => Ok(()),
    }
}

/// The error that a module really has which decoding, validation or compilation refused.
///
/// These passes say malformed or invalid by the part of `wasmparser` that refused the module; here
/// the grammar decides.
pub(crate) fn explain(bytes: &[u8], features: Features, error: Error) -> Error {
    match grammar::recognise(bytes, features) {
        Err(fault) => Error::ungrammatical(fault),
        Ok(Some(noted)) if matches!(error.kind(), ErrorKind::Malformed | ErrorKind::Invalid) => {
            Error::breaks(noted)
        }
        Ok(_) => derived(error),
    }
}

/// An error of a module that the grammar derives: it is not malformed, whatever the library says.
fn derived(error: Error) -> Error {
    if error.kind() != ErrorKind::Malformed {
        return error;
    }
    Error::invalid(error.message(), error.offset().unwrap_or_default())
}

/// Validates a module that the grammar derives.
fn validate(bytes: &[u8], features: Features) -> Result<(), Error> {
    let mut parser = Parser::new(0);
    parser.set_features(features.library_flags());
    let mut validator = Validator::new_with_features(features.library_flags());
    let mut bodies = Vec::new();
    let check = || {
        for payload in parser.parse_all(bytes) {
            let payload = payload.map_err(malformed)?;
            let registry = || Arc::new(TypeRegistry::unpublished());
            bodies.extend(decode::validate(&mut validator, &payload, features, registry)?);
        }
        parallel::validate_all(std::mem::take(&mut bodies), None)
    };
    check().map_err(derived)
}
