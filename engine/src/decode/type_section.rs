//! Validation of type sections by the current rules of the custom descriptors proposal.
//!
//! In the current proposal, a type can have a descriptor even if its supertype has none, and a type
//! and its descriptor need not both be final. `wasmparser` still rejects both. It checks a
//! recursive group only when it interns it for the first time: equal groups are the same group,
//! even in later modules of the same validator, and even if the check failed. Therefore, if a group
//! is rejected by one of these rules, it is checked here by the current rules, and the section is
//! passed to the validator again.

use std::sync::Arc;

use wasmparser::{Encoding, RecGroup, TypeSectionReader, Validator, WasmFeatures};

use super::refused::invalid;
use crate::error::Error;
use crate::types::canon::GroupIds;
use crate::types::{CompositeType, FieldType, HeldTypes, StorageType, TypeConverter, TypeId, TypeRegistry};
use wassay_terms::Features;

/// The rules that the proposal no longer has.
const OUTDATED: [&str; 2] = [
    "sub type with descriptor must have super type with descriptor",
    "descriptor and described type must have the same finality",
];

/// The maximum number of accepted groups in a module. Each one requires another pass over the
/// section.
const MAX_ADMITTED: usize = 64;

/// The maximum number of supertypes of a type, as counted by the validator.
const MAX_DEPTH: usize = 63;

/// The refusals of a type that does not match its supertype.
const MISMATCHES: [&str; 2] = ["sub type must match super type", "sub type cannot have a final super type"];

/// The error of a type section that the validator refused. It names the types if a type does not
/// match its supertype and is not one of several in a recursive group, of which the validator gives
/// only the place.
pub(super) fn refused(refusal: wasmparser::Error, section: &TypeSectionReader<'_>) -> Error {
    if !MISMATCHES.contains(&refusal.message()) {
        return invalid(refusal);
    }
    match mismatch(&refusal, section) {
        Some((sub, sup)) => {
            let message = format!("{}: sub type {sub} does not match super type {sup}", refusal.message());
            Error::invalid(message, refusal.offset())
        }
        None => invalid(refusal),
    }
}

/// The type that does not match its supertype, and that supertype.
fn mismatch(refusal: &wasmparser::Error, section: &TypeSectionReader<'_>) -> Option<(usize, u32)> {
    let mut index = 0;
    for group in section.clone().into_iter_with_offsets() {
        let (offset, group) = group.ok()?;
        if offset == refusal.offset() {
            let mut types = group.types();
            let (ty, None) = (types.next()?, types.next()) else { return None };
            let supertype = ty.supertype_idxs.first()?.unpack().as_module_index()?;
            return Some((index, supertype));
        }
        index += group.types().len();
    }
    None
}

/// Whether the validator rejected a type by an outdated rule.
pub(super) fn is_outdated(refusal: &wasmparser::Error) -> bool {
    OUTDATED.contains(&refusal.message())
}

/// Validates a type section that the validator rejected by an [outdated](is_outdated) rule. The
/// validator continues with the next section.
///
/// # Errors
///
/// Returns the original error if a type is invalid by the current rules, or if that cannot be
/// decided: a later group extends an accepted type, for which the validator has not recorded the
/// number of supertypes.
pub(super) fn validate(
    validator: &mut Validator,
    section: &TypeSectionReader<'_>,
    mut refusal: wasmparser::Error,
    features: Features,
    registry: &Arc<TypeRegistry>,
) -> wasmparser::Result<()> {
    let groups: Vec<(u64, RecGroup)> =
        section.clone().into_iter_with_offsets().collect::<wasmparser::Result<_>>()?;
    let mut held = HeldTypes::new(registry);
    let Some(ids) = intern(&groups, features, &mut held) else { return Err(refusal) };
    let mut admitted: Vec<&GroupIds> = Vec::new();
    while admitted.len() < MAX_ADMITTED {
        let behind = groups.partition_point(|(at, _)| *at <= refusal.offset());
        let Some(group) = behind.checked_sub(1).and_then(|at| ids.get(at)) else { return Err(refusal) };
        let valid = group.iter().all(|id| is_valid(*id, registry));
        let extended =
            || ids.iter().skip(behind).any(|later| later != group && extends(later, group, registry));
        if !valid || admitted.contains(&group) || extended() {
            return Err(refusal);
        }
        admitted.push(group);
        // A module that contains only these types.
        validator.end(section.range().end)?;
        validator.reset();
        validator.version(1, Encoding::Module, &(0..8))?;
        match validator.type_section(section) {
            Err(next) if is_outdated(&next) => refusal = next,
            done => return done,
        }
    }
    Err(refusal)
}

