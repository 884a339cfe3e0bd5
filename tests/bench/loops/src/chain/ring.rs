//! The ring of descriptors, and the tokens in it.
//!
//! ```text
//!   pair 0 ─▶ pair 1 ─▶ … ─▶ pair N-1 ─┐     a token is one unit written into a pair
//!     ▲                                │     (a byte, or one to an event counter)
//!     └────────────────────────────────┘
//! ```
//!
//! This is libevent's `test/bench.c`: when a pair is readable, one unit is read from it. As long as writes are left,
//! one unit is then written into the next pair. The value of a byte names its pair, so a byte that arrives at the wrong
//! pair is detected. Units that are lost, duplicated or left over are detected, too.

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

/// An injected fault, to test that it is detected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Fault {
    /// None.
    None,
    /// One token is not passed on.
    Lost,
    /// One token is passed on with a wrong byte. An event counter passes it on twice.
    Wrong,
}

/// The ring.
pub struct Ring {
    kind: Kind,
    pairs: Vec<Pair>,
    fault: Fault,
    left: Cell<u64>,
    fired: Cell<u64>,
    count: Cell<u64>,
    trouble: Cell<Option<Trouble>>,
}

/// The descriptor limit of this process is too low.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{pairs} pairs need {needed} descriptors and this process may have {most}: raise its limit \
     (ulimit -n {needed}, as root) or take fewer pairs"
)]
pub struct TooFew {
    pairs: u32,
    needed: u64,
    most: u64,
}

struct Pair {
    read: OwnedFd,
    /// `None` if one descriptor is written and read.
    write: Option<OwnedFd>,
}

#[derive(Clone, Copy)]
enum Trouble {
    Unready(u32, Errno),
    Refused(u32, Errno),
    Strange(u32),
}

/// Room for descriptors outside of the ring: those of the loops, standard streams and plug-ins.
const OTHERS: u64 = 64;

/// The number of turns without a token after which the tokens count as lost. Each turn should find a token.
const IDLE_TURNS: u32 = 1_000;

impl Ring {
    /// Opens the descriptors, and raises the limit of this process if needed. `beside` is the number of further
    /// descriptors that a loop may need for each pair.
    ///
    /// # Errors
    /// [`TooFew`] with the number needed, if the limit cannot be raised.
    pub fn new(kind: Kind, pairs: u32, beside: u64, fault: Fault) -> Result<Self> {
        let each = if kind == Kind::Eventfd { 1 } else { 2 };
        allow(pairs, u64::from(pairs) * (each + beside) + OTHERS)?;
        let pairs = (0..pairs).map(|_| Pair::new(kind)).collect::<Result<_, _>>()?;
        let (left, fired, count) = (Cell::new(0), Cell::new(0), Cell::new(0));
        Ok(Self { kind, pairs, fault, left, fired, count, trouble: Cell::new(None) })
    }

    /// Returns the number of pairs.
    pub fn pairs(&self) -> u32 {
        self.pairs.len() as u32
    }

