//! Bytes that a connection could not write yet, for servers whose loop has no buffers.
//!
//! This module does the same as `c/pending.h`. Bytes are read into a buffer that all connections share, and are written
//! at once. Bytes that the system does not accept are stored with the connection.

use std::os::fd::AsFd;

use rustix::io::{Errno, read, write};

use crate::harness::{Harness, READ_SIZE};

/// Bytes that wait to be written. If the connection is always writable, there are no such bytes.
#[derive(Debug, Default)]
pub struct Pending {
    bytes: Vec<u8>,
    begin: usize,
}

/// The state of a connection after it was served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EchoResult {
    /// Nothing is left to read.
    Drained,
    /// The socket is not writable.
    WriteBlocked,
    /// The client has closed the connection, or the connection has failed.
    Closed,
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
    pub fn echo(&mut self, fd: impl AsFd, buffer: &mut [u8], harness: &mut Harness) -> EchoResult {
        if !self.flush(&fd) {
            return EchoResult::WriteBlocked;
        }
        loop {
            let got = match read(&fd, &mut *buffer) {
                Ok(0) => return EchoResult::Closed,
                Ok(got) => got,
                Err(Errno::AGAIN) => return EchoResult::Drained,
                Err(_) => return EchoResult::Closed,
            };
            harness.echoed(got);
            let received = &buffer[..got];
            // If the write fails, the next read reports the error.
            let sent = write(&fd, received).unwrap_or(0);
            if sent < got {
                self.bytes.clear();
                self.bytes.extend_from_slice(&received[sent..]);
                self.begin = 0;
                return EchoResult::WriteBlocked;
            }
            if got < buffer.len() {
                return EchoResult::Drained;
            }
        }
    }

    /// Writes the pending bytes. Returns `false` if the socket is not writable. Returns `true` if no bytes are left.
    /// Also returns `true` after an error, because the next read reports the error.
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