/// The types of each group; `None` if they use unsupported features.
fn intern(groups: &[(u64, RecGroup)], features: Features, held: &mut HeldTypes) -> Option<Vec<GroupIds>> {
    // With these features, every value type that can be converted is valid.
    if !features.flags().contains(Features::V3.flags() | WasmFeatures::CUSTOM_DESCRIPTORS) {
        return None;
    }
    let (mut types, mut all) = (Vec::new(), Vec::new());
    for (_, group) in groups {
        let ids = TypeConverter::new(&types).intern(group, held).ok()?;
        types.extend_from_slice(&ids);
        all.push(ids);
    }
    Some(all)
}

/// Whether a type of the first group extends a type of the second.
fn extends(later: &GroupIds, group: &GroupIds, registry: &TypeRegistry) -> bool {
    let mut supertypes = later.iter().filter_map(|id| registry.get(*id).sub.supertype);
    supertypes.any(|supertype| group.contains(&supertype))
}

/// Whether a type is valid (core spec, section 3.2.6, and the proposal's overview). Its references
/// are known to refer to types.
fn is_valid(id: TypeId, registry: &TypeRegistry) -> bool {
    let ty = registry.get(id);
    let sub = &ty.sub;
    let is_struct = matches!(sub.composite, CompositeType::Struct(_));
    if (sub.descriptor.is_some() || sub.describes.is_some()) && !is_struct {
        return false;
    }
    let back = sub.descriptor.is_none_or(|descriptor| registry.get(descriptor).sub.describes == Some(id))
        && sub.describes.is_none_or(|described| registry.get(described).sub.descriptor == Some(id));
    let Some(supertype) = sub.supertype else { return back };
    let above = registry.get(supertype);
    let sup = &above.sub;
    let declared = |sub: Option<TypeId>, sup: TypeId| {
        sub.is_some_and(|sub| registry.get(sub).sub.supertype == Some(sup))
    };
    back && !sup.is_final
        && ty.display.len() <= MAX_DEPTH + 1
        && matches_composite(&sub.composite, &sup.composite, registry)
        && sup.descriptor.is_none_or(|descriptor| declared(sub.descriptor, descriptor))
        && sub.describes.is_some() == sup.describes.is_some()
        && sup.describes.is_none_or(|described| declared(sub.describes, described))
}

