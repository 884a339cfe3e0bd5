//! The simulator's cable for use in other programs: it applies the faults of a scenario to frames from any source, in
//! virtual or real time.
//!
//! ```
//! use picoevent_sim::world::{Cable, Direction, Scenario};
//!
//! let scenario: Scenario = "latency = '5 ms'".parse()?;
//! let mut cable = Cable::new(&scenario, 0);
//! cable.send(1_000, Direction::ToDevice, b"a frame");
//! assert_eq!(cable.deadline(), Some(6_000));
//! cable.advance(6_000);
//! assert_eq!(cable.take(Direction::ToDevice).as_deref(), Some(&b"a frame"[..]));
//! # Ok::<(), picoevent_sim::world::ScenarioError>(())
//! ```

use crate::world::choices::choice_log::ChoiceLog;
use crate::world::choices::choice_point::{ChoicePoint, LATENCY, MOST, Stream};
use crate::world::choices::fault::Fault;
use crate::world::choices::kinds::FaultKind;
use crate::world::choices::scenario::Scenario;
use crate::world::network::ether::Ether;
use crate::world::observe::observer::{Direction, Observer};

/// A cable between two hosts. One of the hosts is called the device.
///
/// All times are in microseconds since the cable was made. The cable has no clock: the caller passes the current time.
/// What happens to each frame is chosen at random from the seed. The same results are repeated only if the hosts send
/// the same frames at the same times.
pub struct Cable {
    ether: Ether,
    faults: Vec<Fault>,
    /// At the previous check: the number of faults that had begun, and the number of faults that had ended.
    seen: Option<(usize, usize)>,
}

impl Cable {
    /// Makes a cable with the faults of a scenario and the random numbers of a seed. The cable uses only the latency
    /// and the faults of the cable from the scenario.
    pub fn new(scenario: &Scenario, seed: u64) -> Self {
        let mut ether = Ether::new();
        ether.choice_log = ChoiceLog::of_scenario(&scenario.lines, seed);
        let latency = ether.choice_log.choose(Stream::Setup, ChoicePoint::Latency, |_| 0);
        let count = ether.choice_log.choose(Stream::Setup, ChoicePoint::Faults, |_| 0).min(MOST);
        let choose = |nth| Fault::choose(&mut ether.choice_log, nth as u32, u64::MAX, u64::MAX);
        let faults: Vec<_> = (0..count).map(choose).collect();
        ether.restart(LATENCY + latency);
        let faults = faults.into_iter().filter(|fault| is_of_cable(fault.kind)).collect();
        let mut cable = Self { ether, faults, seen: None };
        cable.advance(0);
        cable
    }

    /// Returns the faults of the cable.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// Sets the observer.
    pub fn observe(&mut self, observer: Box<dyn Observer>) {
        self.ether.observer = Some(observer);
    }

    /// Sends a frame at the time `now`.
    pub fn send(&mut self, now: u64, direction: Direction, frame: &[u8]) {
        self.advance(now);
        self.ether.send(direction, frame.to_vec());
    }

    /// Advances the time to `now`. The faults that are due until `now` begin or end, and the frames that are due
    /// arrive.
    pub fn advance(&mut self, now: u64) {
        // Advances in steps, so that each frame arrives while the faults of its arrival time are active.
        while let Some(at) = self.deadline().filter(|at| *at <= now) {
            self.step(at.max(self.ether.choice_log.now));
        }
        self.step(now.max(self.ether.choice_log.now));
    }

    /// Takes the next frame that has arrived, or returns `None` if no frame has arrived.
    pub fn take(&mut self, direction: Direction) -> Option<Vec<u8>> {
        match direction {
            Direction::ToDevice => self.ether.to_device.pop_front(),
            Direction::ToPeer => self.ether.to_peer.pop_front(),
        }
    }

    /// Returns whether there is a frame to [`take`](Self::take).
    pub fn has_arrived(&self, direction: Direction) -> bool {
        match direction {
            Direction::ToDevice => !self.ether.to_device.is_empty(),
            Direction::ToPeer => !self.ether.to_peer.is_empty(),
        }
    }

