//! Chrome's trace format, which Perfetto reads: slices, instants and arrows on named tracks.
//!
//! In this module, times are in nanoseconds. In the file, times are in microseconds with fractions.
//! <https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU>

use serde_json::{Map, Value, json};

/// A track. In the format's terms: a process and a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Track {
    pub(super) process: u32,
    pub(super) thread: u32,
}

#[derive(Default)]
pub(super) struct Chart {
    /// Each event with its sort keys: the start time, then `u64::MAX` minus the length. Of two events that start at the
    /// same time, the longer event comes first, so that slices nest.
    events: Vec<(u64, u64, Value)>,
    names: Vec<Value>,
}

impl Chart {
    /// Names a process. Processes are shown in the order of their numbers.
    pub(super) fn name_process(&mut self, process: u32, name: &str) {
        self.name(process, 0, "process_name", json!({ "name": name }));
        self.name(process, 0, "process_sort_index", json!({ "sort_index": process }));
    }

    /// Names a track. The tracks of a process are shown in the order of their numbers.
    pub(super) fn name_track(&mut self, Track { process, thread }: Track, name: &str) {
        self.name(process, thread, "thread_name", json!({ "name": name }));
        self.name(process, thread, "thread_sort_index", json!({ "sort_index": thread }));
    }

    fn name(&mut self, process: u32, thread: u32, what: &str, value: Value) {
        let name = json!({ "ph": "M", "pid": process, "tid": thread, "name": what, "args": value });
        self.names.push(name);
    }

    /// Adds an event with a duration.
    pub(super) fn slice(
        &mut self,
        track: Track,
        (begins, ends): (u64, u64),
        name: &str,
        arguments: &[(&str, &str)],
    ) {
        let lasts = ends.saturating_sub(begins);
        let arguments: Map<_, _> =
            arguments.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
        let rest = json!({ "ph": "X", "dur": micros(lasts), "name": name, "args": arguments });
        self.event(track, begins, lasts, rest);
    }

    /// Adds an event without a duration. It is shown across all tracks.
    pub(super) fn instant(&mut self, track: Track, at: u64, name: &str) {
        self.event(track, at, 0, json!({ "ph": "i", "s": "g", "name": name }));
    }

    /// Adds an arrow between two slices. `from` and `to` are the track and the time of each slice.
    pub(super) fn arrow(&mut self, number: u64, from: (Track, u64), to: (Track, u64), name: &str) {
        let end = |phase| json!({ "ph": phase, "cat": "frame", "id": number, "name": name });
        self.event(from.0, from.1, 0, end("s"));
        let mut head = end("f");
        head["bp"] = json!("e");
        self.event(to.0, to.1, 0, head);
    }

    fn event(&mut self, track: Track, at: u64, lasts: u64, mut event: Value) {
        event["pid"] = json!(track.process);
        event["tid"] = json!(track.thread);
        event["ts"] = micros(at);
        self.events.push((at, u64::MAX - lasts, event));
    }

    /// Returns the file, with one event on each line.
    pub(super) fn file(&self) -> String {
        let mut events: Vec<_> = self.events.iter().collect();
        events.sort_by_key(|(at, shortness, _)| (*at, *shortness));
        let events = events.into_iter().map(|(_, _, event)| event);
        let all: Vec<_> = self.names.iter().chain(events).map(Value::to_string).collect();
        format!("{{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n{}\n]}}\n", all.join(",\n"))
    }
}

/// Converts nanoseconds to microseconds. The result is exact for the first hundred days.
fn micros(nanos: u64) -> Value {
    json!(nanos as f64 / 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_slice_comes_first() {
        let mut chart = Chart::default();
        let track = Track { process: 1, thread: 2 };
        chart.slice(track, (5_000, 5_020), "inner", &[]);
        chart.slice(track, (5_000, 9_000), "outer", &[("why", "it holds the other")]);
        let file: Value = serde_json::from_str(&chart.file()).unwrap();
        let events = file["traceEvents"].as_array().unwrap();
        assert_eq!((&events[0]["name"], &events[1]["name"]), (&"outer".into(), &"inner".into()));
        let number = |name| events[1][name].as_f64();
        assert_eq!((number("ts"), number("dur")), (Some(5.0), Some(0.02)));
        assert_eq!(events[0]["args"]["why"], "it holds the other");
    }
}
