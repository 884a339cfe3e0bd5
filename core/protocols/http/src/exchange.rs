//! The state of one connection's request and answer.

use crate::method::Method;
use crate::websocket::Frames;

/// Flags for properties of a head, and for states of the exchange and the connection.
pub(crate) mod flag {
    /// The version is HTTP/1.0.
    pub(crate) const HTTP_1_0: u32 = 1 << 0;
    /// The head has the field `Host`.
    pub(crate) const HOST: u32 = 1 << 1;
    /// The head has the field `Content-Length`.
    pub(crate) const LENGTH: u32 = 1 << 2;
    /// The head has the field `Transfer-Encoding: chunked`.
    pub(crate) const CHUNKED: u32 = 1 << 3;
    /// The head has the field `Expect: 100-continue`.
    pub(crate) const EXPECTS: u32 = 1 << 4;
    /// The field `Connection` contains `close`.
    pub(crate) const CLOSE: u32 = 1 << 5;
    /// The field `Connection` contains `keep-alive`.
    pub(crate) const KEEP: u32 = 1 << 6;
    /// The field `Connection` contains `upgrade`.
    pub(crate) const UPGRADE: u32 = 1 << 7;
    /// The client accepts gzip.
    pub(crate) const GZIP: u32 = 1 << 8;
    /// The client already has the current version of the file in plain form.
    pub(crate) const UNCHANGED: u32 = 1 << 25;
    /// The client already has the current version of the file in compressed form.
    pub(crate) const UNCHANGED_GZIP: u32 = UNCHANGED << 1;
    /// The field `If-Range` contains the entity tag of the file in plain form. The next higher bit means that the field
    /// contains the entity tag of the compressed form.
    pub(crate) const IF_RANGE_MATCHES: u32 = 1 << 29;
    /// The request has the field `If-Range`.
    pub(crate) const IF_RANGE: u32 = 1 << 10;
    /// The field `Upgrade` contains `websocket`.
    pub(crate) const WEBSOCKET: u32 = 1 << 11;
    /// The field `Sec-WebSocket-Version` is 13.
    pub(crate) const VERSION_13: u32 = 1 << 12;
    /// The field `Sec-WebSocket-Key` is valid. In a client: the field `Sec-WebSocket-Accept` is valid.
    pub(crate) const KEY: u32 = 1 << 13;
    /// An empty line before the request line was skipped.
    pub(crate) const SKIPPED: u32 = 1 << 14;
    /// A route matches the path, but has another method.
    pub(crate) const OTHER_METHOD: u32 = 1 << 15;
    /// The head of the answer was written.
    pub(crate) const ANSWERED: u32 = 1 << 16;
    /// The answer is sent in chunks. In a client: the content of the request is sent in chunks.
    pub(crate) const CHUNKS: u32 = 1 << 17;
    /// The answer is written piece by piece, and is not complete. In a client: the content of the request is not
    /// complete.
    pub(crate) const OPEN: u32 = 1 << 18;
    /// The answer is completely written. In a client: the request is completely written.
    pub(crate) const COMPLETE: u32 = 1 << 19;
    /// The connection ends after the answer.
    pub(crate) const LAST: u32 = 1 << 20;
    /// The application answers later.
    pub(crate) const LATER: u32 = 1 << 21;
    /// The handler was called.
    pub(crate) const CALLED: u32 = 1 << 22;
    /// The body is passed to the application in parts.
    pub(crate) const STREAMED: u32 = 1 << 23;
    /// The answer has no content, because the method is `HEAD` or because of its status. In a client: the head of the
    /// request could not be written.
    pub(crate) const BARE: u32 = 1 << 24;
    /// The peer has ended its stream before the end of the body.
    pub(crate) const CUT: u32 = 1 << 9;
    /// The body ends when the peer ends its stream.
    pub(crate) const UNBOUNDED: u32 = 1 << 28;
    /// The peer has ended its stream. This flag remains set for the whole connection.
    pub(crate) const EOF: u32 = 1 << 31;
}

