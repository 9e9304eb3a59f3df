//! Invalid pointers and sizes from the guest are errors: addresses out of bounds, huge counts,
//! extreme numbers.

#![allow(clippy::unwrap_used)]

mod support;

use std::fs;

use support::bits::CREAT;
use support::{ALL, DATA, Host, MEMORY, MORE, OUT};
use wassay_engine::{Extern, ValType};
use wassay_wasi::{Access, Errno, WasiCtx};

const AT: i64 = DATA as i64;
const TO: i64 = OUT as i64;

/// An argument that is an address: its index, and the size and alignment of what it points to.
type Address = (usize, i64, i64);

/// Calls that succeed, with their address arguments.
fn calls() -> Vec<(&'static str, Vec<i64>, Vec<Address>)> {
    let (more, far) = (i64::from(MORE), TO + 1024);
    vec![
        ("args_get", vec![TO, far], vec![(0, 4, 4), (1, 5, 1)]),
        ("args_sizes_get", vec![TO, far], vec![(0, 4, 4), (1, 4, 4)]),
        ("environ_get", vec![TO, far], vec![(0, 4, 4), (1, 4, 1)]),
        ("environ_sizes_get", vec![TO, far], vec![(0, 4, 4), (1, 4, 4)]),
        ("clock_res_get", vec![0, TO], vec![(1, 8, 8)]),
        ("clock_time_get", vec![0, 0, TO], vec![(2, 8, 8)]),
        ("fd_fdstat_get", vec![4, TO], vec![(1, 24, 8)]),
        ("fd_filestat_get", vec![4, TO], vec![(1, 64, 8)]),
        ("fd_pread", vec![4, AT, 1, 0, TO], vec![(1, 8, 4), (4, 4, 4)]),
        ("fd_prestat_dir_name", vec![3, TO, 1], vec![(1, 1, 1)]),
        ("fd_prestat_get", vec![3, TO], vec![(1, 8, 4)]),
        ("fd_pwrite", vec![4, AT, 1, 0, TO], vec![(1, 8, 4), (4, 4, 4)]),
        ("fd_read", vec![4, AT, 1, TO], vec![(1, 8, 4), (3, 4, 4)]),
        ("fd_readdir", vec![3, far, 100, 0, TO], vec![(1, 100, 1), (4, 4, 4)]),
        ("fd_seek", vec![4, 0, 0, TO], vec![(3, 8, 8)]),
        ("fd_tell", vec![4, TO], vec![(1, 8, 8)]),
        ("fd_write", vec![4, AT, 1, TO], vec![(1, 8, 4), (3, 4, 4)]),
        ("path_filestat_get", vec![3, 0, more, 4, TO], vec![(2, 4, 1), (4, 64, 8)]),
        ("path_filestat_set_times", vec![3, 0, more, 4, 0, 0, 0], vec![(2, 4, 1)]),
        ("path_open", vec![3, 0, more, 4, 0, ALL, 0, 0, TO], vec![(2, 4, 1), (8, 4, 4)]),
        ("path_readlink", vec![3, more + 100, 4, far, 10, TO], vec![(1, 4, 1), (3, 10, 1), (5, 4, 4)]),
        ("poll_oneoff", vec![AT + 64, far, 1, TO], vec![(0, 48, 8), (1, 32, 8), (3, 4, 4)]),
        ("random_get", vec![TO, 8], vec![(0, 8, 1)]),
        ("sock_recv", vec![0, AT, 1, 1, TO, far], vec![(1, 8, 4), (4, 4, 4), (5, 2, 2)]),
        ("sock_send", vec![1, AT, 1, 0, TO], vec![(1, 8, 4), (4, 4, 4)]),
    ]
}

/// Calls with side effects and the indices of their address arguments. With an invalid address,
/// they fail before they change anything.
fn changes() -> Vec<(&'static str, Vec<i64>, Vec<usize>)> {
    let (more, link) = (i64::from(MORE), i64::from(MORE) + 100);
    vec![
        ("path_create_directory", vec![3, more + 200, 3], vec![1]),
        ("path_link", vec![3, 0, more, 4, 3, more + 200, 3], vec![2, 5]),
        ("path_remove_directory", vec![3, more, 4], vec![1]),
        ("path_rename", vec![3, more, 4, 3, more + 200, 3], vec![1, 4]),
        ("path_symlink", vec![more, 4, 3, more + 200, 3], vec![0, 3]),
        ("path_unlink_file", vec![3, link, 4], vec![1]),
    ]
}

