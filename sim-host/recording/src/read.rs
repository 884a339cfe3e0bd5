//! Reads a recording from a log that also contains other lines.

use std::{error, fmt};

use picoevent::record::{Entries, Entry, Text};

use super::Recorded;

/// The reason why no recording could be read from a log. Lines are counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogError {
    /// No line starts a recording.
    None,
    /// The recording's format has another version.
    Version(String),
    /// A line is malformed, or its checksum is wrong.
    Garbled {
        /// The line's number.
        line: usize,
    },
    /// Lines are missing before the line with this number.
    Missing {
        /// The line's number.
        line: usize,
        /// The offset of the first missing byte.
        from: usize,
    },
    /// The recording's last line is missing.
    CutOff {
        /// The number of bytes read.
        bytes: usize,
    },
}

/// A recording, and whether its last line was read.
struct Reading {
    text: Text,
    recorded: Recorded,
    ended: bool,
}

pub(super) fn whole(log: &str) -> Result<Recorded, LogError> {
    let reading = Reading::of(log)?;
    match reading.ended {
        true => Ok(reading.recorded),
        false => Err(LogError::CutOff { bytes: reading.text.offset() }),
    }
}

pub(super) fn cut_off(log: &str) -> Result<Recorded, LogError> {
    Reading::of(log).map(|reading| reading.recorded)
}

impl Reading {
    fn of(log: &str) -> Result<Self, LogError> {
        let mut reading: Option<Result<Self, LogError>> = None;
        for (number, line) in log.lines().enumerate() {
            let Some(at) = line.find("picoevent-record") else { continue };
            let mut words = line[at..].split_whitespace();
            match (words.next(), &mut reading) {
                (Some("picoevent-recording"), _) => reading = Some(Self::begin(words.next())),
                (Some("picoevent-recorded"), Some(Ok(now))) => {
                    if let Err(error) = now.data(number + 1, words) {
                        reading = Some(Err(error));
                    }
                }
                (Some("picoevent-recorded-end"), Some(Ok(now))) => {
                    if let Err(error) = now.end(number + 1, words) {
                        reading = Some(Err(error));
                    }
                }
                _ => {}
            }
        }
        reading.unwrap_or(Err(LogError::None))
    }

    fn begin(version: Option<&str>) -> Result<Self, LogError> {
        match version {
            Some("1") => {
                let recorded = Recorded { bytes: Vec::new(), before: 0, cut: 0, after: 0 };
                Ok(Self { text: Text::new(), recorded, ended: false })
            }
            other => Err(LogError::Version(other.unwrap_or_default().to_owned())),
        }
    }

    fn data<'w>(
        &mut self,
        line: usize,
        mut words: impl Iterator<Item = &'w str>,
    ) -> Result<(), LogError> {
        let mut read = || {
            let offset: usize = words.next()?.parse().ok()?;
            let bytes = hex(words.next()?)?;
            let check = u32::from_str_radix(words.next()?, 16).ok()?;
            (check == Text::check(offset, &bytes)).then_some((offset, bytes))
        };
        let (offset, bytes) = read().ok_or(LogError::Garbled { line })?;
        self.expect(line, offset)?;
        if self.ended || bytes.len() > Text::BYTES_PER_LINE {
            return Err(LogError::Garbled { line });
        }
        self.text.data(&bytes);
        self.recorded.bytes.extend(bytes);
        Ok(())
    }

    fn end<'w>(
        &mut self,
        line: usize,
        mut words: impl Iterator<Item = &'w str>,
    ) -> Result<(), LogError> {
        let mut number = || words.next()?.parse::<u32>().ok();
        let numbers = [number(), number(), number()];
        let check = words.next().and_then(|word| u32::from_str_radix(word, 16).ok());
        let ([Some(bytes), Some(before), Some(lost)], Some(check)) = (numbers, check) else {
            return Err(LogError::Garbled { line });
        };
        self.expect(line, bytes as usize)?;
        if check != self.text.end_check(before, lost) {
            return Err(LogError::Garbled { line });
        }
        self.ended = true;
        let recorded = &mut self.recorded;
        let first = Entries::of(&recorded.bytes).next();
        let is_whole = before == 0 && matches!(first, Some(Ok((_, Entry::Base(_)))));
        (recorded.cut, recorded.after) = if is_whole { (0, lost) } else { (lost, 0) };
        recorded.before = before;
        Ok(())
    }

    fn expect(&self, line: usize, offset: usize) -> Result<(), LogError> {
        match self.text.offset() {
            so_far if so_far == offset => Ok(()),
            from => Err(LogError::Missing { line, from }),
        }
    }
}

