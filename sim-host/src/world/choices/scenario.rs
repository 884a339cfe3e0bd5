//! Scenarios: a world's configuration as a file that reads like prose; luck is left to the seeds.
//!
//! ```
//! use picoevent_sim::world::Scenario;
//!
//! let scenario: Scenario = r#"
//!     about = "A cable that loses every third frame while a slow client reads"
//!     latency = "5 ms"
//!
//!     [[client]]
//!     manner = "slow-reader"
//!     calls-at = "100 ms"
//!
//!     [[fault]]
//!     kind = "loss"
//!     degree = "33 %"
//!     from = "1 s"
//!     lasts = "2 s"
//!     strikes = "to-device"
//! "#.parse()?;
//! # let _ = scenario;
//! # Ok::<(), picoevent_sim::world::ScenarioError>(())
//! ```
//!
//! What a scenario does not say is mild. It is a tape for everything that a world decides before it
//! begins; what happens to each frame is drawn from the seed that it is run with.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

use crate::world::choices::kinds::ActKind;
use crate::world::choices::kinds::FaultKind;
use crate::world::choices::kinds::Manner;
use crate::world::choices::question::{Question, Stream};
use crate::world::choices::tape::Line;

mod quantity;

use quantity::Quantity;

/// A world's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// What it is about.
    pub about: String,
    pub(crate) lines: Vec<Line>,
}

