//! Functions of a path.
//!
//! A path is UTF-8, relative, and may not lead out of the directory that it starts from: that is NOTCAPABLE, as is a missing right, but
//! ROFS where a directory that was given for reading only would be changed. For all: BADF and NOTDIR where the descriptor is no
//! directory; NOENT where the path is empty; ILSEQ; NAMETOOLONG; INVAL for a NUL; LOOP for links without end; and what the system
//! says of the file.

pub(crate) mod entry;
pub(crate) mod link;
pub(crate) mod open;
pub(crate) mod resolve;
pub(crate) mod stat;
