//! A program's text form, which a person and the player of libevent read.
//!
//! Conditions are letters: `t`imeout, `r`ead, `w`rite, `s`ignal, `c`losed, `e`dge and `x` for a bit
//! without a meaning; `-` is nothing, wherever it stands.

use std::{fmt, str::FromStr};

use anyhow::{Context, Result, bail};

use super::{Decl, Limit, Line, News, Op, Program, Timeout, Waits, When, bits};

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
struct Letters(u8);

impl fmt::Display for Letters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("-");
        }
        for (letter, _) in LETTERS.iter().filter(|(_, bit)| self.0 & bit != 0) {
            write!(f, "{letter}")?;
        }
        Ok(())
    }
}

/// A number or nothing, as text.
struct Dash<T>(Option<T>);

impl<T: fmt::Display> fmt::Display for Dash<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(number) => number.fmt(f),
            None => f.write_str("-"),
        }
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limit(Limit { callbacks, time, priority }) => {
                write!(f, "limit {} {} {priority}", Dash(*callbacks), Dash(*time))
            }
            Self::Common(ms) => write!(f, "common {ms}"),
            Self::Event(decl) => decl.fmt(f),
            Self::Watcher(id, When::Prepare) => write!(f, "watcher {id} prepare"),
            Self::Watcher(id, When::Check) => write!(f, "watcher {id} check"),
            Self::At(time, News::Ready(source, what)) => {
                write!(f, "at {time} ready {source} {}", Letters(*what))
            }
            Self::At(time, News::Raise(signal, count)) => {
                write!(f, "at {time} raise {signal} {count}")
            }
            Self::Main(op) => write!(f, "main {op}"),
            Self::On(id, firing, op) => write!(f, "on {id} {firing} {op}"),
        }
    }
}

impl fmt::Display for Decl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "event {}", self.id)?;
        match self.waits {
            Waits::Nothing => write!(f, " timer")?,
            Waits::Signal(signal) => write!(f, " signal {signal}")?,
            Waits::Source(source) => write!(f, " source {source} {}", Letters(self.what))?,
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

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match *self {
            Self::Add(id, Timeout::None) => write!(f, " {id} -"),
            Self::Add(id, Timeout::After(ms)) => write!(f, " {id} {ms}"),
            Self::Add(id, Timeout::Common(number)) => write!(f, " {id} c{number}"),
            Self::Activate(id, what) => write!(f, " {id} {}", Letters(what)),
            Self::Priority(id, priority) => write!(f, " {id} {priority}"),
            Self::Exit(after) => write!(f, " {}", Dash(after)),
            Self::Take(ms) => write!(f, " {ms}"),
            Self::Ready(source, what) => write!(f, " {source} {}", Letters(what)),
            Self::Raise(signal, count) => write!(f, " {signal} {count}"),
            Self::Run(flags) => write!(f, " {flags}"),
            other => other.id().map_or(Ok(()), |id| write!(f, " {id}")),
        }
    }
}

impl FromStr for Program {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let lines = text.lines().map(|line| line.split('#').next().unwrap_or(""));
        let lines = lines.filter(|line| !line.trim().is_empty());
        let lines = lines.map(|line| read(line).with_context(|| format!("in the line {line:?}")));
        Ok(Self { lines: lines.collect::<Result<_>>()? })
    }
}

/// The words of a line that are left.
struct Words<'t>(std::str::SplitWhitespace<'t>);

impl<'t> Words<'t> {
    fn word(&mut self) -> Result<&'t str> {
        self.0.next().context("it is too short")
    }

    fn number<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(&mut self) -> Result<T> {
        Ok(self.word()?.parse()?)
    }

    fn dash<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(
        &mut self,
    ) -> Result<Option<T>> {
        let word = self.word()?;
        if word == "-" { Ok(None) } else { Ok(Some(word.parse()?)) }
    }

    fn letters(&mut self) -> Result<u8> {
        let mut sum = 0;
        for found in self.word()?.chars().filter(|letter| *letter != '-') {
            let known = LETTERS.iter().find(|(letter, _)| *letter == found);
            sum |= known.with_context(|| format!("there is no condition {found}"))?.1;
        }
        Ok(sum)
    }
}

