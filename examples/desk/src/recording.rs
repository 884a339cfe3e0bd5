//! A recording of the server's input.

use std::path::Path;

use picoevent::EventBase;
use picoevent_recording::RecordingFile;

use crate::lines;

/// A recording. Dropping this value ends the recording. A panic drops the value, too.
pub(crate) struct Recording(&'static RecordingFile);

impl Recording {
    /// Begins to record the input of `base`.
    ///
    /// # Errors
    /// A message, if the file cannot be written.
    pub(crate) fn begin<A>(path: &Path, base: &mut EventBase<'_, A>) -> Result<Self, String> {
        let file = RecordingFile::create(path)
            .map_err(|error| format!("cannot record to {}: {error}", path.display()))?;
        // The base may outlive this function. A process has only one recording, so only one object is leaked.
        let file: &'static _ = Box::leak(Box::new(file));
        base.record_to(file);
        Ok(Self(file))
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if let Err(error) = self.0.finish() {
            lines::print_error_line(format_args!("warning: the recording is incomplete: {error}"));
        }
    }
}