/// The part of the input that comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// The request line.
    Line,
    /// A header field, or the end of the head.
    Fields,
    /// The remaining bytes of the body. [`Exchange::content`] is the number of these bytes.
    Body,
    /// The line with a chunk's size.
    ChunkSize,
    /// The remaining bytes of a chunk. [`Exchange::content`] is the number of these bytes.
    Chunk,
    /// The line end after the data of a chunk.
    ChunkEnd,
    /// A trailer field, or the end of the trailer.
    Trailer,
    /// The next request. It is read when the answer to the current request is complete.
    Done,
    /// WebSocket frames.
    Frames,
}

/// The purpose of the connection's timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    None,
    /// Limits the time between requests.
    Idle,
    /// Limits the time for a head.
    Head,
    /// Checks the rate at which a body arrives and an answer is sent.
    Rate,
    /// Checks whether a WebSocket is silent.
    Silence,
}

/// State that only some routes need. The discriminant of `None` must be 0, so that a new [`Exchange`] consists of
/// zeros.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(crate) enum Extra {
    None,
    /// The positions of the first and the last byte of a range. For a range at the end of the file: `u32::MAX` and the
    /// length of the range.
    Range(u32, u32),
    Frames(Frames),
}

/// The state of a connection and of its current request.
#[derive(Clone, Copy)]
pub(crate) struct Exchange {
    pub(crate) flags: u32,
    /// The number of bytes of the body or the chunk that were not taken yet.
    pub(crate) content: u32,
    /// The length of the body: the value of `Content-Length`, or the sum of the chunk sizes so far. On a WebSocket: the
    /// length of the message so far.
    pub(crate) body: u32,
    /// Static bytes of the answer that have not been written yet.
    pub(crate) rest: Option<&'static [u8]>,
    /// The number of bytes of the answer's content that were written.
    pub(crate) written: u32,
    /// The number of content bytes still to be written, or `u32::MAX` if the length is unknown. On a WebSocket: the
    /// number of bytes at the front of the input ring that are already unmasked.
    pub(crate) left: u32,
    /// The number of bytes of all bodies and answers on the connection.
    pub(crate) moved: u32,
    /// The value of `Request::progress` when the rate was last checked.
    pub(crate) saved_progress: u32,
    pub(crate) extra: Extra,
    /// The end of the target in the text buffer.
    pub(crate) target: u16,
    /// The end of the stored header fields in the text buffer. The header fields follow the target.
    pub(crate) kept: u16,
    /// The number of requests on the connection so far. In a client: the status of the answer.
    pub(crate) requests: u16,
    /// The number of header fields, or of trailer fields, so far.
    pub(crate) fields: u8,
    /// The index of the route plus one. 0 means that there is no route, so that a new exchange consists of zeros.
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
            saved_progress: 0,
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

    /// Resets the state for the next request.
    pub(crate) fn begin_again(&mut self) {
        let Self { requests, moved, .. } = *self;
        *self = Self {
            flags: self.flags & flag::EOF,
            requests,
            moved,
            saved_progress: moved,
            ..Self::new()
        };
    }

    /// Returns the index of the route. If there is no route, returns an index past the end of every table.
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

    /// Returns whether the head is not complete.
    pub(crate) const fn awaits_head(&self) -> bool {
        matches!(self.input, Input::Line | Input::Fields)
    }

    /// Returns whether the head is complete, but the body is not.
    pub(crate) const fn awaits_body(&self) -> bool {
        matches!(
            self.input,
            Input::Body | Input::ChunkSize | Input::Chunk | Input::ChunkEnd | Input::Trailer
        )
    }

    /// Counts bytes that were read or written.
    pub(crate) const fn count(&mut self, bytes: usize) {
        self.moved = self.moved.wrapping_add(bytes as u32);
    }
}
