//! Arguments, environment, clocks, random bytes, exit, standard streams and observers.

use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use wassay_engine::{ErrorKind, Extern, Val};
use wassay_wasi::{Access, Capture, ClockId, Clocks, Errno, Exit, WasiCtx};

use crate::support::bits::{APPEND, CREAT, EXCL, FOLLOW, NONBLOCK};
use crate::support::{Host, MEMORY, OUT};
use crate::{AT, TO};

#[test]
fn arguments_and_environment() {
    let mut host = Host::with("all_preview1", Access::ReadWrite, |builder| {
        builder.args(["prog", "", "two words"]).env("A", "1").env("EMPTY", "").env("E", "a=b")
    });
    host.ok("args_sizes_get", &[TO, TO + 4]);
    assert_eq!((host.u32(OUT), host.u32(OUT + 4)), (3, 16));
    host.ok("args_get", &[TO, TO + 100]);
    assert_eq!(host.bytes(OUT + 100, 16), b"prog\0\0two words\0");
    assert_eq!([host.u32(OUT), host.u32(OUT + 4), host.u32(OUT + 8)], [OUT + 100, OUT + 105, OUT + 106]);
    host.ok("environ_sizes_get", &[TO, TO + 4]);
    assert_eq!((host.u32(OUT), host.u32(OUT + 4)), (3, 17));
    host.ok("environ_get", &[TO, TO + 100]);
    assert_eq!(host.bytes(OUT + 100, 17), b"A=1\0EMPTY=\0E=a=b\0");
    assert_eq!(host.call("args_get", &[TO, i64::from(MEMORY) - 15]), Errno::Fault);
    assert_eq!(host.call("args_get", &[i64::from(MEMORY) - 8, TO]), Errno::Fault);
}

#[test]
fn invalid_arguments_variables_and_directories_are_refused() {
    for builder in
        [WasiCtx::builder().arg("a\0b"), WasiCtx::builder().env("", "x"), WasiCtx::builder().env("a=b", "x")]
    {
        assert_eq!(builder.build().unwrap_err().kind(), std::io::ErrorKind::InvalidInput);
    }
    let folder = tempfile::tempdir().unwrap();
    let absent = folder.path().join("absent");
    let error = WasiCtx::builder().preopen(&absent, "/", Access::ReadOnly).unwrap_err();
    let expected = format!("cannot open the directory `{}`: ", absent.display());
    assert!(error.to_string().starts_with(&expected), "{error}");
}

struct Fixed;

impl Clocks for Fixed {
    fn resolution(&self, clock: ClockId) -> u64 {
        10 + clock as u64
    }

    fn now(&self, clock: ClockId) -> u64 {
        1_000_000_000_000 * (1 + clock as u64)
    }
}

#[test]
fn clocks() {
    let mut host = Host::new();
    for clock in 0..4 {
        host.ok("clock_res_get", &[clock, TO]);
        assert!((1..=1_000_000_000).contains(&host.u64(OUT)), "clock {clock}");
        host.ok("clock_time_get", &[clock, 0, TO]);
        let before = host.u64(OUT);
        host.ok("clock_time_get", &[clock, -1, TO]);
        assert!(host.u64(OUT) >= before && before > 0, "clock {clock}");
    }
    host.ok("clock_time_get", &[0, 0, TO]);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    assert!((now.as_nanos() as u64).abs_diff(host.u64(OUT)) < 10_000_000_000);
    assert_eq!(host.call("clock_res_get", &[4, TO]), Errno::Inval);
    assert_eq!(host.call("clock_time_get", &[-1, 0, TO]), Errno::Inval);

    let mut host = Host::with("all_preview1", Access::ReadWrite, |builder| builder.clocks(Fixed));
    host.ok("clock_res_get", &[1, TO]);
    assert_eq!(host.u64(OUT), 11);
    host.ok("clock_time_get", &[3, 0, TO]);
    assert_eq!(host.u64(OUT), 4_000_000_000_000);
}

