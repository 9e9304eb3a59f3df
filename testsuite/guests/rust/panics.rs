//! Panics, for which a guest without unwinding has only the instruction `unreachable`.

fn main() {
    let args = std::env::args().count();
    println!("before");
    let empty: &[u32] = &[];
    println!("{}", empty[args]);
}
