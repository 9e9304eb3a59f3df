//! Structures and arrays that the host makes, reads and changes.
//!
//! Each test runs twice: as usual, and with a collection before every allocation.

#![allow(clippy::unwrap_used)]

mod common;

use common::{func, instantiate};
use wassay_engine::{
    ArrayRef, CompositeType, Config, Engine, Error, ErrorKind, ExternRef, FieldType, HeapType, I31, Instance,
    Linker, Ref, RefType, StorageType, Store, StoreLimits, StructRef, TypeId, Val, ValType,
};

/// Types of which functions take and return values, so that the host gets at their numbers.
const TYPES: &str = r#"(module
    (rec (type $list (sub (struct (field (mut i64)) (field (mut (ref null $list)))))))
    (type $longer (sub final $list (struct (field (mut i64)) (field (mut (ref null $list))) (field f64))))
    (type $lists (array (mut (ref null $list))))
    (type $bytes (array (mut i8)))
    (type $mixed (struct (field (mut i8)) (field (mut i16)) (field (mut v128)) (field (mut f32))
        (field (mut externref)) (field (mut funcref)) (field i32) (field (mut (ref i31)))))
    (func (export "sum") (param $at (ref null $list)) (result i64) (local $sum i64)
        (loop $next
            (if (i32.eqz (ref.is_null (local.get $at))) (then
                (local.set $sum (i64.add (local.get $sum) (struct.get $list 0 (local.get $at))))
                (local.set $at (struct.get $list 1 (local.get $at)))
                (br $next))))
        (local.get $sum))
    (func (export "longer") (param (ref null $longer)) (result f64) (struct.get $longer 2 (local.get 0)))
    (func (export "lists") (param (ref $lists) i32) (result (ref null $list))
        (array.get $lists (local.get 0) (local.get 1)))
    (func (export "byte") (param (ref $bytes) i32) (result i32)
        (array.get_s $bytes (local.get 0) (local.get 1)))
    (func (export "mixed") (param (ref $mixed)) (result i32 i32 v128 f32 externref funcref i32 (ref i31))
        (struct.get_s $mixed 0 (local.get 0)) (struct.get_u $mixed 1 (local.get 0))
        (struct.get $mixed 2 (local.get 0)) (struct.get $mixed 3 (local.get 0))
        (struct.get $mixed 4 (local.get 0)) (struct.get $mixed 5 (local.get 0))
        (struct.get $mixed 6 (local.get 0)) (struct.get $mixed 7 (local.get 0))))"#;

fn both(test: impl Fn(&mut Store, Instance)) {
    for always in [false, true] {
        let config = Config::new().collect_always(always);
        let mut store = Store::new(&Engine::new(&config).unwrap());
        let instance = instantiate(&mut store, &Linker::new(), TYPES);
        test(&mut store, instance);
    }
}

/// The defined type of the first parameter of an exported function.
fn param(store: &Store, instance: Instance, name: &str) -> TypeId {
    match func(store, instance, name).ty(store).params()[0] {
        ValType::Ref(RefType { heap: HeapType::Concrete(id), .. }) => id,
        other => panic!("{name} takes {other}"),
    }
}

fn call(store: &mut Store, instance: Instance, name: &str, args: &[Val]) -> Vec<Val> {
    func(store, instance, name).invoke(store, args).unwrap()
}

fn null() -> Val {
    Val::Ref(Ref::Null(HeapType::None))
}

fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
    error.message().to_owned()
}

#[test]
fn a_list_that_the_host_makes_is_walked_by_wasm_code() {
    both(|store, instance| {
        let list = param(store, instance, "sum");
        let mut head = null();
        for number in 1..=1000 {
            head = StructRef::new(store, list, &[Val::I64(number), head]).unwrap().into();
        }
        store.collect().unwrap();
        assert_eq!(call(store, instance, "sum", &[head]), [Val::I64(500_500)]);
        // Nothing refers to the list any more.
        store.collect().unwrap();
        assert_eq!(store.heap_stats().live_bytes, 0);
    });
}

