//! The functions of small types: instants, sets of flags, signals, priorities and handles.

use core::hash::{Hash, Hasher};

use picoevent::{Event, EventFlags, Instant, Priority, Signal};

use crate::unknown::{any, duration, what};

pub fn every_function() {
    let at = any(Instant::from_micros(any(1)));
    any((at.after(duration()), at.since(any(at)), at.as_micros(), any(at) < any(at)));

    let (one, other) = (what(), what());
    any((one | other, one & other, one.contains(other), one.intersects(other)));
    any((one.is_empty(), one.bits(), EventFlags::from_bits(any(1))));
    let mut sum = one;
    sum |= other;
    any(sum);

    any(Signal::new(any(1)).map(Signal::number));
    any(Priority::new(any(1)).map(Priority::level));
}

/// Calls the functions that every kind of handle has.
pub fn handle(event: Event) {
    any((event.index(), any(event) == any(event)));
    any(event).hash(&mut Sum(any(0)));
}

/// A very simple hasher.
struct Sum(u64);

impl Hasher for Sum {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |sum, byte| sum.wrapping_add(u64::from(*byte)));
    }
}
