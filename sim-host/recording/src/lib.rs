//! Recordings on a host: written to a file, read from a log, replayed.
//!
//! A board writes its recording as lines of a log ([`Recording::dump`]). A program on a host writes
//! the same lines to a file ([`RecordingFile`]). [`Recorded`] reads either and skips all other
//! lines. With it, a test of a few lines makes a failure in the field fail on every
//! host:
//!
//! ```
//! use picoevent::{EventBase, Storage};
//! use picoevent_recording::Recorded;
//! # struct App;
//! # impl App { fn start(_: &mut picoevent::Cx<Self>) {} }
//!
//! fn fails_as_in_the_field(log: &str) -> Result<(), String> {
//!     let recorded = Recorded::read(log).map_err(|error| error.to_string())?;
//!     let mut storage = Storage::<App, 8, 4, 4096>::new();
//!     let mut base = EventBase::new(&mut storage);
//!     App::start(&mut base);
//!     recorded.replay(&mut base, &mut App).map(drop)
//! }
//! # let _ = fails_as_in_the_field;
//! ```
//!
//! [`Recording::dump`]: picoevent::record::Recording::dump

use picoevent::record::{Entries, Replay, ReplayError};
use picoevent::{End, EventBase};

mod file;
mod read;

pub use file::RecordingFile;
pub use read::LogError;

/// A recording that was read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The entries, as the core wrote them.
    pub bytes: Vec<u8>,
    /// Turns dropped before the first entry.
    pub before: u32,
    /// Entries that had no room after the last one.
    pub after: u32,
}

impl Recorded {
    /// Reads the last recording in a log.
    ///
    /// # Errors
    /// [`LogError`]: a recording that is cut off or garbled is refused.
    pub fn read(log: &str) -> Result<Self, LogError> {
        read::whole(log)
    }

    /// Reads what there is of a recording whose last line is missing, as [`Recorded::read`]
    /// otherwise.
    ///
    /// # Errors
    /// [`LogError`], except [`LogError::CutOff`].
    pub fn read_cut_off(log: &str) -> Result<Self, LogError> {
        read::cut_off(log)
    }

    /// Returns whether a text contains a recording.
    pub fn is_in(log: &str) -> bool {
        log.contains("picoevent-recording ")
    }

    /// Replays the recording on a base on which the application has been started. Returns how the
    /// loop ended, if it did. An application that draws random bytes when it is started
    /// needs the recorded [seed](Replay::prepare) before: [`begin`](Self::begin) then.
    ///
    /// # Errors
    /// The first difference, or the reason why no replay is possible.
    pub fn replay<A>(
        &self,
        base: &mut EventBase<'_, A>,
        app: &mut A,
    ) -> Result<Option<End>, String> {
        self.begin()?.finish(base, app).map_err(|error| error.to_string())
    }

    /// Begins a replay that the caller advances step by step.
    ///
    /// # Errors
    /// The reason why no replay is possible.
    pub fn begin(&self) -> Result<Replay<'_>, String> {
        Replay::new(&self.bytes).map_err(|error| match error {
            ReplayError::NotFromTheStart => {
                format!("{} turns were dropped before it begins, and {error}", self.before)
            }
            error => error.to_string(),
        })
    }

    /// Returns the recording as lines for people, each with its turn in front.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        Entries::of(&self.bytes).map(|entry| match entry {
            Ok((turn, entry)) => {
                let turn = u64::from(turn) + u64::from(self.before);
                format!("{turn:>6}  {entry}{}", bytes_of(&entry))
            }
            Err(error) => error.to_string(),
        })
    }
}

/// Returns the bytes of an entry, cut to the length of a line.
fn bytes_of(entry: &picoevent::record::Entry<'_>) -> String {
    let picoevent::record::Entry::Received(_, bytes, _) = entry else { return String::new() };
    let (shown, more) = bytes.split_at(bytes.len().min(40));
    format!(": \"{}\"{}", shown.escape_ascii(), if more.is_empty() { "" } else { " …" })
}
