//! A back end over a program's virtual world.
//!
//! It does the least that a back end must do: it reports a source once, and again when the base
//! asks for it or something new happens.

use std::{cell::RefCell, rc::Rc, task::Poll};

use picoevent::{Action, Backend, EventFlags, Instant, Signal, Source};

use super::{App, Base, step::instant};
use crate::{
    program::{MOST_POLLS, SIGNALS, SOURCES, bits},
    world::{Found, World},
};

pub(super) struct BackEnd {
    world: Rc<RefCell<World>>,
    sources: [Option<Source>; SOURCES],
    /// The sources found by the last poll.
    reports: Vec<(u8, u8)>,
    /// The caught signals, and their raises.
    catches: [bool; SIGNALS],
    caught: [u32; SIGNALS],
}

/// Why a program ends early.
pub(super) enum Stop {
    /// Nothing can ever happen.
    Stuck,
    TooManyPolls,
}

impl BackEnd {
    pub(super) fn new(world: Rc<RefCell<World>>, sources: [Option<Source>; SOURCES]) -> Self {
        let (catches, caught) = ([false; SIGNALS], [0; SIGNALS]);
        Self { world, sources, reports: Vec::new(), catches, caught }
    }
}

impl Backend<App> for BackEnd {
    type Error = Stop;

    fn now(&mut self) -> Instant {
        instant(self.world.borrow().clock)
    }

    fn act(&mut self, action: Action, _: &mut Base<'_>) -> Result<(), Stop> {
        match action {
            Action::Interest(source, what) => {
                let number = self.sources.iter().position(|known| *known == Some(source));
                let Some(number) = number else { return Ok(()) };
                let edge = what.contains(EventFlags::EDGE);
                let what = what.bits() & bits::IO;
                self.world.borrow_mut().interest(number as u8, what, edge);
            }
            Action::Catch(signal) => self.catches[usize::from(signal.number())] = true,
            Action::Release(signal) => self.catches[usize::from(signal.number())] = false,
            _ => {}
        }
        Ok(())
    }

    fn wait(&mut self, until: Instant, _: &mut Base<'_>) -> Poll<Result<(), Stop>> {
        let mut world = self.world.borrow_mut();
        if world.polls == MOST_POLLS {
            return Poll::Ready(Err(Stop::TooManyPolls));
        }
        let wait = until.since(instant(world.clock)).as_millis() as u64;
        let wait = (until != Instant::MAX).then_some(wait);
        let catches = |signal: usize| self.catches[signal];
        let Found::Sources(reports) = world.poll(wait, catches, &mut self.caught) else {
            return Poll::Ready(Err(Stop::Stuck));
        };
        self.reports = reports;
        Poll::Ready(Ok(()))
    }

    fn feed(&mut self, base: &mut Base<'_>) {
        for (number, what) in self.reports.drain(..) {
            if let Some(source) = self.sources[usize::from(number)] {
                base.ready(source, EventFlags::from_bits(what));
            }
        }
        for number in 1..SIGNALS {
            let raises = std::mem::take(&mut self.caught[number]);
            if let Some(signal) = Signal::new(number as u8) {
                base.raised(signal, raises as u16);
            }
        }
    }
}
