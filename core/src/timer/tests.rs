extern crate std;

use super::*;
use std::collections::BTreeMap;
use std::vec::Vec;

fn at(micros: u64) -> Instant {
    Instant::from_micros(micros)
}

fn key(micros: u64, arming: u64, owner: usize) -> Key {
    Key::new(at(micros), arming, owner)
}

/// Storage for so many owners.
struct Owners(Vec<Key>, Vec<Deadline>);

impl Owners {
    fn new(count: usize) -> Self {
        let deadlines = std::iter::repeat_with(|| Deadline::EMPTY).take(count);
        Self(std::vec![Key::EMPTY; count], deadlines.collect())
    }

    fn timers(&mut self) -> Timers<'_> {
        Timers::new(&mut self.0, &mut self.1)
    }
}

fn next(timers: &mut Timers<'_>) -> Option<Instant> {
    Some(timers.first()).filter(|key| *key != Key::NEVER).map(|key| key.at())
}

fn pop_due(timers: &mut Timers<'_>, now: Instant) -> Option<usize> {
    let first = timers.first();
    if first == Key::NEVER || first.at() > now {
        return None;
    }
    timers.cancel(first.owner());
    Some(first.owner())
}

fn due(timers: &mut Timers<'_>, now: u64) -> Vec<usize> {
    std::iter::from_fn(|| pop_due(timers, at(now))).collect()
}

#[test]
fn deadlines_come_due_in_order_and_not_early() {
    let mut owners = Owners::new(4);
    let mut timers = owners.timers();
    for (owner, deadline) in [(0, 30), (1, 10), (2, 20), (3, 40)] {
        timers.arm(key(deadline, 0, owner));
    }
    assert_eq!(next(&mut timers), Some(at(10)));
    assert_eq!(due(&mut timers, 9), []);
    assert_eq!(due(&mut timers, 30), [1, 2, 0]);
    assert_eq!((next(&mut timers), timers.armed()), (Some(at(40)), 1));
}

#[test]
fn equal_deadlines_come_due_in_the_order_armed() {
    let mut owners = Owners::new(9);
    let mut timers = owners.timers();
    let mut armings = 0..;
    let mut key = |owner| key(7, armings.next().unwrap(), owner);
    let order = [4, 1, 8, 0, 7, 2, 3, 6, 5];
    order.iter().for_each(|owner| timers.arm(key(*owner)));
    assert_eq!(due(&mut timers, 7), order);
    order.iter().for_each(|owner| timers.arm(key(*owner)));
    timers.arm(key(1));
    assert_eq!(due(&mut timers, 7), [4, 8, 0, 7, 2, 3, 6, 5, 1], "armed again means armed last");
}

#[test]
fn arming_again_replaces_and_cancelling_forgets() {
    let mut owners = Owners::new(3);
    let mut timers = owners.timers();
    timers.arm(key(5, 0, 0));
    timers.arm(key(50, 1, 0));
    timers.arm(key(6, 2, 1));
    assert_eq!((timers.deadline(0), timers.armed()), (Some(at(50)), 2));
    timers.cancel(1);
    timers.cancel(1);
    assert_eq!(timers.armed(), 1);
    assert_eq!((timers.deadline(1), due(&mut timers, 49)), (None, [].to_vec()));
    assert_eq!(due(&mut timers, 50), [0]);
}

#[test]
fn an_owner_without_a_cell_is_ignored_in_release() {
    let mut owners = Owners::new(0);
    let mut timers = owners.timers();
    timers.cancel(7);
    assert_eq!((next(&mut timers), timers.deadline(3)), (None, None));
}

/// Random armings, cancellations and advances against a naive model, with many equal deadlines.
#[test]
fn the_heap_agrees_with_a_sorted_map() {
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    let mut draw = move |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % below
    };
    for count in [1, 3, 13, 64] {
        let mut owners = Owners::new(count);
        let mut timers = owners.timers();
        let mut model: BTreeMap<(u64, u64), usize> = BTreeMap::new();
        let (mut now, mut armings) = (0, 0);
        for _ in 0..20_000 {
            let owner = draw(count as u64) as usize;
            match draw(8) {
                0..=3 => {
                    let deadline = now + draw(6);
                    model.retain(|_, held| *held != owner);
                    armings += 1;
                    timers.arm(key(deadline, armings, owner));
                    model.insert((deadline, armings), owner);
                }
                4 | 5 => {
                    model.retain(|_, other| *other != owner);
                    timers.cancel(owner);
                }
                _ => {
                    now += draw(4);
                    let mut expected = Vec::new();
                    while let Some((key, owner)) = model.first_key_value() {
                        if key.0 > now {
                            break;
                        }
                        expected.push(*owner);
                        model.pop_first();
                    }
                    assert_eq!(due(&mut timers, now), expected);
                }
            }
            assert_eq!(timers.armed(), model.len());
            // Asking settles the heap, so it is not asked each time.
            if draw(3) == 0 {
                assert_eq!(next(&mut timers), model.keys().next().map(|key| at(key.0)));
            }
            assert!(timers.len <= count, "an owner has one key in the heap at most");
            let held = model.iter().find(|(_, held)| **held == owner);
            assert_eq!(timers.deadline(owner), held.map(|(key, _)| at(key.0)));
        }
    }
}
