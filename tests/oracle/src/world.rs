//! The virtual world: everything outside of the loop. It has a virtual clock, sources that become ready, signals that
//! are raised, and sockets whose peers send and take bytes. A wait takes no real time. It only advances the clock.

mod socket;

use crate::program::{CONNS, ExternalEvent, SIGNALS, SOURCES, socket};
pub use socket::{Received, Socket};

/// A source, as a poll sees it.
#[derive(Clone, Copy, Default)]
struct Source {
    ready: u8,
    interest: u8,
    edge: bool,
    /// The source has become ready, or a report was requested, since the last report.
    armed: bool,
}

/// The rule for reporting a level-triggered source.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub enum Reporting {
    /// The source is reported in each poll while it is ready, as by epoll.
    #[default]
    EachPoll,
    /// The source is reported once, and again when a report is requested or the source becomes ready again. This is the
    /// minimum that picoevent's back ends must do.
    OnRequest,
}

/// The result of a poll.
pub enum Found {
    /// Sources and sockets, and the conditions for which they are ready. The list is empty if the time of the wait
    /// passed, or if only a signal was caught.
    Sources(Vec<(u8, u8)>),
    /// No event has happened, and no event can ever happen.
    Nothing,
}

#[derive(Default)]
pub struct World {
    /// The external events that are still to come. The latest event comes first.
    external_events: Vec<(u64, ExternalEvent)>,
    pub clock: u64,
    /// The number of polls.
    pub polls: u32,
    sources: [Source; SOURCES],
    pub sockets: [Socket; CONNS],
    raised: [u32; SIGNALS],
    reporting: Reporting,
}

impl World {
    pub fn new(external_events: &[(u64, ExternalEvent)], reporting: Reporting) -> Self {
        Self {
            external_events: external_events.iter().rev().copied().collect(),
            reporting,
            ..Self::default()
        }
    }

    /// Sets the conditions for which a source is ready. Each condition counts as new, even if it was already set.
    pub fn set_ready(&mut self, source: u8, what: u8) {
        let source = &mut self.sources[usize::from(source)];
        source.ready = what;
        source.armed |= what & source.interest != 0;
    }

    /// Clears conditions of a source, like a read of all data. This change is not reported.
    pub fn drain(&mut self, source: u8, what: u8) {
        self.sources[usize::from(source)].ready &= !what;
    }

    /// Raises a signal. The next poll reports the signal.
    pub fn raise(&mut self, signal: u8, count: u16) {
        self.raised[usize::from(signal)] += u32::from(count);
    }

    /// Sets the conditions for which the loop waits on a source or socket. For a source, also requests a report. The
    /// numbers of sockets follow the numbers of sources.
    pub fn set_interest(&mut self, source: u8, what: u8, edge: bool) {
        if let Some(socket) = usize::from(source).checked_sub(SOURCES) {
            self.sockets[socket].interest = what;
            return;
        }
        let source = &mut self.sources[usize::from(source)];
        (source.interest, source.edge, source.armed) = (what, edge, what != 0);
    }

    /// Polls for `wait` milliseconds, or without limit for `None`. If `catches` returns `true` for a raised signal, the
    /// poll adds its raises to `caught` and does not wait any longer. Raises of other signals are discarded.
    pub fn poll(
        &mut self,
        wait: Option<u64>,
        catches: impl Fn(usize) -> bool,
        caught: &mut [u32; SIGNALS],
    ) -> Found {
        self.polls += 1;
        let end = wait.map(|wait| self.clock + wait);
        loop {
            self.perform_external_events();
            for (signal, (sum, new)) in caught.iter_mut().zip(&mut self.raised).enumerate() {
                let raises = std::mem::take(new);
                *sum += if catches(signal) { raises } else { 0 };
            }
            let reports = self.take_ready();
            let any = !reports.is_empty() || caught.iter().any(|raises| *raises > 0);
            if any || end == Some(self.clock) {
                return Found::Sources(reports);
            }
            let next = self.external_events.last().map(|(time, _)| *time);
            match next.into_iter().chain(end).min() {
                Some(time) => self.clock = time,
                None => return Found::Nothing,
            }
        }
    }

    /// Performs the external events whose time has come.
    fn perform_external_events(&mut self) {
        while let Some((_, event)) = self.external_events.pop_if(|(time, _)| *time <= self.clock) {
            match event {
                ExternalEvent::Ready(source, what) => self.set_ready(source, what),
                ExternalEvent::Raise(signal, count) => self.raise(signal, count),
                ExternalEvent::Peer(conn, action) => self.sockets[socket(conn)].perform(action),
            }
        }
    }

    fn take_ready(&mut self) -> Vec<(u8, u8)> {
        let mut reports = Vec::new();
        for (index, source) in self.sources.iter_mut().enumerate() {
            let armed = std::mem::take(&mut source.armed);
            let each_time = !source.edge && self.reporting == Reporting::EachPoll;
            let what = source.ready & source.interest;
            if what != 0 && (armed || each_time) {
                reports.push((index as u8, what));
            }
        }
        for (index, socket) in self.sockets.iter_mut().enumerate() {
            let what = socket.take_ready(self.reporting);
            if what != 0 {
                reports.push(((SOURCES + index) as u8, what));
            }
        }
        reports
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::bits::{READ, WRITE};

    fn poll_once(world: &mut World) -> Vec<(u8, u8)> {
        match world.poll(Some(0), |_| false, &mut [0; SIGNALS]) {
            Found::Sources(reports) => reports,
            Found::Nothing => panic!("a poll that does not wait reports no end of the program"),
        }
    }

    #[test]
    fn a_level_triggered_source_is_reported_in_each_poll_or_when_requested() {
        for (reporting, second) in
            [(Reporting::EachPoll, vec![(2, READ)]), (Reporting::OnRequest, vec![])]
        {
            let mut world = World::new(&[], reporting);
            world.set_interest(2, READ, false);
            world.set_ready(2, READ | WRITE);
            assert_eq!(poll_once(&mut world), [(2, READ)]);
            assert_eq!(poll_once(&mut world), second);
            world.set_interest(2, READ, false);
            assert_eq!(poll_once(&mut world), [(2, READ)]);
        }
    }

    #[test]
    fn an_edge_triggered_source_is_reported_only_when_it_changes() {
        let mut world = World::new(&[], Reporting::EachPoll);
        world.set_interest(1, READ, true);
        world.set_ready(1, READ);
        assert_eq!(poll_once(&mut world), [(1, READ)]);
        assert_eq!(poll_once(&mut world), []);
        world.set_ready(1, READ);
        world.drain(1, READ);
        assert_eq!(poll_once(&mut world), []);
        world.set_ready(1, READ);
        assert_eq!(poll_once(&mut world), [(1, READ)]);
    }

    #[test]
    fn a_wait_ends_with_the_first_thing_that_happens() {
        let mut world = World::new(&[(7, ExternalEvent::Ready(0, READ))], Reporting::EachPoll);
        world.set_interest(0, READ, false);
        let mut caught = [0; SIGNALS];
        assert!(
            matches!(world.poll(Some(5), |_| false, &mut caught), Found::Sources(none) if none.is_empty())
        );
        assert_eq!(world.clock, 5);
        assert!(matches!(world.poll(None, |_| false, &mut caught), Found::Sources(_)));
        assert_eq!(world.clock, 7);
        world.drain(0, READ);
        assert!(matches!(world.poll(None, |_| false, &mut caught), Found::Nothing));
    }
}
