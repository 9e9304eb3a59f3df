//! Panics. In a guest without unwinding, a panic executes the instruction `unreachable`.

fn main() {
    let args = std::env::args().count();
    println!("before");
    let empty: &[u32] = &[];
    println!("{}", empty[args]);
}