    /// Returns the time of the next event, if there is one: a frame arrives, or a fault begins or ends.
    pub fn deadline(&self) -> Option<u64> {
        let now = self.ether.choice_log.now;
        let changes = self.faults.iter().flat_map(|fault| [fault.from, fault.until]);
        changes.filter(|at| *at > now).chain(self.ether.next_arrival()).min()
    }

    fn step(&mut self, now: u64) {
        self.ether.choice_log.now = now;
        let begun = self.faults.iter().filter(|fault| fault.from <= now).count();
        let ended = self.faults.iter().filter(|fault| fault.until <= now).count();
        if self.seen.replace((begun, ended)) != Some((begun, ended)) {
            self.report_faults(now);
            let active = self.faults.iter().filter(|fault| fault.from <= now && now < fault.until);
            self.ether.set_faults(active);
        }
        self.ether.deliver();
    }

    /// Reports to the observer the faults that begin or end now.
    fn report_faults(&mut self, now: u64) {
        let Some(observer) = &mut self.ether.observer else { return };
        for fault in &self.faults {
            if fault.from == now {
                observer.fault(now, fault, true);
            }
            if fault.until == now {
                observer.fault(now, fault, false);
            }
        }
    }
}

/// Returns whether the fault affects the cable and not one of the hosts.
const fn is_of_cable(kind: FaultKind) -> bool {
    kind.has_direction() || matches!(kind, FaultKind::LinkDown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cable(scenario: &str, seed: u64) -> Cable {
        Cable::new(&scenario.parse().unwrap(), seed)
    }

    /// Sends a frame every millisecond. Returns the frames that arrived, with their arrival times.
    fn arrivals(cable: &mut Cable, count: u64) -> Vec<(u64, Vec<u8>)> {
        let mut arrived = Vec::new();
        for now in 0..count * 10 {
            if now < count {
                cable.send(now * 1_000, Direction::ToPeer, &now.to_le_bytes());
            }
            cable.advance(now * 1_000);
            arrived.extend(
                std::iter::from_fn(|| cable.take(Direction::ToPeer)).map(|f| (now * 1_000, f)),
            );
        }
        arrived
    }

    #[test]
    fn the_scenario_decides_the_share_of_lost_frames() {
        let loss = "[[fault]]\nkind = 'loss'\nseverity = '30 %'\nfrom = '0 s'\nlasts = '1 h'";
        let arrived = arrivals(&mut cable(loss, 1), 1_000).len();
        assert!((600..800).contains(&arrived), "{arrived} of 1,000");
        assert_eq!(arrivals(&mut cable(loss, 1), 100), arrivals(&mut cable(loss, 1), 100));
        assert_ne!(arrivals(&mut cable(loss, 1), 100), arrivals(&mut cable(loss, 2), 100));
    }

    #[test]
    fn a_fault_lasts_for_its_time_and_faults_of_hosts_are_ignored() {
        let cut = "[[fault]]\nkind = 'partition'\nfrom = '10 ms'\nlasts = '20 ms'\n\
                   [[fault]]\nkind = 'reboot'\nfrom = '1 ms'";
        let mut cable = cable(cut, 0);
        assert_eq!(cable.faults().len(), 1);
        let numbers: Vec<u64> = arrivals(&mut cable, 50)
            .into_iter()
            .map(|(_, frame)| u64::from_le_bytes(frame.try_into().unwrap()))
            .collect();
        assert_eq!(numbers, (0..10).chain(30..50).collect::<Vec<_>>());
    }

    #[test]
    fn a_clog_delays_and_keeps_the_order() {
        let clog = "[[fault]]\nkind = 'clog'\nfrom = '10 ms'\nlasts = '200 ms'";
        let arrived = arrivals(&mut cable(clog, 0), 50);
        let (before, after): (Vec<_>, Vec<_>) = arrived.iter().partition(|(at, _)| *at < 12_000);
        assert_eq!((before.len(), after.len()), (10, 40));
        assert!(after.iter().all(|(at, _)| *at == 210_000));
    }
}
