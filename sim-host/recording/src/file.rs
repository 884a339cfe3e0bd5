//! Recording into a file.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use picoevent::record::{Entry, Record, Text};

/// Writes a recording to a file. The recording has no size limit.
///
/// The entries that lead to a callback are written before the callback runs, so the file has them even if the callback
/// ends the process. The last line is written by [`RecordingFile::finish`], or when the recording is dropped. A
/// recording without its last line is incomplete, and [`Recorded::read`](crate::Recorded::read) returns an error for
/// this recording.
///
/// Each callback and each wait of the loop costs one system call. If a write fails, the recording ends, and the loop
/// continues. [`RecordingFile::finish`] returns the error.
pub struct RecordingFile(Mutex<Writer>);

struct Writer {
    out: Box<dyn Write + Send>,
    text: Text,
    waiting: Vec<u8>,
    failed: Option<io::Error>,
    ended: bool,
}

impl RecordingFile {
    /// Creates the file. An existing file is overwritten.
    ///
    /// # Errors
    /// An error of the operating system.
    pub fn create(path: &Path) -> io::Result<Self> {
        Self::new(File::create(path)?)
    }

    /// Makes a recording that is written to any writer.
    ///
    /// # Errors
    /// An error of the writer.
    pub fn new(out: impl Write + Send + 'static) -> io::Result<Self> {
        let mut out: Box<dyn Write + Send> = Box::new(out);
        writeln!(out, "{}", &*Text::header())?;
        let writer =
            Writer { out, text: Text::new(), waiting: Vec::new(), failed: None, ended: false };
        Ok(Self(Mutex::new(writer)))
    }

    /// Ends the recording and writes its last line.
    ///
    /// # Errors
    /// The first error since the recording began. The recording is then incomplete.
    pub fn finish(&self) -> io::Result<()> {
        let mut writer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        writer.end();
        writer.failed.take().map_or(Ok(()), Err)
    }
}

impl Record for RecordingFile {
    fn record(&self, entry: &Entry<'_>) {
        let mut writer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entry.encode(|bytes| writer.waiting.extend(bytes));
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
        for bytes in self.waiting.chunks(Text::BYTES_PER_LINE) {
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
