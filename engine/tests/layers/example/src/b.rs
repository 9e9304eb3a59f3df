//! Imports another module in the arguments of a macro, and one in code for tests, which does not
//! count.

pub fn four() -> u32 {
    assert!(crate::a::one() > 0);
    4
}

#[cfg(test)]
mod tests {
    use crate::uses;
}
