//! Subtyping and import matching (core spec, section 3.3, "Matching").

use super::{
    CompositeType, ExternType, HeapType, Limits, Mutability, RefType, TypeId, TypeRegistry, ValType,
};

impl TypeRegistry {
    /// Whether the first value type matches the second (section 3.3.4).
    pub(crate) fn matches_val(&self, sub: ValType, sup: ValType) -> bool {
        match (sub, sup) {
            (ValType::Ref(sub), ValType::Ref(sup)) => self.matches_ref(sub, sup),
            (sub, sup) => sub == sup,
        }
    }

    /// Whether the first reference type matches the second (section 3.3.3).
    pub(crate) fn matches_ref(&self, sub: RefType, sup: RefType) -> bool {
        (sup.nullable || !sub.nullable) && self.matches_heap(sub.heap, sup.heap)
    }

    /// Whether the first heap type matches the second (section 3.3.2).
    pub(crate) fn matches_heap(&self, sub: HeapType, sup: HeapType) -> bool {
        use HeapType as H;
        match (sub, sup) {
            (sub, sup) if sub == sup => true,
            (H::Concrete(sub) | H::Exact(sub), H::Concrete(sup)) => self.is_subtype(sub, sup),
            (_, H::Exact(sup)) => {
                matches!(sub, H::None | H::NoFunc | H::NoCont) && self.matches_heap(sub, H::Concrete(sup))
            }
            (H::Concrete(sub) | H::Exact(sub), sup) => {
                self.abstract_heap(sub).is_some_and(|sub| self.matches_heap(sub, sup))
            }
            (H::None, H::Concrete(sup)) => {
                self.abstract_heap(sup).is_some_and(|sup| matches!(sup, H::Struct | H::Array))
            }
            (H::NoFunc, H::Concrete(sup)) => self.abstract_heap(sup) == Some(H::Func),
            (H::NoCont, H::Concrete(sup)) => self.abstract_heap(sup) == Some(H::Cont),
            (H::NoFunc, H::Func) | (H::NoExtern, H::Extern) => true,
            (H::NoExn, H::Exn) | (H::NoCont, H::Cont) => true,
            (H::None, sup) => matches!(sup, H::Any | H::Eq | H::I31 | H::Struct | H::Array),
            (H::I31 | H::Struct | H::Array, H::Eq | H::Any) | (H::Eq, H::Any) => true,
            _ => false,
        }
    }

    /// Whether an external value of the type `offered` can be imported with the type `wanted`.
    pub(crate) fn matches_extern(&self, offered: &ExternType, wanted: &ExternType) -> bool {
        match (offered, wanted) {
            (ExternType::Func(sub), ExternType::Func(sup)) => match sup.exact {
                true => sub.exact && sub.id == sup.id,
                false => self.is_subtype(sub.id, sup.id),
            },
            (ExternType::Table(sub), ExternType::Table(sup)) => {
                sub.table64 == sup.table64
                    && within(sub.limits, sup.limits)
                    && self.matches_ref(sub.element, sup.element)
                    && self.matches_ref(sup.element, sub.element)
            }
            (ExternType::Memory(sub), ExternType::Memory(sup)) => {
                sub.memory64 == sup.memory64
                    && sub.shared == sup.shared
                    && sub.page_size_log2 == sup.page_size_log2
                    && within(sub.limits, sup.limits)
            }
            (ExternType::Global(sub), ExternType::Global(sup)) => {
                sub.mutability == sup.mutability
                    && self.matches_val(sub.content, sup.content)
                    && (sub.mutability == Mutability::Const || self.matches_val(sup.content, sub.content))
            }
            (ExternType::Tag(sub), ExternType::Tag(sup)) => sub.ty == sup.ty,
            _ => false,
        }
    }

    /// The least abstract heap type above a defined type; `None` if the engine does not hold the
    /// type.
    fn abstract_heap(&self, id: TypeId) -> Option<HeapType> {
        Some(match self.find(id)?.sub.composite {
            CompositeType::Func(_) => HeapType::Func,
            CompositeType::Struct(_) => HeapType::Struct,
            CompositeType::Array(_) => HeapType::Array,
            CompositeType::Cont(_) => HeapType::Cont,
        })
    }
}

fn within(offered: Limits, wanted: Limits) -> bool {
    let below = match (offered.max, wanted.max) {
        (_, None) => true,
        (Some(offered), Some(wanted)) => offered <= wanted,
        (None, Some(_)) => false,
    };
    offered.min >= wanted.min && below
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use crate::types::{FuncType, GlobalType, HeldTypes, MemoryType};

    #[test]
    fn heap_types_match_as_in_the_specification() {
        let mut held = HeldTypes::new(&Arc::new(TypeRegistry::unpublished()));
        let id = held.intern_func(&FuncType::new([], [])).unwrap();
        let registry = held.registry();
        let concrete = HeapType::Concrete(id);
        for (sub, sup) in [
            (HeapType::I31, HeapType::Any),
            (HeapType::None, HeapType::Array),
            (concrete, HeapType::Func),
            (HeapType::NoFunc, concrete),
        ] {
            assert!(registry.matches_heap(sub, sup), "{sub} is below {sup}");
            assert!(!registry.matches_heap(sup, sub), "{sup} is not below {sub}");
        }
        assert!(!registry.matches_heap(HeapType::None, concrete));
        assert!(!registry.matches_heap(HeapType::Extern, HeapType::Any));
    }

    #[test]
    fn limits_match_wider_limits_only() {
        let registry = TypeRegistry::unpublished();
        let memory = |min, max| ExternType::Memory(MemoryType::new(min, max));
        assert!(registry.matches_extern(&memory(2, Some(3)), &memory(1, Some(3))));
        assert!(!registry.matches_extern(&memory(1, None), &memory(1, Some(3))));
        assert!(!registry.matches_extern(&memory(1, Some(3)), &memory(2, Some(3))));
    }

    #[test]
    fn a_mutable_global_matches_only_its_own_type() {
        let registry = TypeRegistry::unpublished();
        let global = |heap, mutability| {
            let content = ValType::Ref(RefType { nullable: true, heap });
            ExternType::Global(GlobalType { content, mutability })
        };
        let (low, high) = (HeapType::NoFunc, HeapType::Func);
        assert!(registry.matches_extern(&global(low, Mutability::Const), &global(high, Mutability::Const)));
        assert!(!registry.matches_extern(&global(low, Mutability::Var), &global(high, Mutability::Var)));
    }
}
