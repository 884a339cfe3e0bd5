//! Compares the traces of one program.
//!
//! libevent's trace must equal the trace of the model with all switches at libevent's side. picoevent's trace must
//! equal the trace of the model with all switches at our side. Then the switches are turned one after another from our
//! side to libevent's side. Each switch that changes the trace is a difference that the program uses. If a program uses
//! no difference, the traces of libevent and picoevent are the same.

use std::{
    cell::Cell,
    panic::{self, AssertUnwindSafe},
    path::Path,
    rc::Rc,
};

use anyhow::Result;

use crate::{
    differences::{DIFFERENCES, Sides},
    libevent::Libevent,
    model,
    play::Stage,
    program::{Plan, Program},
};

/// Which two traces differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// libevent and its model: the model is wrong.
    Libevent,
    /// picoevent and its model.
    Ours,
}

/// Two traces that should be the same.
#[derive(Clone, Debug)]
pub struct Mismatch {
    pub side: Side,
    pub model: String,
    pub played: String,
}

/// The two players, for one program at a time.
pub struct Pair {
    libevent: Libevent,
    stage: Stage,
}

impl Pair {
    /// Starts the player of libevent.
    pub fn start(player: &Path) -> Result<Self> {
        Ok(Self { libevent: Libevent::start(player)?, stage: Stage::default() })
    }

    /// Plays a program on libevent and on picoevent. Returns the differences that it uses as bits, or the mismatch.
    pub fn play(&mut self, program: &Program) -> Result<Result<u64, Mismatch>> {
        self.libevent.give([program])?;
        let expected = Expected::new(&mut self.stage, program);
        Ok(expected.compare(self.libevent.trace()?))
    }
}

/// The traces of picoevent and of the model.
pub struct Expected {
    plan: Rc<Plan>,
    ours: String,
    mismatch: Option<Mismatch>,
}

impl Expected {
    /// Plays the program on picoevent and on its model.
    pub fn new(stage: &mut Stage, program: &Program) -> Self {
        let plan = Rc::new(Plan::new(program));
        let ours = model::play(&plan, Sides::OURS);
        let played = play_or_panic(stage, &plan);
        let differs = played != ours;
        let mismatch = differs.then(|| Mismatch { side: Side::Ours, model: ours.clone(), played });
        Self { plan, ours, mismatch }
    }

    /// Compares with libevent's trace. Returns the differences used, as bits.
    ///
    /// # Errors
    /// The two traces that should be the same.
    pub fn compare(self, libevent: String) -> Result<u64, Mismatch> {
        if let Some(mismatch) = self.mismatch {
            return Err(mismatch);
        }
        let model = model::play(&self.plan, Sides::LIBEVENT);
        if model != libevent {
            return Err(Mismatch { side: Side::Libevent, model, played: libevent });
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
            let after = model::play(&self.plan, sides);
            if after != before {
                used |= 1 << bit;
            }
            before = after;
        }
        used
    }
}

thread_local! {
    /// True while the core plays. A panic then is a panic of the core, and part of its trace.
    static PLAYING: Cell<bool> = const { Cell::new(false) };
}

/// Keeps panics of the core out of the output; they are part of the trace. Called once, before the
/// first program.
pub fn catch_panics() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !PLAYING.get() {
            usual(info);
        }
    }));
}

fn play_or_panic(stage: &mut Stage, plan: &Rc<Plan>) -> String {
    PLAYING.set(true);
    let played = panic::catch_unwind(AssertUnwindSafe(|| stage.play(plan)));
    PLAYING.set(false);
    played.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        format!("it panicked: {}\n", text.unwrap_or("without a message"))
    })
}

impl Mismatch {
    /// Returns the first lines that differ, with some lines before them.
    pub fn excerpt(&self) -> String {
        let (model, played): (Vec<_>, Vec<_>) =
            (self.model.lines().collect(), self.played.lines().collect());
        let same = model.iter().zip(&played).take_while(|(a, b)| a == b).count();
        let name = match self.side {
            Side::Libevent => "libevent",
            Side::Ours => "picoevent",
        };
        let mut text = String::new();
        for line in &model[same.saturating_sub(3)..same] {
            text += &format!("           {line}\n");
        }
        for (who, lines) in [("expected", &model), (name, &played)] {
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
        let mut stage = Stage::default();
        for kind in Kind::ALL {
            for seed in 0..500 {
                let expected = Expected::new(&mut stage, &generate(kind, seed));
                let mismatch = expected.mismatch.map(|mismatch| mismatch.excerpt());
                assert_eq!(mismatch, None, "seed {seed} of {kind}");
            }
        }
    }
}
