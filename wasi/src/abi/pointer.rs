//! Addresses in a guest's memory, by what is there.

use std::marker::PhantomData;

/// An address and a number of bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Buffer {
    pub(crate) address: u32,
    pub(crate) len: u32,
}

/// An address and a number of bytes that contain a path or the contents of a symbolic link.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text(pub(crate) Buffer);

/// The address and number of the buffers of a vector (`iovec_array`, `ciovec_array`). Each buffer
/// takes 8 bytes: its address at 0 and its length at 4.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IoVecs {
    pub(crate) address: u32,
    pub(crate) count: u32,
}

/// The address to write a result to.
#[derive(Debug)]
pub(crate) struct Out<T> {
    pub(crate) address: u32,
    _value: PhantomData<fn(T)>,
}

impl<T> Out<T> {
    pub(crate) fn new(address: u32) -> Out<T> {
        Out { address, _value: PhantomData }
    }
}

impl<T> Clone for Out<T> {
    fn clone(&self) -> Out<T> {
        *self
    }
}

impl<T> Copy for Out<T> {}

/// The address of data that the call reads piecewise.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Address(pub(crate) u32);
