//! The tables and keys of a scenario's file.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::reader::{ReadQuantity, Reader};
use super::{Need, Place, Scenario, quantity};
use crate::world::choices::choice_point::{
    ChoicePoint, LATENCY, LEASES, MAX_CLOCK_STEP, MAX_DELAY, MAX_DHCP_START, MAX_LATENCY,
    MAX_POSTPONE, MAX_QUIET, MAX_SLOW, MAX_START, MIN_QUIET, MOST, Stream,
};
use crate::world::choices::kinds::AttackKind;
use crate::world::choices::kinds::Behaviour;
use crate::world::choices::kinds::FaultKind;
use crate::world::choices::kinds::ServerFaultKind;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct File {
    #[serde(default)]
    about: String,
    /// The index of the device's size in the list of sizes.
    memory: Option<Spanned<u64>>,
    latency: Option<Spanned<String>>,
    /// The lease time of the device's address. If the key is missing, the address is static.
    lease: Option<Spanned<String>>,
    dhcp_starts_at: Option<Spanned<String>>,
    /// The error of the device's clock in parts per million: fast if positive, slow if negative.
    drift_ppm: Option<Spanned<i64>>,
    /// The number of the preemption point at which the interrupt is raised (see [`ChoicePoint::Interrupt`]).
    #[serde(default)]
    interrupt_at_point: u64,
    /// The share of the polls in which a task that is ready to run is postponed.
    postpone: Option<Spanned<String>>,
    #[serde(default)]
    client: Vec<Spanned<Client>>,
    #[serde(default)]
    fault: Vec<Spanned<Fault>>,
    #[serde(default)]
    attack: Vec<Spanned<Attack>>,
    #[serde(default)]
    server_fault: Vec<Spanned<ServerFault>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Client {
    behaviour: Option<Spanned<String>>,
    connects_at: Option<Spanned<String>>,
    after_bytes: Option<Spanned<u64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fault {
    kind: Spanned<String>,
    severity: Option<Spanned<String>>,
    from: Spanned<String>,
    lasts: Option<Spanned<String>>,
    direction: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attack {
    kind: Spanned<String>,
    at: Spanned<String>,
    /// The seed of the attack's details.
    #[serde(default)]
    number: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ServerFault {
    /// The index of the server in the test case's list of servers.
    server: Option<Spanned<u64>>,
    kind: Spanned<String>,
    bytes: Option<Spanned<u64>>,
    from: Spanned<String>,
    lasts: Option<Spanned<String>>,
}

impl File {
    /// Returns the scenario. `text` is the text of the file.
    ///
    /// # Errors
    /// The first wrong value.
    pub(super) fn scenario(self, text: &str) -> Result<Scenario, Place<String>> {
        let mut reader = Reader::new(text);
        self.read_device(&mut reader)?;
        self.read_dhcp(&mut reader)?;
        self.read_tables(&mut reader)?;
        Ok(Scenario { about: self.about, lines: reader.lines, needs: reader.needs })
    }

    fn read_device(&self, reader: &mut Reader<'_>) -> Result<(), Place<String>> {
        if let Some(memory) = &self.memory {
            reader.need("memory", memory, Need::Size(*memory.get_ref()));
            reader.setup(ChoicePoint::Size, *memory.get_ref());
        }
        if let Some(latency) = &self.latency {
            let micros = reader.read("latency", latency, |text| match quantity::micros(text)? {
                micros @ LATENCY.. => Ok(micros),
                _ => Err(format!("{text:?} is less than the minimum, {LATENCY} us")),
            })?;
            let max = LATENCY + MAX_LATENCY;
            reader.need("latency", latency, Need::Time { what: "the latency is", micros, max });
            reader.setup(ChoicePoint::Latency, micros - LATENCY);
        }
        if let Some(drift) = &self.drift_ppm {
            let most = 1_000_000 - 1;
            let drift = reader.read("drift-ppm", drift, |ppm| match *ppm {
                fast if (0..=most).contains(&fast) => Ok(fast.unsigned_abs()),
                slow if (-(MAX_SLOW as i64)..0).contains(&slow) => {
                    Ok(1_000_000 + slow.unsigned_abs())
                }
                ppm => Err(format!("{ppm} is not a number from -{MAX_SLOW} to {most}")),
            })?;
            reader.setup(ChoicePoint::Drift, drift);
        }
        reader.setup(ChoicePoint::Interrupt, self.interrupt_at_point);
        if let Some(postpone) = &self.postpone {
            let share = reader.read("postpone", postpone, |text| {
                let max = MAX_POSTPONE / 10;
                match quantity::per_mille(text)? {
                    share if share <= MAX_POSTPONE => Ok(share),
                    _ => Err(format!("{text:?} is more than {max} %")),
                }
            })?;
            reader.setup(ChoicePoint::Postpone, share);
        }
        Ok(())
    }

    fn read_dhcp(&self, reader: &mut Reader<'_>) -> Result<(), Place<String>> {
        if let Some(lease) = &self.lease {
            let seconds = reader.read("lease", lease, |text| {
                let seconds = quantity::micros(text)? / 1_000_000;
                let (min, max) = (LEASES.start(), LEASES.end());
                let wrong = || format!("{text:?} is not a time from {min} s to {max} s");
                LEASES.contains(&seconds).then_some(seconds).ok_or_else(wrong)
            })?;
            let size = self.memory.as_ref().map_or(0, |memory| *memory.get_ref());
            reader.need("lease", lease, Need::Dhcp(size));
            reader.setup(ChoicePoint::Lease, seconds);
        }
        if let Some(start) = &self.dhcp_starts_at {
            let micros = reader.read("dhcp-starts-at", start, |text| match &self.lease {
                Some(_) => time_up_to(MAX_DHCP_START, text),
                None => Err("without the key lease, there is no DHCP server".to_owned()),
            })?;
            reader.setup(ChoicePoint::DhcpStart, micros);
        }
        Ok(())
    }

    fn read_tables(&self, reader: &mut Reader<'_>) -> Result<(), Place<String>> {
        reader.count("client", &self.client, MOST + 1)?;
        reader.setup(ChoicePoint::MoreClients, (self.client.len() as u64).saturating_sub(1));
        reader.count("fault", &self.fault, MOST)?;
        reader.setup(ChoicePoint::Faults, self.fault.len() as u64);
        reader.count("attack", &self.attack, MOST)?;
        reader.setup(ChoicePoint::Attacks, self.attack.len() as u64);
        for (nth, client) in self.client.iter().enumerate() {
            reader.need("client", client, Need::Clients);
            client.get_ref().read(nth as u64, reader)?;
        }
        for (nth, fault) in self.fault.iter().enumerate() {
            fault.get_ref().read(nth as u64, reader)?;
        }
        for (nth, attack) in self.attack.iter().enumerate() {
            attack.get_ref().read(nth as u64, reader)?;
        }
        let mut counts = BTreeMap::new();
        for fault in &self.server_fault {
            let server = fault.get_ref().server.as_ref().map_or(0, |server| *server.get_ref());
            let count = counts.entry(server).or_insert(0);
            if *count == MOST {
                let problem = format!("server {server} has more than {MOST} server faults");
                return Err(reader.problem("server-fault", fault, problem));
            }
            let nth = server.saturating_mul(MOST).saturating_add(*count);
            *count += 1;
            fault.get_ref().read(nth, reader)?;
        }
        for (server, count) in counts {
            reader.add(Stream::Server, ChoicePoint::ServerFaults, server, count);
        }
        reader.setup(ChoicePoint::QuietAfter, reader.end.saturating_sub(MIN_QUIET));
        Ok(())
    }
}

impl Client {
    fn read(&self, nth: u64, reader: &mut Reader<'_>) -> Result<(), Place<String>> {
        let behaviour = match &self.behaviour {
            None => Behaviour::Normal,
            Some(word) => reader.read("behaviour", word, |word| {
                let names = Behaviour::ALL.iter().map(|behaviour| behaviour.word());
                Behaviour::of_word(word).ok_or_else(|| unknown("behaviour", word, names))
            })?,
        };
        let mut connects_at = 0;
        if let Some(time) = &self.connects_at {
            connects_at = reader.read("connects-at", time, |time| quantity::micros(time))?;
            let (what, max) = ("the client connects at", MAX_START);
            reader.need("connects-at", time, Need::Time { what, micros: connects_at, max });
        }
        let mut after_bytes = 0;
        if let Some(bytes) = &self.after_bytes {
            if !matches!(behaviour, Behaviour::HalfOpen | Behaviour::Reset) {
                let problem = "only the behaviours half-open and reset have this key".to_owned();
                return Err(reader.problem("after-bytes", bytes, problem));
            }
            after_bytes = *bytes.get_ref();
        }
        reader.add(Stream::Client, ChoicePoint::Kind, nth, behaviour as u64);
        reader.add(Stream::Client, ChoicePoint::Start, nth, connects_at);
        reader.add(Stream::Client, ChoicePoint::Severity, nth, after_bytes);
        Ok(())
    }
}

impl Fault {
    fn read(&self, nth: u64, reader: &mut Reader<'_>) -> Result<(), Place<String>> {
        let kind = reader.read("kind", &self.kind, |word| {
            let names = FaultKind::ALL.iter().map(|kind| kind.word());
            FaultKind::of_word(word).ok_or_else(|| unknown("fault", word, names))
        })?;
        let severity: Option<ReadQuantity> = match kind {
            FaultKind::None => return Ok(()),
            FaultKind::Loss
            | FaultKind::Duplication
            | FaultKind::Reordering
            | FaultKind::Corruption
            | FaultKind::Forgery => Some(quantity::per_mille),
            FaultKind::Jitter => Some(|text| time_up_to(MAX_DELAY, text)),
            FaultKind::ClockStep => Some(|text| time_up_to(MAX_CLOCK_STEP, text)),
            FaultKind::Rate | FaultKind::Mtu => Some(quantity::bytes),
            _ => None,
        };
        let severity = reader.key_of_kind("severity", &self.severity, &self.kind, severity)?;
        let life = reader.life(&self.from, &self.lasts, &self.kind, !kind.is_momentary())?;
        let mut direction = 0;
        if let Some(word) = &self.direction {
            direction = reader.read("direction", word, |word| {
                let directions = ["both", "to-device", "to-peer"];
                if !kind.has_direction() {
                    return Err(format!("a fault {:?} has no direction", kind.word()));
                }
                let found = directions.iter().position(|direction| *direction == word);
                found.ok_or_else(|| unknown("direction", word, directions.into_iter()))
            })?;
        }
        reader.add(Stream::Fault, ChoicePoint::Kind, nth, kind as u64);
        reader.add(Stream::Fault, ChoicePoint::Severity, nth, severity);
        reader.add(Stream::Fault, ChoicePoint::Start, nth, life.start);
        reader.add(Stream::Fault, ChoicePoint::Life, nth, life.end - life.start);
        reader.add(Stream::Fault, ChoicePoint::Direction, nth, direction as u64);
        Ok(())
    }
}

impl Attack {
    fn read(&self, nth: u64, reader: &mut Reader<'_>) -> Result<(), Place<String>> {
        let kind = reader.read("kind", &self.kind, |word| {
            let names = AttackKind::ALL.iter().map(|kind| kind.word());
            AttackKind::of_word(word).ok_or_else(|| unknown("attack", word, names))
        })?;
        if kind == AttackKind::None {
            return Ok(());
        }
        let at = reader.read("at", &self.at, |time| quantity::micros(time))?;
        let (what, max) = ("the attack begins at", MAX_QUIET);
        reader.need("at", &self.at, Need::Time { what, micros: at, max });
        reader.end = reader.end.max(at);
        reader.add(Stream::Attacker, ChoicePoint::Kind, nth, kind as u64);
        reader.add(Stream::Attacker, ChoicePoint::Start, nth, at);
        reader.add(Stream::Attacker, ChoicePoint::Number, nth, self.number);
        Ok(())
    }
}

impl ServerFault {
    fn read(&self, nth: u64, reader: &mut Reader<'_>) -> Result<(), Place<String>> {
        let kind = reader.read("kind", &self.kind, |word| {
            let names = ServerFaultKind::ALL.iter().map(|kind| kind.word());
            ServerFaultKind::of_word(word).ok_or_else(|| unknown("server fault", word, names))
        })?;
        if kind == ServerFaultKind::None {
            return Ok(());
        }
        match &self.server {
            Some(server) => reader.need("server", server, Need::Server(*server.get_ref())),
            None => reader.need("server", &self.kind, Need::Server(0)),
        }
        let life = reader.life(&self.from, &self.lasts, &self.kind, true)?;
        let mut severity = 0;
        if let Some(bytes) = &self.bytes {
            severity = reader.read("bytes", bytes, |bytes| match (kind, *bytes) {
                (ServerFaultKind::Resets | ServerFaultKind::EndsEarly, bytes) => Ok(bytes),
                (ServerFaultKind::SlowReader, bytes @ 1..=16) => Ok(bytes - 1),
                (ServerFaultKind::SlowReader, bytes) => {
                    Err(format!("{bytes} is not a number from 1 to 16"))
                }
                _ => Err("only resets, ends-early and slow-reader have this key".to_owned()),
            })?;
        }
        reader.add(Stream::Server, ChoicePoint::Kind, nth, kind as u64);
        reader.add(Stream::Server, ChoicePoint::Start, nth, life.start);
        reader.add(Stream::Server, ChoicePoint::Life, nth, life.end - life.start);
        reader.add(Stream::Server, ChoicePoint::Severity, nth, severity);
        Ok(())
    }
}

fn time_up_to(max: u64, text: &str) -> Result<u64, String> {
    match quantity::micros(text)? {
        micros if micros <= max => Ok(micros),
        _ => Err(format!("{text:?} is more than {} s", max / 1_000_000)),
    }
}

fn unknown(what: &str, word: &str, known: impl Iterator<Item = &'static str>) -> String {
    let known: Vec<_> = known.collect();
    format!("there is no {what} {word:?}; known are {}", known.join(", "))
}
