//! From a path to a directory and a name in it.
//!
//! cap-std opens the directory that holds the last name, and is what keeps paths inside: with the system's `openat2` where there is
//! one, by itself, name by name, where there is not. All that follows is a call of the system's on that directory and one name, which
//! does not follow links: such a name cannot lead anywhere else, whatever is moved meanwhile.

use std::borrow::Cow;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Component, Path};

use cap_std::fs::Dir;
use rustix::fs::{AtFlags, FileType, Stat, statat};

use crate::abi::Fd;
use crate::abi::flags::Rights;
use crate::errno::Errno;
use crate::table::Table;

/// How often a link is followed that someone else puts where it led to.
const ATTEMPTS: usize = 8;

/// A directory and a name in it.
pub(super) struct Place<'a> {
    dir: Parent<'a>,
    /// One name, with the slashes that stood behind it.
    name: Cow<'a, Path>,
}

enum Parent<'a> {
    Start(&'a Dir),
    Opened(Dir),
}

impl Place<'_> {
    /// The directory.
    pub(super) fn dir(&self) -> BorrowedFd<'_> {
        match &self.dir {
            Parent::Start(dir) => dir.as_fd(),
            Parent::Opened(dir) => dir.as_fd(),
        }
    }

    /// The name with the slashes that stood behind it, for calls that make, remove or rename it: the system does not follow a link
    /// there, and refuses slashes behind what is no directory.
    pub(super) fn entry(&self) -> &Path {
        &self.name
    }

    /// The name without slashes, for calls that look it up: with slashes the system would follow a link.
    fn bare(&self) -> &Path {
        let mut components = self.name.components();
        components.next().map_or(Path::new("."), |component| component.as_os_str().as_ref())
    }
}

/// The place of a path's last name, whether or not there is anything.
pub(super) fn parent<'a>(start: &'a Dir, path: &'a str) -> Result<Place<'a>, Errno> {
    if path.starts_with('/') {
        return Err(Errno::NotCapable);
    }
    let trimmed = path.trim_end_matches('/');
    let split = trimmed.rfind('/').map_or(0, |slash| slash + 1);
    let place = |directory: &str, name: &'a str| {
        let dir = match directory {
            "" => Parent::Start(start),
            _ => Parent::Opened(start.open_dir(directory)?),
        };
        Ok(Place { dir, name: Cow::Borrowed(name.as_ref()) })
    };
    match &trimmed[split..] {
        // The directory itself, which has no name from here.
        "." | ".." => place(trimmed, "."),
        _ => place(&trimmed[..split], &path[split..]),
    }
}

/// The place for a new file that is no directory: NOTDIR where slashes stand behind the name of something that is none. Where there
/// is nothing, or a directory, the system refuses by itself.
pub(super) fn vacant<'a>(start: &'a Dir, path: &'a str) -> Result<Place<'a>, Errno> {
    let place = parent(start, path)?;
    if path.ends_with('/') && look(&place).is_ok_and(|stat| !is(&stat, FileType::Directory)) {
        return Err(Errno::NotDir);
    }
    Ok(place)
}

/// The directory to create `path` below: BADF, NOTDIR, NOTCAPABLE, or ROFS if it was granted
/// read-only. As on a read-only file system (`mkdir(2)`), errors of the lookup and EXIST come before
/// ROFS.
pub(super) fn to_make_in<'a>(table: &'a Table, fd: Fd, right: Rights, path: &str) -> Result<&'a Dir, Errno> {
    match table.directory(fd, right) {
        Err(Errno::Rofs) => {
            let (dir, _) = table.directory(fd, Rights::empty())?;
            let place = parent(dir, path)?;
            Err(if look(&place).is_ok() { Errno::Exist } else { Errno::Rofs })
        }
        found => Ok(found?.0),
    }
}

/// The directory to change `path` below: as [`to_make_in`], but `path` must exist.
pub(super) fn to_change_in<'a>(
    table: &'a Table,
    fd: Fd,
    right: Rights,
    path: &str,
    follow: bool,
) -> Result<&'a Dir, Errno> {
    match table.directory(fd, right) {
        Err(Errno::Rofs) => {
            let (dir, _) = table.directory(fd, Rights::empty())?;
            find(dir, path, follow)?;
            Err(Errno::Rofs)
        }
        found => Ok(found?.0),
    }
}

/// What a path leads to: its place, with a name that is no link, unless `follow` is false and the path ends with a link; and what the
/// system says of it.
pub(super) fn find<'a>(start: &'a Dir, path: &'a str, follow: bool) -> Result<(Place<'a>, Stat), Errno> {
    let directory = path.ends_with('/');
    let mut place = parent(start, path)?;
    for _ in 0..ATTEMPTS {
        let stat = look(&place)?;
        match is(&stat, FileType::Symlink) && (follow || directory) {
            true => place = canonical(start, path)?,
            false if directory && !is(&stat, FileType::Directory) => return Err(Errno::NotDir),
            false => return Ok((place, stat)),
        }
    }
    Err(Errno::Loop)
}

/// The name of a place that [`find`] has found.
pub(super) fn found<'a>(place: &'a Place<'_>) -> &'a Path {
    place.bare()
}

/// The place of what a path leads to when all links are followed.
fn canonical<'a>(start: &'a Dir, path: &str) -> Result<Place<'a>, Errno> {
    let path = start.canonicalize(path)?;
    let dir = match path.parent() {
        Some(parent) if parent != Path::new("") => Parent::Opened(start.open_dir(parent)?),
        _ => Parent::Start(start),
    };
    let name = match path.components().next_back() {
        Some(Component::Normal(name)) => name.as_ref(),
        _ => Path::new("."),
    };
    Ok(Place { dir, name: Cow::Owned(name.to_owned()) })
}

fn look(place: &Place<'_>) -> Result<Stat, Errno> {
    Ok(statat(place.dir(), place.bare(), AtFlags::SYMLINK_NOFOLLOW)?)
}

fn is(stat: &Stat, ty: FileType) -> bool {
    FileType::from_raw_mode(stat.st_mode) == ty
}
