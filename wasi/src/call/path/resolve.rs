//! Path resolution: from a path to an open directory and a name in it.
//!
//! cap-std opens the directory that contains the last name, and makes sure that the path stays
//! inside the start directory: with `openat2` if the system has it, otherwise name by name.
//! Everything after that is one system call on that directory and a single name, without following
//! links. Such a name cannot lead elsewhere, even if files are moved at the same time.

use std::borrow::Cow;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Component, Path};

use cap_std::fs::Dir;
use rustix::fs::{AtFlags, FileType, Stat, statat};

use crate::abi::Fd;
use crate::abi::flags::Rights;
use crate::errno::Errno;
use crate::table::Table;

/// How often to retry if a symbolic link is replaced while it is resolved.
const ATTEMPTS: usize = 8;

/// An open directory and a name in it.
pub(super) struct Target<'a> {
    dir: Parent<'a>,
    /// A single name, with any slashes that follow it in the path.
    name: Cow<'a, Path>,
}

enum Parent<'a> {
    Start(&'a Dir),
    Opened(Dir),
}

impl Target<'_> {
    /// The directory.
    pub(super) fn dir(&self) -> BorrowedFd<'_> {
        match &self.dir {
            Parent::Start(dir) => dir.as_fd(),
            Parent::Opened(dir) => dir.as_fd(),
        }
    }

    /// The name with trailing slashes, for calls that create, remove or rename it. For these the
    /// system does not follow a symbolic link, and refuses slashes after anything but a directory.
    pub(super) fn entry(&self) -> &Path {
        &self.name
    }

    /// Whether it is the directory itself, which has no name here.
    pub(super) fn is_directory_itself(&self) -> bool {
        self.name == Path::new(".")
    }

    /// Whether slashes follow the name.
    pub(super) fn has_slash(&self) -> bool {
        self.name.as_os_str().as_encoded_bytes().ends_with(b"/")
    }

    /// Whether something has this name, which may be a symbolic link.
    pub(super) fn exists(&self) -> bool {
        look(self).is_ok()
    }

    /// The name without slashes, for calls that look it up: with slashes the system would follow a
    /// symbolic link.
    fn bare(&self) -> &Path {
        let mut components = self.name.components();
        components.next().map_or(Path::new("."), |component| component.as_os_str().as_ref())
    }
}

/// The target of a path without following the last name, whether or not it exists.
pub(super) fn parent<'a>(start: &'a Dir, path: &'a str) -> Result<Target<'a>, Errno> {
    if path.starts_with('/') {
        return Err(Errno::NotCapable);
    }
    let trimmed = path.trim_end_matches('/');
    let split = trimmed.rfind('/').map_or(0, |slash| slash + 1);
    let target = |directory: &str, name: &'a str| {
        let dir = match directory {
            "" => Parent::Start(start),
            _ => Parent::Opened(start.open_dir(directory)?),
        };
        Ok(Target { dir, name: Cow::Borrowed(name.as_ref()) })
    };
    match &trimmed[split..] {
        // The directory itself. It has no name here, so `.` stands for it.
        "." | ".." => target(trimmed, "."),
        _ => target(&trimmed[..split], &path[split..]),
    }
}

/// The target for a new file other than a directory. Returns NOTDIR if the path ends with a slash
/// and names an existing file. If it names nothing or a directory, the system returns the error.
pub(super) fn parent_of_new_file<'a>(start: &'a Dir, path: &'a str) -> Result<Target<'a>, Errno> {
    let target = parent(start, path)?;
    if path.ends_with('/') && look(&target).is_ok_and(|stat| !is(&stat, FileType::Directory)) {
        return Err(Errno::NotDir);
    }
    Ok(target)
}

/// The directory to create `path` below: BADF, NOTDIR, NOTCAPABLE, or ROFS for read-only access. As
/// on a read-only file system (`mkdir(2)`, `symlink(2)`), errors of the lookup, EXIST, and NOENT
/// for a slash after the name of anything but a directory take precedence over ROFS.
pub(super) fn directory_to_create_in<'a>(
    table: &'a Table,
    fd: Fd,
    right: Rights,
    path: &str,
) -> Result<&'a Dir, Errno> {
    match table.directory(fd, right) {
        Err(Errno::Rofs) => {
            let (dir, _) = table.directory(fd, Rights::empty())?;
            let target = parent(dir, path)?;
            Err(refusal_of_new(&target, right == Rights::PATH_CREATE_DIRECTORY, Errno::Rofs))
        }
        found => Ok(found?.0),
    }
}

/// The error for a new name that cannot be created because of `otherwise`.
pub(super) fn refusal_of_new(target: &Target<'_>, is_directory: bool, otherwise: Errno) -> Errno {
    if target.exists() {
        Errno::Exist
    } else if target.has_slash() && !is_directory {
        Errno::NoEnt
    } else {
        otherwise
    }
}

/// The directory to change `path` below: as [`directory_to_create_in`], but `path` must exist.
pub(super) fn directory_to_change_in<'a>(
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

/// The target of an existing path, and its attributes. The target is not a symbolic link unless
/// `follow` is false and the path ends with one.
pub(super) fn find<'a>(start: &'a Dir, path: &'a str, follow: bool) -> Result<(Target<'a>, Stat), Errno> {
    let directory = path.ends_with('/');
    let mut target = parent(start, path)?;
    for _ in 0..ATTEMPTS {
        let stat = look(&target)?;
        match is(&stat, FileType::Symlink) && (follow || directory) {
            true => target = canonical(start, path)?,
            false if directory && !is(&stat, FileType::Directory) => return Err(Errno::NotDir),
            false => return Ok((target, stat)),
        }
    }
    Err(Errno::Loop)
}

/// The name of a target that [`find`] returned.
pub(super) fn final_name<'a>(target: &'a Target<'_>) -> &'a Path {
    target.bare()
}

/// The target of a path after following all symbolic links.
fn canonical<'a>(start: &'a Dir, path: &str) -> Result<Target<'a>, Errno> {
    let path = start.canonicalize(path)?;
    let dir = match path.parent() {
        Some(parent) if parent != Path::new("") => Parent::Opened(start.open_dir(parent)?),
        _ => Parent::Start(start),
    };
    let name = match path.components().next_back() {
        Some(Component::Normal(name)) => name.as_ref(),
        _ => Path::new("."),
    };
    Ok(Target { dir, name: Cow::Owned(name.to_owned()) })
}

fn look(target: &Target<'_>) -> Result<Stat, Errno> {
    Ok(statat(target.dir(), target.bare(), AtFlags::SYMLINK_NOFOLLOW)?)
}

fn is(stat: &Stat, ty: FileType) -> bool {
    FileType::from_raw_mode(stat.st_mode) == ty
}
