//! Exceptions (core spec, section 4.2.11, "Exception Instances"; embedding appendix: `exn_alloc`,
//! `exn_tag`, `exn_read`).

use super::gc::Root;
use super::store::StoreState;
use super::tag::Tag;
use super::value::Val;
use crate::error::{Error, ErrorKind, Result};
use crate::types::layout::{EXCEPTION_TAG, FieldsLayout, ObjectLayout};
use crate::types::{StorageType, ValType};
use crate::vm::layout::VmVal;

/// A reference to an exception. It keeps the exception alive.
///
/// Two references are equal if they refer to the same exception.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExnRef(pub(super) Root);

/// The storage type of the tag's address in an exception.
const TAG: StorageType = StorageType::Val(ValType::I64);

impl ExnRef {
    /// Allocates an exception with this tag and these fields (embedding appendix: `exn_alloc`).
    ///
    /// A host function throws it by returning [`Error::exception`].
    ///
    /// ```
    /// use wassay_engine::{Config, Engine, ExnRef, FuncType, Store, Tag, Val, ValType};
    /// let mut store = Store::new(&Engine::new(&Config::new())?);
    /// let tag = Tag::alloc(&mut store, &FuncType::new([ValType::I32], []))?;
    /// let exception = ExnRef::new(&mut store, tag, &[Val::I32(7)])?;
    /// assert_eq!(exception.tag(&store), tag);
    /// assert_eq!(exception.fields(&store), [Val::I32(7)]);
    /// # Ok::<(), wassay_engine::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Usage`](crate::ErrorKind::Usage) if the values do not match the parameters of the tag, and
    /// [`Limit`](crate::ErrorKind::Limit) if the store is full.
    ///
    /// # Panics
    ///
    /// All methods panic if the exception, the tag or a value belongs to another store.
    pub fn new(store: &mut StoreState, tag: Tag, values: &[Val]) -> Result<ExnRef> {
        let ty = store.engine().types().get(tag.ty(store).ty);
        let Some(func) = &ty.func else { unreachable!("tags have function types") };
        let layout = fields_of(&ty.layout);
        if values.len() != layout.fields.len() {
            let (expected, found) = (layout.fields.len(), values.len());
            return Err(Error::usage(format!(
                "type mismatch: expected {expected} values for the tag, found {found}"
            )));
        }
        let values = values.iter().zip(func.params()).map(|(value, ty)| value.to_vm(*ty, store));
        let values = values.collect::<Result<Vec<_>>>()?;
        let record = store.tags[tag.index(store)].record;
        let exception = store.allocate_object(tag.ty(store).ty.number(), 0, u64::from(layout.size))?;
        store.heap.set_field(exception, EXCEPTION_TAG as usize, TAG, VmVal(u128::from(record.to_word())));
        for ((offset, storage), value) in layout.fields.iter().zip(values) {
            store.heap.set_field(exception, *offset as usize, *storage, value);
        }
        Ok(ExnRef::from_word(exception, store))
    }

    /// Returns the tag of the exception (embedding appendix: `exn_tag`).
    pub fn tag(&self, store: &StoreState) -> Tag {
        store.check(self.0.store());
        let word = store.heap.field(self.0.word(), EXCEPTION_TAG as usize, TAG).0 as u64;
        match store.tags.iter().position(|tag| tag.record.to_word() == word) {
            Some(index) => Tag::new(index, store),
            None => unreachable!("an exception has a tag"),
        }
    }

    /// Returns the fields of the exception (embedding appendix: `exn_read`).
    pub fn fields(&self, store: &StoreState) -> Vec<Val> {
        store.check(self.0.store());
        let ty = store.engine().types().numbered(store.heap.header(self.0.word()).0);
        let fields = fields_of(&ty.layout).fields.iter();
        let field = |(offset, storage): &(u32, StorageType)| {
            store.unpack(store.heap.field(self.0.word(), *offset as usize, *storage), *storage)
        };
        fields.map(field).collect()
    }

    /// Creates the reference for `word`, the value in compiled code, which is not null.
    pub(crate) fn from_word(word: u64, store: &StoreState) -> ExnRef {
        ExnRef(store.hold(word))
    }

    /// The value in compiled code, if the exception belongs to this store.
    pub(crate) fn word_in(&self, store: &StoreState) -> Option<u64> {
        (self.0.store() == store.id()).then(|| self.0.word())
    }
}

impl Error {
    /// Creates an error by which a host function throws an exception. The wasm code that called the
    /// host function can catch it.
    ///
    /// If it is not caught, [`Func::invoke`](crate::Func::invoke) returns this error, of kind
    /// [`ErrorKind::Exception`]. Wasm code of a store other than the exception's cannot catch it.
    pub fn exception(exception: ExnRef) -> Error {
        Error::with_payload(ErrorKind::Exception, "uncaught exception", exception)
    }

    /// The exception, if the error is of kind [`ErrorKind::Exception`].
    pub fn exn(&self) -> Option<&ExnRef> {
        match self.kind() {
            ErrorKind::Exception => self.payload(),
            _ => None,
        }
    }
}

fn fields_of(layout: &ObjectLayout) -> &FieldsLayout {
    match layout {
        ObjectLayout::Exception(fields) => fields,
        _ => unreachable!("the type of an exception is a function type"),
    }
}
