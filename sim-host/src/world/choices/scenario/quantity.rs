//! Quantities in scenarios: a number and a unit.

/// The largest amount in the smallest unit: 31 years in microseconds.
const MAX: f64 = 1e15;

/// Returns a time in microseconds.
pub(super) fn micros(text: &str) -> Result<u64, String> {
    let units = [("us", 1.0), ("ms", 1e3), ("s", 1e6), ("min", 6e7), ("h", 3.6e9)];
    parse(text, &units, "a time, such as 20 ms")
}

/// Returns a share in parts per thousand.
pub(super) fn per_mille(text: &str) -> Result<u64, String> {
    let share = parse(text, &[("%", 10.0), ("per mille", 1.0)], "a share, such as 30 %")?;
    if share <= 1_000 { Ok(share) } else { Err(format!("{text:?} is more than 100 %")) }
}

/// Returns a number of bytes, or of bytes per second.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let units = [("B", 1.0), ("kB", 1e3), ("MB", 1e6), ("B/s", 1.0), ("kB/s", 1e3), ("MB/s", 1e6)];
    parse(text, &units, "a number of bytes, such as 500 B")
}

/// Reads a number and one of these units, each with its factor. Returns the amount in the smallest unit.
fn parse(text: &str, units: &[(&str, f64)], what: &str) -> Result<u64, String> {
    let is_number = |c: char| c.is_ascii_digit() || c == '.';
    let trimmed = text.trim();
    let amount = trimmed.find(|c| !is_number(c)).and_then(|end| {
        let (number, unit) = trimmed.split_at(end);
        let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim())?;
        Some(number.parse::<f64>().ok()? * factor)
    });
    match amount {
        None => {
            let units: Vec<_> = units.iter().map(|(name, _)| *name).collect();
            Err(format!("{text:?} is not {what}; the units are {}", units.join(", ")))
        }
        Some(amount) if amount > MAX => Err(format!("{text:?} is too large")),
        Some(amount) if amount > 0.0 && amount.round() < 1.0 => {
            Err(format!("{text:?} is too small"))
        }
        Some(amount) => Ok(amount.round() as u64),
    }
}
