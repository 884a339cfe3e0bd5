//! A recording in memory of a fixed size, for a `static` of the firmware.

use core::cell::RefCell;

use critical_section::Mutex;

use super::code::{ends_iteration, parse};
use super::text::{Line, Text};
use super::{Entry, Record};

/// A recording of `BYTES` bytes at most.
///
/// Usually a recording is a `static`. So the recording can be read from anywhere, even from the panic handler. An idle
/// iteration takes about ten bytes, and a small request with its answer takes less than a hundred. Received bytes are
/// stored unchanged.
///
/// Cost: one critical section for each entry. The entry is copied inside the critical section. With [`Keep::Last`], old
/// iterations are also dropped inside this critical section.
pub struct Recording<const BYTES: usize> {
    keep: Keep,
    state: Mutex<RefCell<State<BYTES>>>,
}

/// The entries that a [`Recording`] keeps when not all entries fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// The first entries. The recording can be replayed.
    First,
    /// The last entries. When there is no room, the oldest complete iterations are dropped. If there is still no room,
    /// the stored entries of the current iteration are dropped too. The dump contains the number of these entries. The
    /// recording can be read but not replayed, because the application's state at the beginning of the recording is
    /// unknown.
    Last,
}

struct State<const BYTES: usize> {
    bytes: [u8; BYTES],
    start: usize,
    len: usize,
    /// The number of dropped iterations. They came before the stored entries.
    before: u32,
    /// The number of other dropped entries. With [`Keep::First`], they came after the stored entries. With
    /// [`Keep::Last`], they were the first entries of the oldest stored iteration.
    lost: u32,
}

impl<const BYTES: usize> Recording<BYTES> {
    /// Makes an empty recording.
    pub const fn new(keep: Keep) -> Self {
        let state = State { bytes: [0; BYTES], start: 0, len: 0, before: 0, lost: 0 };
        Self { keep, state: Mutex::new(RefCell::new(state)) }
    }

    /// Calls `each` with each line of the recording as text. Write these lines unchanged to a log. The crate
    /// `picoevent-recording` reads the lines from the log.
    ///
    /// Call this function from the loop itself, or while the loop is stopped, for example in a panic handler.
    pub fn dump(&self, mut each: impl FnMut(&str)) {
        let mut text = Text::new();
        each(&Text::header());
        let mut chunk = [0; Text::BYTES_PER_LINE];
        loop {
            let amount = self.with(|state| state.copy(text.offset(), &mut chunk)).unwrap_or(0);
            match chunk.get(..amount) {
                Some(bytes) if amount > 0 => each(&text.data(bytes)),
                _ => break,
            }
        }
        let (before, lost) = self.with(|state| (state.before, state.lost)).unwrap_or_default();
        let end: Line = text.end(before, lost);
        each(&end);
    }

    /// Returns the number of stored bytes.
    pub fn len(&self) -> usize {
        self.with(|state| state.len).unwrap_or(0)
    }

    /// Returns whether no bytes are stored.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Runs `work` on the state in a critical section. Returns `None` if the state is in use, for example after a panic
    /// in `work`.
    fn with<R>(&self, work: impl FnOnce(&mut State<BYTES>) -> R) -> Option<R> {
        critical_section::with(|cs| {
            self.state.borrow(cs).try_borrow_mut().ok().map(|mut s| work(&mut s))
        })
    }
}

impl<const BYTES: usize> Record for Recording<BYTES> {
    fn record(&self, entry: &Entry<'_>) {
        let mut length = 0_usize;
        entry.encode(|chunk| length = length.saturating_add(chunk.len()));
        self.with(|state| {
            if self.keep == Keep::Last {
                state.make_room(length);
            }
            // With `Keep::First`, all entries after the first dropped entry are dropped too. If later entries were
            // stored, a reader could not detect that entries are missing between them.
            let is_over = self.keep == Keep::First && state.lost > 0;
            if length <= state.room() && !is_over {
                entry.encode(|chunk| state.push(chunk));
            } else {
                state.lost = state.lost.saturating_add(1);
            }
        });
    }
}

impl<const BYTES: usize> State<BYTES> {
    const fn room(&self) -> usize {
        BYTES.saturating_sub(self.len)
    }

    /// Drops the oldest iterations until there is room for `length` bytes. If there is still no room, drops the stored
    /// entries of the current iteration, too.
    fn make_room(&mut self, length: usize) {
        let mut is_within = false;
        while (is_within || length > self.room())
            && let Some(parsed) = parse(|at| self.at(at))
        {
            self.start = self.wrap(parsed.length);
            self.len = self.len.saturating_sub(parsed.length);
            self.lost = self.lost.saturating_add(1);
            is_within = !ends_iteration(&parsed);
            if !is_within {
                (self.before, self.lost) = (self.before.saturating_add(1), 0);
            }
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        for byte in bytes {
            let at = self.wrap(self.len);
            if let Some(target) = self.bytes.get_mut(at) {
                *target = *byte;
                self.len = self.len.saturating_add(1);
            }
        }
    }

    /// Returns the stored byte at this position; `None` if fewer bytes are stored.
    fn at(&self, number: usize) -> Option<u8> {
        let is_stored = number < self.len;
        is_stored.then(|| self.bytes.get(self.wrap(number)).copied()).flatten()
    }

    /// Copies stored bytes, beginning at position `from`. Returns the number copied.
    fn copy(&self, from: usize, to: &mut [u8]) -> usize {
        let mut amount = 0_usize;
        for target in to {
            let Some(byte) = self.at(from.saturating_add(amount)) else { break };
            *target = byte;
            amount = amount.saturating_add(1);
        }
        amount
    }

    /// Converts a position to an index of the array `bytes`. The stored byte with position 0 is at index `start`.
    fn wrap(&self, number: usize) -> usize {
        let at = self.start.saturating_add(number);
        at.checked_sub(BYTES).unwrap_or(at)
    }
}
