//! Functions that take a path.
//!
//! A path is a relative UTF-8 string that may not lead out of the directory that it starts from.
//! Errors common to all: BADF and NOTDIR if the descriptor is not a directory; NOTCAPABLE if a
//! right is missing or the path leads out of the directory; ROFS if the call would change a
//! directory with read-only access; NOENT if the path is empty; ILSEQ; NAMETOOLONG; INVAL if the
//! path contains a NUL; LOOP for too many symbolic links; and the system's errors for the file.

pub(crate) mod entry;
pub(crate) mod link;
pub(crate) mod open;
pub(crate) mod resolve;
pub(crate) mod stat;
