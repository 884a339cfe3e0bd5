//! Connections: opened, written, read, closed.

use std::collections::VecDeque;

use picoevent::{ConnMut, Cx, Direction, WriteError};

use crate::calls;
use crate::foreign::FOREIGN;
use crate::shadow::{ConnShadow, Life};
use crate::world::{World, remember};

pub fn connect(world: &mut World, cx: &mut Cx<'_, World>) {
    let Ok(handle) = cx.connect("[::1]:7".parse().unwrap()) else {
        return assert_eq!(cx.counts().conns, world.sizes.conns);
    };
    world.evict(handle);
    let mut shadow = ConnShadow::new(handle, None);
    shadow.user = world.fresh();
    cx.conn(handle).unwrap().set_user(shadow.user);
    remember(&mut world.conns, shadow, |old| old.life == Life::Gone);
}

/// Does something to a connection.
pub fn change(world: &mut World, cx: &mut Cx<'_, World>) {
    let Some(place) = world.pick_conn() else {
        return assert!(cx.conn(FOREIGN.conn).is_err());
    };
    let verb = world.bytes.below(17);
    world.forget_dropped(cx);
    let Ok(conn) = cx.conn(world.conns[place].handle) else {
        return assert_ne!(world.conns[place].life, Life::Held);
    };
    match verb {
        0..=5 => set(world, place, conn, verb),
        6..=10 => write(world, place, conn, verb),
        11..=14 => read(world, place, conn, verb),
        _ => {
            let shadow = &world.conns[place];
            let is_empty = shadow.output.is_empty();
            let is_closed = match verb {
                15 => !(shadow.failed || shadow.connecting && is_empty),
                _ => !shadow.failed && shadow.eof && is_empty,
            };
            if verb == 15 {
                conn.close()
            } else {
                conn.free()
            }
            let shadow = &mut world.conns[place];
            if is_closed { shadow.close(cx.now()) } else { shadow.drop() }
        }
    }
}

fn set(world: &mut World, place: usize, mut conn: ConnMut<'_, '_, World>, verb: usize) {
    let shadow = &mut world.conns[place];
    match verb {
        0 => {
            conn.on_read(calls::on_read).on_write(calls::on_write).on_event(calls::on_conn_event);
        }
        1 | 2 => {
            let direction = world.bytes.pick([Direction::Read, Direction::Write]);
            if world.bytes.below(3) > 0 {
                shadow.disabled[direction as usize] = false;
                conn.enable(direction);
            } else {
                shadow.disabled[direction as usize] = true;
                conn.disable(direction);
            }
        }
        3 => {
            let timeouts = [world.bytes.maybe_duration(), world.bytes.maybe_duration()];
            conn.set_timeouts(timeouts[0], timeouts[1]);
            for (timed, timeout) in shadow.timed.iter_mut().zip(timeouts) {
                *timed |= timeout.is_some_and(|timeout| !timeout.is_zero());
            }
        }
        4 => {
            let before = conn.tuning();
            let nagle = world.bytes.coin();
            assert_eq!(conn.set_nagle(nagle).tuning().keep_alive(), before.keep_alive());
            conn.set_keep_alive(world.bytes.maybe_duration());
            assert_eq!(conn.tuning().nagle, nagle);
        }
        _ => {
            let priority = world.bytes.priority();
            if conn.set_priority(priority).is_ok() {
                shadow.level = priority.level();
            }
        }
    }
}

fn write(world: &mut World, place: usize, mut conn: ConnMut<'_, '_, World>, verb: usize) {
    let len = world.bytes.below(11);
    let data = world.data(len);
    let shadow = &mut world.conns[place];
    let room = world.sizes.output - shadow.output.len();
    let is_over = shadow.finished || shadow.failed;
    match verb {
        6 | 7 => {
            let expected = match () {
                () if is_over => Err(WriteError::Finished),
                () if len > room => Err(WriteError::Full { room }),
                () => Ok(()),
            };
            assert_eq!(conn.write(&data), expected, "{shadow:?}");
            if expected.is_ok() {
                shadow.output.extend(data);
            }
        }
        8 | 9 => {
            let taken = conn.write_some(&data);
            assert_eq!(taken, if is_over { 0 } else { len.min(room) });
            shadow.output.extend(&data[..taken]);
        }
        _ => {
            conn.finish();
            shadow.finished = true;
        }
    }
}

fn read(world: &mut World, place: usize, mut conn: ConnMut<'_, '_, World>, verb: usize) {
    let len = world.bytes.below(11);
    let held = &mut world.conns[place].input;
    match verb {
        11 => {
            assert_eq!(conn.consume(len), len.min(held.len()));
            held.drain(..len.min(held.len()));
        }
        12 | 13 => {
            let mut target = vec![0; len];
            let amount = conn.read(&mut target);
            assert_eq!(amount, len.min(held.len()));
            assert!(held.drain(..amount).eq(target[..amount].iter().copied()), "other input");
        }
        _ => {
            let needle: Vec<u8> = held.iter().skip(len).take(2).copied().collect();
            assert_eq!(conn.find(&needle), place_of(held, &needle));
        }
    }
}

/// Where the needle stands first, found the plain way.
fn place_of(held: &VecDeque<u8>, needle: &[u8]) -> Option<usize> {
    let last = held.len().checked_sub(needle.len())?;
    (0..=last).find(|from| held.range(from..).take(needle.len()).eq(needle))
}

/// Moves bytes from one connection's input to another's output, or the same one's.
pub fn transfer(world: &mut World, cx: &mut Cx<'_, World>) {
    let (from, to) = (world.pick_conn(), world.pick_conn());
    world.forget_dropped(cx);
    let handle = |place: Option<usize>| place.map_or(FOREIGN.conn, |at| world.conns[at].handle);
    let answer = cx.transfer(handle(from), handle(to));
    let held = |place: &usize| world.conns[*place].life == Life::Held;
    let (Some(from), Some(to)) = (from.filter(held), to.filter(held)) else {
        return assert!(answer.is_err(), "bytes of a connection that is gone");
    };
    let room = world.sizes.output - world.conns[to].output.len();
    let is_over = world.conns[to].finished || world.conns[to].failed;
    let amount = if is_over { 0 } else { room.min(world.conns[from].input.len()) };
    assert_eq!(answer, Ok(amount));
    let moved: Vec<u8> = world.conns[from].input.drain(..amount).collect();
    world.conns[to].output.extend(moved);
}
