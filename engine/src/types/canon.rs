//! Canonical types: equal recursive groups get equal numbers (core spec, section 3.1.2, "Defined types").

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, PoisonError, RwLock};

use super::layout::ObjectLayout;
use super::{CompositeType, FieldType, FuncType, HeapType, RefType, StorageType, SubType, TypeId, ValType};
use crate::error::{Error, Result};
use crate::vm::rows::TypeRows;

/// Marks a reference to a member of the group that is being interned, by its position there.
const REC: u32 = 1 << 31;

/// How many defined types one engine holds at most.
const MAX_TYPES: u32 = 10_000_000;

/// How many parameters, and how many results, a function type has at most: what the decoder takes too. Frames and trampolines are
/// laid out for no more.
const MAX_ARITY: usize = 1000;

/// A reference from within a recursive group to the member at that position.
pub(crate) fn rec_reference(position: u32) -> TypeId {
    TypeId(REC | position)
}

/// A defined type as an engine has it.
#[derive(Debug)]
pub(crate) struct CanonType {
    /// The type, with every reference resolved.
    pub(crate) sub: SubType,
    /// The types that it extends, from the root of its hierarchy to itself: `display[depth]` is the type.
    pub(crate) display: Box<[TypeId]>,
    /// The function type, where it is one, in the form in which handles share it.
    pub(crate) func: Option<Arc<FuncType>>,
    /// How objects of the type lie on the heap.
    pub(crate) layout: ObjectLayout,
}

/// All defined types of one engine.
#[derive(Debug)]
pub(crate) struct TypeRegistry {
    inner: RwLock<Inner>,
    rows: TypeRows,
}

#[derive(Debug, Default)]
struct Inner {
    types: Vec<Arc<CanonType>>,
    /// From a group, with references within it by position, to the number of its first type.
    groups: HashMap<Box<[SubType]>, u32>,
}

impl TypeRegistry {
    /// A registry without types.
    ///
    /// # Errors
    ///
    /// Where there is no address space for the table that compiled code reads.
    pub(crate) fn new() -> io::Result<TypeRegistry> {
        Ok(TypeRegistry { inner: RwLock::default(), rows: TypeRows::new(MAX_TYPES as usize)? })
    }

    /// What compiled code knows of the types.
    pub(crate) fn rows(&self) -> &TypeRows {
        &self.rows
    }

    /// Interns a recursive group, whose members refer to each other by [`rec_reference`] and to all else by number.
    ///
    /// Gives the number of the group's first type; the others follow it.
    pub(crate) fn intern(&self, group: Box<[SubType]>) -> Result<TypeId> {
        if let Some(&base) = self.inner.read().unwrap_or_else(PoisonError::into_inner).groups.get(&group) {
            return Ok(TypeId(base));
        }
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(&base) = inner.groups.get(&group) {
            return Ok(TypeId(base));
        }
        let base = inner.types.len() as u32;
        if group.len() as u64 + u64::from(base) > u64::from(MAX_TYPES) {
            return Err(Error::limit(format!("an engine holds at most {MAX_TYPES} types")));
        }
        for (position, member) in group.iter().enumerate() {
            let id = TypeId(base + position as u32);
            let sub = resolve(member, base);
            let mut display = match sub.supertype {
                Some(parent) => inner.types[parent.0 as usize].display.to_vec(),
                None => Vec::new(),
            };
            display.push(id);
            let func = match &sub.composite {
                CompositeType::Func(ty) => Some(Arc::new(ty.clone())),
                _ => None,
            };
            let parent = sub.supertype.map(|parent| &inner.types[parent.0 as usize].layout);
            let layout = ObjectLayout::of(&sub.composite, sub.descriptor.is_some(), parent);
            self.rows.write(id, &sub.composite, &display);
            inner.types.push(Arc::new(CanonType { sub, display: display.into(), func, layout }));
        }
        inner.groups.insert(group, base);
        Ok(TypeId(base))
    }

    /// Interns a function type as a final type in a group of its own, as `(type (func ...))` does.
    pub(crate) fn intern_func(&self, ty: &FuncType) -> Result<TypeId> {
        if ty.params().len().max(ty.results().len()) > MAX_ARITY {
            let message =
                format!("a function type has at most {MAX_ARITY} parameters and {MAX_ARITY} results");
            return Err(Error::limit(message));
        }
        let composite = CompositeType::Func(ty.clone());
        self.intern(Box::new([SubType::plain(composite)]))
    }

