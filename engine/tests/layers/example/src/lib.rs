//! A crate for testing the import finder. It is not compiled.

mod a;
mod b;
mod body;
mod uses;
#[cfg(test)]
mod tests;
