//! The `wassay` command.
fn main() {}