/// Whether a composite type matches another (section 3.3.9).
fn matches_composite(sub: &CompositeType, sup: &CompositeType, registry: &TypeRegistry) -> bool {
    let field = |(sub, sup): (&FieldType, &FieldType)| {
        let matches = |sub, sup| match (sub, sup) {
            (StorageType::Val(sub), StorageType::Val(sup)) => registry.matches_val(sub, sup),
            (sub, sup) => sub == sup,
        };
        sub.mutable == sup.mutable
            && matches(sub.storage, sup.storage)
            && (!sub.mutable || matches(sup.storage, sub.storage))
    };
    match (sub, sup) {
        (CompositeType::Struct(sub), CompositeType::Struct(sup)) => {
            sub.len() >= sup.len() && sub.iter().zip(sup).all(field)
        }
        (CompositeType::Array(sub), CompositeType::Array(sup)) => field((sub, sup)),
        (CompositeType::Func(sub), CompositeType::Func(sup)) => {
            let all = |sub: &[_], sup: &[_]| {
                sub.len() == sup.len()
                    && sub.iter().zip(sup).all(|(sub, sup)| registry.matches_val(*sub, *sup))
            };
            all(sup.params(), sub.params()) && all(sub.results(), sup.results())
        }
        (CompositeType::Cont(sub), CompositeType::Cont(sup)) => registry.is_subtype(*sub, *sup),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use crate::engine::Engine;
    use crate::module::Module;

    fn validate(fields: &str) -> Result<(), String> {
        let features = "3.0,custom-descriptors".parse().unwrap();
        let engine = Engine::new(&Config::new().features(features)).unwrap();
        let bytes = wat::parse_str(format!("(module {fields})")).unwrap();
        Module::new(&engine, &bytes).map(drop).map_err(|error| error.message().to_owned())
    }

    /// A supertype without a descriptor, a type with one, and its descriptor.
    const TYPES: &str = "(type $a (sub (struct (field i32))))
        (type $b (sub $a (descriptor $d) (struct (field i32))))
        (type $d (sub (describes $b) (struct)))";

    #[test]
    fn a_mismatch_names_the_types_if_they_are_known() {
        let mismatch = |what: &str, types: &str| Err(format!("{what}{types}"));
        let must = "sub type must match super type";
        let known = ": sub type 1 does not match super type 0";
        for (sup, message) in [("sub (struct)", must), ("struct", "sub type cannot have a final super type")]
        {
            assert_eq!(
                validate(&format!("(type ({sup})) (type (sub 0 (array i8)))")),
                mismatch(message, known)
            );
        }
        let third = "(rec (type (sub (struct))) (type (struct))) (type (sub 0 (array i8)))";
        assert_eq!(validate(third), mismatch(must, ": sub type 2 does not match super type 0"));
        // Either of the group may be the one.
        let group = "(type (sub (struct))) (rec (type (sub 0 (struct))) (type (sub 0 (array i8))))";
        assert_eq!(validate(group), mismatch(must, ""));
    }

    #[test]
    fn a_type_may_have_a_descriptor_though_its_supertype_has_none() {
        assert_eq!(validate(&format!("(rec {TYPES})")), Ok(()));
        let code = "(global (ref $a) (struct.new_desc $b (i32.const 1) (struct.new $d)))
            (func (param (ref $b)) (result (ref $a)) (drop (ref.get_desc $b (local.get 0))) (local.get 0))";
        assert_eq!(validate(&format!("(rec {TYPES}) {code}")), Ok(()));
        let two = format!("(rec {TYPES}) (rec {}) {code}", TYPES.replace('$', "$x").replace("i32", "i64"));
        assert_eq!(validate(&two), Ok(()));
        // Code is validated by these types.
        let wrong = "(func (param (ref $a)) (result (ref $b)) (local.get 0))";
        assert!(validate(&format!("(rec {TYPES}) {wrong}")).unwrap_err().starts_with("type mismatch"));
    }

    #[test]
    fn a_type_and_its_descriptor_may_differ_in_finality() {
        let types = "(rec (type $c (sub (descriptor $e) (struct))) (type $e (describes $c) (struct)))";
        assert_eq!(validate(types), Ok(()));
        assert_eq!(
            validate(
                &types
                    .replace("(sub (descriptor $e) (struct))", "(descriptor $e) (struct)")
                    .replace("(describes $c) (struct)", "(sub (describes $c) (struct))")
            ),
            Ok(())
        );
    }

    #[test]
    fn types_that_are_invalid_by_the_current_rules_are_rejected() {
        assert_eq!(validate(&format!("(rec {TYPES})")), Ok(()));
        for (valid, invalid) in [
            // The supertype is final, has another composite type, or has other or more fields.
            ("(type $a (sub (struct (field i32))))", "(type $a (struct (field i32)))"),
            ("(type $a (sub (struct (field i32))))", "(type $a (sub (array i32)))"),
            ("(type $a (sub (struct (field i32))))", "(type $a (sub (struct (field i64))))"),
            ("(type $a (sub (struct (field i32))))", "(type $a (sub (struct (field (mut i32)))))"),
            ("(type $a (sub (struct (field i32))))", "(type $a (sub (struct (field i32) (field i32))))"),
            // The descriptor describes nothing, or extends a type that describes nothing.
            ("(describes $b) (struct)", "(struct)"),
            ("(sub (describes $b) (struct))", "(sub $a (describes $b) (struct (field i32)))"),
            // Another type after it, which would otherwise not be checked.
            ("(type $d", "(type $w (sub $a (struct))) (type $d"),
            ("(type $d", "(type $w (descriptor $d) (struct)) (type $d"),
        ] {
            let types = TYPES.replace(valid, invalid);
            assert_ne!(types, TYPES, "{valid}");
            assert!(validate(&format!("(rec {types})")).is_err(), "{invalid}");
        }
    }

    #[test]
    fn undecidable_cases_are_rejected_without_a_panic() {
        let refused = Err("sub type with descriptor must have super type with descriptor".to_owned());
        let extended = "(rec (type (sub $b (descriptor $y) (struct (field i32)))) (type $y (sub $d (describes 3) (struct))))";
        assert_eq!(validate(&format!("(rec {TYPES}) {extended}")), refused);
        // A repetition of the group defines the same types.
        let again = TYPES.replace('$', "$x");
        let extended = "(rec (type (sub $xb (descriptor $y) (struct (field i32)))) (type $y (sub $xd (describes 6) (struct))))";
        assert_eq!(validate(&format!("(rec {TYPES}) (rec {again}) {extended}")), refused);
        let many: String = (0..100)
            .map(|n| {
                let fields = "(field i32)".repeat(n + 1);
                format!("(rec {})", TYPES.replace('$', &format!("$x{n}")).replace("(field i32)", &fields))
            })
            .collect();
        assert_eq!(validate(&many), refused);
    }
}