/// Why a text is no scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioError(String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    #[serde(default)]
    about: String,
    /// Which of the application's sizes, from 0.
    #[serde(default)]
    memory: u64,
    latency: Option<Quantity>,
    /// Parts per million by which the device's clock is fast, or slow when negative.
    #[serde(default)]
    drift_ppm: i64,
    /// At which of its interruptible points the device is interrupted.
    #[serde(default)]
    interrupt_at_point: u64,
    /// How often a task that is due has to wait for another turn.
    postpone: Option<Quantity>,
    #[serde(default)]
    client: Vec<Client>,
    #[serde(default)]
    fault: Vec<Fault>,
    #[serde(default)]
    act: Vec<Act>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Client {
    manner: Option<String>,
    calls_at: Option<Quantity>,
    #[serde(default)]
    after_bytes: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fault {
    kind: String,
    degree: Option<Quantity>,
    from: Quantity,
    lasts: Option<Quantity>,
    strikes: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Act {
    kind: String,
    at: Quantity,
    #[serde(default)]
    number: u64,
}

impl FromStr for Scenario {
    type Err = ScenarioError;

    fn from_str(text: &str) -> Result<Self, ScenarioError> {
        let file: File = toml::from_str(text)
            .map_err(|error| ScenarioError(error.to_string().trim_end().to_owned()))?;
        Ok(Self { about: file.about.clone(), lines: file.lines().map_err(ScenarioError)? })
    }
}

/// Collects the lines of a tape.
struct Writer(Vec<Line>);

impl Writer {
    fn say(&mut self, stream: Stream, question: Question, nth: usize, answer: u64) {
        if answer > 0 {
            self.0.push(Line { stream, question, nth: nth as u32, answer, at: 0 });
        }
    }
}

impl File {
    fn lines(&self) -> Result<Vec<Line>, String> {
        let mut tape = Writer(Vec::new());
        let world =
            |tape: &mut Writer, question, answer| tape.say(Stream::World, question, 0, answer);
        let latency = self.latency.as_ref().map_or(Ok(0), Quantity::micros)?;
        let postpone = self.postpone.as_ref().map_or(Ok(0), Quantity::per_mille)?;
        let drift = match self.drift_ppm {
            fast @ 0.. => fast.unsigned_abs().min(999_999),
            slow => 1_000_000 + slow.unsigned_abs(),
        };
        world(&mut tape, Question::Size, self.memory);
        world(&mut tape, Question::Latency, latency.saturating_sub(100));
        world(&mut tape, Question::Drift, drift);
        world(&mut tape, Question::Interrupt, self.interrupt_at_point);
        world(&mut tape, Question::Postpone, postpone);
        world(&mut tape, Question::MoreClients, (self.client.len() as u64).saturating_sub(1));
        world(&mut tape, Question::Faults, self.fault.len() as u64);
        world(&mut tape, Question::Acts, self.act.len() as u64);
        for (nth, client) in self.client.iter().enumerate() {
            client.say(nth, &mut tape)?;
        }
        let mut calm = 0;
        for (nth, fault) in self.fault.iter().enumerate() {
            calm = calm.max(fault.say(nth, &mut tape)?);
        }
        for (nth, act) in self.act.iter().enumerate() {
            calm = calm.max(act.say(nth, &mut tape)?);
        }
        world(&mut tape, Question::CalmAfter, calm.saturating_sub(2_000_000));
        Ok(tape.0)
    }
}

impl Client {
    fn say(&self, nth: usize, tape: &mut Writer) -> Result<(), String> {
        let manner = self.manner.as_deref().unwrap_or("nice");
        let names = || Manner::ALL.iter().map(|manner| manner.word());
        let manner = Manner::of_word(manner).ok_or_else(|| unknown("manner", manner, names()))?;
        let calls_at = self.calls_at.as_ref().map_or(Ok(0), Quantity::micros)?;
        tape.say(Stream::Client, Question::Kind, nth, manner as u64);
        tape.say(Stream::Client, Question::Start, nth, calls_at);
        tape.say(Stream::Client, Question::Degree, nth, self.after_bytes);
        Ok(())
    }
}

impl Fault {
    /// Says it, and answers when it ends.
    fn say(&self, nth: usize, tape: &mut Writer) -> Result<u64, String> {
        let names = || FaultKind::ALL.iter().map(|kind| kind.word());
        let kind =
            FaultKind::of_word(&self.kind).ok_or_else(|| unknown("fault", &self.kind, names()))?;
        let degree = match (kind, &self.degree) {
            (_, None) => 0,
            (FaultKind::Jitter | FaultKind::ClockStep, Some(degree)) => degree.micros()?,
            (FaultKind::Rate | FaultKind::Mtu, Some(degree)) => degree.bytes()?,
            (_, Some(degree)) => degree.per_mille()?,
        };
        let side = match self.strikes.as_deref() {
            None | Some("both") => 0,
            Some("to-device") => 1,
            Some("to-peer") => 2,
            Some(other) => {
                let sides = ["both", "to-device", "to-peer"];
                return Err(unknown("side", other, sides.into_iter()));
            }
        };
        let from = self.from.micros()?;
        let life = self.lasts.as_ref().map_or(Ok(0), Quantity::micros)?;
        tape.say(Stream::Fault, Question::Kind, nth, kind as u64);
        tape.say(Stream::Fault, Question::Degree, nth, degree);
        tape.say(Stream::Fault, Question::Start, nth, from);
        tape.say(Stream::Fault, Question::Life, nth, life);
        tape.say(Stream::Fault, Question::Side, nth, side);
        Ok(from.saturating_add(life))
    }
}

impl Act {
    fn say(&self, nth: usize, tape: &mut Writer) -> Result<u64, String> {
        let names = || ActKind::ALL.iter().map(|kind| kind.word());
        let kind =
            ActKind::of_word(&self.kind).ok_or_else(|| unknown("act", &self.kind, names()))?;
        let at = self.at.micros()?;
        tape.say(Stream::Vandal, Question::Kind, nth, kind as u64);
        tape.say(Stream::Vandal, Question::Start, nth, at);
        tape.say(Stream::Vandal, Question::Number, nth, self.number);
        Ok(at)
    }
}

fn unknown(what: &str, word: &str, known: impl Iterator<Item = &'static str>) -> String {
    let known: Vec<_> = known.collect();
    format!("there is no {what} {word:?}; known are {}", known.join(", "))
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ScenarioError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        text.parse::<Scenario>().unwrap_err().to_string()
    }

    #[test]
    fn a_scenario_is_the_beginning_of_a_tape() {
        let text = r#"
            about = "what it is"
            latency = "1.1 ms"
            [[client]]
            [[client]]
            manner = "reset"
            after-bytes = 5
            [[fault]]
            kind = "loss"
            degree = "12.5 %"
            from = "2 s"
            lasts = "1 s"
        "#;
        let scenario: Scenario = text.parse().unwrap();
        let lines: Vec<_> = scenario.lines.iter().map(|l| l.to_string().replace(" ", "")).collect();
        let lines: Vec<_> = lines.iter().map(|line| line.split('#').next().unwrap()).collect();
        let expected = [
            "worldlatency-us01000",
            "worldmore-clients01",
            "worldfaults01",
            "clientkind1reset",
            "clientdegree15",
            "faultkind0loss",
            "faultdegree0125",
            "faultstart-us02000000",
            "faultlife-us01000000",
            "worldcalm-after-us01000000",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn what_is_no_scenario_is_refused_with_a_hint() {
        assert!(problem("colour = 'red'").contains("unknown field `colour`"));
        let fault =
            |kind, degree| format!("[[fault]]\nkind = '{kind}'\ndegree = '{degree}'\nfrom = '1 s'");
        assert!(problem(&fault("lust", "1 %")).contains("known are none, loss, doubling"));
        assert_eq!(problem(&fault("loss", "1 s")), "\"1 s\" is not a share, such as 30 %");
        assert_eq!(
            problem(&fault("mtu", "1 s")),
            "\"1 s\" is not a number of bytes, such as 500 B"
        );
        assert_eq!(problem("latency = '1 km'"), "\"1 km\" is not a time, such as 20 ms");
        assert!(problem("[[client]]\nmanner = 'rude'").contains("there is no manner \"rude\""));
    }
}
