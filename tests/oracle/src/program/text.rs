//! The text form of a program, for people and for the process that runs programs on libevent.
//!
//! Conditions are letters: `t`imeout, `r`ead, `w`rite, `s`ignal, `c`losed, `e`dge, and `x` for a bit without a meaning.
//! `-` means no condition, or no number.

use std::{fmt, str::FromStr};

use anyhow::{Context, Result, bail};
use parse_display::{DisplayFormat, FromStrFormat};

use super::{EventDecl, Program, WaitsFor, bits};

const LETTERS: [(char, u8); 7] = [
    ('t', bits::TIMEOUT),
    ('r', bits::READ),
    ('w', bits::WRITE),
    ('s', bits::SIGNAL),
    ('e', bits::EDGE),
    ('c', bits::CLOSED),
    ('x', bits::CUSTOM),
];

/// Conditions, as text.
pub(super) struct Letters;

impl DisplayFormat<u8> for Letters {
    fn write(&self, f: &mut fmt::Formatter<'_>, conditions: &u8) -> fmt::Result {
        if *conditions == 0 {
            return f.write_str("-");
        }
        let mut set = LETTERS.iter().filter(|(_, bit)| conditions & bit != 0);
        set.try_for_each(|(letter, _)| write!(f, "{letter}"))
    }
}

impl FromStrFormat<u8> for Letters {
    type Err = anyhow::Error;

    fn parse(&self, text: &str) -> Result<u8> {
        let mut sum = 0;
        for found in text.chars().filter(|letter| *letter != '-') {
            let known = LETTERS.iter().find(|(letter, _)| *letter == found);
            sum |= known.with_context(|| format!("there is no condition {found}"))?.1;
        }
        Ok(sum)
    }
}

/// A number or nothing, as text.
pub(super) struct Dash;

impl<T: fmt::Display> DisplayFormat<Option<T>> for Dash {
    fn write(&self, f: &mut fmt::Formatter<'_>, number: &Option<T>) -> fmt::Result {
        match number {
            Some(number) => number.fmt(f),
            None => f.write_str("-"),
        }
    }
}

impl<T: FromStr> FromStrFormat<Option<T>> for Dash {
    type Err = T::Err;

    fn parse(&self, text: &str) -> Result<Option<T>, T::Err> {
        if text == "-" { Ok(None) } else { text.parse().map(Some) }
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl FromStr for Program {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let lines = text.lines().map(|line| line.split('#').next().unwrap_or(""));
        let lines = lines.filter(|line| !line.trim().is_empty());
        let lines =
            lines.map(|line| line.trim().parse().with_context(|| format!("in the line {line:?}")));
        Ok(Self { lines: lines.collect::<Result<_>>()? })
    }
}

impl fmt::Display for EventDecl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "event {}", self.id)?;
        match self.waits {
            WaitsFor::Nothing => write!(f, " timer")?,
            WaitsFor::Signal(signal) => write!(f, " signal {signal}")?,
            WaitsFor::Source(source) => {
                write!(f, " source {source} ")?;
                Letters.write(f, &self.what)?;
            }
        }
        let flags = [
            (self.edge, " edge"),
            (self.persist, " persist"),
            (self.once, " once"),
            (self.drain, " drain"),
        ];
        for (_, name) in flags.iter().filter(|(is_set, _)| *is_set) {
            f.write_str(name)?;
        }
        self.priority.map_or(Ok(()), |priority| write!(f, " prio {priority}"))
    }
}

impl FromStr for EventDecl {
    type Err = anyhow::Error;

    fn from_str(line: &str) -> Result<Self> {
        let mut words = line.split_whitespace();
        let mut word = || words.next().context("it is too short");
        if word()? != "event" {
            bail!("it is not an event");
        }
        let id = word()?.parse()?;
        let (waits, what) = match word()? {
            "timer" => (WaitsFor::Nothing, 0),
            "signal" => (WaitsFor::Signal(word()?.parse()?), 0),
            "source" => (WaitsFor::Source(word()?.parse()?), Letters.parse(word()?)?),
            other => bail!("no event waits for {other}"),
        };
        let (edge, persist, once, drain, priority) = (false, false, false, false, None);
        let mut decl = EventDecl { id, waits, what, edge, persist, once, drain, priority };
        while let Some(word) = words.next() {
            match word {
                "edge" => decl.edge = true,
                "persist" => decl.persist = true,
                "once" => decl.once = true,
                "drain" => decl.drain = true,
                "prio" => decl.priority = Some(words.next().context("it is too short")?.parse()?),
                other => bail!("no event is {other}"),
            }
        }
        Ok(decl)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::{Kind, generate};

    #[test]
    fn what_is_written_is_read_back() {
        for kind in Kind::ALL {
            for seed in 0..500 {
                let program = generate(kind, seed);
                let read: Program = program.to_string().parse().unwrap();
                assert_eq!(read, program, "seed {seed} of {kind}");
            }
        }
    }
}
