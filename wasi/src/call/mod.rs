//! The WASI functions.
//!
//! The doc comment of each function says what it reads and writes, and its errors. Errors common to
//! all: FAULT if an address is out of bounds; INVAL if an address is not a multiple of its type's
//! alignment, or a flag or enumeration value is not defined by the specification. Results are
//! written only if the call succeeds, and their addresses are checked before the call has side
//! effects.

pub(crate) mod args;
pub(crate) mod clock;
pub(crate) mod environ;
pub(crate) mod fd;
pub(crate) mod path;
pub(crate) mod poll;
pub(crate) mod proc;
pub(crate) mod random;
pub(crate) mod sched;
pub(crate) mod sock;
pub(crate) mod wait;

use wassay_engine::Result;

use crate::define::Definer;

/// The functions that take no pointers.
const WITHOUT_POINTERS: [&str; 14] = [
    "fd_advise",
    "fd_allocate",
    "fd_close",
    "fd_datasync",
    "fd_fdstat_set_flags",
    "fd_fdstat_set_rights",
    "fd_filestat_set_size",
    "fd_filestat_set_times",
    "fd_renumber",
    "fd_sync",
    "proc_exit",
    "proc_raise",
    "sched_yield",
    "sock_shutdown",
];

/// Whether a function takes pointers. Such a function accesses the memory that the calling instance
/// exports as `memory`, and fails if there is none.
pub fn takes_addresses(function: &str) -> bool {
    !WITHOUT_POINTERS.contains(&function)
}

/// Defines the functions that only preview 1 has, and those whose layouts differ in preview 0.
pub(crate) fn define_preview1(to: &mut Definer<'_>) -> Result<()> {
    to.define("fd_filestat_get", &["fd", "filestat"], fd::stat::fd_filestat_get)?;
    to.define("fd_seek", &["fd", "offset", "whence", "newoffset"], fd::seek::fd_seek)?;
    to.define("path_filestat_get", &["fd", "flags", "path", "filestat"], path::stat::path_filestat_get)?;
    to.define("poll_oneoff", &["in", "out", "nsubscriptions", "nevents"], poll::poll_oneoff)?;
    to.define("sock_accept", &["fd", "flags", "accepted"], sock::sock_accept)
}

/// Defines the functions that are the same in both previews.
pub(crate) fn define_common(to: &mut Definer<'_>) -> Result<()> {
    to.define("args_get", &["argv", "argv_buf"], args::args_get)?;
    to.define("args_sizes_get", &["argc", "argv_buf_size"], args::args_sizes_get)?;
    to.define("clock_res_get", &["id", "resolution"], clock::clock_res_get)?;
    to.define("clock_time_get", &["id", "precision", "time"], clock::clock_time_get)?;
    to.define("environ_get", &["environ", "environ_buf"], environ::environ_get)?;
    to.define("environ_sizes_get", &["environc", "environ_buf_size"], environ::environ_sizes_get)?;
    define_fd(to)?;
    define_path(to)?;
    to.define("proc_exit", &["rval"], proc::proc_exit)?;
    to.define("proc_raise", &["sig"], proc::proc_raise)?;
    to.define("random_get", &["buf"], random::random_get)?;
    to.define("sched_yield", &[], sched::sched_yield)?;
    to.define("sock_recv", &["fd", "ri_data", "ri_flags", "ro_datalen", "ro_flags"], sock::sock_recv)?;
    to.define("sock_send", &["fd", "si_data", "si_flags", "so_datalen"], sock::sock_send)?;
    to.define("sock_shutdown", &["fd", "how"], sock::sock_shutdown)
}

fn define_fd(to: &mut Definer<'_>) -> Result<()> {
    to.define("fd_advise", &["fd", "offset", "len", "advice"], fd::space::fd_advise)?;
    to.define("fd_allocate", &["fd", "offset", "len"], fd::space::fd_allocate)?;
    to.define("fd_close", &["fd"], fd::number::fd_close)?;
    to.define("fd_datasync", &["fd"], fd::space::fd_datasync)?;
    to.define("fd_fdstat_get", &["fd", "fdstat"], fd::stat::fd_fdstat_get)?;
    to.define("fd_fdstat_set_flags", &["fd", "flags"], fd::stat::fd_fdstat_set_flags)?;
    to.define(
        "fd_fdstat_set_rights",
        &["fd", "rights_base", "rights_inheriting"],
        fd::stat::fd_fdstat_set_rights,
    )?;
    to.define("fd_filestat_set_size", &["fd", "size"], fd::stat::fd_filestat_set_size)?;
    to.define(
        "fd_filestat_set_times",
        &["fd", "atim", "mtim", "fst_flags"],
        fd::stat::fd_filestat_set_times,
    )?;
    to.define("fd_pread", &["fd", "iovs", "offset", "nread"], fd::transfer::fd_pread)?;
    to.define("fd_prestat_dir_name", &["fd", "path"], fd::number::fd_prestat_dir_name)?;
    to.define("fd_prestat_get", &["fd", "prestat"], fd::number::fd_prestat_get)?;
    to.define("fd_pwrite", &["fd", "iovs", "offset", "nwritten"], fd::transfer::fd_pwrite)?;
    to.define("fd_read", &["fd", "iovs", "nread"], fd::transfer::fd_read)?;
    to.define("fd_readdir", &["fd", "buf", "cookie", "bufused"], fd::readdir::fd_readdir)?;
    to.define("fd_renumber", &["fd", "to"], fd::number::fd_renumber)?;
    to.define("fd_sync", &["fd"], fd::space::fd_sync)?;
    to.define("fd_tell", &["fd", "offset"], fd::seek::fd_tell)?;
    to.define("fd_write", &["fd", "iovs", "nwritten"], fd::transfer::fd_write)
}

fn define_path(to: &mut Definer<'_>) -> Result<()> {
    to.define("path_create_directory", &["fd", "path"], path::entry::path_create_directory)?;
    to.define(
        "path_filestat_set_times",
        &["fd", "flags", "path", "atim", "mtim", "fst_flags"],
        path::stat::path_filestat_set_times,
    )?;
    to.define(
        "path_link",
        &["old_fd", "old_flags", "old_path", "new_fd", "new_path"],
        path::link::path_link,
    )?;
    to.define(
        "path_open",
        &["fd", "dirflags", "path", "oflags", "rights_base", "rights_inheriting", "fdflags", "opened_fd"],
        path::open::path_open,
    )?;
    to.define("path_readlink", &["fd", "path", "buf", "bufused"], path::link::path_readlink)?;
    to.define("path_remove_directory", &["fd", "path"], path::entry::path_remove_directory)?;
    to.define("path_rename", &["fd", "old_path", "new_fd", "new_path"], path::entry::path_rename)?;
    to.define("path_symlink", &["old_path", "fd", "new_path"], path::link::path_symlink)?;
    to.define("path_unlink_file", &["fd", "path"], path::entry::path_unlink_file)
}
