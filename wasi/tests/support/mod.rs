//! A guest that exports every function, so that tests can make each call themselves and inspect its
//! memory.

#![allow(dead_code, clippy::unwrap_used)]

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;
use wassay_engine::{Config, Engine, Extern, Instance, Linker, Memory, Module, Store, Val, ValType};
use wassay_wasi::{Access, Errno, WasiCtx, WasiCtxBuilder, add_to_linker};

/// The address for the input of calls.
pub(crate) const DATA: u32 = 1024;
/// The address for a second path or other input.
pub(crate) const MORE: u32 = 8192;
/// The address for results.
pub(crate) const OUT: u32 = 16384;
/// The size of the guest's memory in bytes.
pub(crate) const MEMORY: u32 = 131_072;
/// All rights, as a request.
pub(crate) const ALL: i64 = -1;

/// A guest, and the host directory whose subdirectory `in` is its descriptor 3.
pub(crate) struct Host {
    pub(crate) store: Store<WasiCtx>,
    pub(crate) instance: Instance,
    pub(crate) root: TempDir,
}

/// Flags and rights as numbers.
pub(crate) mod bits {
    pub(crate) const FOLLOW: i64 = 1;
    pub(crate) const CREAT: i64 = 1;
    pub(crate) const DIRECTORY: i64 = 2;
    pub(crate) const EXCL: i64 = 4;
    pub(crate) const TRUNC: i64 = 8;
    pub(crate) const APPEND: i64 = 1;
    pub(crate) const NONBLOCK: i64 = 4;
    pub(crate) const FD_READ: i64 = 1 << 1;
    pub(crate) const FD_SEEK: i64 = 1 << 2;
    pub(crate) const FD_TELL: i64 = 1 << 5;
    pub(crate) const FD_WRITE: i64 = 1 << 6;
    pub(crate) const FD_READDIR: i64 = 1 << 14;
}

pub(crate) fn guests() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../testsuite/guests/wat"))
}

impl Host {
    /// A guest of preview 1 whose descriptor 3 is a writable empty directory `/`.
    pub(crate) fn new() -> Host {
        Host::with("all_preview1", Access::ReadWrite, |builder| builder)
    }

