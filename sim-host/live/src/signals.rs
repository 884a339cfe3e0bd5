//! Catches and counts the system's signals.
//!
//! ```text
//!   kill ──▶ handler ──▶ one byte ──▶ pipe of the signal ──▶ selector, then take()
//! ```
//!
//! Each caught signal has a separate pipe, and the handler writes one byte for each raise. The system does not start a
//! new buffer for each write, so a pipe holds the bytes of 65,536 raises. So every count that fits into
//! [`EventBase::raised`](picoevent::EventBase::raised) is exact, and only higher counts saturate. A pair of sockets
//! instead of a pipe would hold only a few hundred bytes. A handler that increments a counter instead would need unsafe
//! code in this crate.
//!
//! If several back ends of the process catch the same signal, each of them receives the signal. When the last of these
//! back ends releases the signal, the signal has its former effect again; see [`held`].

use std::io::{self, ErrorKind, Read};
use std::os::fd::OwnedFd;

use mio::unix::pipe::{self, Receiver};
use mio::{Interest, Registry};
use picoevent::Signal;
use signal_hook::SigId;
use signal_hook::consts::FORBIDDEN;
use signal_hook::low_level;

use super::token::Object;

mod capacity;
mod held;

pub(super) struct Signals {
    caught: Vec<Caught>,
}

struct Caught {
    signal: Signal,
    action: SigId,
    raises: Receiver,
}

impl Signals {
    pub(super) const fn new() -> Self {
        Self { caught: Vec::new() }
    }

    /// Starts to catch a signal.
    ///
    /// # Errors
    /// The system's error, or an error if no program can catch this signal.
    pub(super) fn catch(&mut self, signal: Signal, registry: &Registry) -> io::Result<()> {
        if !self.caught.iter().any(|caught| caught.signal == signal) {
            self.caught.push(Caught::new(signal, registry)?);
        }
        Ok(())
    }

    /// Releases the signal. The signal has its former effect again if no other back end catches it.
    pub(super) fn release(&mut self, signal: Signal) {
        self.caught.retain(|caught| caught.signal != signal);
    }

    /// Returns how often the signal was raised since the last call.
    pub(super) fn take(&mut self, signal: Signal) -> u16 {
        let caught = self.caught.iter_mut().find(|caught| caught.signal == signal);
        caught.map_or(0, |caught| caught.take())
    }
}

impl Caught {
    fn new(signal: Signal, registry: &Registry) -> io::Result<Self> {
        let number = i32::from(signal.number());
        if FORBIDDEN.contains(&number) {
            return Err(io::Error::new(ErrorKind::InvalidInput, "no program can catch it"));
        }
        let (handlers, mut raises) = pipe::new()?;
        capacity::ensure(&raises);
        registry.register(&mut raises, Object::Signal(signal).into(), Interest::READABLE)?;
        held::begin(signal)?;
        match low_level::pipe::register(number, OwnedFd::from(handlers)) {
            Ok(action) => Ok(Self { signal, action, raises }),
            Err(error) => {
                held::end(signal);
                Err(error)
            }
        }
    }

    fn take(&mut self) -> u16 {
        let mut bytes = [0; 4096];
        let mut raises = 0_u16;
        loop {
            match self.raises.read(&mut bytes) {
                Ok(0) => return raises,
                Ok(amount) => {
                    raises = raises.saturating_add(u16::try_from(amount).unwrap_or(u16::MAX));
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return raises,
            }
        }
    }
}

impl Drop for Caught {
    fn drop(&mut self) {
        held::end(self.signal);
        low_level::unregister(self.action);
    }
}
