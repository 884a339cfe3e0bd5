//! Streams in memory: two endpoints, the bytes between them, and the readiness of each endpoint.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use picoevent::EventFlags;

/// The maximum number of bytes that can be written for one endpoint before this endpoint reads.
pub const CAPACITY: usize = 4096;

/// One endpoint of a stream. Clones refer to the same endpoint. An endpoint stays open until [`End::close`].
#[derive(Clone)]
pub struct End {
    pipes: Rc<RefCell<[Pipe; 2]>>,
    /// The index of the pipe from which this endpoint reads.
    here: usize,
}

/// The bytes that were written for one endpoint and not read yet, and the state of this direction.
#[derive(Default)]
struct Pipe {
    bytes: VecDeque<u8>,
    /// The writing endpoint has finished.
    finished: bool,
    /// The reading endpoint was closed.
    closed: bool,
    /// The edges (changes of readiness) of the reading endpoint since the last call of [`End::take_edges`].
    edges: EventFlags,
}

/// Makes a stream. Returns its two endpoints.
pub fn pair() -> (End, End) {
    let pipes = Rc::new(RefCell::new([Pipe::default(), Pipe::default()]));
    (End { pipes: pipes.clone(), here: 0 }, End { pipes, here: 1 })
}

impl End {
    /// Writes as many bytes as fit. Returns the number of bytes written.
    pub fn write(&self, bytes: &[u8]) -> usize {
        let pipe = &mut self.pipes.borrow_mut()[1 - self.here];
        let amount = if pipe.closed { bytes.len() } else { CAPACITY - pipe.bytes.len() };
        let amount = amount.min(bytes.len());
        pipe.bytes.extend(&bytes[..amount]);
        pipe.edges |= if amount > 0 { EventFlags::READ } else { EventFlags::NONE };
        amount
    }

    /// Writes until there is no room.
    pub fn fill(&self) {
        while self.write(&[b'x'; CAPACITY]) > 0 {}
    }

    /// Reads at most `most` bytes. Returns an empty vector at the end of the stream, `None` if no bytes are available
    /// yet.
    pub fn read(&self, most: usize) -> Option<Vec<u8>> {
        let pipes = &mut *self.pipes.borrow_mut();
        let pipe = &mut pipes[self.here];
        if pipe.bytes.is_empty() && !pipe.finished {
            return None;
        }
        let was_full = pipe.bytes.len() == CAPACITY;
        let amount = most.min(pipe.bytes.len());
        let bytes = pipe.bytes.drain(..amount).collect();
        if was_full && amount > 0 {
            pipes[1 - self.here].edges |= EventFlags::WRITE;
        }
        Some(bytes)
    }

    /// Ends the sending side (`shutdown`).
    pub fn finish(&self) {
        let pipe = &mut self.pipes.borrow_mut()[1 - self.here];
        pipe.finished = true;
        pipe.edges |= EventFlags::READ | EventFlags::CLOSED;
    }

    /// Ends sending and reading.
    pub fn close(&self) {
        self.finish();
        let pipes = &mut *self.pipes.borrow_mut();
        pipes[self.here].closed = true;
        pipes[1 - self.here].edges |= EventFlags::WRITE;
    }

    /// Returns the readiness of the endpoint.
    pub fn state(&self) -> EventFlags {
        let pipes = self.pipes.borrow();
        let (input, output) = (&pipes[self.here], &pipes[1 - self.here]);
        let mut state = EventFlags::NONE;
        if !input.bytes.is_empty() || input.finished {
            state |= EventFlags::READ;
        }
        if output.bytes.len() < CAPACITY || output.closed {
            state |= EventFlags::WRITE;
        }
        if input.finished {
            state |= EventFlags::CLOSED;
        }
        state
    }

    /// Returns the edges (changes of readiness) since the last call of [`End::take_edges`].
    pub fn edges(&self) -> EventFlags {
        self.pipes.borrow()[self.here].edges
    }

    /// Returns the edges and clears them.
    pub fn take_edges(&self) -> EventFlags {
        std::mem::take(&mut self.pipes.borrow_mut()[self.here].edges)
    }
}
