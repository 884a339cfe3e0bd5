//! Streams in memory: two ends, the bytes between them, and what each end is ready for.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use picoevent::EventFlags;

/// Bytes that are on their way to one end at most.
pub const CAPACITY: usize = 4096;

/// One end of a stream. Its clones are the same end; it stays open until [`End::close`].
#[derive(Clone)]
pub struct End {
    pipes: Rc<RefCell<[Pipe; 2]>>,
    /// Which pipe ends here.
    here: usize,
}

/// What is on its way to one end.
#[derive(Default)]
struct Pipe {
    bytes: VecDeque<u8>,
    /// The other end will send no more.
    finished: bool,
    /// The end that reads is gone.
    closed: bool,
    /// What has come true at the end that reads since [`End::take_edges`].
    edges: EventFlags,
}

/// Makes a stream.
pub fn pair() -> (End, End) {
    let pipes = Rc::new(RefCell::new([Pipe::default(), Pipe::default()]));
    (End { pipes: pipes.clone(), here: 0 }, End { pipes, here: 1 })
}

impl End {
    /// Writes what there is room for. Returns the number of bytes written.
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

    /// Reads `most` bytes at most: nothing at the end of the stream, `None` before there is any.
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

    /// Sends no more (`shutdown`).
    pub fn finish(&self) {
        let pipe = &mut self.pipes.borrow_mut()[1 - self.here];
        pipe.finished = true;
        pipe.edges |= EventFlags::READ | EventFlags::CLOSED;
    }

    /// Sends no more and reads no more.
    pub fn close(&self) {
        self.finish();
        let pipes = &mut *self.pipes.borrow_mut();
        pipes[self.here].closed = true;
        pipes[1 - self.here].edges |= EventFlags::WRITE;
    }

    /// Returns what the end is ready for.
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

    /// What has come true since [`End::take_edges`].
    pub fn edges(&self) -> EventFlags {
        self.pipes.borrow()[self.here].edges
    }

    /// Forgets what has come true.
    pub fn take_edges(&self) -> EventFlags {
        std::mem::take(&mut self.pipes.borrow_mut()[self.here].edges)
    }
}
