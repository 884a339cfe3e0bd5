//! The iterations of the loop, and the pass in each iteration.

use super::{EventIndex, Model, Owner};
use crate::{
    differences::Switch,
    program::{LEVELS, MOST_POLLS, SIGNALS, SOURCES, WatcherKind, bits, run},
    world::Found,
};

/// The reason for the end of a run of the loop.
enum End {
    Empty,
    Stopped,
    Stuck,
}

/// The result of the last pass.
#[derive(Clone, Copy, Default)]
struct Pass {
    /// Whether the pass called a callback. At our side: whether this pass or an earlier pass of the run did.
    called: bool,
    /// Whether there was nothing to call.
    idle: bool,
}

impl Model {
    /// Runs the loop, and writes how it ended.
    pub(super) fn run(&mut self, flags: u8) {
        (self.ended_by_exit, self.ended_by_break) = (false, false);
        if !self.ours(Switch::BreakBefore) {
            self.got_break = false;
        }
        if !self.ours(Switch::ExitFlag) {
            self.got_exit = false;
        }
        let end = self.iterations(flags);
        self.cached_now = None;
        if self.is_over {
            return;
        }
        let status = u8::from(matches!(end, End::Empty));
        let stuck = if matches!(end, End::Stuck) { " stuck" } else { "" };
        let (exit, stop) = self.stop_flags();
        let clock = self.world.clock;
        self.write_trace(format_args!("end {status} exit {exit} break {stop}{stuck} t{clock}\n"));
    }

    /// Returns two flags, each 0 or 1: whether an exit was requested, and whether a break was requested.
    pub(super) fn stop_flags(&self) -> (u8, u8) {
        let exit = self.got_exit || self.ended_by_exit;
        let stop = self.got_break || self.ended_by_break;
        (u8::from(exit), u8::from(stop))
    }

    fn iterations(&mut self, flags: u8) -> End {
        let mut last = Pass::default();
        let mut stuck = false;
        self.cached_now = None;
        loop {
            (self.cut_short, self.deferred_count) = (false, 0);
            // picoevent performs requested actions even if the loop ends.
            if self.ours(Switch::ConnPass) && !self.conns_with_actions.is_empty() {
                self.cached_now = None;
                self.perform_actions();
            }
            if self.take_stop() {
                return if stuck { End::Stuck } else { End::Stopped };
            }
            let wait = match self.before_poll(flags, last) {
                Ok(wait) => wait,
                Err(end) => return end,
            };
            self.activate_deferred();
            stuck = !self.poll(wait);
            if stuck && self.is_over {
                return End::Stuck;
            }
            let called = last.called && self.ours(Switch::DueChecked);
            last = self.after_poll(stuck);
            last.called |= called;
        }
    }

    /// Calls the prepare watchers. Returns how long to wait, or how the loop ends.
    fn before_poll(&mut self, flags: u8, last: Pass) -> Result<Option<u64>, End> {
        if self.ours(Switch::FreshWait) {
            self.cached_now = None;
        }
        let wait = self.wait_or_end(flags, last)?;
        self.cached_now = None;
        self.watch(WatcherKind::Prepare, wait);
        if self.ours(Switch::WatchersStop) && self.take_stop() {
            return Err(End::Stopped);
        }
        if self.ours(Switch::WatchersWait) { self.wait_or_end(flags, last) } else { Ok(wait) }
    }

    /// Returns how long to wait, or how the loop ends because there is nothing to wait for.
    fn wait_or_end(&self, flags: u8, last: Pass) -> Result<Option<u64>, End> {
        let once = flags & run::ONCE != 0 && last.called && self.active.now == 0;
        // At our side, actions can make callbacks due after a pass that found nothing to call.
        let is_idle = last.idle && !(self.ours(Switch::ConnPass) && self.active.now > 0);
        if once || (flags & run::NONBLOCK != 0 && is_idle) {
            return Err(End::Stopped);
        }
        let stays = flags & run::NO_EXIT_ON_EMPTY != 0;
        let is_empty = self.added.now == 0 && self.active.now == 0 && self.exit_at.is_none();
        if is_empty && !stays && !self.conns_keep_running() {
            return Err(End::Empty);
        }
        Ok(self.wait_time(flags))
    }

    /// Calls the check watchers, activates due timers, and runs a pass.
    fn after_poll(&mut self, stuck: bool) -> Pass {
        self.cached_now = Some(self.world.clock);
        if self.exit_at.is_some_and(|at| at <= self.now()) {
            (self.exit_at, self.got_exit) = (None, true);
        }
        self.in_pass = true;
        if !stuck {
            self.watch(WatcherKind::Check, None);
        }
        self.expire();
        if self.ours(Switch::ConnPass) {
            self.expire_conns();
        }
        let idle = self.active.now == 0;
        let mut may_run = !idle;
        if self.ours(Switch::WatchersStop) {
            self.cut_short = false;
            may_run &= !self.got_break;
        }
        let called = may_run && self.pass();
        self.in_pass = false;
        Pass { called, idle }
    }

    /// Returns whether the end of the loop was requested.
    fn take_stop(&mut self) -> bool {
        // In libevent, the flags for a break and an exit stay set until the next run. picoevent clears the flags, and
        // keeps the reason for the end so that the application can query it.
        if self.got_break {
            if self.ours(Switch::BreakBefore) {
                (self.got_break, self.ended_by_break) = (false, true);
            }
            return true;
        }
        if self.got_exit {
            if self.ours(Switch::ExitFlag) {
                (self.got_exit, self.ended_by_exit) = (false, true);
            }
            return true;
        }
        false
    }

