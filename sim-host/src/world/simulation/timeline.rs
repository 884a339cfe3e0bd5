//! The timeline of a plan: its events in the order of their times.

use crate::world::choices::fault::Fault;
use crate::world::choices::server_fault::ServerFault;
use crate::world::peers::attacker::Attack;
use crate::world::simulation::plan::{Plan, Run};

/// An event of the plan.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PlannedEvent {
    Begins(Fault),
    Ends(Fault),
    Attack(Attack),
    /// An interrupt handler runs.
    Interrupt(Run),
    /// A server fault begins (`true`) or ends (`false`).
    ServerFault(ServerFault, bool),
    /// The faults end.
    Quiet,
}

/// The events of a plan with their times, in reverse order: the next event is the last element.
pub(crate) struct Timeline(Vec<(u64, PlannedEvent)>);

impl Timeline {
    pub(crate) fn new(plan: &Plan) -> Self {
        let pairs = plan.faults.len() + plan.server_faults.len();
        let singles = plan.attacks.len() + plan.runs.len() + 1;
        let mut events = Vec::with_capacity(pairs * 2 + singles);
        events.push((plan.quiet, PlannedEvent::Quiet));
        events.extend(plan.attacks.iter().map(|attack| (attack.at, PlannedEvent::Attack(*attack))));
        for fault in &plan.faults {
            events.push((fault.until, PlannedEvent::Ends(*fault)));
            events.push((fault.from, PlannedEvent::Begins(*fault)));
        }
        events.extend(plan.runs.iter().map(|run| (run.at, PlannedEvent::Interrupt(*run))));
        for server_fault in &plan.server_faults {
            events.push((server_fault.until, PlannedEvent::ServerFault(*server_fault, false)));
            events.push((server_fault.from, PlannedEvent::ServerFault(*server_fault, true)));
        }
        // If several events have the same time, the beginning of a fault comes before the end of the same fault, and
        // the beginning of the quiet phase comes last.
        events.reverse();
        events.sort_by_key(|(at, _)| *at);
        events.reverse();
        Self(events)
    }

    /// Takes the next event if its time is not later than `now`.
    pub(crate) fn due(&mut self, now: u64) -> Option<PlannedEvent> {
        let (at, _) = self.0.last()?;
        if *at > now { None } else { self.0.pop().map(|(_, event)| event) }
    }

    /// Returns the time of the next event, or `u64::MAX` if there is no next event.
    pub(crate) fn next(&self) -> u64 {
        self.0.last().map_or(u64::MAX, |(at, _)| *at)
    }
}
