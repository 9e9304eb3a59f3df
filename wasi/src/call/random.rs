//! Random bytes: `random_get`.

use rustix::rand::{GetRandomFlags, getrandom};

use super::wait::check_deadline;
use crate::abi::Buffer;
use crate::calling::{Call, Stop};

/// How many bytes to request from the system at a time. The deadline is checked before each
/// request.
const CHUNK: usize = 1 << 20;

/// Fills the buffer with cryptographically secure random bytes from the system.
pub(crate) fn random_get(call: &mut Call<'_>, buf: Buffer) -> Result<(), Stop> {
    let mut bytes = call.guest.bytes_mut(buf)?;
    if let Some(fill) = &mut call.ctx.random {
        fill(bytes);
        return Ok(());
    }
    while !bytes.is_empty() {
        check_deadline(call.deadline)?;
        let count = bytes.len().min(CHUNK);
        match getrandom(&mut bytes[..count], GetRandomFlags::empty()) {
            Ok(count) => bytes = &mut bytes[count..],
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
