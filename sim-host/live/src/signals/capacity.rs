//! The number of raises that a pipe holds.

use mio::unix::pipe::Receiver;

/// Makes a pipe large enough for one byte for each raise that a base can count. Usually, a new pipe is large enough.
/// But if the user has very many pipes, the system makes smaller pipes.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn ensure(pipe: &Receiver) {
    use rustix::pipe::{fcntl_getpipe_size, fcntl_setpipe_size};
    const RAISES: usize = u16::MAX as usize;
    let size = fcntl_getpipe_size(pipe).unwrap_or(0);
    if size < RAISES
        && let Err(error) = fcntl_setpipe_size(pipe, RAISES)
    {
        log::warn!("a signal raised more than {size} times at once is counted short: {error}");
    }
}

/// Does nothing: on other systems, a pipe grows up to 64 KiB while bytes are written to it.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn ensure(_: &Receiver) {}
