//! A queue of slot indexes, written by hand, and a table with a function for each slot. No loop can do less work.

use std::collections::VecDeque;

use anyhow::Result;

use super::{Active, Body};

type Call = fn(&mut App, &mut VecDeque<u32>, u32);

struct Queue {
    slots: Vec<Option<Call>>,
    active: VecDeque<u32>,
    app: App,
}

#[derive(Default)]
struct App {
    left: u64,
    calls: u64,
}

pub(super) fn run(events: u32, body: Body<'_>) -> Result<()> {
    let slots = vec![Some(on_event as Call); events as usize];
    let active = VecDeque::with_capacity(slots.len());
    body(&mut Queue { slots, active, app: App::default() })
}

impl Active for Queue {
    fn run(&mut self, callbacks: u64) -> Result<u64> {
        let Self { slots, active, app } = self;
        *app = App { left: callbacks - slots.len() as u64, calls: 0 };
        active.extend(0..slots.len() as u32);
        while let Some(key) = active.pop_front() {
            if let Some(Some(call)) = slots.get(key as usize) {
                call(app, active, key);
            }
        }
        Ok(app.calls)
    }
}

fn on_event(app: &mut App, active: &mut VecDeque<u32>, key: u32) {
    app.calls += 1;
    if app.left > 0 {
        app.left -= 1;
        active.push_back(key);
    }
}
