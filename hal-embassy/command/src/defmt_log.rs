//! Decodes the firmware's log.
//!
//! A board sends defmt frames: the index of a format string, and the arguments. The format strings stay in the ELF
//! file on the host. This module makes log lines from the frames and the format strings as the bytes arrive, so neither
//! `cargo xtask qemu` nor a test needs a separate decoder.
//!
//! The lines contain no source locations and no colours, because they are for `grep` and for assertions. An image
//! without defmt strings logs plain text, line by line.

use std::{
    fmt,
    io::{BufRead, BufReader, ErrorKind, Read},
    path::Path,
};

use anyhow::{Context, Result, bail};
use defmt_decoder::{DecodeError, Frame, Table};

/// One log line of the firmware.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// The time of the firmware's clock, as the firmware's `defmt::timestamp!` formats it; empty if the firmware has
    /// no timestamp.
    pub timestamp: String,
    /// `trace`, `debug`, `info`, `warn` or `error`; `None` for `defmt::println!`.
    pub level: Option<&'static str>,
    /// The message.
    pub message: String,
}

impl fmt::Display for LogLine {
    /// Writes `time level message`, without the parts that are missing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.timestamp.is_empty() {
            write!(f, "{} ", self.timestamp)?;
        }
        if let Some(level) = self.level {
            write!(f, "{level:<5} ")?;
        }
        f.write_str(&self.message)
    }
}

/// Reads the defmt format strings from a firmware's ELF file; `None` if the file has no such strings.
pub fn read_table(elf: &Path) -> Result<Option<Table>> {
    let bytes = std::fs::read(elf).with_context(|| format!("cannot read {}", elf.display()))?;
    match Table::parse(&bytes) {
        Ok(table) => Ok(table),
        Err(error) => bail!("cannot read the defmt log strings in {}: {error}", elf.display()),
    }
}

/// Passes each line of the log in `input` to `emit`: decoded with the firmware's table, or as text
/// if there is no table.
///
/// # Errors
/// The errors of [`decode`] and [`text`].
pub fn read(table: Option<&Table>, input: impl Read, emit: impl FnMut(LogLine)) -> Result<()> {
    match table {
        Some(table) => decode(table, input, emit),
        None => text(input, emit),
    }
}

/// Decodes `input` to its end and passes each line to `emit` as soon as it is complete.
///
/// Bytes that are not a frame become a line of level `warn`; consecutive bytes that are not a frame become one line. A
/// frame that is cut off by the end of `input` is dropped. If the firmware uses defmt's `encoding-raw`, decoding ends
/// at the first broken frame, because the start of the next frame cannot be found.
///
/// # Errors
/// If `input` cannot be read. A connection that the other side has reset is no error: it counts as the end of `input`.
pub fn decode(table: &Table, mut input: impl Read, mut emit: impl FnMut(LogLine)) -> Result<()> {
    let mut stream = table.new_stream_decoder();
    let mut bytes = [0; 4096];
    let mut is_after_garbage = false;
    loop {
        let count = match input.read(&mut bytes) {
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            // If QEMU ends before it has read all bytes that this program sent, the connection is reset.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ok(()),
            Err(error) => return Err(error).context("cannot read the firmware's log"),
        };
        stream.received(&bytes[..count]);
        loop {
            match stream.decode() {
                Ok(frame) => {
                    is_after_garbage = false;
                    emit(line(&frame));
                }
                Err(DecodeError::UnexpectedEof) => break,
                Err(DecodeError::Malformed) => {
                    if !is_after_garbage {
                        emit(undecodable());
                    }
                    is_after_garbage = true;
                    if !table.encoding().can_recover() {
                        return Ok(());
                    }
                }
            }
        }
    }
}

