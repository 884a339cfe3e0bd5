//! The initial settings of a kind of connection.

use core::time::Duration;

use super::Direction;
use crate::Cx;
use crate::error::SetupError;
use crate::pool::PoolId;
use crate::ring::{Count, LONGEST};
use crate::time::{duration_of, millis};

/// The initial settings of a kind of connection, in addition to its pool and its callback.
///
/// ```
/// use core::time::Duration;
/// use picoevent::Settings;
///
/// static CONSOLE: Settings = Settings::new()
///     .idle(Duration::from_secs(60))
///     .stall(Duration::from_secs(10))
///     .room(96)
///     .busy(b"busy\r\n");
/// # let _ = &CONSOLE;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    pub(super) idle: u32,
    pub(super) stall: u32,
    pub(super) connect: u32,
    pub(super) room: u16,
    pub(super) input: Marks,
    pub(super) output: Marks,
    pub(crate) busy: &'static [u8],
}

/// The low and the high mark of a ring, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Marks {
    pub(super) low: Count,
    pub(super) high: Count,
}

impl Marks {
    const fn new(low: usize, high: usize) -> Self {
        const fn count(mark: usize) -> Count {
            if mark > LONGEST { Count::MAX } else { mark as Count }
        }
        Self { low: count(low), high: count(high) }
    }

    /// Returns the number of bytes that a ring of `size` bytes may hold with these marks.
    const fn limit(self, size: usize) -> usize {
        if (self.high as usize) < size { self.high as usize } else { size }
    }

    /// Returns whether these marks are valid for a ring of `size` bytes.
    const fn fit(self, size: usize) -> bool {
        self.high > 0 && self.low as usize <= self.limit(size)
    }
}

impl Settings {
    /// Makes settings without timeouts, marks and busy text. The room for an answer is one byte.
    pub const fn new() -> Self {
        let (input, output) = (Marks::new(1, LONGEST), Marks::new(0, LONGEST));
        Self { idle: 0, stall: 0, connect: 0, room: 1, input, output, busy: &[] }
    }

    /// Sets the timeouts for reading, writing and connecting; `None` for no timeout.
    pub(super) const fn timed(self, [idle, stall, connect]: [Option<Duration>; 3]) -> Self {
        const fn of(timeout: Option<Duration>) -> u32 {
            if let Some(timeout) = timeout { millis(timeout) } else { 0 }
        }
        Self { idle: of(idle), stall: of(stall), connect: of(connect), ..self }
    }

    /// Sets the time without input after which [`ConnEvent::Timeout`](super::ConnEvent::Timeout)`(Read)` is reported.
    /// Zero means no limit. The time is rounded up to whole milliseconds. The maximum is 49 days.
    #[must_use]
    pub const fn idle(self, idle: Duration) -> Self {
        Self { idle: millis(idle), ..self }
    }

    /// Sets the time after which [`ConnEvent::Timeout`](super::ConnEvent::Timeout)`(Write)` is reported if waiting
    /// output makes no progress, or if a connect is not complete. The rounding and the maximum are the same as for
    /// [`idle`](Self::idle).
    #[must_use]
    pub const fn stall(self, stall: Duration) -> Self {
        Self { stall: millis(stall), ..self }
    }

    /// Sets the connect timeout. Without a connect timeout, the [stall timeout](Self::stall) applies to a connect. The
    /// rounding and the maximum are the same as for [`idle`](Self::idle).
    #[must_use]
    pub const fn connect(self, connect: Duration) -> Self {
        Self { connect: millis(connect), ..self }
    }

    /// Sets the marks of the input ring (`bufferevent_setwatermark` with `EV_READ`). Input is reported when there are
    /// at least `low` bytes. While the ring holds `high` bytes, the back end reads no more input from the socket, and
    /// the peer has to wait. The defaults are 1 and [`usize::MAX`], which means the size of the ring. A `low` of 0 has
    /// the same effect as 1: without input, nothing is reported.
    #[must_use]
    pub const fn input_marks(self, low: usize, high: usize) -> Self {
        let low = if low == 0 { 1 } else { low };
        Self { input: Marks::new(low, high), ..self }
    }

