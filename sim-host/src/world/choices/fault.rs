//! Faults: the kind, the direction, the severity and the time.
//!
//! With a seed, each fault lasts for 10 ms to 8 s, so that the device has to work while the fault is active. Each fault
//! ends at the latest when the quiet phase begins. In the quiet phase, all clients must be served.

use crate::world::choices::choice_log::ChoiceLog;
use crate::world::choices::choice_point::{ChoicePoint, Stream};
use crate::world::choices::kinds::FaultKind;

/// The direction of the frames that a cable fault affects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultDirection {
    /// Frames in both directions.
    Both,
    /// Frames to the device.
    ToDevice,
    /// Frames to the peers.
    ToPeer,
}

/// One fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The kind of fault.
    pub kind: FaultKind,
    /// The direction of the affected frames, if the fault is a fault of the cable.
    pub direction: FaultDirection,
    /// The start time, in microseconds of the simulation.
    pub from: u64,
    /// The end time, in microseconds of the simulation.
    pub until: u64,
    /// The severity. The unit depends on the kind of fault.
    pub severity: u64,
}

impl FaultKind {
    /// Returns the lowest and the highest severity that can be chosen with a seed.
    const fn severities(self) -> (u64, u64) {
        match self {
            Self::Loss | Self::Duplication | Self::Reordering | Self::Corruption => (20, 900),
            Self::Forgery => (20, 500),
            Self::Jitter => (100, 500_000),
            Self::Rate => (500, 1_000_000),
            Self::Mtu => (60, 600),
            Self::ClockStep => (1, 3_600_000_000),
            _ => (0, 0),
        }
    }
}

impl Fault {
    /// Chooses the fault with the number `nth`. With a seed, only kinds whose bit is set in `allowed` are chosen. The
    /// fault ends at the time `quiet` at the latest.
    pub(crate) fn choose(choice_log: &mut ChoiceLog, nth: u32, allowed: u64, quiet: u64) -> Self {
        let kind_number = choice_log.choose_for(Stream::Fault, ChoicePoint::Kind, nth, |random| {
            // `allowed` limits the kinds that are chosen with a seed. It does not limit the kinds in a given choice
            // log.
            let kind = random.between(1, FaultKind::ALL.len() as u64 - 1);
            if allowed & (1 << kind) == 0 { 0 } else { kind }
        });
        let kind = FaultKind::of_answer(kind_number);
        if kind == FaultKind::None {
            return Self { kind, direction: FaultDirection::Both, from: 0, until: 0, severity: 0 };
        }
        let mut choose = |point, low, high| choose_in_range(choice_log, point, nth, low, high);
        let (low, high) = kind.severities();
        let severity = if high > 0 { choose(ChoicePoint::Severity, low, high) } else { 0 };
        let from = choice_log.choose_for(Stream::Fault, ChoicePoint::Start, nth, |random| {
            if random.chance(300) { 0 } else { random.spread(1_000, 10_000_000) }
        });
        let from = from.min(quiet);
        let mut choose = |point, low, high| choose_in_range(choice_log, point, nth, low, high);
        let life = choose(ChoicePoint::Life, 10_000, 8_000_000);
        let direction = match choose(ChoicePoint::Direction, 0, 2) {
            1 => FaultDirection::ToDevice,
            2 => FaultDirection::ToPeer,
            _ => FaultDirection::Both,
        };
        Self { kind, direction, from, until: from.saturating_add(life).min(quiet), severity }
    }

    /// Returns whether the fault affects frames in this direction.
    pub(crate) fn affects(&self, to_device: bool) -> bool {
        match self.direction {
            FaultDirection::Both => true,
            FaultDirection::ToDevice => to_device,
            FaultDirection::ToPeer => !to_device,
        }
    }
}

fn choose_in_range(
    choice_log: &mut ChoiceLog,
    point: ChoicePoint,
    nth: u32,
    low: u64,
    high: u64,
) -> u64 {
    choice_log.choose_for(Stream::Fault, point, nth, |random| match low {
        0 => random.below(high + 1),
        low => random.spread(low, high),
    })
}

impl FaultKind {
    /// Returns whether the fault affects frames, in one direction or both.
    pub(crate) const fn has_direction(self) -> bool {
        self.is_of_frames() || matches!(self, Self::Clog)
    }

    /// Returns whether the fault is over as soon as it has begun.
    pub(crate) const fn is_momentary(self) -> bool {
        matches!(self, Self::Reboot | Self::ClockStep)
    }

    /// Returns whether the fault affects single frames. The cable applies such a fault to each frame separately.
    pub(crate) const fn is_of_frames(self) -> bool {
        matches!(
            self,
            Self::Loss
                | Self::Duplication
                | Self::Reordering
                | Self::Corruption
                | Self::Forgery
                | Self::Jitter
                | Self::Rate
                | Self::Mtu
                | Self::Partition
        )
    }
}
