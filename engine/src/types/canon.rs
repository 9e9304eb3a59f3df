//! Canonical types: equal recursive groups get equal identifiers (core spec, section 3.1.2,
//! "Defined types").
//!
//! A group is kept as long as a module, a store or another group [holds](super::HeldTypes) it. Then
//! its numbers can be used for other types. A [`TypeId`] that is kept longer is detected by its
//! serial number.

use std::any::Any;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use smallvec::SmallVec;

use super::layout::ObjectLayout;
use super::{CompositeType, FieldType, FuncType, HeapType, RefType, StorageType, SubType, TypeId, ValType};
use crate::error::{Error, Result};

/// Marks a reference to a member of the group that is being interned, by its index in the group.
const REC: u32 = 1 << 31;

/// The maximum number of parameters, and of results, of a function type. The decoder has the same
/// limit, on which the layout of frames and trampolines relies.
const MAX_ARITY: usize = 1000;

/// The maximum number of fields of a structure type. The decoder has the same limit.
const MAX_FIELDS: usize = 10_000;

/// A reference from within a recursive group to its member at this index.
pub(crate) fn rec_reference(position: u32) -> TypeId {
    TypeId { number: REC | position, serial: 0 }
}

/// A defined type of an engine.
#[derive(Debug)]
pub(crate) struct CanonType {
    /// The type, with every reference resolved.
    pub(crate) sub: SubType,
    /// The supertype display: the types that this type extends, from the root of its hierarchy to
    /// the type itself, which is `display[depth]`.
    pub(crate) display: Box<[TypeId]>,
    /// The function type, if it is one, in the form that handles share.
    pub(crate) func: Option<Arc<FuncType>>,
    /// The layout of the type's objects on the heap.
    pub(crate) layout: ObjectLayout,
    /// What the runtime needs to call functions of the type, from the first call on.
    pub(crate) calls: OnceLock<Arc<dyn Any + Send + Sync>>,
}

/// The types of one group, in order.
pub(crate) type GroupIds = SmallVec<[TypeId; 2]>;

/// The table in which compiled code looks up types by number. The registry writes it.
pub(crate) trait TypeTable: fmt::Debug + Send + Sync {
    /// The maximum number of types.
    fn capacity(&self) -> usize;

    /// Writes the row of a new type. `supertypes` are the types from the root of its hierarchy to
    /// itself.
    ///
    /// # Errors
    ///
    /// Returns an error if no memory can be committed for the row.
    fn write(&self, id: TypeId, ty: &CompositeType, supertypes: &[TypeId]) -> io::Result<()>;
}

/// The table of a registry for which no code is compiled.
#[derive(Debug)]
struct NoTable;

impl TypeTable for NoTable {
    fn capacity(&self) -> usize {
        REC as usize
    }

    fn write(&self, _: TypeId, _: &CompositeType, _: &[TypeId]) -> io::Result<()> {
        Ok(())
    }
}

/// All defined types of an engine.
#[derive(Debug)]
pub(crate) struct TypeRegistry {
    inner: RwLock<Inner>,
    table: Arc<dyn TypeTable>,
}

#[derive(Debug, Default)]
struct Inner {
    /// The types by number.
    slots: Vec<Option<Slot>>,
    /// The numbers below the length of `slots` that are not in use. The lowest one is used first,
    /// so that tables that are indexed by type number stay short.
    vacant: BinaryHeap<Reverse<u32>>,
    /// The groups, by the number of their first type.
    groups: HashMap<u32, Group>,
    /// Maps a group, with references within it by index, to the number of its first type.
    keys: HashMap<Arc<[SubType]>, u32>,
}

#[derive(Debug)]
struct Slot {
    ty: Arc<CanonType>,
    serial: u32,
    /// The number of the first type of the group.
    group: u32,
}

#[derive(Debug)]
struct Group {
    key: Arc<[SubType]>,
    members: GroupIds,
    /// The groups that its types refer to, without duplicates.
    refers_to: Box<[u32]>,
    /// The number of holders: modules, stores, and groups that refer to this one.
    holders: usize,
}

