//! The ring of descriptors, and the tokens in it.
//!
//! ```text
//!   pair 0 ─▶ pair 1 ─▶ … ─▶ pair N-1 ─┐     a token is one unit written into a pair
//!     ▲                                │     (a byte, or one to an event counter)
//!     └────────────────────────────────┘
//! ```
//!
//! The work is the work of libevent's `test/bench.c`. When a pair is readable, one unit is read from the pair. As long
//! as writes are left, one unit is then written into the next pair. The value of a byte is the number of its pair, so a
//! byte that arrives at the wrong pair is detected. Units that are lost, duplicated or left over are detected, too.

use std::cell::Cell;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use anyhow::{Result, anyhow, bail, ensure};
use clap::ValueEnum;
use rustix::event::{EventfdFlags, eventfd};
use rustix::io::{Errno, read, write};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The kind of pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// One event counter, which is written and read.
    Eventfd,
    /// Two connected Unix sockets.
    Sockets,
    /// The two ends of a pipe.
    Pipes,
}

/// An injected fault, to test that the fault is detected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Fault {
    /// No fault.
    None,
    /// One token is not passed on.
    Lost,
    /// One token is passed on with a wrong byte. With an event counter, the token is duplicated.
    Wrong,
}

/// The ring.
pub struct Ring {
    kind: Kind,
    pairs: Vec<Pair>,
    fault: Fault,
    left: Cell<u64>,
    sent: Cell<u64>,
    received: Cell<u64>,
    failure: Cell<Option<Failure>>,
}

/// The descriptor limit of this process is too low.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{pairs} pairs need {needed} descriptors and the limit of this process is {limit}: raise the \
     limit (`ulimit -n {needed}`, as root) or use fewer pairs"
)]
pub struct TooFewDescriptors {
    pairs: u32,
    needed: u64,
    limit: u64,
}

struct Pair {
    read: OwnedFd,
    /// `None` if the same descriptor is read and written.
    write: Option<OwnedFd>,
}

#[derive(Clone, Copy)]
enum Failure {
    NotReadable(u32, Errno),
    NotWritable(u32, Errno),
    WrongByte(u32),
}

/// The number of descriptors for other purposes than the ring: loops, standard streams and plug-ins.
const OTHER_DESCRIPTORS: u64 = 64;

/// If this number of consecutive iterations finds no token, a token is lost. Each iteration should find a token.
const IDLE_ITERATIONS: u32 = 1_000;

impl Ring {
    /// Opens the descriptors, and raises the limit of this process if needed. `extra_descriptors` is the number of
    /// additional descriptors that a loop may need for each pair.
    ///
    /// # Errors
    /// [`TooFewDescriptors`] with the number needed, if the limit cannot be raised.
    pub fn new(kind: Kind, pairs: u32, extra_descriptors: u64, fault: Fault) -> Result<Self> {
        let each = if kind == Kind::Eventfd { 1 } else { 2 };
        raise_limit(pairs, u64::from(pairs) * (each + extra_descriptors) + OTHER_DESCRIPTORS)?;
        let pairs = (0..pairs).map(|_| Pair::new(kind)).collect::<Result<_, _>>()?;
        let (left, sent, received) = (Cell::new(0), Cell::new(0), Cell::new(0));
        Ok(Self { kind, pairs, fault, left, sent, received, failure: Cell::new(None) })
    }

    /// Returns the number of pairs.
    pub fn pairs(&self) -> u32 {
        self.pairs.len() as u32
    }