    /// Sets the marks of the output ring (`bufferevent_setwatermark` with `EV_WRITE`).
    /// [`Writable`](super::ConnEvent::Writable) is reported when output was sent and at most `low` bytes are left. The
    /// ring holds at most `high` unsent bytes. The defaults are 0 and [`usize::MAX`], which means the size of the ring.
    #[must_use]
    pub const fn output_marks(self, low: usize, high: usize) -> Self {
        Self { output: Marks::new(low, high), ..self }
    }

    /// Sets the output space that an answer needs, in bytes. While the output ring has less free space, input and the
    /// peer's end of stream are not reported, so the answer to a request always fits. The default is 1. The maximum is
    /// the smallest of three numbers: 65,535, the size of the output ring, and the high mark of the output ring.
    #[must_use]
    pub const fn room(self, room: usize) -> Self {
        Self { room: if room > u16::MAX as usize { u16::MAX } else { room as u16 }, ..self }
    }

    /// Sets the text for clients that connect while the pool is full or the listener has reached its limit; see
    /// [`Protocol::BUSY`](super::Protocol::BUSY).
    #[must_use]
    pub const fn busy(self, busy: &'static [u8]) -> Self {
        Self { busy, ..self }
    }

    /// Returns the timeouts for reading, writing and connecting; `None` for a timeout that is not set.
    pub const fn timeouts(&self) -> [Option<Duration>; 3] {
        [duration_of(self.idle), duration_of(self.stall), duration_of(self.connect)]
    }

    /// Returns the output space that an answer needs, in bytes.
    pub const fn answer_room(&self) -> usize {
        self.room as usize
    }

    /// Returns the low and the high mark of a ring; [`usize::MAX`] if there is no high mark.
    pub const fn marks(&self, direction: Direction) -> (usize, usize) {
        let Marks { low, high } = match direction {
            Direction::Read => self.input,
            Direction::Write => self.output,
        };
        (low as usize, if high == Count::MAX { usize::MAX } else { high as usize })
    }

    /// Returns the text for clients that connect while the pool is full or the listener has reached its limit.
    pub const fn busy_text(&self) -> &'static [u8] {
        self.busy
    }

    /// Returns the low mark of the input ring.
    pub(super) const fn input_low(&self) -> usize {
        self.input.low as usize
    }

    /// Returns the low mark of the output ring.
    pub(super) const fn output_low(&self) -> usize {
        self.output.low as usize
    }

    /// Returns the high mark of the input ring.
    pub(crate) const fn input_high(&self) -> Count {
        self.input.high
    }

    /// Returns the high mark of the output ring.
    pub(crate) const fn output_high(&self) -> Count {
        self.output.high
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::new()
    }
}

impl<A> Cx<'_, A> {
    /// Checks that a pool exists and that its connections have sockets.
    pub(crate) fn needs_sockets(&self, pool: PoolId) -> Result<(), SetupError> {
        let slot = self.pools.added(pool).ok_or(SetupError::NoPool)?;
        if slot.is_in_memory() { Err(SetupError::MemoryPool) } else { Ok(()) }
    }

    /// Checks that the rings of a pool are long enough for the settings of a kind of connection.
    pub(crate) fn fits_pool(&self, pool: PoolId, settings: &Settings) -> Result<(), SetupError> {
        let slot = self.pools.added(pool).ok_or(SetupError::NoPool)?;
        if !settings.input.fit(slot.input_len()) || !settings.output.fit(slot.output_len()) {
            return Err(SetupError::Marks);
        }
        let limit = settings.output.limit(slot.output_len());
        if usize::from(settings.room) > limit {
            return Err(SetupError::Room);
        }
        if settings.busy.len() > limit {
            return Err(SetupError::Busy);
        }
        Ok(())
    }
}
