//! Classifies bytes as a valid, invalid or malformed module.

use std::sync::Arc;

use wasmparser::{Parser, Validator};
use wassay_terms::{Classification, Features, Rule};

use crate::compile::parallel;
use crate::decode;
use crate::decode::refused::malformed;
use crate::error::{Error, ErrorKind};
use crate::grammar;
use crate::types::TypeRegistry;

/// Classifies bytes as valid, invalid or malformed, by the grammar and the validation rules of a
/// feature set.
///
/// This compiles nothing and does not need an engine. An adapter for another engine can use it to
/// distinguish malformed from invalid modules if that engine does not.
///
/// Without its feature, a construct is malformed if it needs an encoding that the grammar did not
/// have, such as an opcode. It is invalid if the grammar had it but validation rejected it, such as
/// a second memory. A feature that another feature in the set requires counts as part of the set.
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

/// Rejects a module that `wasmparser` accepts although it is malformed under the feature set.
///
/// `wasmparser` reads some encodings of 2.0 and 3.0 even if their features are disabled, and
/// accepts them if they mean the same as an older encoding. With all features of 3.0 nothing can be
/// found, and modules are not read again.
pub(crate) fn admit(bytes: &[u8], features: Features) -> Result<(), Error> {
    refuse_shared(bytes, features)?;
    if features.flags().contains(Features::V3.flags()) {
        return Ok(());
    }
    match grammar::recognise(bytes, features).map_err(Error::ungrammatical)? {
        Some(noted) => Err(Error::breaks(noted)),
        None => Ok(()),
    }
}

/// Refuses a valid module that uses shared-everything threads, which the engine validates but does
/// not run.
fn refuse_shared(bytes: &[u8], features: Features) -> Result<(), Error> {
    let mut without = features;
    without.set(SHARED, false);
    if without == features || validate(bytes, without).is_ok() {
        return Ok(());
    }
    validate(bytes, features).map_err(|error| explain(bytes, features, error))?;
    Err(Error::unsupported("shared-everything-threads: the module is valid, but this engine does not run it"))
}

/// The feature whose modules are validated only.
const SHARED: &str = "shared-everything-threads";

/// Corrects the kind of an error from decoding, validation or compilation.
///
/// These passes report malformed or invalid depending on the part of `wasmparser` that rejected the
/// module; the grammar decides which it is.
pub(crate) fn explain(bytes: &[u8], features: Features, error: Error) -> Error {
    match grammar::recognise(bytes, features) {
        Err(fault) => Error::ungrammatical(fault),
        Ok(Some(noted)) if matches!(error.kind(), ErrorKind::Malformed | ErrorKind::Invalid) => {
            Error::breaks(noted)
        }
        Ok(_) => derived(error),
    }
}

/// Converts an error of a well-formed module: it is not malformed, whatever `wasmparser` reports.
fn derived(error: Error) -> Error {
    if error.kind() != ErrorKind::Malformed {
        return error;
    }
    Error::invalid(error.message(), error.offset().unwrap_or_default())
}

/// Validates a well-formed module.
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
