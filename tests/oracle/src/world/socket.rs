//! A virtual socket: the bytes in transit to a connection and from it.
//!
//! Only the order of the bytes is checked: the bytes of each stream count from zero.

use super::Level;
use crate::program::{Peer, SEND_BUFFER, bits};

#[derive(Clone, Copy, Default)]
pub struct Socket {
    /// The number of bytes that the peer has sent and that were not read.
    inbox: usize,
    /// Whether the peer has ended its stream or reset the connection.
    ended: bool,
    reset: bool,
    /// The number of bytes that were written and that the peer has not taken.
    outbox: usize,
    /// The conditions that are waited for.
    pub interest: u8,
    /// The conditions to report: a report was requested, or something is new.
    armed: u8,
    /// The next byte of each stream.
    next_read: u8,
    next_written: u8,
}

/// The result of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    Bytes(usize),
    /// There is nothing to read now.
    Nothing,
    End,
    Reset,
}

impl Socket {
    /// Performs an action of the peer.
    pub fn peer(&mut self, peer: Peer) {
        if self.reset {
            return;
        }
        let news = match peer {
            Peer::Send(_) if self.ended => 0,
            Peer::Send(amount) => {
                self.inbox += amount;
                bits::READ
            }
            Peer::Take(amount) => {
                self.outbox -= self.outbox.min(amount);
                bits::WRITE
            }
            Peer::End => {
                self.ended = true;
                bits::READ
            }
            Peer::Reset => {
                (self.inbox, self.outbox, self.reset) = (0, 0, true);
                bits::READ | bits::WRITE
            }
        };
        // News of a direction without interest is not reported later.
        self.armed |= news & self.interest;
    }

    /// Requests a report.
    pub fn ask(&mut self, what: u8) {
        self.armed |= what;
    }

    /// Reads up to `most` bytes. `most` must not be zero.
    pub fn read(&mut self, most: usize) -> Received {
        let amount = self.inbox.min(most);
        self.inbox -= amount;
        match amount {
            0 if self.reset => Received::Reset,
            0 if self.ended => Received::End,
            0 => Received::Nothing,
            amount => Received::Bytes(amount),
        }
    }

    /// Puts the bytes of the stream that were just read into `target`.
    pub fn fill(&mut self, target: &mut [u8]) {
        for byte in target {
            *byte = self.next_read;
            self.next_read = self.next_read.wrapping_add(1);
        }
    }

    /// Writes up to `amount` bytes. Returns the number written, or `None` after a reset.
    pub fn write(&mut self, amount: usize) -> Option<usize> {
        let amount = amount.min(SEND_BUFFER - self.outbox);
        self.outbox += amount;
        (!self.reset).then_some(amount)
    }

    /// Returns whether these are the next bytes of the stream.
    pub fn continues(&mut self, bytes: &[u8]) -> bool {
        bytes.iter().all(|byte| {
            let is_next = *byte == self.next_written;
            self.next_written = self.next_written.wrapping_add(1);
            is_next
        })
    }

    pub(super) fn report(&mut self, level: Level) -> u8 {
        let mut ready = 0;
        if self.inbox > 0 || self.ended || self.reset {
            ready |= bits::READ;
        }
        if self.outbox < SEND_BUFFER || self.reset {
            ready |= bits::WRITE;
        }
        let mut what = ready & self.interest;
        if level == Level::WhenAsked {
            what &= self.armed;
            self.armed &= !what;
        }
        what
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_comes_before_the_end_and_a_reset_discards_it() {
        let mut socket = Socket::default();
        socket.peer(Peer::Send(5));
        socket.peer(Peer::End);
        assert_eq!(socket.read(3), Received::Bytes(3));
        assert_eq!(socket.read(3), Received::Bytes(2));
        assert_eq!(socket.read(3), Received::End);
        let mut socket = Socket::default();
        assert_eq!(socket.read(3), Received::Nothing);
        socket.peer(Peer::Send(5));
        socket.peer(Peer::Reset);
        assert_eq!(socket.read(3), Received::Reset);
        assert_eq!(socket.write(1), None);
    }

    #[test]
    fn a_write_takes_what_fits_and_waits_for_the_peer() {
        let mut socket = Socket { interest: bits::WRITE, ..Socket::default() };
        assert_eq!(socket.write(SEND_BUFFER + 2), Some(SEND_BUFFER));
        assert_eq!(socket.report(Level::EachLook), 0);
        socket.peer(Peer::Take(1));
        assert_eq!(socket.report(Level::EachLook), bits::WRITE);
        assert_eq!(socket.write(2), Some(1));
    }

    #[test]
    fn a_socket_that_nobody_waits_for_is_reported_when_asked_only() {
        let mut socket = Socket::default();
        socket.peer(Peer::Send(1));
        socket.interest = bits::READ;
        assert_eq!(socket.report(Level::WhenAsked), 0);
        socket.ask(bits::READ);
        assert_eq!(socket.report(Level::WhenAsked), bits::READ);
        assert_eq!(socket.report(Level::WhenAsked), 0);
    }
}