/// Passes each line of text in `input` to `emit` as soon as it is complete, to the end of `input`.
///
/// # Errors
/// If `input` cannot be read. A connection that the other side has reset is no error: it counts as the end of `input`.
pub fn text(input: impl Read, mut emit: impl FnMut(LogLine)) -> Result<()> {
    let mut input = BufReader::new(input);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        match input.read_until(b'\n', &mut bytes) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ok(()),
            Err(error) => return Err(error).context("cannot read the firmware's log"),
        }
        let message = String::from_utf8_lossy(&bytes).trim_end().to_owned();
        emit(LogLine { timestamp: String::new(), level: None, message });
    }
}

fn line(frame: &Frame<'_>) -> LogLine {
    LogLine {
        timestamp: frame.display_timestamp().map(|time| time.to_string()).unwrap_or_default(),
        level: frame.level().map(|level| level.as_str()),
        message: frame.display_message().to_string(),
    }
}

fn undecodable() -> LogLine {
    LogLine {
        timestamp: String::new(),
        level: Some("warn"),
        message: "(bytes that are not a defmt frame of this firmware)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Returns a table like the table of an ELF file. Entry 1 has a placeholder for a number, and entry 2 has a
    /// placeholder for a string.
    fn table(encoding: &str) -> Table {
        let entry = |tag: &str, string: &str| json!({ "string": { "tag": tag, "string": string }, "raw_symbol": "" });
        serde_json::from_value(json!({
            "timestamp": entry("Timestamp", "{=u8:us}"),
            "entries": {
                "1": entry("Info", "port {=u8}"),
                "2": entry("Println", "text {=str}"),
                "3": entry("Warn", "{=?} of {=[u8]:x}"),
                "4": entry("Derived", "Point {{ x: {=u16} }}"),
            },
            "bitflags": {},
            "encoding": encoding,
        }))
        .expect("the table's serialised form has changed")
    }

    fn rzcobs(frame: &[u8]) -> Vec<u8> {
        [rzcobs::encode(frame), vec![0]].concat()
    }

    fn decoded(table: &Table, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        decode(table, bytes, |line| lines.push(line.to_string())).unwrap();
        lines
    }

    #[test]
    fn frames_become_lines_of_time_level_message() {
        let bytes = [1, 0, 7, 80, 2, 0, 9, 2, 0, 0, 0, b'h', b'i'];
        assert_eq!(decoded(&table("Raw"), &bytes), ["0.000007 info  port 80", "0.000009 text hi"]);
    }

    #[test]
    fn a_truncated_frame_is_dropped_and_the_frames_before_it_are_decoded() {
        let bytes = [1, 0, 7, 80, 2, 0, 9, 2, 0, 0, 0, b'h', b'i'];
        for length in 0..bytes.len() {
            let lines = decoded(&table("Raw"), &bytes[..length]);
            assert_eq!(lines.len(), usize::from(length >= 4), "cut after {length} bytes");
        }
    }

    #[test]
    fn garbage_between_frames_is_reported_once_and_skipped() {
        let table = table("Rzcobs");
        let frame = rzcobs(&[1, 0, 7, 80]);
        let bytes = [&[3, 0][..], &[5, 0], &frame, &[0x22, 0], &frame].concat();
        let warn = undecodable().to_string();
        let info = "0.000007 info  port 80";
        assert_eq!(decoded(&table, &bytes), [&warn, info, &warn, info]);
    }

    #[test]
    fn text_becomes_one_log_line_per_line() {
        let mut lines = Vec::new();
        text(&b"listening\r\n\nheap: \xff\nend"[..], |line| lines.push(line.to_string())).unwrap();
        assert_eq!(lines, ["listening", "", "heap: \u{fffd}", "end"]);
    }

    #[test]
    fn no_input_causes_a_panic() {
        let mut generator = fastrand::Rng::with_seed(1);
        // Every second byte, on average, is a small number, which can be the index of a table entry.
        let mut random = || if generator.bool() { generator.u8(..8) } else { generator.u8(..) };
        for encoding in ["Raw", "Rzcobs"] {
            let table = table(encoding);
            for _ in 0..5_000 {
                let plain: Vec<u8> = (0..random() % 40).map(|_| random()).collect();
                let framed = rzcobs(&plain);
                decoded(&table, &plain);
                decoded(&table, &framed);
            }
        }
    }
}
