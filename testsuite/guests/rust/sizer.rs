//! Lists the files of a folder by name with their sizes, and the total size.

use std::{env, fs, io, process};

fn list(folder: &str) -> io::Result<()> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        if metadata.is_file() {
            files.push((entry.file_name().to_string_lossy().into_owned(), metadata.len()));
        }
    }
    files.sort();
    for (name, size) in &files {
        println!("{:>10} {}", size, name);
    }
    println!("{:>10} bytes in {} files", files.iter().map(|file| file.1).sum::<u64>(), files.len());
    Ok(())
}

fn main() {
    let folder = env::args().nth(1).unwrap_or_else(|| {
        eprintln!("usage: sizer <folder>");
        process::exit(2)
    });
    if let Err(error) = list(&folder) {
        eprintln!("{}: {}", folder, error);
        process::exit(1);
    }
}