    /// The type of that number.
    ///
    /// # Panics
    ///
    /// Where the number comes from another engine.
    pub(crate) fn get(&self, id: TypeId) -> Arc<CanonType> {
        Arc::clone(&self.inner.read().unwrap_or_else(PoisonError::into_inner).types[id.0 as usize])
    }

    /// Whether the first defined type is the second or extends it.
    pub(crate) fn is_subtype(&self, sub: TypeId, sup: TypeId) -> bool {
        if sub == sup {
            return true;
        }
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        let depth = inner.types[sup.0 as usize].display.len() - 1;
        inner.types[sub.0 as usize].display.get(depth) == Some(&sup)
    }
}

/// A copy of the type in which references by position within the group are numbers.
fn resolve(sub: &SubType, base: u32) -> SubType {
    let id = |id: TypeId| if id.0 & REC != 0 { TypeId(base + (id.0 & !REC)) } else { id };
    let val = |ty: ValType| match ty {
        ValType::Ref(RefType { nullable, heap: HeapType::Concrete(target) }) => {
            ValType::Ref(RefType { nullable, heap: HeapType::Concrete(id(target)) })
        }
        ValType::Ref(RefType { nullable, heap: HeapType::Exact(target) }) => {
            ValType::Ref(RefType { nullable, heap: HeapType::Exact(id(target)) })
        }
        other => other,
    };
    let field = |field: FieldType| match field.storage {
        StorageType::Val(ty) => FieldType { storage: StorageType::Val(val(ty)), ..field },
        _ => field,
    };
    let composite = match &sub.composite {
        CompositeType::Func(ty) => CompositeType::Func(FuncType::new(
            ty.params().iter().copied().map(val),
            ty.results().iter().copied().map(val),
        )),
        CompositeType::Struct(fields) => CompositeType::Struct(fields.iter().copied().map(field).collect()),
        CompositeType::Array(element) => CompositeType::Array(field(*element)),
    };
    SubType {
        is_final: sub.is_final,
        supertype: sub.supertype.map(id),
        describes: sub.describes.map(id),
        descriptor: sub.descriptor.map(id),
        composite,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(target: TypeId) -> ValType {
        ValType::Ref(RefType { nullable: true, heap: HeapType::Concrete(target) })
    }

    fn func(params: &[ValType], supertype: Option<TypeId>) -> SubType {
        let composite = CompositeType::Func(FuncType::new(params.iter().copied(), []));
        SubType { is_final: false, supertype, ..SubType::plain(composite) }
    }

    #[test]
    fn equal_groups_have_equal_numbers() {
        let registry = TypeRegistry::new().unwrap();
        let group = || -> Box<[SubType]> {
            Box::new([func(&[reference(rec_reference(1))], None), func(&[reference(rec_reference(0))], None)])
        };
        let first = registry.intern(group()).unwrap();
        let other = registry.intern(Box::new([func(&[reference(rec_reference(0))], None)])).unwrap();
        assert_eq!(registry.intern(group()).unwrap(), first);
        assert_ne!(first, other);
        let CompositeType::Func(ty) = &registry.get(TypeId(first.0 + 1)).sub.composite else {
            panic!("a function")
        };
        assert_eq!(ty.params(), [reference(first)]);
    }

    #[test]
    fn a_display_answers_subtyping() {
        let registry = TypeRegistry::new().unwrap();
        let top = registry.intern(Box::new([func(&[], None)])).unwrap();
        let mid = registry.intern(Box::new([func(&[], Some(top))])).unwrap();
        let leaf = registry.intern(Box::new([func(&[], Some(mid))])).unwrap();
        let other = registry.intern(Box::new([func(&[ValType::I32], None)])).unwrap();
        assert!(
            registry.is_subtype(leaf, top) && registry.is_subtype(leaf, mid) && registry.is_subtype(top, top)
        );
        assert!(!registry.is_subtype(top, leaf) && !registry.is_subtype(leaf, other));
    }
}
