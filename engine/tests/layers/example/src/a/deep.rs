//! Imports by `super`, from a module inside the file.

pub fn two() -> u32 {
    inner::three()
}

mod inner {
    pub fn three() -> u32 {
        super::super::super::b::four()
    }
}
