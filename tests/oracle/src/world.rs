//! The world outside of a loop: a virtual clock, sources that become ready, signals that are
//! raised, sockets whose peers send and take bytes. Nothing here really waits; a wait advances the clock.

mod socket;

use crate::program::{CONNS, News, SIGNALS, SOURCES, socket};
pub use socket::{Received, Socket};

/// A source, as its poller sees it.
#[derive(Clone, Copy, Default)]
struct Source {
    ready: u8,
    interest: u8,
    edge: bool,
    /// Something has happened, or a report was requested, since the last report.
    armed: bool,
}

/// The rule for reporting a level-triggered source.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub enum Level {
    /// In each poll while it is ready, as epoll does.
    #[default]
    EachLook,
    /// Once, and again when a report is requested or something happens: the least that picoevent's
    /// back ends must do.
    WhenAsked,
}

/// The result of a poll.
pub enum Found {
    /// Sources and sockets, and what they are ready for; empty if the wait ended before anything happened.
    Sources(Vec<(u8, u8)>),
    /// Nothing, and nothing can ever happen.
    Nothing,
}

#[derive(Default)]
pub struct World {
    /// Future events. The latest comes first.
    news: Vec<(u64, News)>,
    pub clock: u64,
    /// The number of polls.
    pub polls: u32,
    sources: [Source; SOURCES],
    pub sockets: [Socket; CONNS],
    raised: [u32; SIGNALS],
    level: Level,
}

impl World {
    pub fn new(news: &[(u64, News)], level: Level) -> Self {
        Self { news: news.iter().rev().copied().collect(), level, ..Self::default() }
    }

    /// Sets the conditions for which a source is ready. Each counts as new, even if it held before.
    pub fn ready(&mut self, source: u8, what: u8) {
        let source = &mut self.sources[usize::from(source)];
        source.ready = what;
        source.armed |= what & source.interest != 0;
    }

    /// Ends conditions of a source. This is not reported.
    pub fn drain(&mut self, source: u8, what: u8) {
        self.sources[usize::from(source)].ready &= !what;
    }

    /// Raises a signal. It is reported by the next poll.
    pub fn raise(&mut self, signal: u8, count: u16) {
        self.raised[usize::from(signal)] += u32::from(count);
    }

    /// Sets the awaited conditions, and requests a report. The numbers of sockets follow those of sources.
    pub fn interest(&mut self, source: u8, what: u8, edge: bool) {
        if let Some(socket) = usize::from(source).checked_sub(SOURCES) {
            self.sockets[socket].interest = what;
            return;
        }
        let source = &mut self.sources[usize::from(source)];
        (source.interest, source.edge, source.armed) = (what, edge, what != 0);
    }

    /// Polls for `wait` milliseconds or without limit. Raises of signals that are set in `catches`
    /// are added to `caught`; any raise ends the wait.
    pub fn poll(
        &mut self,
        wait: Option<u64>,
        catches: impl Fn(usize) -> bool,
        caught: &mut [u32; SIGNALS],
    ) -> Found {
        self.polls += 1;
        let end = wait.map(|wait| self.clock + wait);
        loop {
            self.happen();
            for (signal, (sum, new)) in caught.iter_mut().zip(&mut self.raised).enumerate() {
                let raises = std::mem::take(new);
                *sum += if catches(signal) { raises } else { 0 };
            }
            let reports = self.report();
            let any = !reports.is_empty() || caught.iter().any(|raises| *raises > 0);
            if any || end == Some(self.clock) {
                return Found::Sources(reports);
            }
            let next = self.news.last().map(|(time, _)| *time);
            match next.into_iter().chain(end).min() {
                Some(time) => self.clock = time,
                None => return Found::Nothing,
            }
        }
    }

    /// Performs the events whose time has come.
    fn happen(&mut self) {
        while let Some((_, news)) = self.news.pop_if(|(time, _)| *time <= self.clock) {
            match news {
                News::Ready(source, what) => self.ready(source, what),
                News::Raise(signal, count) => self.raise(signal, count),
                News::Peer(conn, peer) => self.sockets[socket(conn)].peer(peer),
            }
        }
    }

    fn report(&mut self) -> Vec<(u8, u8)> {
        let mut reports = Vec::new();
        for (index, source) in self.sources.iter_mut().enumerate() {
            let armed = std::mem::take(&mut source.armed);
            let each_time = !source.edge && self.level == Level::EachLook;
            let what = source.ready & source.interest;
            if what != 0 && (armed || each_time) {
                reports.push((index as u8, what));
            }
        }
        for (index, socket) in self.sockets.iter_mut().enumerate() {
            let what = socket.report(self.level);
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

    fn look(world: &mut World) -> Vec<(u8, u8)> {
        match world.poll(Some(0), |_| false, &mut [0; SIGNALS]) {
            Found::Sources(reports) => reports,
            Found::Nothing => panic!("a look without a wait always comes back"),
        }
    }

    #[test]
    fn a_level_triggered_source_is_reported_in_each_poll_or_when_asked() {
        for (level, second) in [(Level::EachLook, vec![(2, READ)]), (Level::WhenAsked, vec![])] {
            let mut world = World::new(&[], level);
            world.interest(2, READ, false);
            world.ready(2, READ | WRITE);
            assert_eq!(look(&mut world), [(2, READ)]);
            assert_eq!(look(&mut world), second);
            world.interest(2, READ, false);
            assert_eq!(look(&mut world), [(2, READ)]);
        }
    }

    #[test]
    fn an_edge_triggered_source_is_reported_only_for_news() {
        let mut world = World::new(&[], Level::EachLook);
        world.interest(1, READ, true);
        world.ready(1, READ);
        assert_eq!(look(&mut world), [(1, READ)]);
        assert_eq!(look(&mut world), []);
        world.ready(1, READ);
        world.drain(1, READ);
        assert_eq!(look(&mut world), []);
        world.ready(1, READ);
        assert_eq!(look(&mut world), [(1, READ)]);
    }

    #[test]
    fn a_wait_ends_with_the_first_thing_that_happens() {
        let mut world = World::new(&[(7, News::Ready(0, READ))], Level::EachLook);
        world.interest(0, READ, false);
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
