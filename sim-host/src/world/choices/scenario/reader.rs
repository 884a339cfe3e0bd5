//! Reads the values of a scenario's file. An error has the line and the key of the value.

use std::ops::Range;

use toml::Spanned;

use super::{Need, Place, quantity};
use crate::world::choices::choice_log::Choice;
use crate::world::choices::choice_point::{ChoicePoint, MAX_QUIET, Stream};

/// Reads a quantity, or returns an error text.
pub(super) type ReadQuantity = fn(&str) -> Result<u64, String>;

/// Collects the lines of a choice log, and the needs of the values.
pub(super) struct Reader<'t> {
    text: &'t str,
    pub(super) lines: Vec<Choice>,
    pub(super) needs: Vec<Place<Need>>,
    /// The time in microseconds at which the last fault ends.
    pub(super) end: u64,
}

impl<'t> Reader<'t> {
    /// Makes a reader of the values in `text`.
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, lines: Vec::new(), needs: Vec::new(), end: 0 }
    }

    /// Adds a line to the choice log, unless the answer is the default.
    pub(super) fn add(&mut self, stream: Stream, point: ChoicePoint, nth: u64, answer: u64) {
        if answer > 0 {
            let nth = u32::try_from(nth).unwrap_or(u32::MAX);
            self.lines.push(Choice { stream, point, nth, answer, at: 0 });
        }
    }

    /// Adds a line of the configuration.
    pub(super) fn setup(&mut self, point: ChoicePoint, answer: u64) {
        self.add(Stream::Setup, point, 0, answer);
    }

    fn place<T, P>(&self, key: &'static str, value: &Spanned<T>, about: P) -> Place<P> {
        let before = self.text.get(..value.span().start).unwrap_or_default();
        Place { line: 1 + before.matches('\n').count(), key, about }
    }

    /// Returns an error about a value.
    pub(super) fn problem<T>(
        &self,
        key: &'static str,
        value: &Spanned<T>,
        text: String,
    ) -> Place<String> {
        self.place(key, value, text)
    }

    /// Records what a value needs in a simulation.
    pub(super) fn need<T>(&mut self, key: &'static str, value: &Spanned<T>, need: Need) {
        let need = self.place(key, value, need);
        self.needs.push(need);
    }

    /// Reads a value. `read` returns an error text without the line and the key.
    pub(super) fn read<T, R>(
        &self,
        key: &'static str,
        value: &Spanned<T>,
        read: impl FnOnce(&T) -> Result<R, String>,
    ) -> Result<R, Place<String>> {
        read(value.get_ref()).map_err(|text| self.problem(key, value, text))
    }

    /// Checks the number of tables.
    pub(super) fn count<T>(
        &self,
        key: &'static str,
        tables: &[Spanned<T>],
        most: u64,
    ) -> Result<(), Place<String>> {
        match tables.get(most as usize) {
            None => Ok(()),
            Some(table) => Err(self.problem(key, table, format!("there are more than {most}"))),
        }
    }

    /// Reads a key that some kinds must have and the other kinds must not have. `read` is `None` if this kind must not
    /// have the key. Returns zero if the key is missing.
    pub(super) fn key_of_kind(
        &self,
        key: &'static str,
        value: &Option<Spanned<String>>,
        kind: &Spanned<String>,
        read: Option<ReadQuantity>,
    ) -> Result<u64, Place<String>> {
        match (value, read) {
            (None, None) => Ok(0),
            (Some(value), Some(read)) => self.read(key, value, |text| match read(text)? {
                0 => Err(format!("{text:?} has no effect")),
                amount => Ok(amount),
            }),
            (Some(value), None) => {
                let text = format!("{:?} does not have this key", kind.get_ref());
                Err(self.problem(key, value, text))
            }
            (None, Some(_)) => {
                let text = format!("the key is missing; {:?} needs it", kind.get_ref());
                Err(self.problem(key, kind, text))
            }
        }
    }

    /// Reads the times at which a fault begins and ends.
    pub(super) fn life(
        &mut self,
        from: &Spanned<String>,
        lasts: &Option<Spanned<String>>,
        kind: &Spanned<String>,
        has_end: bool,
    ) -> Result<Range<u64>, Place<String>> {
        let start = self.read("from", from, |time| quantity::micros(time))?;
        let read: ReadQuantity = quantity::micros;
        let end = start + self.key_of_kind("lasts", lasts, kind, has_end.then_some(read))?;
        let (key, last) = lasts.as_ref().map_or(("from", from), |lasts| ("lasts", lasts));
        let what = "the fault ends at";
        self.need(key, last, Need::Time { what, micros: end, max: MAX_QUIET });
        self.end = self.end.max(end);
        Ok(start..end)
    }
}
