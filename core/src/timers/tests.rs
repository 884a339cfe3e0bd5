extern crate std;

use super::*;
use std::collections::BTreeMap;
use std::vec::Vec;

/// The owners that are armed, and the last sequence number.
struct Owners {
    armed: Vec<bool>,
    sequence: usize,
}

impl Owners {
    fn new(count: u16, sequence: usize) -> Self {
        Self { armed: std::vec![false; count.into()], sequence }
    }

    fn arm<const N: usize>(&mut self, timers: &mut Heap<'_, N>, owner: u16, deadline: u64) {
        self.sequence = self.sequence.wrapping_add(1);
        self.armed[usize::from(owner)] = true;
        let deadline = Instant::from_micros(deadline);
        timers.arm(owner, Alarm { deadline, sequence: self.sequence });
    }

    fn cancel(&mut self, owner: u16) {
        self.armed[usize::from(owner)] = false;
    }

    /// Removes the cancelled timers that come first. Returns the earliest deadline.
    fn next<const N: usize>(&mut self, timers: &mut Heap<'_, N>) -> Option<u64> {
        while let Some(first) = timers.first() {
            if self.armed[usize::from(first)] {
                return Some(timers.alarm(first).deadline.as_micros());
            }
            timers.remove_first();
        }
        None
    }

    fn due<const N: usize>(&mut self, timers: &mut Heap<'_, N>, now: u64) -> Vec<u16> {
        let mut due = Vec::new();
        while self.next(timers).is_some_and(|deadline| deadline <= now) {
            let first = timers.first().unwrap();
            due.push(first);
            self.cancel(first);
            timers.remove_first();
        }
        due
    }
}

#[test]
fn deadlines_come_due_in_order_and_not_early() {
    fn test<const N: usize>() {
        let (mut heap, mut owners) = ([TimerSlot::new(); 4], Owners::new(4, 0));
        let mut timers = Heap::<N>::new(&mut heap);
        for (owner, deadline) in [(0, 30), (1, 10), (2, 20), (3, 40)] {
            owners.arm(&mut timers, owner, deadline);
        }
        assert_eq!(owners.next(&mut timers), Some(10));
        assert_eq!(owners.due(&mut timers, 9), []);
        assert_eq!(owners.due(&mut timers, 30), [1, 2, 0]);
        assert_eq!(owners.next(&mut timers), Some(40));
    }
    test::<2>();
    test::<4>();
}

#[test]
fn equal_deadlines_come_due_in_the_order_armed() {
    fn test<const N: usize>() {
        // Sequence numbers wrap only on a microcontroller, where the heap is binary. So the test starts near the wrap
        // only if the heap is binary.
        let starts = if N == 2 { [0, usize::MAX - 4] } else { [0, 7] };
        for sequence in starts {
            let (mut heap, mut owners) = ([TimerSlot::new(); 9], Owners::new(9, sequence));
            let mut timers = Heap::<N>::new(&mut heap);
            let order = [4, 1, 8, 0, 7, 2, 3, 6, 5];
            order.iter().for_each(|owner| owners.arm(&mut timers, *owner, 7));
            assert_eq!(owners.due(&mut timers, 7), order);
            order.iter().for_each(|owner| owners.arm(&mut timers, *owner, 7));
            owners.arm(&mut timers, 1, 7);
            let again = [4, 8, 0, 7, 2, 3, 6, 5, 1];
            assert_eq!(owners.due(&mut timers, 7), again, "armed again means armed last");
        }
    }
    test::<2>();
    test::<4>();
}

#[test]
fn arming_again_replaces_a_deadline_and_cancelling_removes_it() {
    fn test<const N: usize>() {
        let (mut heap, mut owners) = ([TimerSlot::new(); 3], Owners::new(3, 0));
        let mut timers = Heap::<N>::new(&mut heap);
        owners.arm(&mut timers, 0, 5);
        owners.arm(&mut timers, 0, 50);
        owners.arm(&mut timers, 1, 6);
        owners.cancel(1);
        assert_eq!(owners.due(&mut timers, 49), []);
        assert_eq!(owners.due(&mut timers, 50), [0]);
        assert_eq!(timers.first(), None);
    }
    test::<2>();
    test::<4>();
}

#[test]
fn the_last_positions_have_no_children() {
    fn test<const N: usize>() {
        let count = u16::MAX;
        let (mut heap, mut owners) =
            (std::vec![TimerSlot::new(); count.into()], Owners::new(count, 0));
        let mut timers = Heap::<N>::new(&mut heap);
        for owner in 0..count {
            owners.arm(&mut timers, owner, u64::from(count - owner));
        }
        let backwards: Vec<u16> = (0..count).rev().collect();
        assert_eq!(owners.due(&mut timers, count.into()), backwards);
    }
    test::<2>();
    test::<4>();
}

/// Compares the heap with a sorted map. Each step arms a timer, cancels a timer or advances the time, at random. Many
/// deadlines are equal.
#[test]
fn the_heap_agrees_with_a_sorted_map() {
    fn test<const N: usize>() {
        let mut random = 0x9E37_79B9_7F4A_7C15_u64;
        let mut random_below = move |below: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random % below
        };
        for count in [1, 3, 13, 64] {
            let mut heap = std::vec![TimerSlot::new(); count];
            let mut owners = Owners::new(count as u16, 0);
            let mut timers = Heap::<N>::new(&mut heap);
            let mut model: BTreeMap<(u64, usize), u16> = BTreeMap::new();
            let mut now = 0;
            for _ in 0..20_000 {
                let owner = random_below(count as u64) as u16;
                match random_below(8) {
                    0..=3 => {
                        let deadline = now + random_below(6);
                        model.retain(|_, other| *other != owner);
                        owners.arm(&mut timers, owner, deadline);
                        model.insert((deadline, owners.sequence), owner);
                    }
                    4 | 5 => {
                        model.retain(|_, other| *other != owner);
                        owners.cancel(owner);
                    }
                    _ => {
                        now += random_below(4);
                        let mut expected = Vec::new();
                        while let Some((key, owner)) = model.first_key_value() {
                            if key.0 > now {
                                break;
                            }
                            expected.push(*owner);
                            model.pop_first();
                        }
                        assert_eq!(owners.due(&mut timers, now), expected);
                    }
                }
                // `next` removes cancelled timers from the heap. The test calls `next` only in one third of the steps,
                // so that heaps with cancelled timers are tested, too.
                if random_below(3) == 0 {
                    assert_eq!(owners.next(&mut timers), model.keys().next().map(|key| key.0));
                }
                assert!(usize::from(timers.len) <= count, "an owner is in the heap once at most");
            }
        }
    }
    test::<2>();
    test::<4>();
}
