//! Quantities in scenarios: a number and a unit.

use serde::Deserialize;

/// The text of a number and a unit, not yet parsed.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Quantity(String);

impl Quantity {
    /// Returns a time in microseconds.
    pub(super) fn micros(&self) -> Result<u64, String> {
        let units = [("us", 1.0), ("ms", 1e3), ("s", 1e6), ("min", 6e7), ("h", 3.6e9)];
        self.of(&units).ok_or_else(|| self.is_not("a time, such as 20 ms"))
    }

    /// Returns a share in parts per thousand.
    pub(super) fn per_mille(&self) -> Result<u64, String> {
        let share = self.of(&[("%", 10.0), ("per mille", 1.0)]).filter(|share| *share <= 1_000);
        share.ok_or_else(|| self.is_not("a share, such as 30 %"))
    }

    /// Returns a number of bytes, or of bytes per second.
    pub(super) fn bytes(&self) -> Result<u64, String> {
        let units =
            [("B", 1.0), ("kB", 1e3), ("MB", 1e6), ("B/s", 1.0), ("kB/s", 1e3), ("MB/s", 1e6)];
        self.of(&units).ok_or_else(|| self.is_not("a number of bytes, such as 500 B"))
    }

    fn of(&self, units: &[(&str, f64)]) -> Option<u64> {
        let text = self.0.trim();
        let is_number = |c: char| c.is_ascii_digit() || c == '.';
        let (number, unit) = text.split_at(text.find(|c| !is_number(c))?);
        let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim())?;
        let amount = number.parse::<f64>().ok()? * factor;
        (amount.is_finite() && amount < 1e15).then_some(amount.round() as u64)
    }

    fn is_not(&self, what: &str) -> String {
        format!("{:?} is not {what}", self.0)
    }
}