    /// Returns the descriptors to watch.
    pub fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        self.pairs.iter().map(|pair| pair.read.as_fd()).collect()
    }

    /// Returns how many tokens the current chain has sent so far.
    pub fn fired(&self) -> u64 {
        self.fired.get()
    }

    /// Writes `tokens` tokens into the ring and passes them on `writes` times in all. Returns how many tokens were
    /// read: the sum of both numbers. `turn` lets a loop look for events once.
    ///
    /// # Errors
    /// If the loop fails, or has lost or invented a token.
    pub fn go_round(
        &self,
        tokens: u32,
        writes: u64,
        mut turn: impl FnMut() -> Result<()>,
    ) -> Result<u64> {
        self.left.set(writes);
        self.fired.set(0);
        self.count.set(0);
        for token in 0..tokens {
            self.send(token * (self.pairs() / tokens));
        }
        let mut idle = 0;
        while self.count.get() != self.fired.get() {
            let before = self.count.get();
            turn()?;
            self.check()?;
            idle = if self.count.get() == before { idle + 1 } else { 0 };
            let (count, fired) = (self.count.get(), self.fired.get());
            ensure!(idle < IDLE_TURNS, "a token was lost: {count} came of {fired} that were sent");
        }
        self.check()?;
        let expected = u64::from(tokens) + writes;
        let came = self.count.get();
        ensure!(came == expected, "{came} tokens came instead of {expected}");
        Ok(came)
    }

    /// Checks that nothing is left in any pair.
    pub fn check_empty(&self) -> Result<()> {
        let left = self.pairs.iter().position(|pair| read(&pair.read, &mut [0; 8]).is_ok());
        left.map_or(Ok(()), |pair| Err(anyhow!("pair {pair} had something left in it")))
    }

    /// Passes a token on when a pair is readable, for every contender.
    pub fn ready(&self, index: u32) {
        let mut unit = [0; 8];
        let unit = if self.kind == Kind::Eventfd { &mut unit[..] } else { &mut unit[..1] };
        match read(&self.pairs[index as usize].read, &mut *unit) {
            Err(error) => self.trouble.set(Some(Trouble::Unready(index, error))),
            Ok(_) if unit[0] != self.unit(index) => self.trouble.set(Some(Trouble::Strange(index))),
            Ok(_) => {}
        }
        self.count.set(self.count.get() + 1);
        let left = self.left.get();
        if left > 0 {
            self.left.set(left - 1);
            let next = index + 1;
            self.send(if next == self.pairs() { 0 } else { next });
        }
    }

    fn send(&self, index: u32) {
        self.fired.set(self.fired.get() + 1);
        let mut unit = u64::from(self.unit(index));
        if self.fault != Fault::None && self.fired.get() == 7 {
            unit = if self.fault == Fault::Lost { return } else { unit + 1 };
        }
        let unit = unit.to_le_bytes();
        let unit = if self.kind == Kind::Eventfd { &unit[..] } else { &unit[..1] };
        let pair = &self.pairs[index as usize];
        if let Err(error) = write(pair.write.as_ref().unwrap_or(&pair.read), unit) {
            self.trouble.set(Some(Trouble::Refused(index, error)));
        }
    }

    /// Returns the unit for a pair: 1 for an event counter, otherwise a byte that names the pair.
    fn unit(&self, index: u32) -> u8 {
        if self.kind == Kind::Eventfd { 1 } else { index as u8 }
    }

    fn check(&self) -> Result<()> {
        match self.trouble.get() {
            None => Ok(()),
            Some(Trouble::Unready(pair, error)) => {
                bail!("pair {pair} was said to be ready and could not be read: {error}")
            }
            Some(Trouble::Refused(pair, error)) => {
                bail!("pair {pair} could not be written: {error}")
            }
            Some(Trouble::Strange(pair)) => bail!("a wrong byte came to pair {pair}"),
        }
    }
}

impl Pair {
    fn new(kind: Kind) -> Result<Self, Errno> {
        let (read, write) = match kind {
            // The event counter is a semaphore. Otherwise one read would take two tokens that arrived together.
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
fn allow(pairs: u32, needed: u64) -> Result<()> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| needed <= current) {
        return Ok(());
    }
    if let Some(most) = maximum.filter(|most| *most < needed) {
        bail!(TooFew { pairs, needed, most });
    }
    setrlimit(Resource::Nofile, Rlimit { current: Some(needed), maximum })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a loop without a selector, which tries every pair as if all were ready.
    fn play(kind: Kind, fault: Fault) -> Result<u64> {
        let ring = Ring::new(kind, 10, 0, fault)?;
        let mut at = 0;
        let played = ring.go_round(2, 100, || {
            // The tokens are five pairs apart.
            for index in [at, (at + 5) % 10] {
                ring.ready(index);
            }
            at = (at + 1) % 10;
            Ok(())
        })?;
        ring.check_empty()?;
        Ok(played)
    }

    #[test]
    fn tokens_go_round_over_every_kind_of_pair() {
        for kind in [Kind::Eventfd, Kind::Sockets, Kind::Pipes] {
            assert_eq!(play(kind, Fault::None).unwrap(), 102);
        }
    }

    #[test]
    fn a_lost_token_and_a_wrong_byte_are_noticed() {
        for kind in [Kind::Eventfd, Kind::Sockets, Kind::Pipes] {
            let lost = play(kind, Fault::Lost).unwrap_err().to_string();
            assert!(lost.contains("could not be read"), "{lost}");
            let wrong = play(kind, Fault::Wrong).unwrap_err().to_string();
            assert!(wrong.contains("a wrong byte") || wrong.contains("left in it"), "{wrong}");
        }
    }

    #[test]
    fn a_loop_that_finds_nothing_has_lost_a_token() {
        let ring = Ring::new(Kind::Pipes, 10, 0, Fault::None).unwrap();
        let error = ring.go_round(3, 100, || Ok(())).unwrap_err().to_string();
        assert_eq!(error, "a token was lost: 0 came of 3 that were sent");
    }

    #[test]
    fn more_pairs_than_descriptors_are_refused_with_the_number_needed() {
        let Err(error) = Ring::new(Kind::Sockets, 4_000_000_000, 1, Fault::None) else {
            panic!("there are not that many descriptors");
        };
        assert!(error.is::<TooFew>());
        let said = error.to_string();
        assert!(said.contains("need 12000000064 descriptors and"), "{said}");
    }
}
