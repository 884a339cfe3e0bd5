//! Recordings on a desk: written to a file, read back from a log, fed again.
//!
//! A board gives its recording away as lines of a log ([`Recording::dump`]), a program on a desk
//! writes the same lines to a file ([`RecordingFile`]). [`Recorded`] reads either, whatever else
//! stands between the lines, and a test of a few of its own makes a failure of the field one that
//! fails on every desk:
//!
//! ```
//! use picoevent::{EventBase, Storage};
//! use picoevent_recording::Recorded;
//! # struct App;
//! # impl App { fn start(_: &mut picoevent::Cx<Self>) {} }
//!
//! fn fails_as_in_the_field(log: &str) -> Result<(), String> {
//!     let recorded = Recorded::read(log).map_err(|error| error.to_string())?;
//!     let mut storage = Storage::<App, 8, 4>::new();
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

/// What was recorded, read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The entries, as the core wrote them.
    pub bytes: Vec<u8>,
    /// Turns that were dropped before the first entry.
    pub before: u32,
    /// Entries that had no room after the last one.
    pub after: u32,
}

impl Recorded {
    /// Reads the last recording in a log.
    ///
    /// # Errors
    /// [`LogError`]: what is cut off or garbled is not taken for what was recorded.
    pub fn read(log: &str) -> Result<Self, LogError> {
        read::whole(log)
    }

    /// As [`Recorded::read`], for a recording whose end nobody could write: what there is of it.
    ///
    /// # Errors
    /// [`LogError`], but for [`LogError::CutOff`].
    pub fn read_cut_off(log: &str) -> Result<Self, LogError> {
        read::cut_off(log)
    }

    /// Whether a text has a recording in it.
    pub fn is_in(log: &str) -> bool {
        log.contains("picoevent-recording ")
    }

    /// Replays the recording, on a base on which the application has been started; how the loop
    /// ended, if it did.
    ///
    /// # Errors
    /// The first difference, or why there is no replay.
    pub fn replay<A>(
        &self,
        base: &mut EventBase<'_, A>,
        app: &mut A,
    ) -> Result<Option<End>, String> {
        self.begin()?.finish(base, app).map_err(|error| error.to_string())
    }

    /// Begins a replay, for those who take it step by step.
    ///
    /// # Errors
    /// Why there is no replay.
    pub fn begin(&self) -> Result<Replay<'_>, String> {
        Replay::new(&self.bytes).map_err(|error| match error {
            ReplayError::NotFromTheStart => {
                format!("{} turns were dropped before it begins, and {error}", self.before)
            }
            error => error.to_string(),
        })
    }

    /// The recording as lines for people, the turn in front of each.
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

/// The bytes that an entry carries, as far as a line has room for them.
fn bytes_of(entry: &picoevent::record::Entry<'_>) -> String {
    let picoevent::record::Entry::Received(_, bytes, _) = entry else { return String::new() };
    let (shown, more) = bytes.split_at(bytes.len().min(40));
    format!(": \"{}\"{}", shown.escape_ascii(), if more.is_empty() { "" } else { " …" })
}
