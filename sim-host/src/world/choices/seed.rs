//! Seeds in text: numbers, ranges, commit hashes.

use std::ops::Range;

use crate::world::choices::random::mix;

/// Reads a seed: a decimal number, a hexadecimal number with `0x`, or a commit hash of seven to forty hexadecimal
/// digits. A hash that has only decimal digits is read as a decimal number if the number fits into 64 bits.
///
/// # Errors
/// A message that names the problem.
pub fn parse(text: &str) -> Result<u64, String> {
    if let Some(digits) = text.strip_prefix("0x") {
        return u64::from_str_radix(digits, 16).map_err(|error| format!("{text:?}: {error}"));
    }
    if let Ok(number) = text.parse() {
        return Ok(number);
    }
    let is_hash = (7..=40).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_hexdigit());
    if !is_hash {
        return Err(format!("{text:?} is neither a number nor a commit hash"));
    }
    let digits = text.bytes().map(|digit| u64::from(digit.to_ascii_lowercase()));
    Ok(digits.fold(0, |sum, digit| mix(sum ^ digit)))
}

/// Reads a range: `A..B`, or `A+N` for N seeds, the first of them A.
///
/// # Errors
/// A message that names the problem.
pub fn parse_range(text: &str) -> Result<Range<u64>, String> {
    let wrong = || format!("{text:?} is not a range of seeds, such as 0..1000 or 4f2a9c1+1000");
    let range = if let Some((first, end)) = text.split_once("..") {
        parse(first)?..parse(end)?
    } else {
        let (first, amount) = text.split_once('+').ok_or_else(wrong)?;
        let first = parse(first)?;
        first..first.saturating_add(amount.parse().map_err(|_| wrong())?)
    };
    if range.is_empty() { Err(format!("there is no seed in {text:?}")) } else { Ok(range) }
}

/// Returns the range of seeds that the environment sets: the single seed in `SIM_SEED`, or the range in `SIM_SEEDS`.
/// Returns `None` if neither variable is set.
///
/// # Panics
/// If the variable does not contain a seed or a range.
pub(crate) fn of_environment() -> Option<Range<u64>> {
    let read = |name| std::env::var(name).ok();
    if let Some(seed) = read("SIM_SEED") {
        let seed = parse(&seed).unwrap_or_else(|problem| panic!("SIM_SEED: {problem}"));
        return Some(seed..seed.saturating_add(1));
    }
    read("SIM_SEEDS")
        .map(|seeds| parse_range(&seeds).unwrap_or_else(|problem| panic!("SIM_SEEDS: {problem}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_hashes_are_seeds() {
        assert_eq!(parse("17"), Ok(17));
        assert_eq!(parse("0x11"), Ok(17));
        let hash = parse("99f9233d0f2b4a7c5a1de6b0a3a1b7f0d4c3e2f1");
        assert_eq!(hash, parse("99F9233D0F2B4A7C5A1DE6B0A3A1B7F0D4C3E2F1"));
        assert_ne!(hash, parse("99f9233"));
        assert!(parse("frog").is_err() && parse("").is_err() && parse("abc").is_err());
    }

    #[test]
    fn ranges_have_two_notations() {
        assert_eq!(parse_range("3..9"), Ok(3..9));
        assert_eq!(parse_range("3+6"), Ok(3..9));
        assert_eq!(parse_range("9..9").unwrap_err(), "there is no seed in \"9..9\"");
        assert!(parse_range("9").unwrap_err().contains("is not a range of seeds"));
    }
}
