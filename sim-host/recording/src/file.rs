//! A recording that goes to a file while it is made.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use picoevent::record::{Entry, Record, Text};

/// A recording without a bound, in a file.
///
/// What led to a callback is written before it is called, so that one which ends the process is in
/// the file. It ends with the last line when it is dropped; a recording without that line was cut
/// off, and says so when it is read.
///
/// Cost: a system call for each callback. Where writing fails the loop goes on and the recording
/// does not; [`RecordingFile::finish`] tells why.
pub struct RecordingFile(Mutex<Writer>);

struct Writer {
    out: Box<dyn Write + Send>,
    text: Text,
    waiting: Vec<u8>,
    failed: Option<io::Error>,
    ended: bool,
}

impl RecordingFile {
    /// Makes the file, or empties it.
    ///
    /// # Errors
    /// The system's.
    pub fn create(path: &Path) -> io::Result<Self> {
        Self::new(File::create(path)?)
    }

    /// Records to whatever takes bytes.
    ///
    /// # Errors
    /// Its own.
    pub fn new(out: impl Write + Send + 'static) -> io::Result<Self> {
        let mut out: Box<dyn Write + Send> = Box::new(out);
        writeln!(out, "{}", &*Text::header())?;
        let writer =
            Writer { out, text: Text::new(), waiting: Vec::new(), failed: None, ended: false };
        Ok(Self(Mutex::new(writer)))
    }

    /// Ends the recording.
    ///
    /// # Errors
    /// Why it is not whole: the first error of the system since it was begun.
    pub fn finish(&self) -> io::Result<()> {
        let mut writer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        writer.end();
        writer.failed.take().map_or(Ok(()), Err)
    }
}

impl Record for RecordingFile {
    fn record(&self, entry: &Entry<'_>) {
        let mut writer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entry.encode(|piece| writer.waiting.extend(piece));
        if matches!(entry, Entry::Call(_) | Entry::Wait(_)) {
            writer.flush();
        }
    }
}

impl Drop for RecordingFile {
    fn drop(&mut self) {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner).end();
    }
}

impl Writer {
    fn flush(&mut self) {
        let mut lines = Vec::new();
        for bytes in self.waiting.chunks(Text::PIECE) {
            lines.extend(self.text.data(bytes).as_bytes());
            lines.push(b'\n');
        }
        self.waiting.clear();
        self.write(&lines);
    }

    fn end(&mut self) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        self.flush();
        let line = format!("{}\n", &*self.text.end(0, 0));
        self.write(line.as_bytes());
    }

    fn write(&mut self, lines: &[u8]) {
        if self.failed.is_none()
            && let Err(error) = self.out.write_all(lines).and_then(|()| self.out.flush())
        {
            log::error!("the recording ends here: {error}");
            self.failed = Some(error);
        }
    }
}
