//! Scenarios: the configuration of a simulation as a TOML file. All other choices are made at random from a seed.
//!
//! ```
//! use picoevent_sim::world::Scenario;
//!
//! let scenario: Scenario = r#"
//!     about = "A cable that loses every third frame while a slow client reads"
//!     latency = "5 ms"
//!
//!     [[client]]
//!     behaviour = "slow-reader"
//!     connects-at = "100 ms"
//!
//!     [[fault]]
//!     kind = "loss"
//!     severity = "33 %"
//!     from = "1 s"
//!     lasts = "2 s"
//!     direction = "to-device"
//! "#.parse()?;
//! # let _ = scenario;
//! # Ok::<(), picoevent_sim::world::ScenarioError>(())
//! ```
//!
//! If a key is missing, its default is used. A scenario contains all choices that are made before the simulation
//! begins. Later choices, for example about each frame, are made at random from the seed.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

use crate::world::choices::choice_log::Choice;
use crate::world::choices::choice_point::{ChoicePoint, MOST, Stream};
use crate::world::choices::kinds::AttackKind;
use crate::world::choices::kinds::Behaviour;
use crate::world::choices::kinds::FaultKind;
use crate::world::choices::kinds::ServerFaultKind;

mod quantity;

use quantity::Quantity;

/// A simulation's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// A sentence that describes the scenario.
    pub about: String,
    pub(crate) lines: Vec<Choice>,
}