#[test]
fn what_is_set_in_an_object_is_kept_by_it() {
    both(|store, instance| {
        let list = param(store, instance, "sum");
        let first = StructRef::new(store, list, &[Val::I64(1), null()]).unwrap();
        let second = StructRef::new(store, list, &[Val::I64(2), null()]).unwrap();
        first.set_field(store, 1, second.into()).unwrap();
        let lists = param(store, instance, "lists");
        let array = ArrayRef::new(store, lists, 100, null()).unwrap();
        array.set_element(store, 99, first.into()).unwrap();
        let garbage = ArrayRef::new(store, lists, 100_000, null()).unwrap();
        drop(garbage);
        store.collect().unwrap();
        let last = call(store, instance, "lists", &[array.clone().into(), Val::I32(99)]).remove(0);
        assert_eq!(call(store, instance, "sum", &[last]), [Val::I64(3)]);
        // A ring: 2 leads to itself.
        let last = StructRef::try_from(array.element(store, 99).unwrap()).unwrap();
        let second = StructRef::try_from(last.field(store, 1).unwrap()).unwrap();
        second.set_field(store, 1, second.clone().into()).unwrap();
        drop((array, last, second));
        store.collect().unwrap();
        assert_eq!(store.heap_stats().live_bytes, 0);
    });
}

#[test]
fn values_of_every_type_are_stored() {
    both(|store, instance| {
        let mixed = param(store, instance, "mixed");
        let host = ExternRef::new(store, "of the host's").unwrap();
        let own = func(store, instance, "byte");
        let values = [
            Val::I32(0x1ff),
            Val::I32(0x1_ffff),
            Val::V128(u128::MAX - 5),
            Val::from(1.5f32),
            host.clone().into(),
            own.into(),
            Val::I32(-7),
            I31::wrapping(9).into(),
        ];
        let object = StructRef::new(store, mixed, &values).unwrap();
        store.collect().unwrap();
        let seen = call(store, instance, "mixed", &[object.clone().into()]);
        assert_eq!(seen[..2], [Val::I32(-1), Val::I32(0xffff)]);
        assert_eq!(seen[2..], values[2..]);
        for (field, value) in values.into_iter().enumerate() {
            match object.set_field(store, field, value) {
                Err(error) => {
                    assert_eq!((field, error.message()), (6, "cannot set field 6: it is immutable"))
                }
                Ok(()) => assert_ne!(field, 6),
            }
        }
        assert_eq!(
            (object.field(store, 0).unwrap(), object.field(store, 1).unwrap()),
            (seen_u8(), seen_u16())
        );
        assert_eq!(call(store, instance, "mixed", &[object.into()]), seen);
    });

    fn seen_u8() -> Val {
        Val::I32(0xff)
    }

    fn seen_u16() -> Val {
        Val::I32(0xffff)
    }
}

#[test]
fn arrays_are_made_of_one_value_or_of_many() {
    both(|store, instance| {
        let bytes = param(store, instance, "byte");
        for length in [0, 1, 7, 8, 300, 100_000] {
            let array = ArrayRef::new(store, bytes, length, Val::I32(0x80)).unwrap();
            assert_eq!(array.size(store), length);
            if let Some(last) = length.checked_sub(1) {
                let args = [array.clone().into(), Val::I32(last.cast_signed())];
                assert_eq!(call(store, instance, "byte", &args), [Val::I32(-128)]);
            }
            assert_eq!(
                refused(array.element(store, length)),
                format!("element index {length} is out of bounds: the array has {length} elements")
            );
            assert!(array.set_element(store, length, Val::I32(0)).is_err());
        }
        let numbers: Vec<Val> = (0..1000).map(Val::I32).collect();
        let array = ArrayRef::new_fixed(store, bytes, &numbers).unwrap();
        assert_eq!(array.element(store, 999).unwrap(), Val::I32(999 & 0xff));
        // The elements are alive although the host has let go of each before the next is made.
        let list = param(store, instance, "sum");
        let lists = param(store, instance, "lists");
        let elements: Vec<Val> = (0..50)
            .map(|number| StructRef::new(store, list, &[Val::I64(number), null()]).unwrap().into())
            .collect();
        let array = ArrayRef::new_fixed(store, lists, &elements).unwrap();
        drop(elements);
        store.collect().unwrap();
        for index in 0..50 {
            let element = array.element(store, index).unwrap();
            assert_eq!(call(store, instance, "sum", &[element]), [Val::I64(index.into())]);
        }
    });
}

