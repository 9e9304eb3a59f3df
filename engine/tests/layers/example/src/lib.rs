//! A crate to read imports from; it is never compiled.

mod a;
mod b;
mod body;
mod uses;
#[cfg(test)]
mod tests;
