//! Random bytes: `random_get`.

use rustix::rand::{GetRandomFlags, getrandom};

use super::Call;
use crate::abi::Buffer;
use crate::errno::Errno;

/// Fills the buffer with random bytes, from the system's source for cryptography.
pub(crate) fn random_get(call: &mut Call<'_>, buf: Buffer) -> Result<(), Errno> {
    let mut bytes = call.guest.bytes_mut(buf)?;
    if let Some(fill) = &mut call.ctx.random {
        fill(bytes);
        return Ok(());
    }
    while !bytes.is_empty() {
        match getrandom(&mut *bytes, GetRandomFlags::empty()) {
            Ok(count) => bytes = &mut bytes[count..],
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