#[test]
fn a_subtype_is_a_value_of_its_supertype_and_not_the_reverse() {
    both(|store, instance| {
        let (list, longer) = (param(store, instance, "sum"), param(store, instance, "longer"));
        let long = StructRef::new(store, longer, &[Val::I64(5), null(), Val::from(2.5)]).unwrap();
        let short = StructRef::new(store, list, &[Val::I64(6), long.clone().into()]).unwrap();
        assert_eq!(call(store, instance, "sum", &[short.clone().into()]), [Val::I64(11)]);
        assert_eq!(call(store, instance, "longer", &[long.into()]), [Val::from(2.5)]);
        let wrong = func(store, instance, "longer").invoke(store, &[short.into()]);
        assert!(refused(wrong).starts_with("type mismatch: expected a value of type (ref null type#"));
    });
}

#[test]
fn what_does_not_fit_the_type_is_refused() {
    both(|store, instance| {
        let (list, bytes) = (param(store, instance, "sum"), param(store, instance, "byte"));
        let made = StructRef::new(store, list, &[Val::I64(1)]);
        assert_eq!(refused(made), "type mismatch: expected 2 fields, found 1");
        let made = StructRef::new(store, list, &[Val::I32(1), null()]);
        assert_eq!(refused(made), "type mismatch: expected a value of type i64, found one of type i32");
        let array: Val = ArrayRef::new(store, bytes, 1, Val::I32(0)).unwrap().into();
        assert!(
            refused(StructRef::new(store, list, &[Val::I64(1), array.clone()])).starts_with("type mismatch")
        );
        assert!(refused(StructRef::new(store, bytes, &[])).ends_with("is not a structure type"));
        assert!(refused(ArrayRef::new(store, list, 1, null())).ends_with("is not an array type"));
        assert!(refused(ArrayRef::new_fixed(store, bytes, &[Val::I64(1)])).starts_with("type mismatch"));
        let object = StructRef::new(store, list, &[Val::I64(1), null()]).unwrap();
        assert!(refused(object.set_field(store, 1, array)).starts_with("type mismatch"));
        assert_eq!(
            refused(object.set_field(store, 2, Val::I64(1))),
            "field index 2 is out of bounds: the structure has 2 fields"
        );
        assert_eq!(object.field(store, 0).unwrap(), Val::I64(1));
        let func_ty = func(store, instance, "sum").defined_type(store);
        assert!(refused(StructRef::new(store, func_ty, &[])).ends_with("is not a structure type"));
        // The type of another engine.
        let other = Engine::new(&Config::new()).unwrap().array_type_id(element(StorageType::I8)).unwrap();
        assert!(refused(ArrayRef::new(store, other, 1, Val::I32(0))).contains("type"));
    });
}

fn element(storage: StorageType) -> FieldType {
    FieldType { storage, mutable: true }
}

#[test]
fn types_of_the_host_are_those_of_modules() {
    both(|store, instance| {
        let engine = store.engine().clone();
        let bytes = engine.array_type_id(element(StorageType::I8)).unwrap();
        assert_eq!(bytes, param(store, instance, "byte"));
        assert_eq!(
            engine.defined_type(bytes).unwrap().composite,
            CompositeType::Array(element(StorageType::I8))
        );
        let made =
            engine.struct_type_id((0..10_000).map(|_| element(StorageType::Val(ValType::V128)))).unwrap();
        let values = vec![Val::V128(1); 10_000];
        let large = StructRef::new(store, made, &values).unwrap();
        assert_eq!(large.field(store, 9_999).unwrap(), Val::V128(1));
        let error = engine.struct_type_id((0..10_001).map(|_| element(StorageType::I8))).unwrap_err();
        assert_eq!(
            (error.kind(), error.message()),
            (ErrorKind::Limit, "a structure type has at most 10000 fields")
        );
        let none = engine.struct_type_id([]).unwrap();
        StructRef::new(store, none, &[]).unwrap();
    });
}