/// The reason why a text is not a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioError(String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    #[serde(default)]
    about: String,
    /// The index of the device's size in the list of sizes.
    #[serde(default)]
    memory: u64,
    latency: Option<Quantity>,
    /// The error of the device's clock in parts per million: fast if positive, slow if negative.
    #[serde(default)]
    drift_ppm: i64,
    /// The number of the preemption point at which the interrupt is raised (see [`ChoicePoint::Interrupt`]).
    #[serde(default)]
    interrupt_at_point: u64,
    /// The share of the polls in which a task that is ready to run is postponed.
    postpone: Option<Quantity>,
    #[serde(default)]
    client: Vec<Client>,
    #[serde(default)]
    fault: Vec<Fault>,
    #[serde(default)]
    attack: Vec<Attack>,
    #[serde(default, rename = "server-fault")]
    server_fault: Vec<ServerFault>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Client {
    behaviour: Option<String>,
    connects_at: Option<Quantity>,
    #[serde(default)]
    after_bytes: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fault {
    kind: String,
    severity: Option<Quantity>,
    from: Quantity,
    lasts: Option<Quantity>,
    direction: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attack {
    kind: String,
    at: Quantity,
    #[serde(default)]
    number: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ServerFault {
    /// The index of the server in the test case's list of servers.
    #[serde(default)]
    server: u64,
    kind: String,
    #[serde(default)]
    bytes: u64,
    from: Quantity,
    lasts: Option<Quantity>,
}

impl FromStr for Scenario {
    type Err = ScenarioError;

    fn from_str(text: &str) -> Result<Self, ScenarioError> {
        let file: File = toml::from_str(text)
            .map_err(|error| ScenarioError(error.to_string().trim_end().to_owned()))?;
        Ok(Self { about: file.about.clone(), lines: file.lines().map_err(ScenarioError)? })
    }
}

/// Collects the lines of a choice log.
struct Writer(Vec<Choice>);

impl Writer {
    fn add(&mut self, stream: Stream, point: ChoicePoint, nth: usize, answer: u64) {
        if answer > 0 {
            self.0.push(Choice { stream, point, nth: nth as u32, answer, at: 0 });
        }
    }
}

impl File {
    fn lines(&self) -> Result<Vec<Choice>, String> {
        let mut choice_log = Writer(Vec::new());
        let setup = |choice_log: &mut Writer, point, answer| {
            choice_log.add(Stream::Setup, point, 0, answer)
        };
        let latency = self.latency.as_ref().map_or(Ok(0), Quantity::micros)?;
        let postpone = self.postpone.as_ref().map_or(Ok(0), Quantity::per_mille)?;
        let drift = match self.drift_ppm {
            fast @ 0.. => fast.unsigned_abs().min(999_999),
            slow => 1_000_000 + slow.unsigned_abs(),
        };
        setup(&mut choice_log, ChoicePoint::Size, self.memory);
        setup(&mut choice_log, ChoicePoint::Latency, latency.saturating_sub(100));
        setup(&mut choice_log, ChoicePoint::Drift, drift);
        setup(&mut choice_log, ChoicePoint::Interrupt, self.interrupt_at_point);
        setup(&mut choice_log, ChoicePoint::Postpone, postpone);
        setup(
            &mut choice_log,
            ChoicePoint::MoreClients,
            (self.client.len() as u64).saturating_sub(1),
        );
        setup(&mut choice_log, ChoicePoint::Faults, self.fault.len() as u64);
        setup(&mut choice_log, ChoicePoint::Attacks, self.attack.len() as u64);
        for (nth, client) in self.client.iter().enumerate() {
            client.add(nth, &mut choice_log)?;
        }
        let mut quiet = 0;
        for (nth, fault) in self.fault.iter().enumerate() {
            quiet = quiet.max(fault.add(nth, &mut choice_log)?);
        }
        for (nth, attack) in self.attack.iter().enumerate() {
            quiet = quiet.max(attack.add(nth, &mut choice_log)?);
        }
        for server in 0..=self.server_fault.iter().map(|fault| fault.server).max().unwrap_or(0) {
            let its_own = self.server_fault.iter().filter(|fault| fault.server == server);
            let count = its_own.clone().count() as u64;
            choice_log.add(Stream::Server, ChoicePoint::ServerFaults, server as usize, count);
            for (nth, fault) in its_own.enumerate() {
                quiet = quiet.max(fault.add(nth, &mut choice_log)?);
            }
        }
        setup(&mut choice_log, ChoicePoint::QuietAfter, quiet.saturating_sub(2_000_000));
        Ok(choice_log.0)
    }
}

impl Client {
    fn add(&self, nth: usize, choice_log: &mut Writer) -> Result<(), String> {
        let behaviour = self.behaviour.as_deref().unwrap_or("normal");
        let names = || Behaviour::ALL.iter().map(|behaviour| behaviour.word());
        let behaviour = Behaviour::of_word(behaviour)
            .ok_or_else(|| unknown("behaviour", behaviour, names()))?;
        let connects_at = self.connects_at.as_ref().map_or(Ok(0), Quantity::micros)?;
        choice_log.add(Stream::Client, ChoicePoint::Kind, nth, behaviour as u64);
        choice_log.add(Stream::Client, ChoicePoint::Start, nth, connects_at);
        choice_log.add(Stream::Client, ChoicePoint::Severity, nth, self.after_bytes);
        Ok(())
    }
}

impl Fault {
    /// Writes the lines of the fault. Returns the time at which the fault ends.
    fn add(&self, nth: usize, choice_log: &mut Writer) -> Result<u64, String> {
        let names = || FaultKind::ALL.iter().map(|kind| kind.word());
        let kind =
            FaultKind::of_word(&self.kind).ok_or_else(|| unknown("fault", &self.kind, names()))?;
        let severity = match (kind, &self.severity) {
            (_, None) => 0,
            (FaultKind::Jitter | FaultKind::ClockStep, Some(severity)) => severity.micros()?,
            (FaultKind::Rate | FaultKind::Mtu, Some(severity)) => severity.bytes()?,
            (_, Some(severity)) => severity.per_mille()?,
        };
        let direction = match self.direction.as_deref() {
            None | Some("both") => 0,
            Some("to-device") => 1,
            Some("to-peer") => 2,
            Some(other) => {
                let directions = ["both", "to-device", "to-peer"];
                return Err(unknown("direction", other, directions.into_iter()));
            }
        };
        let from = self.from.micros()?;
        let life = self.lasts.as_ref().map_or(Ok(0), Quantity::micros)?;
        choice_log.add(Stream::Fault, ChoicePoint::Kind, nth, kind as u64);
        choice_log.add(Stream::Fault, ChoicePoint::Severity, nth, severity);
        choice_log.add(Stream::Fault, ChoicePoint::Start, nth, from);
        choice_log.add(Stream::Fault, ChoicePoint::Life, nth, life);
        choice_log.add(Stream::Fault, ChoicePoint::Direction, nth, direction);
        Ok(from.saturating_add(life))
    }
}

impl Attack {
    fn add(&self, nth: usize, choice_log: &mut Writer) -> Result<u64, String> {
        let names = || AttackKind::ALL.iter().map(|kind| kind.word());
        let kind = AttackKind::of_word(&self.kind)
            .ok_or_else(|| unknown("attack", &self.kind, names()))?;
        let at = self.at.micros()?;
        choice_log.add(Stream::Attacker, ChoicePoint::Kind, nth, kind as u64);
        choice_log.add(Stream::Attacker, ChoicePoint::Start, nth, at);
        choice_log.add(Stream::Attacker, ChoicePoint::Number, nth, self.number);
        Ok(at)
    }
}

impl ServerFault {
    /// Adds this server fault to the choice log. Returns the time at which the server fault ends.
    fn add(&self, nth: usize, choice_log: &mut Writer) -> Result<u64, String> {
        let names = || ServerFaultKind::ALL.iter().map(|kind| kind.word());
        let kind = ServerFaultKind::of_word(&self.kind)
            .ok_or_else(|| unknown("server fault", &self.kind, names()))?;
        if self.server >= MOST || nth as u64 >= MOST {
            return Err(format!(
                "there are {MOST} servers and {MOST} server faults of each at most"
            ));
        }
        let from = self.from.micros()?;
        let life = self.lasts.as_ref().map_or(Ok(0), Quantity::micros)?;
        let nth = (self.server * MOST) as usize + nth;
        choice_log.add(Stream::Server, ChoicePoint::Kind, nth, kind as u64);
        choice_log.add(Stream::Server, ChoicePoint::Start, nth, from);
        choice_log.add(Stream::Server, ChoicePoint::Life, nth, life);
        choice_log.add(Stream::Server, ChoicePoint::Severity, nth, self.bytes);
        Ok(from.saturating_add(life))
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
    fn a_scenario_is_the_beginning_of_a_choice_log() {
        let text = r#"
            about = "what it is"
            latency = "1.1 ms"
            [[client]]
            [[client]]
            behaviour = "reset"
            after-bytes = 5
            [[fault]]
            kind = "loss"
            severity = "12.5 %"
            from = "2 s"
            lasts = "1 s"
        "#;
        let scenario: Scenario = text.parse().unwrap();
        let lines: Vec<_> = scenario.lines.iter().map(|l| l.to_string().replace(" ", "")).collect();
        let lines: Vec<_> = lines.iter().map(|line| line.split('#').next().unwrap()).collect();
        let expected = [
            "setuplatency-us01000",
            "setupmore-clients01",
            "setupfaults01",
            "clientkind1reset",
            "clientseverity15",
            "faultkind0loss",
            "faultseverity0125",
            "faultstart-us02000000",
            "faultlife-us01000000",
            "setupquiet-after-us01000000",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn server_faults_are_numbered_by_server() {
        let server_fault = |server, kind| {
            format!(
                "[[server-fault]]\nserver = {server}\nkind = '{kind}'\nfrom = '1 s'\nlasts = '9 s'\n"
            )
        };
        let text =
            server_fault(1, "refuses") + &server_fault(0, "hangs") + &server_fault(1, "silent");
        let scenario: Scenario = text.parse().unwrap();
        let lines: Vec<_> = scenario.lines.iter().map(|line| line.to_string()).collect();
        let has = |wanted: &str| lines.iter().any(|line| line.starts_with(wanted));
        assert!(has("server server-faults 0 1 ") && has("server server-faults 1 2 "), "{lines:#?}");
        assert!(has("server kind 0 hangs ") && has("server kind 8 refuses "), "{lines:#?}");
        assert!(
            has("server kind 9 silent ") && has("setup quiet-after-us 0 8000000 "),
            "{lines:#?}"
        );
        assert!(
            problem(&server_fault(0, "frogs")).contains("known are none, refuses, accepts-late")
        );
        assert!(problem(&server_fault(8, "hangs")).contains("8 servers"));
    }

    #[test]
    fn a_text_that_is_not_a_scenario_is_refused_with_a_hint() {
        assert!(problem("colour = 'red'").contains("unknown field `colour`"));
        let fault = |kind, severity| {
            format!("[[fault]]\nkind = '{kind}'\nseverity = '{severity}'\nfrom = '1 s'")
        };
        assert!(problem(&fault("lust", "1 %")).contains("known are none, loss, duplication"));
        assert_eq!(problem(&fault("loss", "1 s")), "\"1 s\" is not a share, such as 30 %");
        assert_eq!(
            problem(&fault("mtu", "1 s")),
            "\"1 s\" is not a number of bytes, such as 500 B"
        );
        assert_eq!(problem("latency = '1 km'"), "\"1 km\" is not a time, such as 20 ms");
        assert!(
            problem("[[client]]\nbehaviour = 'frogs'").contains("there is no behaviour \"frogs\"")
        );
    }
}