fn hex(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => write!(f, "there is no recording in it"),
            Self::Version(version) => {
                write!(f, "the recording has version {version:?}, but only version 1 is supported")
            }
            Self::Garbled { line } => write!(f, "line {line} of the recording is garbled"),
            Self::Missing { line, from } => {
                write!(f, "lines of the recording are missing before line {line}, from byte {from}")
            }
            Self::CutOff { bytes } => {
                write!(f, "the recording is cut off after {bytes} bytes: it has no last line")
            }
        }
    }
}

impl error::Error for LogError {}

#[cfg(test)]
mod tests {
    use picoevent::record::{Keep, Record, Recording, Sizes};

    use super::*;

    fn log() -> String {
        let recording = Recording::<256>::new(Keep::First);
        (0..70).for_each(|_| recording.record(&Entry::Passed));
        let mut log = String::from("0.001 INFO booted\n");
        recording.dump(|line| log += &format!("0.002 INFO  {line}\n└─ somewhere.rs:12\n"));
        log
    }

    #[test]
    fn a_recording_is_found_among_other_lines() {
        let recorded = Recorded::read(&log()).unwrap();
        assert_eq!((recorded.bytes.len(), recorded.before, recorded.after), (70, 0, 0));
        // If there are several recordings, the last recording is used, even if an earlier recording is garbled.
        let twice = format!("picoevent-recording 1\npicoevent-recorded 7 x y\n{}", log());
        assert_eq!(Recorded::read(&twice).unwrap(), recorded);
    }

    #[test]
    fn a_log_without_a_recording_is_refused() {
        assert_eq!(Recorded::read("booted\n"), Err(LogError::None));
        let newer = Recorded::read("picoevent-recording 2").unwrap_err();
        assert_eq!(
            newer.to_string(),
            "the recording has version \"2\", but only version 1 is supported"
        );
    }

    /// Records two iterations with room for `BYTES` bytes, and reads the recording from a log.
    fn two_iterations<const BYTES: usize>(keep: Keep) -> Recorded {
        let sizes =
            Sizes { events: 1, conns: 0, bytes: 0, listeners: 0, pools: 0, sources: 0, udp: 0 };
        let (settled, passed) = (Entry::Action(None, None), Entry::Passed);
        let recording = Recording::<BYTES>::new(keep);
        for entry in [Entry::Base(sizes), passed, Entry::Prepare, settled, settled, passed] {
            recording.record(&entry);
        }
        let mut log = String::new();
        recording.dump(|line| log += &format!("{line}\n"));
        Recorded::read(&log).unwrap()
    }

    #[test]
    fn dropped_entries_are_counted_before_or_after_the_others() {
        let first = two_iterations::<9>(Keep::First);
        assert_eq!((first.before, first.cut, first.after), (0, 0, 3));
        let whole = two_iterations::<9>(Keep::Last);
        assert_eq!((whole.before, whole.cut, whole.after), (1, 0, 0));
        assert_eq!(whole.lines().next().unwrap(), "     2  the prepare watchers");
        let cut = two_iterations::<2>(Keep::Last);
        assert_eq!((cut.before, cut.cut, cut.after), (1, 2, 0));
        assert_eq!(cut.lines().next().unwrap(), "     2  no further action");
        let expected =
            "1 iterations and 2 calls of the next one were dropped, and the recording has lost";
        assert!(cut.begin().err().unwrap().starts_with(expected));
    }

    #[test]
    fn a_line_that_is_missing_or_garbled_is_named() {
        let log = log();
        let without = |wanted: &str| -> String {
            log.lines().filter(|line| !line.contains(wanted)).map(|l| format!("{l}\n")).collect()
        };
        let missing = Recorded::read(&without("recorded 32 ")).unwrap_err();
        assert_eq!(missing, LogError::Missing { line: 7, from: 32 });
        let cut_off = Recorded::read(&without("recorded-end")).unwrap_err();
        let expected = "the recording is cut off after 70 bytes: it has no last line";
        assert_eq!(cut_off.to_string(), expected);
        assert_eq!(Recorded::read_cut_off(&without("recorded-end")).unwrap().bytes.len(), 70);
        let passed = "1818".to_owned();
        assert!(log.contains(&passed), "{log}");
        let garbled = Recorded::read(&log.replacen(&passed, "1819", 1)).unwrap_err();
        assert_eq!(garbled, LogError::Garbled { line: 4 });
        let ends = Recorded::read(&log.replace("recorded-end 70 0 0", "recorded-end 70 1 0"));
        assert_eq!(ends, Err(LogError::Garbled { line: 10 }));
    }
}
