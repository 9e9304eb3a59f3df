//! The differences between preview 0 and preview 1.

#![allow(clippy::unwrap_used)]

mod support;

use std::fs;

use support::bits::CREAT;
use support::{ALL, DATA, Host, MORE, OUT};
use wassay_engine::{Config, Engine, ErrorKind, Linker, Module, Store};
use wassay_wasi::{Access, Errno, PREVIEW_0, WasiCtx, add_to_linker};

const AT: i64 = DATA as i64;
const TO: i64 = OUT as i64;

fn host() -> Host {
    Host::with("all_preview0", Access::ReadWrite, |builder| builder.stdin_bytes("12345"))
}

#[test]
fn whence_has_other_numbers() {
    let mut host = host();
    fs::write(host.inside("file"), "0123456789").unwrap();
    let fd = host.open("file", 0, 0, ALL).unwrap();
    for (offset, whence, expected) in [(4, 2, 4), (3, 0, 7), (-2, 1, 8), (0, 0, 8)] {
        host.ok("fd_seek", &[fd, offset, whence, TO]);
        assert_eq!(host.u64(OUT), expected);
    }
    assert_eq!(host.call("fd_seek", &[fd, -1, 2, TO]), Errno::Inval);
    assert_eq!(host.call("fd_seek", &[fd, 0, 3, TO]), Errno::Inval);
    assert_eq!(host.call("fd_seek", &[fd, 0, 0, 4]), Errno::Inval);
}

#[test]
fn a_filestat_has_56_bytes() {
    let mut host = host();
    fs::write(host.inside("file"), "12345").unwrap();
    fs::hard_link(host.inside("file"), host.inside("second")).unwrap();
    let fd = host.open("file", 0, CREAT, ALL).unwrap();
    host.ok("fd_filestat_set_times", &[fd, 1_000_000_001, 2_000_000_002, 1 | 4]);
    for by_path in [true, false] {
        host.put(OUT, &[0xff; 64]);
        match by_path {
            true => assert_eq!(host.stat("file", 0), Errno::Success),
            false => host.ok("fd_filestat_get", &[fd, TO]),
        }
        assert_eq!(host.bytes(OUT + 16, 4), [4, 0, 0, 0]);
        assert_eq!((host.u32(OUT + 20), host.u64(OUT + 24)), (2, 5));
        assert_eq!((host.u64(OUT + 32), host.u64(OUT + 40)), (1_000_000_001, 2_000_000_002));
        assert_eq!(host.bytes(OUT + 56, 8), [0xff; 8], "56 bytes are written");
    }
    // The last address at which the 56 bytes fit.
    let last = i64::from(support::MEMORY) - 56;
    host.ok("fd_filestat_get", &[fd, last]);
    assert_eq!(host.call("fd_filestat_get", &[fd, last + 8]), Errno::Fault);
}

#[test]
fn a_subscription_has_56_bytes() {
    let mut host = host();
    let mut subscriptions = [0u8; 112];
    subscriptions[0] = 7;
    // The identifier of the clock, which is ignored; the monotonic clock; 20 ms.
    subscriptions[16..24].fill(0xff);
    subscriptions[24] = 1;
    subscriptions[32..40].copy_from_slice(&20_000_000u64.to_le_bytes());
    subscriptions[56] = 8;
    subscriptions[64] = 1;
    host.put(MORE, &subscriptions);
    let more = i64::from(MORE);
    let start = std::time::Instant::now();
    host.ok("poll_oneoff", &[more, TO, 1, AT]);
    assert!((20..5000).contains(&start.elapsed().as_millis()));
    assert_eq!((host.u32(DATA), host.u64(OUT), host.bytes(OUT + 10, 1)), (1, 7, vec![0]));
    host.ok("poll_oneoff", &[more, TO, 2, AT]);
    assert_eq!(
        (host.u32(DATA), host.u64(OUT), host.bytes(OUT + 10, 1), host.u64(OUT + 16)),
        (1, 8, vec![1], 5)
    );
    // An absolute time in the past.
    subscriptions[48] = 1;
    host.put(MORE, &subscriptions);
    host.ok("poll_oneoff", &[more, TO, 1, AT]);
    subscriptions[24] = 9;
    host.put(MORE, &subscriptions);
    assert_eq!(host.call("poll_oneoff", &[more, TO, 1, AT]), Errno::Inval);
}

#[test]
fn there_is_no_sock_accept() {
    let engine = Engine::new(&Config::new()).unwrap();
    let text =
        format!("(module (import \"{PREVIEW_0}\" \"sock_accept\" (func (param i32 i32 i32) (result i32))))");
    let module = Module::new(&engine, &wat::parse_str(text).unwrap()).unwrap();
    let context = WasiCtx::builder().build().unwrap();
    let (mut store, mut linker) = (Store::with_data(&engine, context), Linker::new());
    add_to_linker(&mut store, &mut linker).unwrap();
    assert_eq!(linker.instantiate(&mut store, &module).unwrap_err().kind(), ErrorKind::Unlinkable);
}