impl TypeRegistry {
    /// Creates a registry that writes its types to a table for compiled code.
    pub(crate) fn new(table: Arc<dyn TypeTable>) -> TypeRegistry {
        TypeRegistry { inner: RwLock::default(), table }
    }

    /// Creates a registry for modules that are only validated.
    pub(crate) fn unpublished() -> TypeRegistry {
        TypeRegistry::new(Arc::new(NoTable))
    }

    /// The current number of types.
    pub(crate) fn len(&self) -> usize {
        let inner = self.read();
        inner.slots.len() - inner.vacant.len()
    }

    /// Interns a recursive group and adds a holder. The members refer to each other by
    /// [`rec_reference`] and to other types by `TypeId`.
    ///
    /// # Errors
    ///
    /// [`Usage`](crate::ErrorKind::Usage) if the group refers to a type that the engine does not
    /// hold; [`Limit`](crate::ErrorKind::Limit) if the engine holds the maximum number of types.
    pub(super) fn intern(&self, group: Box<[SubType]>, held: &mut HashSet<u32>) -> Result<GroupIds> {
        if group.is_empty() {
            return Ok(GroupIds::new());
        }
        let mut inner = self.write();
        let first = match inner.keys.get(&*group) {
            Some(first) => *first,
            None => inner.add(group, &*self.table)?,
        };
        let Some(found) = inner.groups.get_mut(&first) else { unreachable!("a key leads to a group") };
        if held.insert(first) {
            found.holders += 1;
        }
        Ok(found.members.clone())
    }

    /// Adds a holder to the group of a type.
    ///
    /// # Errors
    ///
    /// [`Usage`](crate::ErrorKind::Usage) if the engine does not hold the type.
    pub(super) fn hold(&self, id: TypeId, held: &mut HashSet<u32>) -> Result<()> {
        let mut inner = self.write();
        let first = inner.slot(id).ok_or_else(unknown_type)?.group;
        if held.insert(first)
            && let Some(group) = inner.groups.get_mut(&first)
        {
            group.holders += 1;
        }
        Ok(())
    }

    /// Removes holders that [`TypeRegistry::intern`] and [`TypeRegistry::hold`] added. Groups
    /// without holders are freed.
    pub(super) fn release(&self, groups: impl Iterator<Item = u32>) {
        let mut inner = self.write();
        // Not recursive, because chains of groups can be arbitrarily long.
        let mut released: Vec<u32> = groups.collect();
        while let Some(first) = released.pop() {
            if let Some(gone) = inner.release_one(first) {
                released.extend_from_slice(&gone.refers_to);
            }
        }
    }

    /// Returns a type that has a holder.
    ///
    /// # Panics
    ///
    /// Panics if the engine does not hold the type.
    pub(crate) fn get(&self, id: TypeId) -> Arc<CanonType> {
        match self.find(id) {
            Some(ty) => ty,
            None => unreachable!("the type has a holder"),
        }
    }

    /// Returns a type, or `None` if the engine does not hold it.
    pub(crate) fn find(&self, id: TypeId) -> Option<Arc<CanonType>> {
        self.read().slot(id).map(|slot| Arc::clone(&slot.ty))
    }

    /// Returns the type with this number, which compiled code, an object or a function of the store
    /// refers to. The store holds it.
    pub(crate) fn numbered(&self, number: u32) -> Arc<CanonType> {
        Arc::clone(&self.read().numbered(number).ty)
    }

    /// Returns the `TypeId` of [`TypeRegistry::numbered`].
    pub(crate) fn id(&self, number: u32) -> TypeId {
        TypeId { number, serial: self.read().numbered(number).serial }
    }

    /// Whether the first defined type is the second or extends it. A type that the engine does not
    /// hold is only a subtype of itself.
    pub(crate) fn is_subtype(&self, sub: TypeId, sup: TypeId) -> bool {
        if sub == sup {
            return true;
        }
        let inner = self.read();
        let (Some(below), Some(above)) = (inner.slot(sub), inner.slot(sup)) else { return false };
        below.ty.display.get(above.ty.display.len() - 1) == Some(&sup)
    }

