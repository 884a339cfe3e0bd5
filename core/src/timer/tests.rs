extern crate std;

use super::*;
use std::collections::BTreeMap;
use std::vec::Vec;

fn at(micros: u64) -> Instant {
    Instant::from_micros(micros)
}

fn cells(count: usize) -> Vec<Cell> {
    std::iter::repeat_with(|| Cell::EMPTY).take(count).collect()
}

fn next(timers: &Timers<'_>) -> Option<Instant> {
    Some(timers.first().0).filter(|key| *key != NEVER).map(|(deadline, _)| deadline)
}

fn pop_due(timers: &mut Timers<'_>, now: Instant) -> Option<usize> {
    let (key, owner) = timers.first();
    if key == NEVER || key.0 > now {
        return None;
    }
    assert!(timers.cancel(owner));
    Some(owner)
}

fn due(timers: &mut Timers<'_>, now: u64) -> Vec<usize> {
    std::iter::from_fn(|| pop_due(timers, at(now))).collect()
}

#[test]
fn deadlines_come_due_in_order_and_not_early() {
    let mut cells = cells(4);
    let mut timers = Timers::new(&mut cells);
    for (owner, deadline) in [(0, 30), (1, 10), (2, 20), (3, 40)] {
        timers.arm(owner, (at(deadline), 0));
    }
    assert_eq!(next(&timers), Some(at(10)));
    assert_eq!(due(&mut timers, 9), []);
    assert_eq!(due(&mut timers, 30), [1, 2, 0]);
    assert_eq!((next(&timers), timers.len()), (Some(at(40)), 1));
}

#[test]
fn equal_deadlines_come_due_in_the_order_armed() {
    let mut cells = cells(9);
    let mut timers = Timers::new(&mut cells);
    let mut armings = 0..;
    let mut key = || (at(7), armings.next().unwrap());
    let order = [4, 1, 8, 0, 7, 2, 3, 6, 5];
    order.iter().for_each(|owner| timers.arm(*owner, key()));
    assert_eq!(due(&mut timers, 7), order);
    order.iter().for_each(|owner| timers.arm(*owner, key()));
    timers.arm(1, key());
    assert_eq!(due(&mut timers, 7), [4, 8, 0, 7, 2, 3, 6, 5, 1], "armed again means armed last");
}

#[test]
fn arming_again_replaces_and_cancelling_forgets() {
    let mut cells = cells(3);
    let mut timers = Timers::new(&mut cells);
    timers.arm(0, (at(5), 0));
    timers.arm(0, (at(50), 0));
    timers.arm(1, (at(6), 0));
    assert_eq!((timers.deadline(0), timers.len()), (Some(at(50)), 2));
    assert!(timers.cancel(1) && !timers.cancel(1));
    assert_eq!((timers.deadline(1), due(&mut timers, 49)), (None, [].to_vec()));
    assert_eq!(due(&mut timers, 50), [0]);
}

#[test]
fn an_owner_without_a_cell_is_ignored_in_release() {
    let mut timers = Timers::new(&mut []);
    assert!(!timers.cancel(7));
    assert_eq!((next(&timers), timers.deadline(3)), (None, None));
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
        let mut cells = cells(count);
        let mut timers = Timers::new(&mut cells);
        let mut model: BTreeMap<(u64, u64), usize> = BTreeMap::new();
        let (mut now, mut armings) = (0, 0);
        for _ in 0..20_000 {
            let owner = draw(count as u64) as usize;
            match draw(8) {
                0..=3 => {
                    let deadline = now + draw(6);
                    model.retain(|_, held| *held != owner);
                    armings += 1;
                    model.insert((deadline, armings), owner);
                    timers.arm(owner, (at(deadline), armings));
                }
                4 | 5 => {
                    let held = model.len();
                    model.retain(|_, other| *other != owner);
                    assert_eq!(timers.cancel(owner), model.len() < held);
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
            assert_eq!(timers.len(), model.len());
            assert_eq!(next(&timers), model.keys().next().map(|key| at(key.0)));
            let held = model.iter().find(|(_, held)| **held == owner);
            assert_eq!(timers.deadline(owner), held.map(|(key, _)| at(key.0)));
        }
    }
}