/// A guest with a file as descriptor 4, sockets as 0 and 1, a symbolic link, and arguments in
/// memory.
fn host() -> Host {
    let (a, mut b) = std::os::unix::net::UnixStream::pair().unwrap();
    std::io::Write::write_all(&mut b, &[1; 64]).unwrap();
    let mut host = Host::with("all_preview1", Access::ReadWrite, |builder| {
        builder.arg("prog").env("A", "1").stdin_file(a).stdout_file(b)
    });
    std::os::unix::fs::symlink("file", host.inside("link")).unwrap();
    assert_eq!(host.open("file", 0, CREAT, ALL), Ok(4));
    host.put(MORE, b"file");
    host.put(MORE + 100, b"link");
    host.put(MORE + 200, b"new");
    host.put(DATA + 64, &[0; 48]);
    host.vector(OUT + 4096, 8);
    host
}

#[test]
fn addresses_out_of_bounds_and_misaligned() {
    for (name, args, addresses) in calls() {
        let mut host = host();
        host.ok(name, &args);
        for (index, size, align) in addresses {
            let with = |address: i64| {
                let mut args = args.clone();
                args[index] = address;
                args
            };
            let end = i64::from(MEMORY);
            let last = (end - size) / align * align;
            let outside =
                [end, last + align, end + 8, i64::from(u32::MAX - 7), i64::from(u32::MAX) / align * align];
            for address in outside {
                assert_eq!(
                    host.call(name, &with(address)),
                    Errno::Fault,
                    "{name}: argument {index} is {address:#x}"
                );
            }
            for misalignment in 1..align {
                let address = args[index] + misalignment;
                assert_eq!(
                    host.call(name, &with(address)),
                    Errno::Inval,
                    "{name}: argument {index} is {address:#x}"
                );
            }
        }
    }
}

