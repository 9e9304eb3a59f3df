//! Tells cargo to build the crate again when a script is added or removed: `include_dir` alone notices only changes
//! inside the files it already knows.

fn main() {
    println!("cargo::rerun-if-changed=scripts");
    println!("cargo::rerun-if-changed=expectations");
}
