//! Steps with connections: open, change, transfer, close.

use std::net::SocketAddr;
use std::time::Duration;

use picoevent::{ConnEnd, ConnError, ConnMut, ConnectError, Cx, Direction, Instant, SetupError};

use crate::calls;
use crate::foreign::FOREIGN;
use crate::shadow::{ConnShadow, Life};
use crate::verbs::{KINDS, bytes};
use crate::world::{World, remember};

fn peer() -> SocketAddr {
    "[::1]:7".parse().unwrap()
}

/// Makes an outgoing connection. The connection connects at once, or is at rest (without a socket).
pub fn connect(world: &mut World, cx: &mut Cx<'_, World>) {
    world.record_dropped(cx);
    let (pool, kind) = (world.bytes.below(world.sizes.pools.len()), world.bytes.pick(KINDS));
    let (sizes, is_resting) = (world.sizes.pools[pool], world.bytes.below(3) == 0);
    let made = if is_resting {
        cx.outgoing_with(sizes.id, kind.settings, calls::on_conn)
    } else {
        cx.connect_with(peer(), sizes.id, kind.settings, calls::on_conn)
    };
    let handle = match made {
        Ok(handle) => handle,
        Err(error) => {
            assert_eq!(error, kind.refused(sizes).unwrap_or(SetupError::PoolFull));
            if error != SetupError::PoolFull {
                return;
            }
            let is_full =
                world.held(pool) >= sizes.max_conns || world.slots_in_use(pool).1 == sizes.slots;
            return assert!(is_full, "a pool with a free slot was reported as full");
        }
    };
    assert!(world.held(pool) < sizes.max_conns, "a full pool made a connection");
    world.record_slot_taken(handle);
    let mut shadow = ConnShadow::new(handle, None, pool, kind);
    if !is_resting {
        shadow.connect_at = Some(cx.now());
    }
    remember(&mut world.conns, shadow, |old| old.life == Life::Gone);
    world.record_base_changes(cx);
}

/// Sets the connect time of a connection that is at rest, or has ended.
pub fn connect_again(world: &mut World, conn: &mut ConnMut<'_, '_, World>, index: usize) {
    let delay = world.bytes.duration();
    let at = conn.cx().now().after(millis(delay, 0)).max(Instant::from_micros(1));
    let shadow = &mut world.conns[index];
    let expected = match () {
        () if shadow.listener.is_some() => Err(ConnectError::Accepted),
        () if shadow.life == Life::Held && !shadow.is_resting => Err(ConnectError::InUse),
        () => Ok(()),
    };
    assert_eq!(conn.connect_after(delay, peer()), expected, "{shadow:?}");
    if expected.is_ok() && shadow.is_resting {
        shadow.connect_at = Some(if delay.is_zero() { conn.cx().now() } else { at });
    } else if expected.is_ok() {
        (shadow.reconnect_at, shadow.ignores_peer_end) = (Some(at), true);
    }
    world.record_base_changes(conn.cx());
}

/// Returns the delay in whole milliseconds, rounded as in the base.
fn millis(delay: Duration, least: u128) -> Duration {
    let millis = delay.as_nanos().div_ceil(1_000_000).clamp(least, u32::MAX.into());
    Duration::from_millis(millis as u64)
}

/// Calls a function of a connection.
pub fn change(world: &mut World, cx: &mut Cx<'_, World>) {
    let Some(index) = world.pick_conn() else {
        return assert!(cx.conn(FOREIGN.conn).is_err());
    };
    let verb = world.bytes.below(34);
    world.record_base_changes(cx);
    world.record_dropped(cx);
    let Ok(mut conn) = cx.conn(world.conns[index].handle) else {
        return assert!(!world.conns[index].is_valid());
    };
    if world.conns[index].life != Life::Held && !(27..=31).contains(&verb) {
        return;
    }
    match verb {
        0..=5 => set(world, index, conn, verb),
        6..=13 => bytes::write(world, index, conn, verb - 6),
        14..=23 => bytes::read(world, index, conn, verb - 14),
        24..=26 => alarm(world, index, conn, verb),
        27 => connect_again(world, &mut conn, index),
        32 => change_kind(world, index, conn),
        33 => wait(world, index, conn),
        _ => {
            match verb {
                28 | 29 => conn.close(),
                30 => conn.abort(),
                _ => conn.abort_with(ConnError::TimedOut),
            }
            let (now, shadow) = (cx.now(), &mut world.conns[index]);
            let end = match verb {
                28 | 29 => ConnEnd::Closed,
                30 => ConnEnd::Aborted,
                _ => ConnEnd::Failed(ConnError::TimedOut),
            };
            match verb {
                // The end of a connection whose reconnect is cancelled is reported again.
                _ if shadow.life != Life::Held => {
                    if shadow.reconnect_at.take().is_some() {
                        shadow.end_due = Some(end);
                    }
                }
                28 | 29 => shadow.close(now),
                30 => shadow.abort(now, end),
                _ => shadow.abort_with(end),
            }
        }
    }
}

