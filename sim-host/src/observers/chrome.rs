//! Chrome's trace format, which Perfetto reads: slices, instants and arrows on named tracks.
//!
//! Times are nanoseconds here and microseconds with three decimals in the file.
//! <https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU>

use std::fmt::{self, Write as _};

/// A track: a process and a thread, as the format calls them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Track {
    pub(super) process: u32,
    pub(super) thread: u32,
}

#[derive(Default)]
pub(super) struct Chart {
    /// Events by their times, and at one time the longer ones first, so that slices nest.
    events: Vec<(u64, u64, String)>,
    names: Vec<String>,
}

impl Chart {
    /// Names a process. Processes are shown in the order of their numbers.
    pub(super) fn name_process(&mut self, process: u32, name: &str) {
        self.name(process, 0, "process_name", &format!("\"name\":{}", Text(name)));
        self.name(process, 0, "process_sort_index", &format!("\"sort_index\":{process}"));
    }

    /// Names a track. Tracks of a process are shown in the order of their numbers.
    pub(super) fn name_track(&mut self, Track { process, thread }: Track, name: &str) {
        self.name(process, thread, "thread_name", &format!("\"name\":{}", Text(name)));
        self.name(process, thread, "thread_sort_index", &format!("\"sort_index\":{thread}"));
    }

    fn name(&mut self, process: u32, thread: u32, what: &str, value: &str) {
        self.names.push(format!(
            "{{\"ph\":\"M\",\"pid\":{process},\"tid\":{thread},\"name\":\"{what}\",\"args\":{{{value}}}}}"
        ));
    }

    /// Something that lasts.
    pub(super) fn slice(
        &mut self,
        track: Track,
        (begins, ends): (u64, u64),
        name: &str,
        said: &[(&str, &str)],
    ) {
        let lasts = ends.saturating_sub(begins);
        let rest = format!(",\"dur\":{},\"name\":{}{}", Micros(lasts), Text(name), Said(said));
        self.event(track, begins, lasts, "X", &rest);
    }

    /// Something that does not last. It is shown across all tracks.
    pub(super) fn instant(&mut self, track: Track, at: u64, name: &str) {
        self.event(track, at, 0, "i", &format!(",\"s\":\"g\",\"name\":{}", Text(name)));
    }

    /// An arrow from the slice that is there at a time to another one.
    pub(super) fn arrow(&mut self, number: u64, from: (Track, u64), to: (Track, u64), name: &str) {
        let rest = format!(",\"cat\":\"frame\",\"id\":{number},\"name\":{}", Text(name));
        self.event(from.0, from.1, 0, "s", &rest);
        self.event(to.0, to.1, 0, "f", &format!(",\"bp\":\"e\"{rest}"));
    }

    fn event(&mut self, track: Track, at: u64, lasts: u64, phase: &str, rest: &str) {
        let Track { process, thread } = track;
        let time = Micros(at);
        let text = format!(
            "{{\"ph\":\"{phase}\",\"pid\":{process},\"tid\":{thread},\"ts\":{time}{rest}}}"
        );
        self.events.push((at, u64::MAX - lasts, text));
    }

    /// The file.
    pub(super) fn file(&self) -> String {
        let mut events: Vec<_> = self.events.iter().collect();
        events.sort_by_key(|(at, shortness, _)| (*at, *shortness));
        let events = events.into_iter().map(|(_, _, text)| text);
        let all: Vec<_> = self.names.iter().chain(events).map(String::as_str).collect();
        format!("{{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n{}\n]}}\n", all.join(",\n"))
    }
}

/// Nanoseconds, as microseconds.
struct Micros(u64);

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1_000, self.0 % 1_000)
    }
}

/// A string of JSON.
struct Text<'t>(&'t str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                '\0'..' ' => write!(f, "\\u{:04x}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}

/// What is said of a slice that is selected.
struct Said<'s>(&'s [(&'s str, &'s str)]);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(",\"args\":{")?;
        for (index, (key, value)) in self.0.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            write!(f, "{comma}{}:{}", Text(key), Text(value))?;
        }
        f.write_char('}')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_is_a_string_of_json() {
        let text = "a \"b\"\\\n\u{1}µ";
        let read: String = serde_json::from_str(&Text(text).to_string()).unwrap();
        assert_eq!(read, text);
    }

    #[test]
    fn what_is_longer_comes_first() {
        let mut chart = Chart::default();
        let track = Track { process: 1, thread: 2 };
        chart.slice(track, (5_000, 5_020), "inner", &[]);
        chart.slice(track, (5_000, 9_000), "outer", &[("why", "it holds the other")]);
        let file: serde_json::Value = serde_json::from_str(&chart.file()).unwrap();
        let events = file["traceEvents"].as_array().unwrap();
        assert_eq!((&events[0]["name"], &events[1]["name"]), (&"outer".into(), &"inner".into()));
        let number = |name| events[1][name].as_f64();
        assert_eq!((number("ts"), number("dur")), (Some(5.0), Some(0.02)));
        assert_eq!(events[0]["args"]["why"], "it holds the other");
    }
}