    fn read(&self) -> RwLockReadGuard<'_, Inner> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Inner> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn slot(&self, id: TypeId) -> Option<&Slot> {
        self.slots.get(id.number as usize)?.as_ref().filter(|slot| slot.serial == id.serial)
    }

    fn numbered(&self, number: u32) -> &Slot {
        match self.slots.get(number as usize) {
            Some(Some(slot)) => slot,
            _ => unreachable!("a store holds the types of its objects and functions"),
        }
    }

    /// Adds a new group, which is not empty, without holders. Returns the number of its first type.
    fn add(&mut self, group: Box<[SubType]>, table: &dyn TypeTable) -> Result<u32> {
        let refers_to = self.groups_of(&group)?;
        let members = self.take_numbers(group.len(), table.capacity())?;
        let first = members[0].number;
        if let Err(error) = self.fill(&group, &members, first, table) {
            members.iter().for_each(|id| self.vacate(id.number));
            return Err(Error::limit("cannot allocate memory for a type").caused_by(error));
        }
        for other in &refers_to {
            if let Some(other) = self.groups.get_mut(other) {
                other.holders += 1;
            }
        }
        let key: Arc<[SubType]> = group.into();
        self.keys.insert(Arc::clone(&key), first);
        self.groups.insert(first, Group { key, members, refers_to, holders: 0 });
        Ok(first)
    }

    /// Writes the types of a group to their slots.
    fn fill(
        &mut self,
        group: &[SubType],
        members: &[TypeId],
        first: u32,
        table: &dyn TypeTable,
    ) -> io::Result<()> {
        for (member, id) in group.iter().zip(members) {
            let sub = resolve(member, members);
            let parent = sub.supertype.and_then(|parent| self.slot(parent)).map(|slot| &slot.ty);
            let mut display = parent.map_or_else(Vec::new, |parent| parent.display.to_vec());
            display.push(*id);
            let func = match &sub.composite {
                CompositeType::Func(ty) => Some(Arc::new(ty.clone())),
                _ => None,
            };
            let layout = ObjectLayout::of(
                &sub.composite,
                sub.descriptor.is_some(),
                parent.map(|parent| &parent.layout),
            );
            table.write(*id, &sub.composite, &display)?;
            let ty =
                Arc::new(CanonType { sub, display: display.into(), func, layout, calls: OnceLock::new() });
            self.slots[id.number as usize] = Some(Slot { ty, serial: id.serial, group: first });
        }
        Ok(())
    }

    /// The groups that types refer to, other than their own, without duplicates.
    fn groups_of(&self, group: &[SubType]) -> Result<Box<[u32]>> {
        let mut found = Vec::new();
        for member in group {
            let mut result = Ok(());
            let _ = map_ids(member, &mut |id| {
                match self.slot(id) {
                    Some(slot) => found.push(slot.group),
                    None if id.number & REC != 0 && ((id.number & !REC) as usize) < group.len() => {}
                    None => result = Err(unknown_type()),
                }
                id
            });
            result?;
        }
        found.sort_unstable();
        found.dedup();
        Ok(found.into())
    }

    /// Takes numbers for `count` new types.
    fn take_numbers(&mut self, count: usize, capacity: usize) -> Result<GroupIds> {
        /// Counts the types of all engines, so that a type of another engine is detected as well.
        static SERIAL: AtomicU32 = AtomicU32::new(1);
        let live = self.slots.len() - self.vacant.len();
        if count > capacity.min(REC as usize) - live {
            return Err(Error::limit(format!("an engine holds at most {capacity} types at a time")));
        }
        let number = |_| {
            let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
            let number = self.vacant.pop().map(|Reverse(number)| number).unwrap_or_else(|| {
                self.slots.push(None);
                self.slots.len() as u32 - 1
            });
            TypeId { number, serial }
        };
        Ok((0..count).map(number).collect())
    }

    /// Removes a holder from a group. If it was the last one, removes and returns the group.
    fn release_one(&mut self, first: u32) -> Option<Group> {
        let group = self.groups.get_mut(&first)?;
        group.holders -= 1;
        if group.holders > 0 {
            return None;
        }
        let gone = self.groups.remove(&first)?;
        self.keys.remove(&gone.key);
        gone.members.iter().for_each(|id| self.vacate(id.number));
        Some(gone)
    }

    fn vacate(&mut self, number: u32) {
        self.slots[number as usize] = None;
        self.vacant.push(Reverse(number));
    }
}