/// Changes the settings of a connection.
fn change_kind(world: &mut World, index: usize, mut conn: ConnMut<'_, '_, World>) {
    let (kind, pool) = (world.bytes.pick(KINDS), world.sizes.pools[world.conns[index].pool]);
    let shadow = &mut world.conns[index];
    let is_too_much = shadow.input.len() > kind.input.1 || shadow.output.held() > kind.output.1;
    let refused = kind.refused(pool).or(is_too_much.then_some(SetupError::Marks));
    assert_eq!(conn.set_settings(kind.settings), refused.map_or(Ok(()), Err), "{shadow:?}");
    if refused.is_none() {
        (shadow.kind, shadow.awaited_input) = (kind, 0);
        shadow.had_timeout[Direction::Write as usize] |= kind.connect > 0;
        assert_eq!(conn.settings(), Some(kind.settings));
        let marks = [
            (Direction::Read, kind.input, pool.input),
            (Direction::Write, kind.output, pool.output),
        ];
        for (direction, (low, high), size) in marks {
            let low = if direction == Direction::Read { low.max(1) } else { low };
            assert_eq!(conn.marks(direction), (low, high.min(size)));
        }
    }
}

/// Waits for input, or requests a callback for output.
fn wait(world: &mut World, index: usize, mut conn: ConnMut<'_, '_, World>) {
    let (amount, input) = (world.bytes.below(6), world.pool_of(index).input);
    let shadow = &mut world.conns[index];
    if world.bytes.coin() {
        conn.write_again();
    } else {
        conn.wait_for_input(amount);
        shadow.awaited_input = amount.clamp(1, input);
    }
}

fn alarm(world: &mut World, index: usize, mut conn: ConnMut<'_, '_, World>, verb: usize) {
    let (now, delay) = (conn.cx().now(), world.bytes.duration());
    let shadow = &mut world.conns[index];
    let millis = millis(delay, 1);
    let at = now.after(millis);
    let alarm = match verb {
        24 => {
            conn.alarm_after(delay);
            Some((at, 0))
        }
        25 => {
            conn.alarm_every(delay);
            Some((at, millis.as_millis() as u64))
        }
        _ => {
            let was_set =
                if shadow.is_resting { shadow.connect_at } else { shadow.alarm.map(|(at, _)| at) };
            let cancelled = !shadow.is_resting && conn.cancel_alarm();
            assert!(
                shadow.failed || shadow.is_resting || cancelled == was_set.is_some(),
                "{shadow:?}"
            );
            None
        }
    };
    if !shadow.is_resting {
        shadow.alarm = alarm;
    }
}

fn set(world: &mut World, index: usize, mut conn: ConnMut<'_, '_, World>, verb: usize) {
    let output = world.pool_of(index).output;
    let shadow = &mut world.conns[index];
    match verb {
        0 => {
            let wanted = world.bytes.below(6);
            conn.wait_for_room(wanted);
            if !shadow.finished && !shadow.failed {
                shadow.wanted_room = wanted.clamp(1, output);
            }
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
            for (had_timeout, timeout) in shadow.had_timeout.iter_mut().zip(timeouts) {
                *had_timeout |= timeout.is_some_and(|timeout| !timeout.is_zero());
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

/// Moves bytes from one connection's input to the output of another, or of the same connection.
pub fn transfer(world: &mut World, cx: &mut Cx<'_, World>) {
    let (from, to) = (world.pick_conn(), world.pick_conn());
    world.record_dropped(cx);
    // This model does not know when the base discards the input of a connection that has ended and will connect again.
    // So a transfer from such a connection is not tested.
    let ended = |from: usize| world.conns[from].is_valid() && world.conns[from].life != Life::Held;
    if from.is_some_and(ended) {
        return;
    }
    let max = world.bytes.pick([usize::MAX, usize::MAX, 0, 1, 3]);
    let handle = |index: Option<usize>| index.map_or(FOREIGN.conn, |at| world.conns[at].handle);
    let result = cx.conn(handle(from)).and_then(|mut conn| match max {
        usize::MAX => conn.transfer(handle(to)),
        _ => conn.transfer_some(handle(to), max),
    });
    let held = |index: &usize| world.conns[*index].life == Life::Held;
    let (Some(from), Some(to)) = (from.filter(held), to.filter(held)) else {
        return assert!(result.is_err(), "a transfer with a freed connection succeeded");
    };
    let room = world.pool_of(to).output - world.conns[to].output.held();
    let is_over = world.conns[to].finished || world.conns[to].failed;
    let amount = if is_over { 0 } else { room.min(world.conns[from].input.len()).min(max) };
    assert_eq!(result, Ok(amount));
    world.conns[from].awaited_input = 0;
    let moved: Vec<u8> = world.conns[from].input.drain(..amount).collect();
    world.conns[to].output.extend(&moved);
}
