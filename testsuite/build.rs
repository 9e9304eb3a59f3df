//! Tells cargo to build the crate again when a script or a guest is added or removed: `include_dir` alone notices only changes
//! inside the files it already knows.

#[expect(clippy::disallowed_macros, reason = "what it prints is for cargo")]
fn main() {
    println!("cargo::rerun-if-changed=scripts");
    println!("cargo::rerun-if-changed=guests");
    println!("cargo::rerun-if-changed=expectations");
}
