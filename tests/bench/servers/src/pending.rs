//! Bytes that a connection could not write yet, for servers whose loop has no buffers.
//!
//! It is the same as `c/pending.h`: bytes are read into one buffer for all connections and written at once. Bytes that
//! the system does not accept are kept with the connection.

use std::os::fd::AsFd;

use rustix::io::{Errno, read, write};

use crate::agreement::{Agreement, READ_SIZE};

/// Bytes that wait to be written. A connection that is always writable has none.
#[derive(Debug, Default)]
pub struct Pending {
    bytes: Vec<u8>,
    begin: usize,
}

/// The state of a connection after it was served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Nothing is left to read.
    Drained,
    /// The socket is not writable.
    WriteWaits,
    /// The client has closed the connection, or the connection has failed.
    Gone,
}

impl Pending {
    /// Returns the buffer that all connections share.
    pub fn buffer() -> Box<[u8]> {
        vec![0; READ_SIZE].into_boxed_slice()
    }

    /// Returns whether nothing is pending.
    pub fn is_empty(&self) -> bool {
        self.begin == self.bytes.len()
    }

    /// Sends received bytes back. A read that does not fill the buffer has read everything.
    pub fn echo(&mut self, fd: impl AsFd, buffer: &mut [u8], agreement: &mut Agreement) -> Turn {
        if !self.flush(&fd) {
            return Turn::WriteWaits;
        }
        loop {
            let got = match read(&fd, &mut *buffer) {
                Ok(0) => return Turn::Gone,
                Ok(got) => got,
                Err(Errno::AGAIN) => return Turn::Drained,
                Err(_) => return Turn::Gone,
            };
            agreement.moved(got);
            let came = &buffer[..got];
            // An error is reported by the next read.
            let sent = write(&fd, came).unwrap_or(0);
            if sent < got {
                self.bytes.clear();
                self.bytes.extend_from_slice(&came[sent..]);
                self.begin = 0;
                return Turn::WriteWaits;
            }
            if got < buffer.len() {
                return Turn::Drained;
            }
        }
    }

    /// Writes the pending bytes. Returns `false` if the socket is not writable. Returns `true` if no bytes are left, or
    /// after an error, which the next read reports.
    fn flush(&mut self, fd: impl AsFd) -> bool {
        while let Some(rest) = self.bytes.get(self.begin..).filter(|rest| !rest.is_empty()) {
            match write(&fd, rest) {
                Ok(sent) => self.begin += sent,
                Err(Errno::AGAIN) => return false,
                Err(_) => return true,
            }
        }
        true
    }
}
