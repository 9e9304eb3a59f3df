//! The code between modules and the host that a module has used, as bytes: the stubs of the engine
//! and the trampolines for signatures. Without it, the compiler would run in every process.
//!
//! Numbers are little-endian. The sequence is: the checksum of everything that follows; the number
//! of functions; for each its kind, its parameters and its results, the sizes of its code and its
//! tables, the code, and the tables.

use std::collections::{HashMap, HashSet};

use cranelift_codegen::ir::{Type, types};

use super::index::checksum;
use super::tables::{self, Cursor};
use crate::abi::signature::{AbiSignature, VECTOR};
use crate::vm::artifact::CompiledFunction;

/// What a function does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(crate) enum GlueKind {
    /// Calls builtins.
    Builtin,
    /// Throws.
    Throw,
    /// Calls wasm code for the host.
    Entry,
    /// Calls the host for wasm code.
    Host,
    /// Calls the function of a continuation.
    Continuation,
}

const KINDS: [GlueKind; 5] =
    [GlueKind::Builtin, GlueKind::Throw, GlueKind::Entry, GlueKind::Host, GlueKind::Continuation];

/// The types of values in registers, by their number in the format.
const TYPES: [Type; 5] = [types::I32, types::I64, types::F32, types::F64, VECTOR];

/// The identity of a function: what it does, and the signature for which it does it, which is empty
/// for stubs.
pub(crate) type GlueKey = (GlueKind, AbiSignature);

/// The functions of an engine that can be stored, if code is kept for later runs.
#[derive(Debug, Default)]
pub(crate) struct Glue {
    functions: HashMap<GlueKey, CompiledFunction>,
    records: bool,
}

impl Glue {
    /// Keeps what is compiled from now on, in addition to functions of an earlier run.
    pub(crate) fn record(&mut self, stored: Vec<(GlueKey, CompiledFunction)>) {
        self.records = true;
        self.functions.extend(stored);
    }

    /// The function with this identity, if it was kept.
    pub(crate) fn find(&self, key: &GlueKey) -> Option<CompiledFunction> {
        self.functions.get(key).cloned()
    }

    /// Keeps a function that was compiled.
    pub(crate) fn add(&mut self, key: GlueKey, function: &CompiledFunction) {
        if self.records {
            self.functions.insert(key, function.clone());
        }
    }

    /// The stubs, and the trampolines for these signatures.
    pub(crate) fn of(&self, signatures: &HashSet<AbiSignature>) -> Vec<(GlueKey, CompiledFunction)> {
        let is_wanted = |(kind, signature): &GlueKey| {
            matches!(kind, GlueKind::Builtin | GlueKind::Throw) || signatures.contains(signature)
        };
        let wanted = self.functions.iter().filter(|(key, _)| is_wanted(key));
        wanted.map(|(key, function)| (key.clone(), function.clone())).collect()
    }
}

fn encode_key((kind, signature): &GlueKey) -> Option<Vec<u8>> {
    let number = |ty: &Type| TYPES.iter().position(|known| known == ty).map(|number| number as u8);
    let mut bytes = vec![*kind as u8];
    for types in [&signature.params[..], &signature.results[..]] {
        bytes.extend_from_slice(&(types.len() as u32).to_le_bytes());
        bytes.extend(types.iter().map(number).collect::<Option<Vec<u8>>>()?);
    }
    Some(bytes)
}

/// These functions as bytes. `None` if the format lacks a type or a relocation.
pub(super) fn encode(functions: &[(GlueKey, CompiledFunction)]) -> Option<Vec<u8>> {
    let mut rest = (functions.len() as u32).to_le_bytes().to_vec();
    for (key, function) in functions {
        rest.extend(encode_key(key)?);
        let encoded = tables::encode(function)?;
        for part in [&function.bytes, &encoded] {
            rest.extend_from_slice(&(part.len() as u32).to_le_bytes());
        }
        rest.extend_from_slice(&function.bytes);
        rest.extend_from_slice(&encoded);
    }
    Some([&checksum(&rest, &[]).to_le_bytes(), &*rest].concat())
}