fn unknown_type() -> Error {
    Error::usage(
        "unknown type: it belongs to another engine, or was freed with the last module and store that used it",
    )
}

/// Returns a group with one final type without a supertype, as `(type (func ...))` defines it.
///
/// # Errors
///
/// [`Limit`](crate::ErrorKind::Limit) if the type has too many parameters, results or fields.
pub(super) fn group_of(ty: CompositeType) -> Result<Box<[SubType]>> {
    match &ty {
        CompositeType::Func(ty) if ty.params().len().max(ty.results().len()) > MAX_ARITY => {
            let message =
                format!("a function type has at most {MAX_ARITY} parameters and {MAX_ARITY} results");
            Err(Error::limit(message))
        }
        CompositeType::Struct(fields) if fields.len() > MAX_FIELDS => {
            Err(Error::limit(format!("a structure type has at most {MAX_FIELDS} fields")))
        }
        _ => Ok(Box::new([SubType::plain(ty)])),
    }
}

/// Copies the type, replacing references by index within the group by the members.
fn resolve(sub: &SubType, members: &[TypeId]) -> SubType {
    map_ids(sub, &mut |id| if id.number & REC != 0 { members[(id.number & !REC) as usize] } else { id })
}

/// Copies the type, replacing each reference to a type by the result of `map`.
fn map_ids(sub: &SubType, map: &mut impl FnMut(TypeId) -> TypeId) -> SubType {
    let mut val = |ty: ValType| match ty {
        ValType::Ref(RefType { nullable, heap: HeapType::Concrete(target) }) => {
            ValType::Ref(RefType { nullable, heap: HeapType::Concrete(map(target)) })
        }
        ValType::Ref(RefType { nullable, heap: HeapType::Exact(target) }) => {
            ValType::Ref(RefType { nullable, heap: HeapType::Exact(map(target)) })
        }
        other => other,
    };
    let mut field = |field: FieldType| match field.storage {
        StorageType::Val(ty) => FieldType { storage: StorageType::Val(val(ty)), ..field },
        _ => field,
    };
    let composite = match &sub.composite {
        CompositeType::Struct(fields) => CompositeType::Struct(fields.iter().copied().map(field).collect()),
        CompositeType::Array(element) => CompositeType::Array(field(*element)),
        CompositeType::Func(ty) => {
            let params: Vec<ValType> = ty.params().iter().copied().map(&mut val).collect();
            CompositeType::Func(FuncType::new(params, ty.results().iter().copied().map(&mut val)))
        }
        CompositeType::Cont(func) => CompositeType::Cont(map(*func)),
    };
    SubType {
        is_final: sub.is_final,
        supertype: sub.supertype.map(&mut *map),
        describes: sub.describes.map(&mut *map),
        descriptor: sub.descriptor.map(&mut *map),
        composite,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::HeldTypes;

    fn reference(target: TypeId) -> ValType {
        ValType::Ref(RefType { nullable: true, heap: HeapType::Concrete(target) })
    }

    fn func(params: &[ValType], supertype: Option<TypeId>) -> SubType {
        let composite = CompositeType::Func(FuncType::new(params.iter().copied(), []));
        SubType { is_final: false, supertype, ..SubType::plain(composite) }
    }

    fn held() -> HeldTypes {
        HeldTypes::new(&Arc::new(TypeRegistry::unpublished()))
    }

    fn one(held: &mut HeldTypes, sub: SubType) -> TypeId {
        held.intern(Box::new([sub])).unwrap()[0]
    }

    #[test]
    fn equal_groups_have_equal_numbers() {
        let mut held = held();
        let group = || -> Box<[SubType]> {
            Box::new([func(&[reference(rec_reference(1))], None), func(&[reference(rec_reference(0))], None)])
        };
        let first = held.intern(group()).unwrap();
        let other = one(&mut held, func(&[reference(rec_reference(0))], None));
        assert_eq!(held.intern(group()).unwrap(), first);
        assert!(!first.contains(&other));
        assert!(held.intern(Box::new([])).unwrap().is_empty(), "an empty group is allowed");
        let CompositeType::Func(ty) = &held.registry().get(first[1]).sub.composite else {
            panic!("a function")
        };
        assert_eq!(ty.params(), [reference(first[0])]);
    }

    #[test]
    fn a_display_decides_subtyping() {
        let mut held = held();
        let top = one(&mut held, func(&[], None));
        let mid = one(&mut held, func(&[], Some(top)));
        let leaf = one(&mut held, func(&[], Some(mid)));
        let other = one(&mut held, func(&[ValType::I32], None));
        let registry = held.registry();
        assert!(
            registry.is_subtype(leaf, top) && registry.is_subtype(leaf, mid) && registry.is_subtype(top, top)
        );
        assert!(!registry.is_subtype(top, leaf) && !registry.is_subtype(leaf, other));
    }

    #[test]
    fn a_type_is_freed_with_its_last_holder_and_its_number_is_reused() {
        let mut first = held();
        let registry = Arc::clone(first.registry());
        let mut second = HeldTypes::new(&registry);
        let shared = one(&mut first, func(&[], None));
        assert_eq!(one(&mut second, func(&[], None)), shared);
        let (alone, below) = (one(&mut first, func(&[ValType::I32], None)), func(&[], Some(shared)));
        let below = one(&mut second, below);
        assert_eq!(registry.len(), 3);
        drop(first);
        assert_eq!(registry.len(), 2);
        assert!(registry.find(alone).is_none() && registry.is_subtype(below, shared));
        let mut third = HeldTypes::new(&registry);
        let again = one(&mut third, func(&[ValType::I64], None));
        assert_eq!(again.number, alone.number, "the number is free");
        assert_ne!(again, alone);
        let stale = one_rejected(&mut third, func(&[reference(alone)], None));
        assert_eq!(stale, crate::ErrorKind::Usage);
        assert!(third.hold(alone).is_err() && third.hold(again).is_ok());
        drop(second);
        assert_eq!(registry.len(), 1);
        drop(third);
        assert_eq!(registry.len(), 0);
    }

    fn one_rejected(held: &mut HeldTypes, sub: SubType) -> crate::ErrorKind {
        held.intern(Box::new([sub])).unwrap_err().kind()
    }

    #[test]
    fn referenced_types_are_kept_and_long_chains_are_freed() {
        let mut chain = held();
        let registry = Arc::clone(chain.registry());
        let mut last = one(&mut chain, func(&[], None));
        for _ in 0..100_000 {
            last = one(&mut chain, func(&[reference(last)], None));
        }
        let mut end = HeldTypes::new(&registry);
        end.hold(last).unwrap();
        drop(chain);
        assert_eq!(registry.len(), 100_001, "the last refers to all others");
        drop(end);
        assert_eq!(registry.len(), 0);
    }

    #[test]
    fn types_of_another_engine_are_rejected() {
        let (mut one_engine, mut other) = (held(), held());
        let foreign = one(&mut one_engine, func(&[], None));
        one(&mut other, func(&[], None));
        assert!(other.registry().find(foreign).is_none());
        assert_eq!(one_rejected(&mut other, func(&[reference(foreign)], None)), crate::ErrorKind::Usage);
    }
}
