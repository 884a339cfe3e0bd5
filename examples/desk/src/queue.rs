//! A queue of lines for a reader that may be slow, or not read at all.
//!
//! ```text
//!   loop ──▶ push ──▶ text that waits (64 KiB at most) ──▶ a thread ──▶ standard output or error
//! ```
//!
//! A full pipe blocks its writer. So the loop only queues its lines here, under a lock that is not
//! held during writes, and a separate thread writes them. Lines without room are dropped and counted,
//! and a line with the count follows once there is room.

use std::fmt::{self, Write as _};
use std::io::{self, Write};
use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// The most bytes that wait.
const ROOM: usize = 64 * 1024;

/// A queue of lines.
pub(crate) struct Queue {
    state: Mutex<State>,
    /// There is text, and the thread sleeps.
    text: Condvar,
    /// All is written, and a call of [`Queue::drain`] waits for that.
    written: Condvar,
}

struct State {
    waiting: String,
    /// Lines dropped since the thread last took the text.
    dropped: u64,
    /// The thread waits for text.
    sleeps: bool,
    /// The thread writes the text it took.
    writes: bool,
    /// A call of [`Queue::drain`] waits until all is written.
    drains: bool,
}

impl Queue {
    pub(crate) const fn new() -> Self {
        let state = State {
            waiting: String::new(),
            dropped: 0,
            sleeps: false,
            writes: false,
            drains: false,
        };
        Self { state: Mutex::new(state), text: Condvar::new(), written: Condvar::new() }
    }

    /// Starts the thread that writes to `out`.
    ///
    /// # Errors
    /// The system's error, when it has no thread.
    pub(crate) fn start(&'static self, out: impl Write + Send + 'static) -> io::Result<()> {
        let write = move || self.write_for_ever(out);
        thread::Builder::new().name("lines".to_owned()).spawn(write).map(drop)
    }

    /// Queues a line, or counts it as dropped. Never waits for the reader.
    pub(crate) fn push(&self, line: fmt::Arguments<'_>) {
        let mut state = self.lock();
        let before = state.waiting.len();
        // After a dropped line nothing is queued until the count is written, to keep the order.
        let written = state.dropped == 0 && writeln!(state.waiting, "{line}").is_ok();
        if !written || state.waiting.len() > ROOM {
            state.waiting.truncate(before);
            state.dropped += 1;
        }
        // A wake-up is a system call, so only a thread that sleeps gets one, and only once.
        let sleeps = mem::take(&mut state.sleeps);
        drop(state);
        if sleeps {
            self.text.notify_one();
        }
    }

    /// Waits until all is written, at most for `limit`. Returns whether it is.
    pub(crate) fn drain(&self, limit: Duration) -> bool {
        let busy = |state: &mut State| {
            state.drains = state.has_text() || state.writes;
            state.drains
        };
        let waited = self.written.wait_timeout_while(self.lock(), limit, busy);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    fn write_for_ever(&self, mut out: impl Write) {
        loop {
            let text = self.take();
            // The server continues without a reader.
            let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
            let mut state = self.lock();
            state.writes = false;
            if state.drains {
                self.written.notify_all();
            }
        }
    }

    /// Waits for text, and takes all of it.
    fn take(&self) -> String {
        let idle = |state: &mut State| {
            state.sleeps = !state.has_text();
            state.sleeps
        };
        let waited = self.text.wait_while(self.lock(), idle);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        state.writes = true;
        let mut text = mem::take(&mut state.waiting);
        match mem::take(&mut state.dropped) {
            0 => {}
            1 => text.push_str("(1 line was dropped here)\n"),
            dropped => text.push_str(&format!("({dropped} lines were dropped here)\n")),
        }
        text
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    const fn has_text(&self) -> bool {
        !self.waiting.is_empty() || self.dropped > 0
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    /// A reader that takes one portion for each message in `go_on`.
    struct Reader {
        go_on: Receiver<()>,
        read: Sender<String>,
    }

    impl Write for Reader {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.go_on.recv().map_err(io::Error::other)?;
            self.read
                .send(String::from_utf8_lossy(bytes).into_owned())
                .map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Returns a queue whose thread writes to such a reader.
    fn queue() -> (&'static Queue, Sender<()>, Receiver<String>) {
        let queue: &'static Queue = Box::leak(Box::new(Queue::new()));
        let ((go_on, told), (read, portions)) = (channel(), channel());
        queue.start(Reader { go_on: told, read }).unwrap();
        (queue, go_on, portions)
    }

    #[test]
    fn lines_are_written_in_order_and_drained() {
        let (queue, go_on, portions) = queue();
        assert!(queue.drain(LIMIT), "there is nothing to write");
        queue.push(format_args!("a"));
        queue.push(format_args!("b"));
        assert!(!queue.drain(Duration::ZERO));
        go_on.send(()).unwrap();
        go_on.send(()).unwrap();
        assert!(queue.drain(LIMIT));
        assert_eq!(portions.try_iter().collect::<String>(), "a\nb\n");
    }

    #[test]
    fn lines_for_a_reader_that_does_not_read_are_dropped_and_counted() {
        let (queue, go_on, portions) = queue();
        // The reader has one portion; another fills the room.
        queue.push(format_args!("first"));
        while queue.lock().has_text() {
            thread::yield_now();
        }
        let lines = ROOM / 8;
        for number in 0..lines + 3 {
            queue.push(format_args!("{number:7}"));
        }
        queue.push(format_args!("!"));
        go_on.send(()).unwrap();
        assert_eq!(portions.recv_timeout(LIMIT).unwrap(), "first\n");
        go_on.send(()).unwrap();
        let portion = portions.recv_timeout(LIMIT).unwrap();
        assert_eq!(portion.lines().count(), lines + 1);
        assert!(portion.ends_with(&format!("{:7}\n(4 lines were dropped here)\n", lines - 1)));
        queue.push(format_args!("again"));
        go_on.send(()).unwrap();
        assert_eq!(portions.recv_timeout(LIMIT).unwrap(), "again\n");
    }
}
