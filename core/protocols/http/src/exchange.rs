//! What is kept of one connection's request and answer.

use crate::method::Method;
use crate::websocket::Frames;

/// What was said in the head, and what the connection has come to.
pub(crate) mod flag {
    /// HTTP/1.0.
    pub(crate) const OLD: u32 = 1 << 0;
    pub(crate) const HOST: u32 = 1 << 1;
    pub(crate) const LENGTH: u32 = 1 << 2;
    pub(crate) const CHUNKED: u32 = 1 << 3;
    pub(crate) const EXPECTS: u32 = 1 << 4;
    /// `Connection: close`, `keep-alive`, `upgrade`.
    pub(crate) const CLOSE: u32 = 1 << 5;
    pub(crate) const KEEP: u32 = 1 << 6;
    pub(crate) const UPGRADE: u32 = 1 << 7;
    /// The client takes gzip.
    pub(crate) const GZIP: u32 = 1 << 8;
    /// The client has the file already, as it is or compressed.
    pub(crate) const UNCHANGED: u32 = 1 << 25;
    pub(crate) const UNCHANGED_GZIP: u32 = UNCHANGED << 1;
    /// The range is asked for if it is this version: the file as it is, or compressed, which is the next bit.
    pub(crate) const SAME: u32 = 1 << 29;
    /// A range is asked for if the file is a certain version.
    pub(crate) const IF_RANGE: u32 = 1 << 10;
    /// A WebSocket is asked for, with a version that is known, and with a key.
    pub(crate) const WEBSOCKET: u32 = 1 << 11;
    pub(crate) const VERSION_13: u32 = 1 << 12;
    pub(crate) const KEY: u32 = 1 << 13;
    /// An empty line before the request line was skipped.
    pub(crate) const SKIPPED: u32 = 1 << 14;
    /// The path is known, the method is not.
    pub(crate) const OTHER_METHOD: u32 = 1 << 15;
    /// The head of the answer is written.
    pub(crate) const ANSWERED: u32 = 1 << 16;
    /// The answer is chunked.
    pub(crate) const CHUNKS: u32 = 1 << 17;
    /// The answer is written by and by.
    pub(crate) const OPEN: u32 = 1 << 18;
    /// The answer is complete.
    pub(crate) const COMPLETE: u32 = 1 << 19;
    /// The connection ends with the answer.
    pub(crate) const LAST: u32 = 1 << 20;
    /// The answer comes later.
    pub(crate) const LATER: u32 = 1 << 21;
    /// The handler was called.
    pub(crate) const CALLED: u32 = 1 << 22;
    /// The body is streamed to the application, which has not all of it.
    pub(crate) const STREAMED: u32 = 1 << 23;
    /// An answer without content: to `HEAD`, or of a status without.
    pub(crate) const BARE: u32 = 1 << 24;
    /// The body ends with the connection.
    pub(crate) const UNBOUNDED: u32 = 1 << 28;
    /// The peer sends no more. Stays for the whole connection.
    pub(crate) const EOF: u32 = 1 << 31;
}

/// What comes next of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// The request line.
    Line,
    /// A header field, or the end of the head.
    Fields,
    /// The rest of the body, [`Exchange::content`] bytes.
    Body,
    /// The line with a chunk's size.
    ChunkSize,
    /// The rest of a chunk, [`Exchange::content`] bytes.
    Chunk,
    /// The end of a chunk.
    ChunkEnd,
    /// A trailer field, or the end of the trailer.
    Trailer,
    /// The next request, once this one is answered.
    Done,
    /// Frames of a WebSocket.
    Frames,
}

/// What the alarm is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    None,
    /// The wait for a request.
    Idle,
    /// A head that is not complete.
    Head,
    /// The rate of body and answer.
    Rate,
    /// The silence of a WebSocket.
    Silence,
}

/// What only some routes need. The first is all zeros.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(crate) enum Extra {
    None,
    /// The first and the last byte of a range; `u32::MAX` and a length for the last bytes.
    Range(u32, u32),
    Frames(Frames),
}

/// The state of a connection, and of the request on it.
#[derive(Clone, Copy)]
pub(crate) struct Exchange {
    pub(crate) flags: u32,
    /// What is still to come of the body, or of a chunk.
    pub(crate) content: u32,
    /// What has come of the body, or is announced.
    pub(crate) body: u32,
    /// Static bytes of the answer that wait for room.
    pub(crate) rest: Option<&'static [u8]>,
    /// What is written of the answer's content.
    pub(crate) written: u32,
    /// What is still to be written of it, if its length is known.
    pub(crate) left: u32,
    /// Bytes of all bodies and answers that the connection has moved, and how many it had when the rate was
    /// last looked at.
    pub(crate) moved: u32,
    pub(crate) mark: u32,
    pub(crate) extra: Extra,
    /// The length of the target, and of the target with the fields that are kept, in the text.
    pub(crate) target: u16,
    pub(crate) kept: u16,
    /// Requests so far.
    pub(crate) requests: u16,
    pub(crate) fields: u8,
    /// The number of the route and one, zero for none: a new exchange is all zeros.
    route: u8,
    pub(crate) method: Method,
    pub(crate) input: Input,
    pub(crate) timer: Timer,
}

impl Exchange {
    pub(crate) const fn new() -> Self {
        Self {
            flags: 0,
            content: 0,
            body: 0,
            rest: None,
            written: 0,
            left: 0,
            moved: 0,
            mark: 0,
            extra: Extra::None,
            target: 0,
            kept: 0,
            requests: 0,
            fields: 0,
            route: 0,
            method: Method::Get,
            input: Input::Line,
            timer: Timer::None,
        }
    }

    /// Forgets the request: the next one comes.
    pub(crate) fn begin_again(&mut self) {
        let Self { requests, moved, .. } = *self;
        *self = Self { flags: self.flags & flag::EOF, requests, moved, mark: moved, ..Self::new() };
    }

    /// Returns the number of the route, one that no table has for none.
    pub(crate) const fn route(&self) -> usize {
        (self.route as usize).wrapping_sub(1)
    }

    pub(crate) const fn set_route(&mut self, number: u8) {
        self.route = number.wrapping_add(1);
    }

    pub(crate) const fn has(&self, flags: u32) -> bool {
        self.flags & flags == flags
    }

    pub(crate) const fn has_any(&self, flags: u32) -> bool {
        self.flags & flags != 0
    }

    pub(crate) const fn set(&mut self, flags: u32) {
        self.flags |= flags;
    }

    /// Returns whether a request is awaited, or the rest of its head.
    pub(crate) const fn awaits_head(&self) -> bool {
        matches!(self.input, Input::Line | Input::Fields)
    }

    /// Returns whether the head is complete, and the body is not.
    pub(crate) const fn awaits_body(&self) -> bool {
        matches!(
            self.input,
            Input::Body | Input::ChunkSize | Input::Chunk | Input::ChunkEnd | Input::Trailer
        )
    }

    /// Counts bytes that were moved.
    pub(crate) const fn count(&mut self, bytes: usize) {
        self.moved = self.moved.wrapping_add(bytes as u32);
    }
}
