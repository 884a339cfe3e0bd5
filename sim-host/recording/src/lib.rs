//! Recordings on a host: writes them to a file, reads them from a log, replays them.
//!
//! A board writes its recording as lines of a log ([`Recording::dump`]). A program on a host writes the same lines to a
//! file ([`RecordingFile`]). [`Recorded`] reads these lines from a log or a file, and skips all other lines. With a
//! `Recorded`, a short test reproduces a failure from the field on every host:
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

/// A recording that was read from a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The entries, in the format of picoevent's recorder.
    pub bytes: Vec<u8>,
    /// The number of complete iterations of the event loop that were dropped before the first entry.
    pub before: u32,
    /// The number of dropped entries that belong to the same iteration as the first entry. They came before the first
    /// entry.
    pub cut: u32,
    /// The number of entries that were dropped after the last entry, because there was no room.
    pub after: u32,
}

impl Recorded {
    /// Reads the last recording in a log.
    ///
    /// # Errors
    /// [`LogError`]. An incomplete recording and a recording with a garbled line are errors.
    pub fn read(log: &str) -> Result<Self, LogError> {
        read::whole(log)
    }

    /// Reads the last recording in a log like [`Recorded::read`], but accepts an incomplete recording.
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

    /// Replays the recording on a base on which the application has been started. Returns how the loop ended, or `None`
    /// if the recording ends before the loop does. If the application uses random bytes when it is started, the base
    /// needs the recorded [seed](Replay::prepare) before the start. In this case, use [`begin`](Self::begin) instead of
    /// this function.
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
                let Self { before, cut, .. } = self;
                format!(
                    "{before} iterations and {cut} calls of the next one were dropped, and {error}"
                )
            }
            error => error.to_string(),
        })
    }

    /// Returns the recording as lines of readable text. Each line begins with the number of the iteration.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        Entries::of(&self.bytes).map(|entry| match entry {
            Ok((iteration, entry)) => {
                let iteration = u64::from(iteration) + u64::from(self.before);
                format!("{iteration:>6}  {entry}{}", bytes_of(&entry))
            }
            Err(error) => error.to_string(),
        })
    }
}

/// Returns the first 40 received bytes of an entry as text. Returns an empty text if the entry has no received bytes.
fn bytes_of(entry: &picoevent::record::Entry<'_>) -> String {
    let picoevent::record::Entry::Received(_, bytes, _) = entry else { return String::new() };
    let (shown, more) = bytes.split_at(bytes.len().min(40));
    format!(": \"{}\"{}", shown.escape_ascii(), if more.is_empty() { "" } else { " …" })
}