#[test]
fn random_and_yield() {
    let mut host = Host::new();
    host.ok("random_get", &[TO, 64]);
    assert!(host.bytes(OUT, 64).iter().any(|byte| *byte != 0));
    assert_eq!(host.bytes(OUT + 64, 64), [0; 64], "nothing is written after the buffer");
    host.ok("random_get", &[i64::from(MEMORY), 0]);
    assert_eq!(host.call("random_get", &[TO, -1]), Errno::Fault);
    host.ok("sched_yield", &[]);
    let mut host =
        Host::with("all_preview1", Access::ReadWrite, |builder| builder.random(|bytes| bytes.fill(7)));
    host.ok("random_get", &[TO, 3]);
    assert_eq!(host.bytes(OUT, 4), [7, 7, 7, 0]);
}

#[test]
fn proc_exit_and_proc_raise() {
    for (name, argument, exit, code) in [
        ("proc_exit", 3, Exit::Code(3), 3),
        ("proc_exit", -1, Exit::Code(u32::MAX), u32::MAX),
        ("proc_raise", 6, Exit::Signal(6), 134),
        ("proc_raise", 16, Exit::Signal(16), 144),
        ("proc_raise", 30, Exit::Signal(30), 158),
    ] {
        let mut host = Host::new();
        let Some(Extern::Func(func)) = host.instance.export(&host.store, name) else { panic!("{name}") };
        let error = func.invoke(&mut host.store, &[Val::I32(argument)]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Host);
        let found = error.into_payload::<Exit>().unwrap();
        assert_eq!((found, found.code()), (exit, code));
    }
    let mut host = Host::new();
    host.ok("proc_raise", &[0]);
    assert_eq!(host.call("proc_raise", &[31]), Errno::Inval);
    assert_eq!(host.call("proc_raise", &[-1]), Errno::Inval);
}

#[test]
fn standard_streams_in_memory() {
    let (out, err) = (Capture::new(8), Capture::new(100));
    let mut host = Host::with("all_preview1", Access::ReadWrite, |builder| {
        builder.stdin_bytes("one two").capture_stdout(&out).capture_stderr(&err)
    });
    assert_eq!(
        (host.read(0, 4).unwrap(), host.read(0, 9).unwrap(), host.read(0, 9).unwrap()),
        (b"one ".to_vec(), b"two".to_vec(), vec![])
    );
    assert_eq!(host.write(1, "12345678"), Ok(8));
    assert_eq!(host.write(1, "9"), Err(Errno::NoSpc));
    assert_eq!(host.write(2, "error"), Ok(5));
    assert_eq!((out.take(), err.take()), (b"12345678".to_vec(), b"error".to_vec()));
    assert_eq!(host.write(1, "9"), Ok(1));
    for fd in 0..3 {
        host.ok("fd_fdstat_get", &[fd, TO]);
        assert_eq!(host.bytes(OUT, 1), [0]);
        host.ok("fd_fdstat_set_flags", &[fd, NONBLOCK]);
    }
}

#[test]
fn an_observer_sees_decoded_calls() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&lines);
    let mut host = Host::with("all_preview1", Access::ReadWrite, |builder| {
        builder.observer(move |call| seen.lock().unwrap().push(call.to_string()))
    });
    let fd = host.open("file", FOLLOW, CREAT | EXCL, 64).unwrap();
    host.write(fd, "hello").unwrap();
    host.call("fd_tell", &[fd, 18]);
    host.call("fd_tell", &[fd, i64::from(MEMORY)]);
    host.call("path_unlink_file", &[3, AT, 0]);
    let Some(Extern::Func(exit)) = host.instance.export(&host.store, "proc_exit") else {
        panic!("proc_exit")
    };
    exit.invoke(&mut host.store, &[Val::I32(2)]).unwrap_err();
    let lines = lines.lock().unwrap();
    let expected = [
        "path_open(fd=3, dirflags=SYMLINK_FOLLOW, path=\"file\", oflags=CREAT|EXCL, rights_base=0x40, \
         rights_inheriting=0xffffffffffffffff, fdflags=0x0, opened_fd=0x4000) = SUCCESS opened_fd=4",
        "fd_write(fd=4, iovs=0x400[5], nwritten=0x4000) = SUCCESS nwritten=5",
        "fd_tell(fd=4, offset=0x12 (not a multiple of 8)) = INVAL",
        "fd_tell(fd=4, offset=0x20000 (out of bounds)) = FAULT",
        "path_unlink_file(fd=3, path=\"\") = NOENT",
        "proc_exit(rval=2): the guest exited with code 2",
    ];
    assert_eq!(*lines, expected);
}