/// The functions in these bytes; `None` if the bytes are damaged.
pub(super) fn decode(bytes: &[u8]) -> Option<Vec<(GlueKey, CompiledFunction)>> {
    /// The size of the numbers of a function.
    const LEAST: usize = 17;
    let mut cursor = Cursor(bytes);
    let sum = cursor.u32()?;
    if checksum(cursor.0, &[]) != sum {
        return None;
    }
    let functions = cursor.list(LEAST, |cursor| {
        let kind = *KINDS.get(usize::from(cursor.take::<1>()?[0]))?;
        let mut types = || cursor.list(1, |cursor| TYPES.get(usize::from(cursor.take::<1>()?[0])).copied());
        let (params, results) = (types()?.into_iter().collect(), types()?.into_iter().collect());
        let (code, tables) = (cursor.u32()? as usize, cursor.u32()? as usize);
        let (code, tables) = (cursor.slice(code)?.to_vec(), cursor.slice(tables)?);
        // It calls no function of a module.
        Some(((kind, AbiSignature { params, results }), tables::decode(code, tables, 0)?))
    })?;
    cursor.0.is_empty().then_some(functions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vm::artifact::Placement;

    fn functions() -> Vec<(GlueKey, CompiledFunction)> {
        let function = |length| CompiledFunction {
            bytes: vec![0x90; length],
            placement: Placement::aligned(16),
            frame: 32,
            relocs: Vec::new(),
            traps: vec![(1, 1)],
            handlers: Vec::new(),
            source_map: Vec::new(),
        };
        let signature = |params: &[Type], results: &[Type]| AbiSignature {
            params: params.iter().copied().collect(),
            results: results.iter().copied().collect(),
        };
        vec![
            ((GlueKind::Builtin, signature(&[], &[])), function(10)),
            ((GlueKind::Throw, signature(&[], &[])), function(11)),
            ((GlueKind::Entry, signature(&TYPES, &[types::I64])), function(12)),
            ((GlueKind::Host, signature(&[types::F32], &TYPES)), function(13)),
            ((GlueKind::Continuation, signature(&[], &[])), function(14)),
        ]
    }

    #[test]
    fn functions_are_the_same_after_decoding() {
        let functions = functions();
        assert_eq!(decode(&encode(&functions).unwrap()), Some(functions.clone()));
    }

    #[test]
    fn trampolines_are_kept_by_their_signatures() {
        let functions = functions();
        let mut glue = Glue::default();
        glue.add(functions[0].0.clone(), &functions[0].1);
        assert_eq!(glue.find(&functions[0].0), None, "nothing is kept yet");
        glue.record(functions[..3].to_vec());
        glue.add(functions[3].0.clone(), &functions[3].1);
        assert_eq!(glue.find(&functions[3].0).as_ref(), Some(&functions[3].1));
        let mut kept = glue.of(&HashSet::from([functions[3].0.1.clone()]));
        kept.sort_by_key(|((kind, _), _)| *kind as u8);
        assert_eq!(kept, [&functions[0], &functions[1], &functions[3]].map(Clone::clone));
    }

    #[test]
    fn every_change_is_noticed() {
        let bytes = encode(&functions()).unwrap();
        for end in 0..bytes.len() {
            assert!(decode(&bytes[..end]).is_none(), "{end}");
        }
        for (at, bit) in (0..bytes.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1 << bit;
            assert!(decode(&bytes).is_none(), "bit {bit} of byte {at}");
        }
    }

    #[test]
    fn bytes_with_a_valid_checksum_are_checked() {
        let bytes = encode(&functions()).unwrap();
        for (at, bit) in (4..bytes.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1 << bit;
            let sum = checksum(&bytes[4..], &[]);
            bytes[..4].copy_from_slice(&sum.to_le_bytes());
            for (_, function) in decode(&bytes).into_iter().flatten() {
                assert!(function.is_consistent(0));
            }
        }
    }
}
