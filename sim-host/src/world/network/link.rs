//! One direction of the cable: decides what happens to a frame.
//!
//! ```text
//!  frame ─▶ down? ─▶ cut? ─▶ too long? ─▶ lost? ─▶ rate and queue ─▶ delay, jitter ─▶ late? ─▶ clog ─▶
//! ```

use crate::world::choices::choice_log::ChoiceLog;
use crate::world::choices::choice_point::{ChoicePoint, MAX_DELAY, Stream};
use crate::world::choices::fault::Fault;
use crate::world::choices::kinds::FaultKind;
use crate::world::observe::observer::{Direction, Fate};

/// The longest time a frame waits on a slow link, in microseconds. A frame that would wait longer is dropped.
const QUEUE: u64 = 200_000;

/// One direction of the cable.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    stream: Stream,
    to_device: bool,
    delay: u64,
    /// The effects of the active faults. `jitter`, `rate` and `mtu` are limits, in the units of the faults' severity.
    /// The other fields are probabilities in thousandths.
    odds: Odds,
    cut: bool,
    clogged_until: u64,
    busy_until: u64,
    last_arrival: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Odds {
    loss: u64,
    duplication: u64,
    reordering: u64,
    corruption: u64,
    forgery: u64,
    jitter: u64,
    rate: u64,
    mtu: u64,
}

/// A link's decision about a frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decision {
    pub(crate) fate: Fate,
    pub(crate) late: bool,
    /// The frame waits in the queue of a slow link.
    pub(crate) slowed: bool,
    pub(crate) jittered: bool,
    /// The frame waits for a clog to end.
    pub(crate) held: bool,
    /// The number of the flipped bit plus one; zero for none.
    pub(crate) flipped: u64,
    /// The number of the changed byte plus one; zero for none.
    pub(crate) forged: u64,
    /// The arrival time of a second copy, if there is one.
    pub(crate) again: Option<u64>,
}

impl Decision {
    const DROPPED: Self = Self {
        fate: Fate::Lost,
        late: false,
        slowed: false,
        jittered: false,
        held: false,
        flipped: 0,
        forged: 0,
        again: None,
    };
}

impl Link {
    pub(crate) fn new(direction: Direction, delay: u64) -> Self {
        let to_device = direction == Direction::ToDevice;
        Self {
            stream: if to_device { Stream::ToDevice } else { Stream::ToPeer },
            to_device,
            delay,
            odds: Odds::default(),
            cut: false,
            clogged_until: 0,
            busy_until: 0,
            last_arrival: 0,
        }
    }

    /// Sets the active faults.
    pub(crate) fn set_faults<'f>(&mut self, faults: impl Iterator<Item = &'f Fault>) {
        self.odds = Odds::default();
        (self.cut, self.clogged_until) = (false, 0);
        let to_device = self.to_device;
        for fault in faults.filter(|fault| fault.affects(to_device)) {
            let odds = &mut self.odds;
            let severity = fault.severity;
            match fault.kind {
                FaultKind::Loss => odds.loss = odds.loss.max(severity),
                FaultKind::Duplication => odds.duplication = odds.duplication.max(severity),
                FaultKind::Reordering => odds.reordering = odds.reordering.max(severity),
                FaultKind::Corruption => odds.corruption = odds.corruption.max(severity),
                FaultKind::Forgery => odds.forgery = odds.forgery.max(severity),
                FaultKind::Jitter => odds.jitter = odds.jitter.max(severity),
                FaultKind::Rate => odds.rate = severity,
                FaultKind::Mtu => odds.mtu = severity,
                FaultKind::Partition => self.cut = true,
                FaultKind::Clog => self.clogged_until = self.clogged_until.max(fault.until),
                _ => {}
            }
        }
    }

    /// Decides what happens to a frame of `length` bytes that is sent now.
    pub(crate) fn decide(&mut self, length: usize, choice_log: &mut ChoiceLog) -> Decision {
        let (now, odds) = (choice_log.now, self.odds);
        let dropped = |fate| Decision { fate, ..Decision::DROPPED };
        if self.cut {
            return dropped(Fate::Partitioned);
        }
        if odds.mtu > 0 && length as u64 > odds.mtu {
            return dropped(Fate::TooLong);
        }
        if self.happens(odds.loss, ChoicePoint::Lost, choice_log, 1, 1) > 0 {
            return dropped(Fate::Lost);
        }
        let mut leaves = now;
        if odds.rate > 0 {
            let begins = self.busy_until.max(now);
            if begins - now > QUEUE {
                return dropped(Fate::QueueFull);
            }
            leaves = begins.saturating_add(transmission(length, odds.rate));
            self.busy_until = leaves;
        }
        let mut arrival = leaves + self.delay;
        let jitter = match odds.jitter {
            0 => 0,
            most => self.happens(500, ChoicePoint::Jitter, choice_log, 1, most).min(MAX_DELAY),
        };
        arrival += jitter;
        let held = arrival < self.clogged_until;
        arrival = arrival.max(self.last_arrival).max(self.clogged_until);
        let late = self
            .happens(odds.reordering, ChoicePoint::Late, choice_log, 10, 300_000)
            .min(MAX_DELAY);
        if late == 0 {
            self.last_arrival = arrival;
        }
        let duplicated =
            self.happens(odds.duplication, ChoicePoint::Duplicated, choice_log, 1, 500_000);
        Decision {
            fate: Fate::Arrives(arrival + late),
            late: late > 0,
            slowed: leaves > now,
            jittered: jitter > 0,
            held,
            flipped: self.happens(
                odds.corruption,
                ChoicePoint::Flipped,
                choice_log,
                1,
                length as u64 * 8,
            ),
            forged: self.happens(odds.forgery, ChoicePoint::Forged, choice_log, 1, length as u64),
            again: (duplicated > 0).then(|| arrival + duplicated.min(MAX_DELAY)),
        }
    }

    /// Decides whether an event happens, with a probability of `odds` / 1000. If the event happens, returns a random
    /// number from `low` to `high`. If the event does not happen, returns zero.
    fn happens(
        &self,
        odds: u64,
        point: ChoicePoint,
        choice_log: &mut ChoiceLog,
        low: u64,
        high: u64,
    ) -> u64 {
        match odds {
            0 => 0,
            odds => choice_log.choose(self.stream, point, |random| match random.chance(odds) {
                true => random.between(low, high),
                false => 0,
            }),
        }
    }
}

/// Returns the time in microseconds to send `bytes` bytes at `rate` bytes per second.
fn transmission(bytes: usize, rate: u64) -> u64 {
    let takes = (bytes as u64).saturating_mul(1_000_000).checked_div(rate);
    takes.unwrap_or(0).min(MAX_DELAY)
}