    /// Returns how long the poll may wait.
    fn wait_time(&self, flags: u8) -> Option<u64> {
        if self.active.now > 0 || flags & run::NONBLOCK != 0 {
            return Some(0);
        }
        let timer = self.first().map(|(deadline, _)| deadline);
        let conn = self.first_conn_timeout().filter(|_| self.ours(Switch::ConnPass));
        let first = timer.into_iter().chain(conn).chain(self.exit_at).min()?;
        Some(first.saturating_sub(self.now()))
    }

    /// Polls, and activates the events whose conditions were reported. Returns `false` if no event can ever happen, or
    /// if there were too many polls.
    fn poll(&mut self, wait: Option<u64>) -> bool {
        if self.world.polls == MOST_POLLS {
            (self.is_over, self.got_break) = (true, true);
            return false;
        }
        if self.ours(Switch::ConnPass) {
            self.set_interest();
        }
        let waited_for: [bool; SIGNALS] =
            std::array::from_fn(|signal| !self.on_signal[signal].is_empty());
        match self.world.poll(wait, |signal| waited_for[signal], &mut self.caught) {
            Found::Nothing => {
                self.got_break = true;
                return false;
            }
            Found::Sources(reports) => {
                for (source, what) in reports {
                    if usize::from(source) >= SOURCES && self.ours(Switch::ConnPass) {
                        self.conn_ready(source, what);
                    } else {
                        self.ready(source, what);
                    }
                }
            }
        }
        if self.caught.iter().any(|raises| *raises > 0) {
            match self.signal_reader.filter(|_| !self.ours(Switch::SignalsBeforePass)) {
                Some(reader) => self.activate(reader, bits::READ, None),
                None => self.raised(),
            }
        }
        true
    }

    fn ready(&mut self, source: u8, what: u8) {
        for event in self.on_source[usize::from(source)].clone() {
            let state = &self.events[event];
            let met = state.what & what;
            let edge = if state.edge { bits::EDGE } else { 0 };
            if met != 0 {
                self.activate(event, met | edge, None);
            }
        }
    }

    /// Activates the events of all raised signals.
    pub(super) fn raised(&mut self) {
        for signal in 0..SIGNALS {
            let raises = std::mem::take(&mut self.caught[signal]);
            if raises > 0 {
                for event in self.on_signal[signal].clone() {
                    self.activate(event, bits::SIGNAL, Some(raises));
                }
            }
        }
    }

    /// Runs the active events of one priority level. Returns whether a callback of the application was called.
    fn pass(&mut self) -> bool {
        let limit = self.plan.limit;
        let end = limit.and_then(|limit| limit.time).map(|time| self.now() + time);
        let mut called = false;
        for level in 0..LEVELS {
            if self.queues[level].is_empty() {
                continue;
            }
            self.running = Some(level);
            self.no_callback_ran = false;
            called = self.level(level, end);
            if called || self.got_break || self.no_callback_ran {
                break;
            }
            // A level that has run only internal events of libevent does not end the pass.
        }
        self.running = None;
        self.pass += 1;
        called
    }

    fn level(&mut self, level: usize, end: Option<u64>) -> bool {
        let limit = self.plan.limit.filter(|limit| level >= usize::from(limit.priority));
        let most = limit.and_then(|limit| limit.callbacks);
        let mut count = 0;
        while let Some(event) = self.queues[level].front().copied() {
            if self.ours(Switch::OncePerPass) && self.has_run(event) {
                break;
            }
            if let Owner::Call(conn) = self.events[event].owner
                && self.ours(Switch::ConnPass)
            {
                if !self.conn_fire(conn) {
                    self.no_callback_ran = true;
                    continue;
                }
                count += 1;
            } else {
                count += u32::from(!self.events[event].is_internal());
                self.fire(event);
            }
            if self.got_break {
                return true;
            }
            if most.is_some_and(|most| count >= most) {
                break;
            }
            if count > 0 && end.is_some() && limit.is_some() {
                self.cached_now = Some(self.world.clock);
            }
            self.refresh_after_call();
            if count > 0 && limit.is_some() && end.is_some_and(|end| self.now() >= end) {
                break;
            }
            if self.cut_short {
                break;
            }
        }
        count > 0
    }

    /// Called after each callback. If there is a time limit, picoevent updates the time. At libevent's side, this
    /// function does nothing.
    pub(super) fn refresh_after_call(&mut self) {
        let has_time = self.plan.limit.is_some_and(|limit| limit.time.is_some());
        if has_time && self.ours(Switch::LimitClock) {
            self.cached_now = Some(self.world.clock);
        }
    }

    fn fire(&mut self, event: EventIndex) {
        if let Some(slot) = self.events[event].slot {
            self.last_pass[slot] = self.pass;
        }
        if self.events[event].persist {
            self.dequeue(event);
        } else {
            self.remove(event);
        }
        match self.events[event].owner {
            Owner::Declared(id) if self.events[event].is_signal() => self.signal_closure(event, id),
            Owner::Declared(id) => {
                self.rearm(event);
                self.call(id, self.events[event].result);
            }
            Owner::Once(id) => {
                self.call(id, self.events[event].result);
                self.give_slot(event);
            }
            Owner::Exit => self.got_exit = true,
            Owner::Signals => self.raised(),
            Owner::CommonTimeout(common) => self.on_common_timeout(common),
            Owner::Io(conn, direction) => {
                self.rearm(event);
                self.bev_io(conn, direction, self.events[event].result);
            }
            Owner::Call(conn) => self.bev_run_deferred(conn),
            Owner::Finalizer => {}
        }
    }
}