fn read(line: &str) -> Result<Line> {
    let mut words = Words(line.split_whitespace());
    Ok(match words.word()? {
        "limit" => Line::Limit(Limit {
            callbacks: words.dash()?,
            time: words.dash()?,
            priority: words.number()?,
        }),
        "common" => Line::Common(words.number()?),
        "event" => Line::Event(read_event(&mut words)?),
        "watcher" => Line::Watcher(
            words.number()?,
            if words.word()? == "prepare" { When::Prepare } else { When::Check },
        ),
        "at" => Line::At(words.number()?, read_news(&mut words)?),
        "main" => Line::Main(read_op(&mut words)?),
        "on" => Line::On(words.number()?, words.number()?, read_op(&mut words)?),
        other => bail!("no line begins with {other}"),
    })
}

fn read_news(words: &mut Words<'_>) -> Result<News> {
    Ok(match words.word()? {
        "ready" => News::Ready(words.number()?, words.letters()?),
        "raise" => News::Raise(words.number()?, words.number()?),
        other => bail!("{other} does not happen by itself"),
    })
}

fn read_event(words: &mut Words<'_>) -> Result<Decl> {
    let id = words.number()?;
    let (waits, what) = match words.word()? {
        "timer" => (Waits::Nothing, 0),
        "signal" => (Waits::Signal(words.number()?), 0),
        "source" => (Waits::Source(words.number()?), words.letters()?),
        other => bail!("no event waits for {other}"),
    };
    let (edge, persist, once, drain, priority) = (false, false, false, false, None);
    let mut decl = Decl { id, waits, what, edge, persist, once, drain, priority };
    while let Ok(word) = words.word() {
        match word {
            "edge" => decl.edge = true,
            "persist" => decl.persist = true,
            "once" => decl.once = true,
            "drain" => decl.drain = true,
            "prio" => decl.priority = Some(words.number()?),
            other => bail!("no event is {other}"),
        }
    }
    Ok(decl)
}

fn read_op(words: &mut Words<'_>) -> Result<Op> {
    Ok(match words.word()? {
        "add" => Op::Add(words.number()?, read_timeout(words.word()?)?),
        "del" => Op::Del(words.number()?),
        "act" => Op::Activate(words.number()?, words.letters()?),
        "prio" => Op::Priority(words.number()?, words.number()?),
        "notimer" => Op::RemoveTimer(words.number()?),
        "free" => Op::Free(words.number()?),
        "make" => Op::Make(words.number()?),
        "ask" => Op::Ask(words.number()?),
        "counts" => Op::Counts,
        "peaks" => Op::Peaks,
        "all" => Op::All,
        "got" => Op::Got,
        "exit" => Op::Exit(words.dash()?),
        "break" => Op::Break,
        "continue" => Op::Continue,
        "take" => Op::Take(words.number()?),
        "look" => Op::Look,
        "ready" => Op::Ready(words.number()?, words.letters()?),
        "raise" => Op::Raise(words.number()?, words.number()?),
        "watch" => Op::Watch(words.number()?),
        "unwatch" => Op::Unwatch(words.number()?),
        "run" => Op::Run(words.number()?),
        other => bail!("there is no verb {other}"),
    })
}

fn read_timeout(word: &str) -> Result<Timeout> {
    Ok(match word.strip_prefix('c') {
        Some(number) => Timeout::Common(number.parse()?),
        None if word == "-" => Timeout::None,
        None => Timeout::After(word.parse()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::generate;

    #[test]
    fn what_is_written_is_read_back() {
        for seed in 0..500 {
            let program = generate(seed);
            let read: Program = program.to_string().parse().unwrap();
            assert_eq!(read, program, "seed {seed}");
        }
    }
}
