//! Makes cargo rebuild the crate when a script or guest is added or removed. `include_dir` alone
//! only notices changes in files that it already includes.

#[expect(clippy::disallowed_macros, reason = "instructions to cargo")]
fn main() {
    println!("cargo::rerun-if-changed=scripts");
    println!("cargo::rerun-if-changed=guests");
    println!("cargo::rerun-if-changed=expectations");
}
