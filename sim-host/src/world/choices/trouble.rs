//! Troubles: what a server does for a limited time instead of serving.
//!
//! Like a fault, each trouble ends at the latest when the quiet phase begins.

use crate::world::choices::choice_log::ChoiceLog;
use crate::world::choices::choice_point::{ChoicePoint, MOST, Stream};
use crate::world::choices::kinds::TroubleKind;

/// A trouble of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The number of the server, in the order of the test case.
    pub server: usize,
    /// What the server does.
    pub kind: TroubleKind,
    /// Its start time, in microseconds of the simulation.
    pub from: u64,
    /// Its end time.
    pub until: u64,
    /// A number whose meaning depends on the kind, for example a number of bytes.
    pub severity: u64,
}

impl Trouble {
    /// Draws the troubles of a server. A seed draws only kinds whose bit is set in `allowed`. Each trouble ends at the
    /// time `quiet` at the latest.
    pub(crate) fn draw_all(
        choice_log: &mut ChoiceLog,
        server: usize,
        allowed: u64,
        quiet: u64,
    ) -> Vec<Self> {
        let stream = Stream::Server;
        let count = choice_log.ask_about(stream, ChoicePoint::Troubles, server as u32, |random| {
            if random.chance(300) { 0 } else { random.spread(1, 4) }
        });
        let mut draw = |nth| {
            let nth = (server as u64 * MOST + nth) as u32;
            let kind = choice_log.ask_about(stream, ChoicePoint::Kind, nth, |random| {
                let kind = random.between(1, TroubleKind::ALL.len() as u64 - 1);
                if allowed & (1 << kind) == 0 { 0 } else { kind }
            });
            let kind = TroubleKind::of_answer(kind);
            if kind == TroubleKind::None {
                return None;
            }
            let mut ask = |point, draw: &dyn Fn(&mut _) -> u64| {
                choice_log.ask_about(stream, point, nth, draw)
            };
            let from = ask(ChoicePoint::Start, &|random| {
                if random.chance(300) { 0 } else { random.spread(1_000, quiet) }
            });
            let life = ask(ChoicePoint::Life, &|random| random.spread(10_000, 60_000_000));
            let severity =
                ask(ChoicePoint::Severity, &|random| random.below(3) * random.spread(1, 400));
            let from = from.min(quiet);
            let until = from.saturating_add(life).min(quiet);
            Some(Self { server, kind, from, until, severity })
        };
        (0..count.min(MOST)).filter_map(&mut draw).collect()
    }
}
