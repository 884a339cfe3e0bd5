//! The system's signals, counted.
//!
//! Each signal that is caught has a pipe of its own; the handler writes a byte, and the selector
//! tells when there is one. A full pipe drops what no one could count any more. Every back end in
//! the process that catches a signal hears of it; when the last one lets go, the signal does again
//! what it does by default.

use std::io::{ErrorKind, Read};
use std::os::unix::net;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::{array, io};

use mio::net::UnixStream;
use mio::{Interest, Registry};
use picoevent::Signal;
use signal_hook::SigId;
use signal_hook::consts::FORBIDDEN;
use signal_hook::{flag, low_level};

use super::token::Subject;

pub(super) struct Signals {
    caught: Vec<Caught>,
}

struct Caught {
    signal: Signal,
    action: SigId,
    raises: UnixStream,
}

impl Signals {
    pub(super) const fn new() -> Self {
        Self { caught: Vec::new() }
    }

    /// Catches a signal from here on. One that no program can catch is left alone.
    pub(super) fn catch(&mut self, signal: Signal, registry: &Registry) {
        if self.caught.iter().any(|caught| caught.signal == signal) {
            return;
        }
        match Caught::new(signal, registry) {
            Ok(caught) => self.caught.push(caught),
            Err(error) => log::error!("signal {} is not caught: {error}", signal.number()),
        }
    }

    /// Leaves the signal to its default, if no other back end has caught it.
    pub(super) fn release(&mut self, signal: Signal) {
        self.caught.retain(|caught| caught.signal != signal);
    }

    /// Takes the raises since the last call.
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
        let (ours, handlers) = net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        handlers.set_nonblocking(true)?;
        let mut raises = UnixStream::from_std(ours);
        registry.register(&mut raises, Subject::Signal(signal).into(), Interest::READABLE)?;
        hold_default(signal)?;
        match low_level::pipe::register(number, handlers) {
            Ok(action) => Ok(Self { signal, action, raises }),
            Err(error) => {
                restore_default(signal);
                Err(error)
            }
        }
    }

    fn take(&mut self) -> u16 {
        let mut bytes = [0; 512];
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
        restore_default(self.signal);
        low_level::unregister(self.action);
    }
}

/// How many back ends of the process have caught each signal. A handler once installed stays
/// installed, so that the default has to be acted out by it when none has.
static HOLDERS: Mutex<Option<[Holders; Signal::COUNT]>> = Mutex::new(None);

#[derive(Default)]
struct Holders {
    count: usize,
    /// Whether the default is to be acted out; made with the first holder.
    by_default: Option<Arc<AtomicBool>>,
}

fn hold_default(signal: Signal) -> io::Result<()> {
    with_holders(signal, |holders| {
        if holders.by_default.is_none() {
            let by_default = Arc::new(AtomicBool::new(false));
            let number = i32::from(signal.number());
            flag::register_conditional_default(number, by_default.clone())?;
            holders.by_default = Some(by_default);
        }
        holders.count += 1;
        holders.update();
        Ok(())
    })
}

fn restore_default(signal: Signal) {
    with_holders(signal, |holders| {
        holders.count -= 1;
        holders.update();
    });
}

impl Holders {
    fn update(&self) {
        if let Some(by_default) = &self.by_default {
            by_default.store(self.count == 0, Ordering::SeqCst);
        }
    }
}

fn with_holders<R>(signal: Signal, work: impl FnOnce(&mut Holders) -> R) -> R {
    let mut all = HOLDERS.lock().unwrap_or_else(PoisonError::into_inner);
    let all = all.get_or_insert_with(|| array::from_fn(|_| Holders::default()));
    work(&mut all[usize::from(signal.number())])
}