#[test]
fn failed_calls_change_nothing() {
    let mut host = host();
    for (name, args, addresses) in changes() {
        for index in addresses {
            for address in [i64::from(MEMORY) - 1, i64::from(MEMORY), -1] {
                let mut args = args.clone();
                args[index] = address;
                args[index + 1] = args[index + 1].max(2);
                assert_eq!(host.call(name, &args), Errno::Fault, "{name}: argument {index} is {address:#x}");
                args[index + 1] = -1;
                assert_eq!(host.call(name, &args), Errno::Fault, "{name}: argument {index} is {address:#x}");
            }
        }
    }
    let more = i64::from(MORE);
    assert_eq!(
        host.call("path_open", &[3, 0, more + 200, 3, CREAT, ALL, 0, 0, i64::from(MEMORY)]),
        Errno::Fault
    );
    assert_eq!(host.call("fd_write", &[4, AT, 1, -4]), Errno::Fault);
    let mut names: Vec<_> = fs::read_dir(host.inside(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        (names, fs::metadata(host.inside("file")).unwrap().len()),
        (vec!["file".to_owned(), "link".to_owned()], 0)
    );
    assert_eq!(host.open("file", 0, 0, 0), Ok(5), "no descriptor leaks");
}

#[test]
fn a_guest_without_a_memory() {
    let text = fs::read_to_string(support::guests().join("all_preview1.wat")).unwrap();
    let root = tempfile::tempdir().unwrap();
    let mut host =
        Host::load(&text.replace("(export \"memory\") 2", "2"), root, WasiCtx::builder(), |builder| builder);
    assert_eq!(host.call("args_sizes_get", &[0, 0]), Errno::Fault);
    assert_eq!(host.call("random_get", &[0, 1]), Errno::Fault);
    host.ok("random_get", &[0, 0]);
    host.ok("sched_yield", &[]);
}

/// The resident memory of this process in bytes.
fn resident() -> u64 {
    let text = fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

#[test]
fn huge_counts_do_not_use_memory() {
    let all = -1;
    let mut host = host();
    for name in ["fd_read", "fd_write"] {
        assert_eq!(host.call(name, &[4, 0, all, TO]), Errno::Fault);
        // 16384 empty buffers.
        assert_eq!(host.call(name, &[4, 0, i64::from(MEMORY) / 8, TO]), Errno::Success);
    }
    assert_eq!(host.call("random_get", &[0, all]), Errno::Fault);
    assert_eq!(host.call("poll_oneoff", &[0, 0, all, TO]), Errno::Fault);
    assert_eq!(host.call("fd_readdir", &[3, 0, all, 0, TO]), Errno::Fault);

    // The same with a memory of 4 GiB, in which all of them are in bounds.
    let text = fs::read_to_string(support::guests().join("all_preview1.wat")).unwrap();
    let text = text.replace("(export \"memory\") 2", "(export \"memory\") 65536");
    let root = tempfile::tempdir().unwrap();
    let builder = WasiCtx::builder().preopen(root.path(), "/", Access::ReadWrite).unwrap();
    let mut host = Host::load(&text, root, builder, |builder| builder);
    assert_eq!(host.open("file", 0, CREAT, ALL), Ok(4));
    let before = resident();
    let most = i64::from(u32::MAX / 8);
    for name in ["fd_read", "fd_write"] {
        host.ok(name, &[4, 1 << 20, most - (1 << 18), TO]);
        assert_eq!(host.u32(OUT), 0);
    }
    // Half a billion buffers of one byte, of which one call uses at most 1024. Only the first 1600
    // pages of the vector are filled in.
    let (first, count) = (4u32 << 20, (u32::MAX - (4 << 20)) / 8);
    host.put(first, &[first, 1].map(u32::to_le_bytes).concat().repeat(6_553_600 / 8));
    host.ok("fd_write", &[4, i64::from(first), i64::from(count), TO]);
    assert_eq!(host.u32(OUT), 1024);
    let subscriptions = i64::from(u32::MAX / 48) - 100_000;
    assert_eq!(host.call("poll_oneoff", &[1 << 20, 1 << 20, subscriptions, TO]), Errno::Inval);
    // Two buffers of 4 GiB less one byte: their total size does not fit the result.
    host.put(DATA, &[1, u32::MAX, 1, u32::MAX].map(u32::to_le_bytes).concat());
    assert_eq!(host.call("fd_read", &[4, AT, 2, TO]), Errno::Inval);
    host.ok("fd_read", &[4, AT, 1, TO]);
    host.ok("fd_readdir", &[3, 1 << 20, i64::from(u32::MAX - (1 << 20)), 0, TO]);
    assert_eq!(
        host.call("path_open", &[3, 0, 1 << 20, i64::from(u32::MAX - (1 << 20)), 0, 0, 0, 0, TO]),
        Errno::NameTooLong
    );
    assert!(resident() < before + (64 << 20), "{} bytes more", resident() - before);
    host.ok("random_get", &[1 << 20, 40 << 20]);
    assert_ne!(host.bytes((1 << 20) + (39 << 20), 64), [0; 64]);
}

/// Calls every function with random combinations of extreme numbers.
#[test]
fn random_arguments_do_not_crash_the_host() {
    let mut host = host();
    let numbers = [
        0,
        1,
        2,
        3,
        4,
        5,
        7,
        8,
        47,
        48,
        63,
        64,
        AT,
        TO,
        i64::from(MORE),
        i64::from(MEMORY),
        i64::from(MEMORY) - 1,
        -1,
        -2,
        -8,
        1 << 31,
        1 << 32,
        i64::MAX,
        i64::MIN,
    ];
    let names: Vec<String> = host.instance.exports(&host.store).map(|(name, _)| name.to_owned()).collect();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut errnos = std::collections::HashSet::new();
    for _ in 0..400 {
        for name in &names {
            // These calls could block forever.
            let blocking = ["poll_oneoff", "sock_recv", "fd_read"];
            // Closing descriptors leaves nothing to test, and allocating uses up the disk.
            let excluded = ["memory", "proc_exit", "proc_raise", "fd_close", "fd_renumber", "fd_allocate"];
            if blocking.contains(&name.as_str()) || excluded.contains(&name.as_str()) {
                continue;
            }
            let Some(Extern::Func(func)) = host.instance.export(&host.store, name) else { panic!("{name}") };
            let ty = func.ty(&host.store);
            let args: Vec<i64> = ty
                .params()
                .iter()
                .map(|ty| {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    let number = numbers[(state >> 33) as usize % numbers.len()];
                    if *ty == ValType::I32 { i64::from(number as i32) } else { number }
                })
                .collect();
            errnos.insert(host.call(name, &args) as u16);
        }
    }
    assert!(errnos.len() > 8, "{errnos:?}");
    assert_eq!(fs::read(host.root.path().join("secret")).unwrap(), b"outside it");
}
