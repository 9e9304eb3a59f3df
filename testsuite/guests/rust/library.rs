//! The standard library on WASI: arguments, variables, clocks, files, folders, unsupported calls.
//! `/` has one file, the variable `GREETING` is `hello`, and standard input begins with two lines.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, Read, Seek, SeekFrom, Write};
use std::time::{Duration, Instant, SystemTime};
use std::{env, thread};

fn process() -> io::Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    assert_eq!(args, ["first", "second word", ""]);
    assert_eq!(env::var("GREETING").as_deref(), Ok("hello"));
    assert!(env::var("HOME").is_err() && env::vars().count() == 1);
    env::set_var("OWN", "1");
    assert_eq!(env::var("OWN").as_deref(), Ok("1"));
    let lines: Vec<String> = io::stdin().lock().lines().take(2).collect::<Result<_, _>>()?;
    assert_eq!(lines, ["one", "two"]);
    let (begun, system) = (Instant::now(), SystemTime::now());
    thread::sleep(Duration::from_millis(20));
    assert!(begun.elapsed() >= Duration::from_millis(20));
    assert!(system.duration_since(SystemTime::UNIX_EPOCH).unwrap() > Duration::from_secs(1_700_000_000));
    thread::yield_now();
    assert_eq!(thread::Builder::new().spawn(|| ()).unwrap_err().kind(), io::ErrorKind::Unsupported);
    // Its hashes are seeded with random bytes.
    assert_eq!((0..1000).map(|key| (key, key)).collect::<HashMap<_, _>>().len(), 1000);
    Ok(())
}

fn files() -> io::Result<()> {
    let large: Vec<u8> = (0..2_000_000u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 16) as u8).collect();
    fs::write("/large", &large)?;
    assert!(fs::read("/large")? == large);
    assert_eq!(fs::metadata("/large")?.len(), 2_000_000);
    let mut file = OpenOptions::new().read(true).write(true).open("/large")?;
    assert_eq!(file.seek(SeekFrom::End(-3))?, 1_999_997);
    let mut rest = Vec::new();
    assert_eq!(file.read_to_end(&mut rest)?, 3);
    file.set_len(10)?;
    file.rewind()?;
    file.write_all(b"0123")?;
    file.sync_all()?;
    assert_eq!((file.stream_position()?, file.metadata()?.len()), (4, 10));
    OpenOptions::new().append(true).open("/large")?.write_all(b"end")?;
    assert_eq!(fs::read("/large")?[10..], *b"end");
    assert_eq!(File::create("/gone/x").unwrap_err().kind(), io::ErrorKind::NotFound);
    let new = OpenOptions::new().write(true).create_new(true).open("/large");
    assert_eq!(new.unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(fs::copy("/large", "/copied")?, 13);
    fs::rename("/copied", "/large")?;
    let modified = fs::metadata("/large")?.modified()?;
    assert!(modified <= SystemTime::now() && modified.elapsed().unwrap() < Duration::from_secs(3600));
    fs::remove_file("/large")
}

fn folders() -> io::Result<()> {
    fs::create_dir_all("/a/b/c")?;
    for index in 0..300 {
        fs::write(format!("/a/b/file {}", index), index.to_string())?;
    }
    let mut names = Vec::new();
    for entry in fs::read_dir("/a/b")? {
        let entry = entry?;
        let name = entry.file_name().into_string().unwrap();
        assert_eq!(entry.file_type()?.is_dir(), name == "c");
        names.push(name);
    }
    assert_eq!(names.len(), 301);
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 301);
    assert!(fs::remove_dir("/a/b").is_err());
    fs::remove_dir_all("/a")?;
    assert_eq!(fs::read_dir("/")?.count(), 1);
    assert!(File::open("../etc/passwd").is_err() && fs::read_dir("/..").is_err());
    Ok(())
}

fn main() -> io::Result<()> {
    process()?;
    files()?;
    folders()?;
    // More than a pipe buffers.
    let line = "a line of standard output that is sixty-three characters long..";
    let mut out = io::BufWriter::new(io::stdout());
    for _ in 0..4096 {
        writeln!(out, "{}", line)?;
    }
    Ok(())
}
