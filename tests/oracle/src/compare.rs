//! Compares the traces of one program.
//!
//! The model has one switch for each intended difference between libevent and picoevent. A switch selects libevent's
//! behaviour (libevent's side) or picoevent's behaviour (our side). libevent's trace must equal the trace of the model
//! with all switches at libevent's side. picoevent's trace must equal the trace of the model with all switches at our
//! side.
//!
//! Then the switches are turned one after another from our side to libevent's side. If a turned switch changes the
//! trace, the program uses the difference of this switch. If a program uses no difference, the traces of libevent and
//! picoevent are the same.

use std::{
    cell::Cell,
    panic::{self, AssertUnwindSafe},
    path::Path,
    rc::Rc,
};

use anyhow::Result;

use crate::{
    core_runner::CoreRunner,
    differences::{DIFFERENCES, Sides},
    libevent_runner::LibeventRunner,
    model,
    program::{Plan, Program},
};

/// The two traces that differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The traces of libevent and of the model at libevent's side. If they differ, the model is wrong.
    Libevent,
    /// The traces of picoevent and of the model at our side.
    Ours,
}

/// Two traces that should be the same.
#[derive(Clone, Debug)]
pub struct Mismatch {
    pub side: Side,
    pub model: String,
    pub actual: String,
}

/// Runs programs on libevent and on picoevent, one program at a time.
pub struct Comparator {
    libevent: LibeventRunner,
    core: CoreRunner,
}

impl Comparator {
    /// Starts the process that runs programs on libevent.
    pub fn start(libevent_runner: &Path) -> Result<Self> {
        Ok(Self { libevent: LibeventRunner::start(libevent_runner)?, core: CoreRunner::default() })
    }

    /// Runs a program on libevent and on picoevent. Returns the differences that the program uses, one bit for each, or
    /// the mismatch.
    pub fn run(&mut self, program: &Program) -> Result<Result<u64, Mismatch>> {
        self.libevent.send([program])?;
        let expected = Expected::new(&mut self.core, program);
        Ok(expected.compare(self.libevent.read_trace()?))
    }
}

/// The traces of picoevent and of the model.
pub struct Expected {
    plan: Rc<Plan>,
    ours: String,
    mismatch: Option<Mismatch>,
}

impl Expected {
    /// Runs the program on picoevent and on the model at our side.
    pub fn new(core: &mut CoreRunner, program: &Program) -> Self {
        let plan = Rc::new(Plan::new(program));
        let ours = model::run(&plan, Sides::OURS);
        let actual = run_core(core, &plan);
        let differs = actual != ours;
        let mismatch = differs.then(|| Mismatch { side: Side::Ours, model: ours.clone(), actual });
        Self { plan, ours, mismatch }
    }

    /// Compares with libevent's trace. Returns the differences that the program uses, one bit for each.
    ///
    /// # Errors
    /// If two traces that should be the same differ, returns these two traces.
    pub fn compare(self, libevent: String) -> Result<u64, Mismatch> {
        if let Some(mismatch) = self.mismatch {
            return Err(mismatch);
        }
        let model = model::run(&self.plan, Sides::LIBEVENT);
        if model != libevent {
            return Err(Mismatch { side: Side::Libevent, model, actual: libevent });
        }
        if model == self.ours {
            return Ok(0);
        }
        Ok(self.used())
    }

    fn used(&self) -> u64 {
        let (mut used, mut sides, mut before) = (0, Sides::OURS, self.ours.clone());
        for (bit, difference) in DIFFERENCES.iter().enumerate() {
            sides = sides.turned(difference.switch);
            let after = model::run(&self.plan, sides);
            if after != before {
                used |= 1 << bit;
            }
            before = after;
        }
        used
    }
}

thread_local! {
    /// Whether the core runs a program now. A panic during this time comes from the core, and becomes part of the
    /// core's trace.
    static CORE_IS_RUNNING: Cell<bool> = const { Cell::new(false) };
}

/// Installs a panic hook that does not print panics of the core, because these panics are part of the trace. Call it
/// once, before the first program.
pub fn catch_panics() {
    let previous_hook = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !CORE_IS_RUNNING.get() {
            previous_hook(info);
        }
    }));
}

fn run_core(core: &mut CoreRunner, plan: &Rc<Plan>) -> String {
    CORE_IS_RUNNING.set(true);
    let actual = panic::catch_unwind(AssertUnwindSafe(|| core.run(plan)));
    CORE_IS_RUNNING.set(false);
    actual.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        format!("it panicked: {}\n", text.unwrap_or("without a message"))
    })
}

impl Mismatch {
    /// Returns the first lines that differ, with some lines before them.
    pub fn excerpt(&self) -> String {
        let (model, actual): (Vec<_>, Vec<_>) =
            (self.model.lines().collect(), self.actual.lines().collect());
        let same = model.iter().zip(&actual).take_while(|(a, b)| a == b).count();
        let name = match self.side {
            Side::Libevent => "libevent",
            Side::Ours => "picoevent",
        };
        let mut text = String::new();
        for line in &model[same.saturating_sub(3)..same] {
            text += &format!("           {line}\n");
        }
        for (who, lines) in [("expected", &model), (name, &actual)] {
            for line in lines.iter().skip(same).take(3) {
                text += &format!("{who:<9}  {line}\n");
            }
            if lines.len() <= same {
                text += &format!("{who:<9}  (nothing more)\n");
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::{Kind, generate};

    #[test]
    fn the_model_at_our_side_and_the_core_agree() {
        let mut core = CoreRunner::default();
        for kind in Kind::ALL {
            for seed in 0..500 {
                let expected = Expected::new(&mut core, &generate(kind, seed));
                let mismatch = expected.mismatch.map(|mismatch| mismatch.excerpt());
                assert_eq!(mismatch, None, "seed {seed} of {kind}");
            }
        }
    }
}