    /// A guest from this text file, with this access and further resources.
    pub(crate) fn with(
        name: &str,
        access: Access,
        more: impl FnOnce(WasiCtxBuilder) -> WasiCtxBuilder,
    ) -> Host {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("in")).unwrap();
        fs::write(root.path().join("secret"), "outside it").unwrap();
        let builder = WasiCtx::builder().preopen(root.path().join("in"), "/", access).unwrap();
        let text = fs::read_to_string(guests().join(format!("{name}.wat"))).unwrap();
        Host::load(&text, root, builder, more)
    }

    /// A guest from this text, with this root directory.
    pub(crate) fn load(
        text: &str,
        root: TempDir,
        builder: WasiCtxBuilder,
        more: impl FnOnce(WasiCtxBuilder) -> WasiCtxBuilder,
    ) -> Host {
        let engine = Engine::new(&Config::new()).unwrap();
        let bytes = wat::parse_str(text).unwrap();
        let module = Module::new(&engine, &bytes).unwrap();
        let context = more(builder).build().unwrap();
        let (mut store, mut linker) = (Store::with_data(&engine, context), Linker::new());
        add_to_linker(&mut store, &mut linker).unwrap();
        let instance = linker.instantiate(&mut store, &module).unwrap();
        Host { store, instance, root }
    }

    /// The host path of a file in the guest's directory.
    pub(crate) fn inside(&self, path: &str) -> PathBuf {
        self.root.path().join("in").join(path)
    }

    pub(crate) fn call(&mut self, name: &str, args: &[i64]) -> Errno {
        self.try_call(name, args).unwrap()
    }

    /// Calls a function that may end the guest.
    pub(crate) fn try_call(&mut self, name: &str, args: &[i64]) -> wassay_engine::Result<Errno> {
        let Some(Extern::Func(func)) = self.instance.export(&self.store, name) else { panic!("no {name}") };
        let ty = func.ty(&self.store);
        assert_eq!(ty.params().len(), args.len(), "{name}");
        let args: Vec<Val> = ty
            .params()
            .iter()
            .zip(args)
            .map(|(ty, arg)| match ty {
                ValType::I32 => Val::I32(*arg as i32),
                _ => Val::I64(*arg),
            })
            .collect();
        match func.invoke(&mut self.store, &args)?.first() {
            Some(Val::I32(code)) => Ok(Errno::from_code(*code as u16).unwrap()),
            other => panic!("{name} returned {other:?}"),
        }
    }

    /// Calls a function that must succeed.
    #[track_caller]
    pub(crate) fn ok(&mut self, name: &str, args: &[i64]) {
        assert_eq!(self.call(name, args), Errno::Success, "{name}{args:?}");
    }

    pub(crate) fn memory(&self) -> Memory {
        match self.instance.export(&self.store, "memory") {
            Some(Extern::Memory(memory)) => memory,
            _ => panic!("no memory"),
        }
    }

    pub(crate) fn put(&mut self, address: u32, bytes: &[u8]) {
        self.memory().write(&mut self.store, u64::from(address), bytes).unwrap();
    }

    pub(crate) fn bytes(&self, address: u32, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.memory().read(&self.store, u64::from(address), &mut bytes).unwrap();
        bytes
    }

    pub(crate) fn u16(&self, address: u32) -> u16 {
        u16::from_le_bytes(self.bytes(address, 2).try_into().unwrap())
    }

    pub(crate) fn u32(&self, address: u32) -> u32 {
        u32::from_le_bytes(self.bytes(address, 4).try_into().unwrap())
    }

    pub(crate) fn u64(&self, address: u32) -> u64 {
        u64::from_le_bytes(self.bytes(address, 8).try_into().unwrap())
    }

    /// Writes a vector of one buffer, at this address and of this length, to `DATA`.
    pub(crate) fn vector(&mut self, address: u32, len: u32) {
        self.put(DATA, &[address.to_le_bytes(), len.to_le_bytes()].concat());
    }

    /// Calls `path_open` and returns the descriptor.
    pub(crate) fn open(&mut self, path: &str, flags: i64, oflags: i64, rights: i64) -> Result<i64, Errno> {
        self.open_at(3, path, flags, oflags, rights, 0)
    }

    pub(crate) fn open_at(
        &mut self,
        fd: i64,
        path: &str,
        flags: i64,
        oflags: i64,
        rights: i64,
        fdflags: i64,
    ) -> Result<i64, Errno> {
        self.put(DATA, path.as_bytes());
        let (at, len, out) = (i64::from(DATA), path.len() as i64, i64::from(OUT));
        match self.call("path_open", &[fd, flags, at, len, oflags, rights, ALL, fdflags, out]) {
            Errno::Success => Ok(i64::from(self.u32(OUT))),
            errno => Err(errno),
        }
    }

    /// Calls a function that takes only a descriptor and a path.
    pub(crate) fn path(&mut self, name: &str, fd: i64, path: &str) -> Errno {
        self.put(DATA, path.as_bytes());
        self.call(name, &[fd, i64::from(DATA), path.len() as i64])
    }

    /// Calls `path_filestat_get` with the result at `OUT`.
    pub(crate) fn stat(&mut self, path: &str, flags: i64) -> Errno {
        self.put(DATA, path.as_bytes());
        self.call("path_filestat_get", &[3, flags, i64::from(DATA), path.len() as i64, i64::from(OUT)])
    }

    pub(crate) fn symlink(&mut self, contents: &str, path: &str) -> Errno {
        self.put(DATA, contents.as_bytes());
        self.put(MORE, path.as_bytes());
        let (old, new) = (i64::from(DATA), i64::from(MORE));
        self.call("path_symlink", &[old, contents.len() as i64, 3, new, path.len() as i64])
    }

    pub(crate) fn link(&mut self, from: i64, flags: i64, old: &str, to: i64, new: &str) -> Errno {
        self.put(DATA, old.as_bytes());
        self.put(MORE, new.as_bytes());
        let (at, more) = (i64::from(DATA), i64::from(MORE));
        self.call("path_link", &[from, flags, at, old.len() as i64, to, more, new.len() as i64])
    }

    pub(crate) fn rename(&mut self, from: i64, old: &str, to: i64, new: &str) -> Errno {
        self.put(DATA, old.as_bytes());
        self.put(MORE, new.as_bytes());
        let (at, more) = (i64::from(DATA), i64::from(MORE));
        self.call("path_rename", &[from, at, old.len() as i64, to, more, new.len() as i64])
    }

    /// Calls `path_readlink` with a buffer of this length.
    pub(crate) fn readlink(&mut self, path: &str, len: i64) -> Result<Vec<u8>, Errno> {
        self.put(DATA, path.as_bytes());
        let (at, into, used) = (i64::from(DATA), i64::from(OUT + 8), i64::from(OUT));
        match self.call("path_readlink", &[3, at, path.len() as i64, into, len, used]) {
            Errno::Success => Ok(self.bytes(OUT + 8, self.u32(OUT) as usize)),
            errno => Err(errno),
        }
    }

    pub(crate) fn set_times(&mut self, path: &str, flags: i64, atim: i64, mtim: i64, which: i64) -> Errno {
        self.put(DATA, path.as_bytes());
        let at = i64::from(DATA);
        self.call("path_filestat_set_times", &[3, flags, at, path.len() as i64, atim, mtim, which])
    }

    /// Calls `fd_read` or `fd_write` with one buffer at `MORE`.
    pub(crate) fn transfer(&mut self, name: &str, fd: i64, len: u32) -> Result<u32, Errno> {
        self.vector(MORE, len);
        match self.call(name, &[fd, i64::from(DATA), 1, i64::from(OUT)]) {
            Errno::Success => Ok(self.u32(OUT)),
            errno => Err(errno),
        }
    }

    /// Writes a string.
    pub(crate) fn write(&mut self, fd: i64, text: &str) -> Result<u32, Errno> {
        self.put(MORE, text.as_bytes());
        self.transfer("fd_write", fd, text.len() as u32)
    }

    /// Reads at most `len` bytes.
    pub(crate) fn read(&mut self, fd: i64, len: u32) -> Result<Vec<u8>, Errno> {
        let count = self.transfer("fd_read", fd, len)?;
        Ok(self.bytes(MORE, count as usize))
    }
}
