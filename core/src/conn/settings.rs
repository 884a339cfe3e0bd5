//! What a kind of connection begins with.

use core::time::Duration;

use crate::Cx;
use crate::error::SetupError;
use crate::pool::PoolId;
use crate::time::millis;

/// What connections of a kind begin with, besides their pool and their callback.
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
    pub(super) room: u16,
    pub(crate) busy: &'static [u8],
}

impl Settings {
    /// No timeouts, callbacks for input as soon as one byte of output has room, no text for clients that
    /// find no place.
    pub const fn new() -> Self {
        Self { idle: 0, stall: 0, room: 1, busy: &[] }
    }

    /// Makes settings of the constants of a [`Protocol`](super::Protocol).
    pub(super) const fn of(
        idle: Option<Duration>,
        stall: Option<Duration>,
        room: usize,
        busy: &'static [u8],
    ) -> Self {
        let mut settings = Self::new().room(room).busy(busy);
        if let Some(idle) = idle {
            settings = settings.idle(idle);
        }
        if let Some(stall) = stall {
            settings = settings.stall(stall);
        }
        settings
    }

    /// Sets how long no input may arrive, before
    /// [`ConnEvent::Timeout`](super::ConnEvent::Timeout)`(Read)` is reported. Zero for no limit. In whole
    /// milliseconds, rounded up; 49 days at most.
    #[must_use]
    pub const fn idle(self, idle: Duration) -> Self {
        Self { idle: millis(idle), ..self }
    }

    /// Sets how long waiting output may make no progress, and how long a connect may take, before
    /// [`ConnEvent::Timeout`](super::ConnEvent::Timeout)`(Write)` is reported. As [`idle`](Self::idle).
    #[must_use]
    pub const fn stall(self, stall: Duration) -> Self {
        Self { stall: millis(stall), ..self }
    }

    /// Sets the bytes of room that an answer takes. With less room in the output ring, input and the end
    /// of the stream wait, so that the answer to a request always fits. 1 at first, 65,535 at most; no
    /// more than the output ring has.
    #[must_use]
    pub const fn room(self, room: usize) -> Self {
        Self { room: if room > u16::MAX as usize { u16::MAX } else { room as u16 }, ..self }
    }

    /// Sets the text for clients that are accepted in a [spare](crate::Pool::spare) place of the pool.
    #[must_use]
    pub const fn busy(self, busy: &'static [u8]) -> Self {
        Self { busy, ..self }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::new()
    }
}

impl<A> Cx<'_, A> {
    /// Checks that the connections of a pool have sockets.
    pub(crate) fn needs_sockets(&self, pool: PoolId) -> Result<(), SetupError> {
        let slot = self.pools.added(pool).ok_or(SetupError::NoPool)?;
        if slot.is_in_memory() { Err(SetupError::MemoryPool) } else { Ok(()) }
    }

    /// Checks that a pool of this base has room for a kind of connection.
    pub(crate) fn fits_pool(&self, pool: PoolId, settings: &Settings) -> Result<(), SetupError> {
        let slot = self.pools.added(pool).ok_or(SetupError::NoPool)?;
        if usize::from(settings.room) > slot.output_len() {
            return Err(SetupError::Room);
        }
        if settings.busy.len() > slot.output_len() {
            return Err(SetupError::Busy);
        }
        Ok(())
    }
}