#[test]
fn a_type_that_is_gone_is_refused_and_one_in_use_stays() {
    for always in [false, true] {
        let engine = Engine::new(&Config::new().collect_always(always)).unwrap();
        let mut store = Store::new(&engine);
        let (kept, gone, object) = {
            let mut other = Store::new(&engine);
            let instance = instantiate(&mut other, &Linker::new(), TYPES);
            let (kept, gone) = (param(&other, instance, "byte"), param(&other, instance, "mixed"));
            (kept, gone, ArrayRef::new(&mut store, kept, 2, Val::I32(3)).unwrap())
        };
        // Its numbers are used for other types.
        (0..50).for_each(|size| {
            let fields = (0..size).map(|_| element(StorageType::I16));
            engine.struct_type_id(fields).unwrap();
        });
        assert!(engine.defined_type(gone).is_none());
        assert!(StructRef::new(&mut store, gone, &[]).is_err());
        assert_eq!(object.defined_type(&store), kept);
        store.collect().unwrap();
        assert_eq!(object.element(&store, 1).unwrap(), Val::I32(3));
    }
}

#[test]
fn objects_that_need_a_descriptor_are_not_made_without() {
    let config = Config::new().features("3.0,custom-descriptors".parse().unwrap());
    let mut store = Store::new(&Engine::new(&config).unwrap());
    let text = r#"(module
        (rec (type $described (descriptor $descriptor) (struct (field i32)))
            (type $descriptor (describes $described) (struct)))
        (func (export "f") (param (ref null $described))))"#;
    let instance = instantiate(&mut store, &Linker::new(), text);
    let described = param(&store, instance, "f");
    assert!(
        refused(StructRef::new(&mut store, described, &[Val::I32(1)]))
            .ends_with("are made with a descriptor")
    );
}

#[test]
fn a_full_heap_and_a_store_that_was_interrupted_are_errors() {
    let limits = StoreLimits { heap_bytes: 1 << 20, ..StoreLimits::default() };
    let engine = Engine::new(&Config::new().limits(limits)).unwrap();
    let bytes = engine.array_type_id(element(StorageType::I8)).unwrap();
    let mut store = Store::new(&engine);
    let mut kept = Vec::new();
    let error = loop {
        match ArrayRef::new(&mut store, bytes, 10_000, Val::I32(1)) {
            Ok(array) => kept.push(array),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    assert!(kept.len() > 50);
    kept.clear();
    ArrayRef::new(&mut store, bytes, 10_000, Val::I32(1)).unwrap();
    assert!(matches!(
        ArrayRef::new(&mut store, bytes, u32::MAX, Val::I32(1)).unwrap_err().kind(),
        ErrorKind::Limit | ErrorKind::Trap(_)
    ));
    let _ = store.interrupt();
    assert_eq!(ArrayRef::new(&mut store, bytes, 1, Val::I32(1)).unwrap_err().kind(), ErrorKind::Interrupted);
}

#[test]
#[should_panic = "the handle belongs to another store"]
fn an_object_is_put_into_objects_of_its_store_only() {
    let engine = Engine::new(&Config::new()).unwrap();
    let any = StorageType::Val(ValType::Ref(RefType { nullable: true, heap: HeapType::Any }));
    let ty = engine.struct_type_id([element(any)]).unwrap();
    let (mut one, mut other) = (Store::new(&engine), Store::new(&engine));
    let object = StructRef::new(&mut one, ty, &[null()]).unwrap();
    let _ = StructRef::new(&mut other, ty, &[object.into()]);
}