    /// Returns the descriptors to watch.
    pub fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        self.pairs.iter().map(|pair| pair.read.as_fd()).collect()
    }

    /// Returns how many tokens were sent since [`pass_tokens`](Self::pass_tokens) was called.
    pub fn sent(&self) -> u64 {
        self.sent.get()
    }

    /// Writes `tokens` tokens into the ring. Then the tokens are passed on from pair to pair. `writes` is the total
    /// number of these further writes. Returns how often a token was read: `tokens` + `writes` times. `iteration` runs
    /// one iteration of a loop.
    ///
    /// # Errors
    /// If the loop fails, loses a token, or reports a token that does not exist.
    pub fn pass_tokens(
        &self,
        tokens: u32,
        writes: u64,
        mut iteration: impl FnMut() -> Result<()>,
    ) -> Result<u64> {
        self.left.set(writes);
        self.sent.set(0);
        self.received.set(0);
        for token in 0..tokens {
            self.send(token * (self.pairs() / tokens));
        }
        let mut idle = 0;
        while self.received.get() != self.sent.get() {
            let before = self.received.get();
            iteration()?;
            self.check()?;
            idle = if self.received.get() == before { idle + 1 } else { 0 };
            let (received, sent) = (self.received.get(), self.sent.get());
            ensure!(
                idle < IDLE_ITERATIONS,
                "a token was lost: {sent} were sent, {received} were received"
            );
        }
        self.check()?;
        let expected = u64::from(tokens) + writes;
        let received = self.received.get();
        ensure!(received == expected, "{received} tokens were received instead of {expected}");
        Ok(received)
    }

    /// Checks that nothing is left in any pair.
    pub fn check_empty(&self) -> Result<()> {
        let left = self.pairs.iter().position(|pair| read(&pair.read, &mut [0; 8]).is_ok());
        left.map_or(Ok(()), |pair| Err(anyhow!("pair {pair} was not empty at the end")))
    }

    /// Passes a token on from a readable pair to the next pair. Every contender calls this function.
    pub fn ready(&self, index: u32) {
        let mut unit = [0; 8];
        let unit = if self.kind == Kind::Eventfd { &mut unit[..] } else { &mut unit[..1] };
        match read(&self.pairs[index as usize].read, &mut *unit) {
            Err(error) => self.failure.set(Some(Failure::NotReadable(index, error))),
            Ok(_) if unit[0] != self.unit(index) => {
                self.failure.set(Some(Failure::WrongByte(index)))
            }
            Ok(_) => {}
        }
        self.received.set(self.received.get() + 1);
        let left = self.left.get();
        if left > 0 {
            self.left.set(left - 1);
            let next = index + 1;
            self.send(if next == self.pairs() { 0 } else { next });
        }
    }

    fn send(&self, index: u32) {
        self.sent.set(self.sent.get() + 1);
        let mut unit = u64::from(self.unit(index));
        if self.fault != Fault::None && self.sent.get() == 7 {
            unit = if self.fault == Fault::Lost { return } else { unit + 1 };
        }
        let unit = unit.to_le_bytes();
        let unit = if self.kind == Kind::Eventfd { &unit[..] } else { &unit[..1] };
        let pair = &self.pairs[index as usize];
        if let Err(error) = write(pair.write.as_ref().unwrap_or(&pair.read), unit) {
            self.failure.set(Some(Failure::NotWritable(index, error)));
        }
    }

    /// Returns the unit to write into a pair: 1 for an event counter, or a byte with the number of the pair for sockets
    /// and pipes.
    fn unit(&self, index: u32) -> u8 {
        if self.kind == Kind::Eventfd { 1 } else { index as u8 }
    }

    fn check(&self) -> Result<()> {
        match self.failure.get() {
            None => Ok(()),
            Some(Failure::NotReadable(pair, error)) => {
                bail!("pair {pair} was reported ready but could not be read: {error}")
            }
            Some(Failure::NotWritable(pair, error)) => {
                bail!("pair {pair} could not be written: {error}")
            }
            Some(Failure::WrongByte(pair)) => bail!("pair {pair} received a wrong byte"),
        }
    }
}

impl Pair {
    fn new(kind: Kind) -> Result<Self, Errno> {
        let (read, write) = match kind {
            // The event counter has the mode of a semaphore. In the default mode, one read would take two tokens that
            // arrived together.
            Kind::Eventfd => {
                let flags =
                    EventfdFlags::SEMAPHORE | EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC;
                (eventfd(0, flags)?, None)
            }
            Kind::Sockets => {
                let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
                let (read, write) =
                    socketpair(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
                (read, Some(write))
            }
            Kind::Pipes => {
                let (read, write) = pipe_with(PipeFlags::NONBLOCK | PipeFlags::CLOEXEC)?;
                (read, Some(write))
            }
        };
        Ok(Self { read, write })
    }
}

/// Raises this process's limit to `needed` descriptors.
fn raise_limit(pairs: u32, needed: u64) -> Result<()> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| needed <= current) {
        return Ok(());
    }
    if let Some(limit) = maximum.filter(|limit| *limit < needed) {
        bail!(TooFewDescriptors { pairs, needed, limit });
    }
    setrlimit(Resource::Nofile, Rlimit { current: Some(needed), maximum })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a loop without a selector. In each iteration, the loop calls `ready` for the two pairs that have a token.
    fn pass(kind: Kind, fault: Fault) -> Result<u64> {
        let ring = Ring::new(kind, 10, 0, fault)?;
        let mut at = 0;
        let passed = ring.pass_tokens(2, 100, || {
            // The tokens are five pairs apart.
            for index in [at, (at + 5) % 10] {
                ring.ready(index);
            }
            at = (at + 1) % 10;
            Ok(())
        })?;
        ring.check_empty()?;
        Ok(passed)
    }

    #[test]
    fn tokens_are_passed_on_by_every_kind_of_pair() {
        for kind in [Kind::Eventfd, Kind::Sockets, Kind::Pipes] {
            assert_eq!(pass(kind, Fault::None).unwrap(), 102);
        }
    }

    #[test]
    fn a_lost_token_and_a_wrong_byte_are_detected() {
        for kind in [Kind::Eventfd, Kind::Sockets, Kind::Pipes] {
            let lost = pass(kind, Fault::Lost).unwrap_err().to_string();
            assert!(lost.contains("could not be read"), "{lost}");
            let wrong = pass(kind, Fault::Wrong).unwrap_err().to_string();
            assert!(wrong.contains("a wrong byte") || wrong.contains("not empty"), "{wrong}");
        }
    }

    #[test]
    fn a_loop_that_finds_no_token_has_lost_one() {
        let ring = Ring::new(Kind::Pipes, 10, 0, Fault::None).unwrap();
        let error = ring.pass_tokens(3, 100, || Ok(())).unwrap_err().to_string();
        assert_eq!(error, "a token was lost: 3 were sent, 0 were received");
    }

    #[test]
    fn more_pairs_than_descriptors_are_refused_with_the_number_needed() {
        let Err(error) = Ring::new(Kind::Sockets, 4_000_000_000, 1, Fault::None) else {
            panic!("there are not that many descriptors");
        };
        assert!(error.is::<TooFewDescriptors>());
        let message = error.to_string();
        assert!(message.contains("need 12000000064 descriptors and"), "{message}");
    }
}