/// Set in the child process whose standard streams are tested.
const CHILD: &str = "WASSAY_TEST_INHERITED_STREAMS";

#[test]
fn inherited_standard_streams() {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["process::a_guest_with_inherited_streams", "--exact", "--nocapture"]).env(CHILD, "1");
    let mut child =
        child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Keep it open, and write nothing.
    let stdin = child.stdin.take();
    let output = child.wait_with_output().unwrap();
    drop(stdin);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("to the output"), "{text}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("to the errors"));
}

#[test]
fn a_guest_with_inherited_streams() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let mut host = Host::with("all_preview1", Access::ReadWrite, |builder| builder.inherit_stdio());
    let flags = || {
        let streams = [rustix::stdio::stdin(), rustix::stdio::stdout(), rustix::stdio::stderr()];
        streams.map(|stream| rustix::fs::fcntl_getfl(stream).unwrap())
    };
    let before = flags();
    for fd in 0..3 {
        host.ok("fd_fdstat_get", &[fd, TO]);
        assert_eq!((host.bytes(OUT, 1), host.u16(OUT + 2)), (vec![0], 0), "a pipe has no type");
        host.ok("fd_fdstat_set_flags", &[fd, NONBLOCK]);
        host.ok("fd_fdstat_get", &[fd, TO]);
        assert_eq!(i64::from(host.u16(OUT + 2)), NONBLOCK);
        assert_eq!(host.call("fd_fdstat_set_flags", &[fd, APPEND]), Errno::NotSup);
        assert_eq!(host.call("fd_filestat_set_times", &[fd, 0, 0, 2]), Errno::NotCapable);
        assert_eq!(host.call("fd_filestat_set_size", &[fd, 0]), Errno::Inval, "a pipe has no size");
        host.ok("fd_filestat_get", &[fd, TO]);
    }
    assert_eq!(flags(), before, "the host's flags are unchanged");
    assert_eq!(host.read(0, 10), Err(Errno::Again));
    assert_eq!(host.write(1, "to the output\n"), Ok(14));
    assert_eq!(host.write(2, "to the errors\n"), Ok(14));
    assert_eq!(host.write(0, "x"), Err(Errno::Badf));
    for fd in 0..3 {
        host.ok("fd_close", &[fd]);
    }
    assert_eq!(flags(), before, "the host's streams are still open");
}

/// Set in the child process whose standard input is nonblocking.
const NONBLOCKING: &str = "WASSAY_TEST_NONBLOCKING_INPUT";

#[test]
fn an_inherited_nonblocking_input() {
    let (input, mut writer) = std::io::pipe().unwrap();
    rustix::io::ioctl_fionbio(&input, true).unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["process::a_guest_with_a_nonblocking_input", "--exact", "--nocapture"]).env(NONBLOCKING, "1");
    let mut child = child.stdin(input).stdout(Stdio::piped()).spawn().unwrap();
    // The guest prints a line before it blocks.
    let mut output = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("reading") {
        line.clear();
        assert_ne!(std::io::BufRead::read_line(&mut output, &mut line).unwrap(), 0, "the child has exited");
    }
    std::thread::sleep(std::time::Duration::from_millis(50));
    std::io::Write::write_all(&mut writer, b"at last").unwrap();
    std::io::Read::read_to_string(&mut output, &mut line).unwrap();
    assert!(child.wait().unwrap().success(), "{line}");
}

#[test]
fn a_guest_with_a_nonblocking_input() {
    if std::env::var_os(NONBLOCKING).is_none() {
        return;
    }
    let mut host = Host::with("all_preview1", Access::ReadWrite, |builder| builder.inherit_stdio());
    host.ok("fd_fdstat_get", &[0, TO]);
    assert_eq!(i64::from(host.u16(OUT + 2)), NONBLOCK, "the flag of the host's stream");
    assert_eq!(host.read(0, 10), Err(Errno::Again));
    host.ok("fd_fdstat_set_flags", &[0, 0]);
    host.ok("fd_fdstat_get", &[0, TO]);
    assert_eq!(host.u16(OUT + 2), 0);
    println!("reading");
    assert_eq!(host.read(0, 10).unwrap(), b"at last");
    let flags = rustix::fs::fcntl_getfl(rustix::stdio::stdin()).unwrap();
    assert!(flags.contains(rustix::fs::OFlags::NONBLOCK), "the host's flags are unchanged");
}
