//! Which connections have news, until a deadline.

use std::os::fd::{AsFd, OwnedFd};
use std::time::Instant;

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::io::Errno;

use super::{Deadline, Wrong};

const EVENTS: usize = 1024;

/// An epoll that reports changes only.
pub(super) struct Selector {
    epoll: OwnedFd,
    events: Vec<epoll::Event>,
    deadline: Deadline,
}

impl Selector {
    pub(super) fn new(deadline: Deadline) -> Result<Self, Wrong> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC);
        let epoll = epoll.map_err(|error| Wrong::System("make an epoll", error.into()))?;
        Ok(Self { epoll, events: Vec::with_capacity(EVENTS), deadline })
    }

    /// Watches a connection for input, and for room for output if `writes`.
    pub(super) fn add(&self, fd: impl AsFd, connection: usize, writes: bool) -> Result<(), Wrong> {
        let mut flags = epoll::EventFlags::IN | epoll::EventFlags::RDHUP | epoll::EventFlags::ET;
        flags.set(epoll::EventFlags::OUT, writes);
        let data = epoll::EventData::new_u64(connection as u64);
        epoll::add(&self.epoll, fd, data, flags)
            .map_err(|error| Wrong::System("watch a connection", error.into()))
    }

    /// Waits for news, and puts the connections that have some into `ready`.
    ///
    /// # Errors
    /// [`Wrong::Late`], with what was done of what was wanted.
    pub(super) fn wait(
        &mut self,
        ready: &mut Vec<usize>,
        (done, wanted): (u64, u64),
    ) -> Result<(), Wrong> {
        let left = self.deadline.at.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).ok();
        self.events.clear();
        match epoll::wait(&self.epoll, spare_capacity(&mut self.events), timeout.as_ref()) {
            Ok(0) => return Err(self.deadline.missed(done, wanted)),
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(Wrong::System("wait for news", error.into())),
        }
        ready.clear();
        ready.extend(self.events.iter().map(|event| event.data.u64() as usize));
        Ok(())
    }
}
