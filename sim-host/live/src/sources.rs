//! The descriptors of the application's sources.
//!
//! The base needs one report of a ready source, and another report after each
//! [`Action::Interest`](picoevent::Action::Interest). Registering a descriptor again makes the selector report its
//! current readiness.

use std::os::fd::{AsRawFd, OwnedFd};
use std::{error, fmt, io};

use mio::event::Event;
use mio::unix::SourceFd;
use mio::{Interest, Registry};
use picoevent::{EventBase, EventFlags, FullError, Source};

use super::token::Object;

/// The reason why a descriptor did not become a source. The caller still has the descriptor, and nothing has changed.
#[derive(Debug)]
pub enum SourceError {
    /// The base has no room for a source.
    Full(FullError),
    /// The selector cannot watch the descriptor, or no descriptor is left for a duplicate. For example, the selector
    /// cannot watch a file on a disk, because the file is always ready.
    System(io::Error),
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(full) => full.fmt(f),
            Self::System(error) => write!(f, "the descriptor cannot be watched: {error}"),
        }
    }
}

impl error::Error for SourceError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Full(full) => Some(full),
            Self::System(error) => Some(error),
        }
    }
}

pub(super) struct Sources {
    /// Indexed by the index of the source's handle.
    watched: Vec<Option<Watched>>,
}

struct Watched {
    source: Source,
    descriptor: OwnedFd,
    registered: bool,
}

impl Sources {
    pub(super) const fn new() -> Self {
        Self { watched: Vec::new() }
    }

    pub(super) fn add<A>(
        &mut self,
        base: &mut EventBase<'_, A>,
        descriptor: OwnedFd,
        registry: &Registry,
    ) -> Result<Source, SourceError> {
        // Registers the descriptor for a test. If the selector cannot watch the descriptor, the caller gets the error
        // now, and not later, when an event for the source is added.
        let number = descriptor.as_raw_fd();
        let mut probe = SourceFd(&number);
        let token = Object::Source(usize::MAX >> 8).into();
        registry.register(&mut probe, token, Interest::READABLE).map_err(SourceError::System)?;
        registry.deregister(&mut probe).map_err(SourceError::System)?;
        let source = base.new_source().map_err(SourceError::Full)?;
        let index = source.index();
        if index >= self.watched.len() {
            self.watched.resize_with(index + 1, || None);
        }
        self.watched[index] = Some(Watched { source, descriptor, registered: false });
        Ok(source)
    }

    /// Makes the selector report whether the source is ready for `what`, even if the selector has reported this before.
    pub(super) fn watch(&mut self, source: Source, what: EventFlags, registry: &Registry) {
        let Some(watched) = self.watched.get_mut(source.index()).and_then(Option::as_mut) else {
            return;
        };
        let number = watched.descriptor.as_raw_fd();
        let (mut fd, token) = (SourceFd(&number), Object::Source(source.index()).into());
        let done = match (interest(what), watched.registered) {
            (Some(interest), false) => registry.register(&mut fd, token, interest),
            (Some(interest), true) => registry.reregister(&mut fd, token, interest),
            (None, true) => registry.deregister(&mut fd),
            (None, false) => Ok(()),
        };
        match done {
            Ok(()) => watched.registered = interest(what).is_some(),
            Err(error) => log::error!("source {source:?} is not watched for {what:?}: {error}"),
        }
    }

    pub(super) fn forget(&mut self, source: Source, registry: &Registry) {
        self.watch(source, EventFlags::NONE, registry);
        if let Some(watched) = self.watched.get_mut(source.index()) {
            *watched = None;
        }
    }

    pub(super) fn handle_event<A>(
        &mut self,
        index: usize,
        event: &Event,
        base: &mut EventBase<'_, A>,
    ) {
        if let Some(watched) = self.watched.get(index).and_then(Option::as_ref) {
            base.ready(watched.source, what(event));
        }
    }
}

/// Returns the selector's interest for `what`. The selector reports an end of stream together with input, so `CLOSED`
/// needs the interest in input.
fn interest(what: EventFlags) -> Option<Interest> {
    let read = what.intersects(EventFlags::READ | EventFlags::CLOSED).then_some(Interest::READABLE);
    let write = what.contains(EventFlags::WRITE).then_some(Interest::WRITABLE);
    read.into_iter().chain(write).reduce(Interest::add)
}

/// Returns the readiness that an event reports. As in libevent, an error makes both directions ready, because the next
/// read or write returns the error.
fn what(event: &Event) -> EventFlags {
    let mut what = EventFlags::NONE;
    if event.is_readable() || event.is_read_closed() || event.is_error() {
        what |= EventFlags::READ;
    }
    if event.is_writable() || event.is_write_closed() || event.is_error() {
        what |= EventFlags::WRITE;
    }
    if event.is_read_closed() {
        what |= EventFlags::CLOSED;
    }
    what
}
