//! A queue of lines for a reader that may be slow or may not read at all.
//!
//! ```text
//!   loop ──▶ push ──▶ queued lines (1024 at most) ──▶ a thread ──▶ standard output or error
//! ```
//!
//! A full pipe blocks its writer. So the loop only queues its lines in this queue, and a separate thread writes the
//! lines. If the queue is full, lines are dropped and counted. A line with the number of dropped lines follows when the
//! queue has room.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// The capacity in lines.
const CAPACITY: usize = 1024;

/// The interval at which `drain` retries while the queue is full.
const POLL: Duration = Duration::from_millis(10);

/// A queue of lines.
pub(crate) struct Queue {
    messages: SyncSender<Message>,
    /// The number of lines dropped since the last line that was queued.
    dropped: Mutex<u64>,
}

/// A message to the thread.
enum Message {
    Line(String),
    /// A request to report through this channel when all earlier lines are written.
    Drain(Sender<()>),
}

impl Queue {
    /// Starts a thread that writes to `out`.
    ///
    /// # Errors
    /// The system's error, if the system cannot start a thread.
    pub(crate) fn start(out: impl Write + Send + 'static) -> io::Result<Self> {
        let (messages, received) = sync_channel(CAPACITY);
        let write = move || write_until_closed(&received, out);
        thread::Builder::new().name("lines".to_owned()).spawn(write)?;
        Ok(Self { messages, dropped: Mutex::new(0) })
    }

    /// Queues a line, or counts it as dropped. Never waits for the reader.
    pub(crate) fn push(&self, line: String) {
        let mut dropped = self.dropped.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.send(Message::Line(line), &mut dropped) {
            *dropped += 1;
        }
    }

    /// Waits until all lines are written, for at most `limit`. Returns whether all lines were written in this time.
    pub(crate) fn drain(&self, limit: Duration) -> bool {
        let (drained, all_drained) = channel();
        let deadline = Instant::now() + limit;
        loop {
            let mut dropped = self.dropped.lock().unwrap_or_else(PoisonError::into_inner);
            if self.send(Message::Drain(drained.clone()), &mut dropped) {
                break;
            }
            drop(dropped);
            if Instant::now() >= deadline {
                return false;
            }
            thread::sleep(POLL);
        }
        all_drained.recv_timeout(deadline.saturating_duration_since(Instant::now())).is_ok()
    }

    /// Sends a message if there is room. If lines were dropped, first sends a line with the number of dropped lines.
    /// Returns whether the message was sent.
    fn send(&self, message: Message, dropped: &mut u64) -> bool {
        if *dropped > 0 {
            let lines = if *dropped == 1 { "line was" } else { "lines were" };
            let count = format!("({dropped} {lines} dropped here)");
            if self.messages.try_send(Message::Line(count)).is_err() {
                return false;
            }
            *dropped = 0;
        }
        self.messages.try_send(message).is_ok()
    }
}

/// Waits for lines and writes them, until the [`Queue`] is dropped. All lines that wait in the queue are
/// written together.
fn write_until_closed(messages: &Receiver<Message>, mut out: impl Write) {
    while let Ok(first) = messages.recv() {
        let (mut text, mut drains) = (String::new(), Vec::new());
        for message in [first].into_iter().chain(messages.try_iter().take(CAPACITY)) {
            match message {
                Message::Line(line) => text = text + &line + "\n",
                Message::Drain(drained) => drains.push(drained),
            }
        }
        // Errors are ignored: the server continues without a reader, and `drain` may have timed out.
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        for drained in drains {
            let _ = drained.send(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    /// A reader that waits for a message in `permissions` before it reads the bytes of each write. When `permissions`
    /// is closed, the reader no longer waits.
    struct Reader {
        /// The reader sends a message through this channel at the beginning of each write, before the reader reads the
        /// bytes.
        write_begun: Sender<()>,
        permissions: Receiver<()>,
        read: Sender<String>,
    }

    impl Write for Reader {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.write_begun.send(());
            let _ = self.permissions.recv();
            let text = String::from_utf8_lossy(bytes).into_owned();
            self.read.send(text).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A queue whose thread writes to a [`Reader`].
    struct Scene {
        queue: Queue,
        write_begins: Receiver<()>,
        permissions: Sender<()>,
        writes: Receiver<String>,
    }

    fn scene() -> Scene {
        let (write_begun, write_begins) = channel();
        let (permissions, permitted) = channel();
        let (read, writes) = channel();
        let queue = Queue::start(Reader { write_begun, permissions: permitted, read }).unwrap();
        Scene { queue, write_begins, permissions, writes }
    }

    #[test]
    fn lines_are_written_in_order_and_drained() {
        let Scene { queue, permissions, writes, .. } = scene();
        queue.push("a".to_owned());
        queue.push("b".to_owned());
        assert!(!queue.drain(Duration::ZERO));
        drop(permissions);
        assert!(queue.drain(LIMIT));
        assert_eq!(writes.try_iter().collect::<String>(), "a\nb\n");
        assert!(queue.drain(LIMIT), "there is nothing to write");
    }

    #[test]
    fn lines_for_a_reader_that_does_not_read_are_dropped_and_counted() {
        let Scene { queue, write_begins, permissions, writes } = scene();
        queue.push("first".to_owned());
        write_begins.recv_timeout(LIMIT).unwrap();
        // The thread now waits until the reader takes the first line. Until then, the thread takes no other line from
        // the queue.
        (0..3 * CAPACITY).for_each(|number| queue.push(number.to_string()));
        drop(permissions);
        assert!(queue.drain(LIMIT));
        queue.push("again".to_owned());
        assert!(queue.drain(LIMIT));
        let text: String = writes.try_iter().collect();
        let kept: String = (0..CAPACITY).map(|number| format!("{number}\n")).collect();
        assert_eq!(
            text,
            format!("first\n{kept}({} lines were dropped here)\nagain\n", 2 * CAPACITY)
        );
    }
}
