//! What a connection could not write yet, for the servers whose loop has no buffer of its own.
//!
//! The same as `c/pending.h`: bytes are read into one buffer for all connections and written at
//! once; what the system does not take is kept with the connection.

use std::os::fd::AsFd;

use rustix::io::{Errno, read, write};

use crate::agreement::{Agreement, READ_SIZE};

/// Bytes that wait for room. A connection that never lacks it has none.
#[derive(Debug, Default)]
pub struct Pending {
    bytes: Vec<u8>,
    begin: usize,
}

/// What became of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// There is nothing to read any more.
    Drained,
    /// It has no room to write.
    WriteWaits,
    /// Its client has closed it.
    Gone,
}

impl Pending {
    /// The buffer that all connections share.
    pub fn buffer() -> Box<[u8]> {
        vec![0; READ_SIZE].into_boxed_slice()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.begin == self.bytes.len()
    }

    /// Sends back what came. A read that does not fill the buffer has left nothing.
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
            // An error shows itself when the connection is read.
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

    /// Writes what waits; whether nothing does any more.
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
