//! A virtual socket: the bytes in transit to a connection and from a connection.
//!
//! In each stream, the bytes have the values 0, 1, 2 and so on (modulo 256). So the socket stores only numbers of
//! bytes, and the order of the bytes can be checked.

use super::Reporting;
use crate::program::{PeerAction, SEND_BUFFER, bits};

#[derive(Clone, Copy, Default)]
pub struct Socket {
    /// The number of bytes that the peer has sent and the connection has not read.
    inbox: usize,
    /// Whether the peer has ended its stream or reset the connection.
    has_ended: bool,
    is_reset: bool,
    /// The number of bytes that the connection has written and the peer has not taken.
    outbox: usize,
    /// The conditions for which the connection waits.
    pub interest: u8,
    /// The conditions that may be reported: a report was requested for the condition, or the peer has changed the
    /// condition since the last report.
    armed: u8,
    /// The value of the next byte of each stream.
    next_read: u8,
    next_written: u8,
}

/// The result of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    Bytes(usize),
    /// No data is available now.
    Nothing,
    End,
    Reset,
}

impl Socket {
    /// Performs an action of the peer.
    pub fn perform(&mut self, action: PeerAction) {
        if self.is_reset {
            return;
        }
        let changed = match action {
            PeerAction::Send(_) if self.has_ended => 0,
            PeerAction::Send(amount) => {
                self.inbox += amount;
                bits::READ
            }
            PeerAction::Take(amount) => {
                self.outbox -= self.outbox.min(amount);
                bits::WRITE
            }
            PeerAction::End => {
                self.has_ended = true;
                bits::READ
            }
            PeerAction::Reset => {
                (self.inbox, self.outbox, self.is_reset) = (0, 0, true);
                bits::READ | bits::WRITE
            }
        };
        // If the connection does not wait for a direction, a change in this direction is not reported, even if the
        // connection waits for the direction later.
        self.armed |= changed & self.interest;
    }

    /// Requests a report.
    pub fn request_report(&mut self, what: u8) {
        self.armed |= what;
    }

    /// Reads up to `max` bytes. `max` must not be zero.
    pub fn read(&mut self, max: usize) -> Received {
        let amount = self.inbox.min(max);
        self.inbox -= amount;
        match amount {
            0 if self.is_reset => Received::Reset,
            0 if self.has_ended => Received::End,
            0 => Received::Nothing,
            amount => Received::Bytes(amount),
        }
    }

    /// Fills `target` with the next bytes of the stream. Call this function after [`read`](Self::read), which only
    /// counts the bytes.
    pub fn fill(&mut self, target: &mut [u8]) {
        for byte in target {
            *byte = self.next_read;
            self.next_read = self.next_read.wrapping_add(1);
        }
    }

    /// Writes up to `amount` bytes. Returns the number of written bytes, or `None` after a reset.
    pub fn write(&mut self, amount: usize) -> Option<usize> {
        let amount = amount.min(SEND_BUFFER - self.outbox);
        self.outbox += amount;
        (!self.is_reset).then_some(amount)
    }

    /// Returns whether `bytes` are the next bytes of the stream from the connection to the peer.
    pub fn continues(&mut self, bytes: &[u8]) -> bool {
        bytes.iter().all(|byte| {
            let is_next = *byte == self.next_written;
            self.next_written = self.next_written.wrapping_add(1);
            is_next
        })
    }

    pub(super) fn take_ready(&mut self, reporting: Reporting) -> u8 {
        let mut ready = 0;
        if self.inbox > 0 || self.has_ended || self.is_reset {
            ready |= bits::READ;
        }
        if self.outbox < SEND_BUFFER || self.is_reset {
            ready |= bits::WRITE;
        }
        let mut what = ready & self.interest;
        if reporting == Reporting::OnRequest {
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
        socket.perform(PeerAction::Send(5));
        socket.perform(PeerAction::End);
        assert_eq!(socket.read(3), Received::Bytes(3));
        assert_eq!(socket.read(3), Received::Bytes(2));
        assert_eq!(socket.read(3), Received::End);
        let mut socket = Socket::default();
        assert_eq!(socket.read(3), Received::Nothing);
        socket.perform(PeerAction::Send(5));
        socket.perform(PeerAction::Reset);
        assert_eq!(socket.read(3), Received::Reset);
        assert_eq!(socket.write(1), None);
    }

    #[test]
    fn a_write_takes_what_fits_and_waits_for_the_peer() {
        let mut socket = Socket { interest: bits::WRITE, ..Socket::default() };
        assert_eq!(socket.write(SEND_BUFFER + 2), Some(SEND_BUFFER));
        assert_eq!(socket.take_ready(Reporting::EachPoll), 0);
        socket.perform(PeerAction::Take(1));
        assert_eq!(socket.take_ready(Reporting::EachPoll), bits::WRITE);
        assert_eq!(socket.write(2), Some(1));
    }

    #[test]
    fn a_change_that_nobody_waits_for_is_reported_only_when_requested() {
        let mut socket = Socket::default();
        socket.perform(PeerAction::Send(1));
        socket.interest = bits::READ;
        assert_eq!(socket.take_ready(Reporting::OnRequest), 0);
        socket.request_report(bits::READ);
        assert_eq!(socket.take_ready(Reporting::OnRequest), bits::READ);
        assert_eq!(socket.take_ready(Reporting::OnRequest), 0);
    }
}
