//! Qualified paths in a signature and in a body.

pub(in crate::uses) fn five(_: crate::a::Type) -> u32 {
    let value: u32 = crate::b::four();
    value
}
