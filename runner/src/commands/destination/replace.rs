//! Replaces regular files atomically.

use std::ffi::{CStr, CString};
use std::fs::{self, File, Metadata, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use rustix::fs::{XattrFlags, fsetxattr, lgetxattr, llistxattr};
use rustix::io::Errno;
use tempfile::NamedTempFile;

/// The prefix of temporary files.
const PREFIX: &str = ".wassay-";

/// The size limit for the list of extended attributes, and for a value (`xattr(7)`).
const MOST: usize = 64 << 10;

/// Checks that a temporary file can be created in the folder and take over the owner and attributes
/// of the old one.
pub(super) fn check(path: &Path, old: Option<&Metadata>) -> io::Result<()> {
    let new = temporary_file_for(path)?;
    old.map_or(Ok(()), |old| own_as(new.as_file(), old))
}

/// Writes a temporary file and renames it over the old one.
pub(super) fn write(path: &Path, old: Option<&Metadata>, bytes: &[u8]) -> io::Result<()> {
    let mut new = temporary_file_for(path)?;
    new.write_all(bytes)?;
    let file = new.as_file();
    match old {
        Some(old) => {
            own_as(file, old)?;
            // Drop set-user-ID, set-group-ID and sticky bits.
            file.set_permissions(Permissions::from_mode(old.mode() & 0o777))?;
            copy_attributes(path, file)?;
        }
        None => file.set_permissions(Permissions::from_mode(0o666 & !umask()))?,
    }
    file.sync_all()?;
    new.persist(path).map_err(|error| error.error)?;
    // The rename has succeeded; some file systems cannot sync folders.
    let _ = File::open(folder(path)).and_then(|folder| folder.sync_all());
    Ok(())
}

/// Whether a folder is case-insensitive, judged by one of its entries or by its own name; `false`
/// if that cannot be determined.
pub(super) fn is_caseless(folder: &Path) -> bool {
    let is_same = |path: &Path, other: &Path| {
        let found =
            [path, other].map(|path| path.symlink_metadata().map(|found| (found.dev(), found.ino())).ok());
        found[0].is_some() && found[0] == found[1]
    };
    let answer = |path: PathBuf| {
        let name = path.file_name()?.to_str()?;
        let other = [name.to_uppercase(), name.to_lowercase()].into_iter().find(|other| other != name)?;
        Some(is_same(&path, &path.with_file_name(other)))
    };
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    entries.chain([folder.to_owned()]).find_map(answer).unwrap_or(false)
}

fn folder(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}

/// Creates a temporary file in the folder of `path` that only this user can read; it is deleted
/// unless it is renamed to `path`.
fn temporary_file_for(path: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new().prefix(PREFIX).tempfile_in(folder(path))
}

/// Sets the owner and the group of a file to those of another.
fn own_as(file: &File, old: &Metadata) -> io::Result<()> {
    let new = file.metadata()?;
    let owner = (new.uid() != old.uid()).then(|| old.uid());
    let group = (new.gid() != old.gid()).then(|| old.gid());
    if owner.is_none() && group.is_none() {
        return Ok(());
    }
    fchown(file, owner, group).map_err(|error| {
        let of = format!("user {} and group {}", old.uid(), old.gid());
        io::Error::new(error.kind(), format!("cannot keep the owner of the file ({of}): {error}"))
    })
}

/// Copies the user attributes of a file, its access control list and its security label.
fn copy_attributes(from: &Path, to: &File) -> io::Result<()> {
    let mut names = vec![0; MOST];
    let length = match llistxattr(from, &mut names[..]) {
        // The file system does not support attributes.
        Err(Errno::NOTSUP | Errno::NOSYS) => return Ok(()),
        listed => listed?,
    };
    let names = names.get(..length).unwrap_or_default().split_inclusive(|byte| *byte == 0);
    for name in names.filter_map(|name| CStr::from_bytes_with_nul(name).ok()).map(CString::from) {
        let is_kept = name.as_bytes().starts_with(b"user.")
            || [&b"system.posix_acl_access"[..], b"security.selinux"].contains(&name.as_bytes());
        if !is_kept {
            continue;
        }
        let mut value = vec![0; MOST];
        let length = lgetxattr(from, &name, &mut value[..])?;
        match fsetxattr(to, &name, value.get(..length).unwrap_or_default(), XattrFlags::empty()) {
            // The security policy decides whether the label may be set.
            Err(Errno::PERM | Errno::ACCESS | Errno::NOTSUP) if name.as_bytes().starts_with(b"security.") => {
            }
            set => set?,
        }
    }
    Ok(())
}

/// The umask of this process, read without setting it.
fn umask() -> u32 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let umask = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    umask.and_then(|umask| u32::from_str_radix(umask.trim(), 8).ok()).unwrap_or(0o077)
}
