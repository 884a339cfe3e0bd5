//! Shrinking: reduces a choice log that fails to a shorter choice log that fails in the same way.
//!
//! The search first removes lines: many lines at a time, then single lines. Then it reduces the numbers in the
//! remaining lines. After each step, the simulation is run again. The step is kept if the simulation still fails with
//! the same kind of verdict and the same message, in which only the numbers may differ. If not, the step is undone.

use std::time::{Duration, Instant};

use picoevent_sim_support::shrink::leave_out;

use crate::world::cases::any_test_case::AnyTestCase;
use crate::world::cases::simulator::Simulator;
use crate::world::choices::choice_log::Choice;
use crate::world::choices::choice_point::ChoicePoint;
use crate::world::simulation::verdict::{Outcome, Verdict};

/// The usual time limit of shrinking.
pub const LIMIT: Duration = Duration::from_secs(8);

/// The result of shrinking.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The shortest choice log found.
    pub choices: Vec<Choice>,
    /// The outcome of the simulation of this choice log.
    pub outcome: Outcome,
    /// The number of choice logs tried.
    pub tried: u32,
}

/// Shrinks a choice log. Returns `None` if the simulation of the choice log does not fail.
pub fn shrink(case: &dyn AnyTestCase, choices: &[Choice], limit: Duration) -> Option<Shrunk> {
    let mut simulator = Simulator::new();
    simulator.take_choices(choices);
    let outcome = case.run(&mut simulator);
    if outcome.verdict.is_pass() {
        return None;
    }
    let choices = outcome.choices.clone();
    let mut search = Search {
        case,
        simulator,
        alike: likeness(&outcome.verdict),
        best: Shrunk { choices, outcome, tried: 0 },
        until: Instant::now() + limit,
    };
    loop {
        let before = search.best.choices.clone();
        search.drop_choices();
        search.lower_answers();
        if search.best.choices == before || search.is_over() {
            return Some(search.best);
        }
    }
}

struct Search<'s> {
    case: &'s dyn AnyTestCase,
    simulator: Simulator,
    /// The text of the verdict, without numbers.
    alike: String,
    best: Shrunk,
    until: Instant,
}

impl Search<'_> {
    fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }

    /// Keeps the choice log if its simulation fails in the same way. Returns the choices that this simulation made.
    /// Returns `None` if the simulation does not fail in the same way, or if the time limit has passed.
    fn takes(&mut self, choices: &[Choice]) -> Option<Vec<Choice>> {
        if self.is_over() {
            return None;
        }
        self.simulator.take_choices(choices);
        let outcome = self.case.run(&mut self.simulator);
        self.best.tried += 1;
        let alike = !outcome.verdict.is_pass() && likeness(&outcome.verdict) == self.alike;
        if alike {
            self.best.choices.clone_from(&outcome.choices);
            self.best.outcome = outcome;
        }
        alike.then(|| self.best.choices.clone())
    }

    fn drop_choices(&mut self) {
        leave_out(self.best.choices.clone(), |choices| self.takes(&choices));
    }

    fn lower_answers(&mut self) {
        let mut index = 0;
        while index < self.best.choices.len() && !self.is_over() {
            let is_kind = self.best.choices[index].point == ChoicePoint::Kind;
            let (mut low, mut high) = (0, self.best.choices[index].answer);
            while !is_kind && high - low > 1 && !self.is_over() {
                let middle = low + (high - low) / 2;
                let mut choices = self.best.choices.clone();
                let Some(choice) = choices.get_mut(index) else { break };
                choice.answer = middle;
                if self.takes(&choices).is_some() { high = middle } else { low = middle }
            }
            index += 1;
        }
    }
}

/// Returns the verdict's text without its numbers.
fn likeness(verdict: &Verdict) -> String {
    let is_number = |c: char| c.is_ascii_digit();
    let mut words: Vec<_> = verdict.kind().word().chars().collect();
    for c in verdict.to_string().chars() {
        let repeated = is_number(c) && words.last() == Some(&'#');
        if !repeated {
            words.push(if is_number(c) { '#' } else { c });
        }
    }
    words.into_iter().collect()
}
