//! Server faults: what a server does for a limited time instead of serving.
//!
//! Like a fault, each server fault ends at the latest when the quiet phase begins.

use crate::world::choices::choice_log::ChoiceLog;
use crate::world::choices::choice_point::{ChoicePoint, MOST, Stream};
use crate::world::choices::kinds::ServerFaultKind;

/// One server fault: what the server does instead of serving, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerFault {
    /// The index of the server in the test case's list of servers.
    pub server: usize,
    /// What the server does.
    pub kind: ServerFaultKind,
    /// The start time, in microseconds of the simulation.
    pub from: u64,
    /// The end time, in microseconds of the simulation.
    pub until: u64,
    /// A number whose meaning depends on the kind, for example a number of bytes.
    pub severity: u64,
}

impl ServerFault {
    /// Chooses the faults of a server. With a seed, only kinds whose bit is set in `allowed` are chosen. Each fault
    /// ends at the time `quiet` at the latest.
    pub(crate) fn choose_all(
        choice_log: &mut ChoiceLog,
        server: usize,
        allowed: u64,
        quiet: u64,
    ) -> Vec<Self> {
        let stream = Stream::Server;
        let count =
            choice_log.choose_for(stream, ChoicePoint::ServerFaults, server as u32, |random| {
                if random.chance(300) { 0 } else { random.spread(1, 4) }
            });
        let mut choose = |nth| {
            let nth = (server as u64 * MOST + nth) as u32;
            let kind = choice_log.choose_for(stream, ChoicePoint::Kind, nth, |random| {
                let kind = random.between(1, ServerFaultKind::ALL.len() as u64 - 1);
                if allowed & (1 << kind) == 0 { 0 } else { kind }
            });
            let kind = ServerFaultKind::of_answer(kind);
            if kind == ServerFaultKind::None {
                return None;
            }
            let mut choose_property = |point, generate: &dyn Fn(&mut _) -> u64| {
                choice_log.choose_for(stream, point, nth, generate)
            };
            let from = choose_property(ChoicePoint::Start, &|random| {
                if random.chance(300) { 0 } else { random.spread(1_000, quiet) }
            });
            let life =
                choose_property(ChoicePoint::Life, &|random| random.spread(10_000, 60_000_000));
            let severity = choose_property(ChoicePoint::Severity, &|random| {
                random.below(3) * random.spread(1, 400)
            });
            let from = from.min(quiet);
            let until = from.saturating_add(life).min(quiet);
            Some(Self { server, kind, from, until, severity })
        };
        (0..count.min(MOST)).filter_map(&mut choose).collect()
    }
}
