//! Imports its child by name.

mod deep;

pub fn one() -> u32 {
    deep::two()
}
