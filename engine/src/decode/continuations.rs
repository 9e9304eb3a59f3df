//! The continuation types of a module (stack-switching proposal).

use std::collections::HashMap;
use std::sync::Arc;

use crate::types::{CompositeType, FuncType, HeapType, RefType, TypeId, TypeRegistry, ValType};

/// The continuation types of a module, with the function types of their continuations.
#[derive(Debug, Default)]
pub(crate) struct Continuations {
    functions: HashMap<u32, Arc<FuncType>>,
    /// The first type index of each type.
    indices: HashMap<TypeId, u32>,
}

impl Continuations {
    /// Adds a type, if it is a continuation type.
    pub(super) fn add(&mut self, index: u32, id: TypeId, ty: &CompositeType, registry: &TypeRegistry) {
        if let CompositeType::Cont(func) = ty
            && let Some(func) = registry.get(*func).func.clone()
        {
            self.functions.insert(index, func);
            self.indices.entry(id).or_insert(index);
        }
    }

    /// The function type of the continuations of the type with this index. Validation has checked
    /// that it is a continuation type.
    pub(crate) fn func_type(&self, type_index: u32) -> &Arc<FuncType> {
        match self.functions.get(&type_index) {
            Some(ty) => ty,
            None => unreachable!("type {type_index} is a continuation type by validation"),
        }
    }

    /// The index of the continuation type to which references of a type point. Validation has
    /// checked that there is one.
    pub(crate) fn index(&self, reference: ValType) -> u32 {
        let index = match reference {
            ValType::Ref(RefType { heap: HeapType::Concrete(id) | HeapType::Exact(id), .. }) => {
                self.indices.get(&id)
            }
            _ => None,
        };
        match index {
            Some(index) => *index,
            None => unreachable!("{reference} refers to a continuation type by validation"),
        }
    }
}
