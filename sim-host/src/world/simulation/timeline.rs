//! The timeline of a plan: its moments in order.

use crate::world::choices::fault::Fault;
use crate::world::choices::trouble::Trouble;
use crate::world::peers::attacker::Attack;
use crate::world::simulation::plan::{Plan, Run};

/// Something that happens according to the plan.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Moment {
    Begins(Fault),
    Ends(Fault),
    Attack(Attack),
    /// An interrupt handler runs.
    Interrupt(Run),
    /// A trouble of a server begins, or ends.
    Trouble(Trouble, bool),
    /// The faults end.
    Quiet,
}

/// The moments of a plan, in reverse order: the first one is the last element.
pub(crate) struct Timeline(Vec<(u64, Moment)>);

impl Timeline {
    pub(crate) fn new(plan: &Plan) -> Self {
        let pairs = plan.faults.len() + plan.troubles.len();
        let singles = plan.attacks.len() + plan.runs.len() + 1;
        let mut moments = Vec::with_capacity(pairs * 2 + singles);
        moments.push((plan.quiet, Moment::Quiet));
        moments.extend(plan.attacks.iter().map(|attack| (attack.at, Moment::Attack(*attack))));
        for fault in &plan.faults {
            moments.push((fault.until, Moment::Ends(*fault)));
            moments.push((fault.from, Moment::Begins(*fault)));
        }
        moments.extend(plan.runs.iter().map(|run| (run.at, Moment::Interrupt(*run))));
        for trouble in &plan.troubles {
            moments.push((trouble.until, Moment::Trouble(*trouble, false)));
            moments.push((trouble.from, Moment::Trouble(*trouble, true)));
        }
        // At the same time, the beginning of a fault comes before its end, and the beginning of the
        // quiet phase comes last.
        moments.reverse();
        moments.sort_by_key(|(at, _)| *at);
        moments.reverse();
        Self(moments)
    }

    /// Takes the next moment if its time has come.
    pub(crate) fn due(&mut self, now: u64) -> Option<Moment> {
        let (at, _) = self.0.last()?;
        if *at > now { None } else { self.0.pop().map(|(_, moment)| moment) }
    }

    /// Returns the time of the next moment, or `u64::MAX` if there is none.
    pub(crate) fn next(&self) -> u64 {
        self.0.last().map_or(u64::MAX, |(at, _)| *at)
    }
}
