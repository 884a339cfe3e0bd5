//! The functions of connections that applications and back ends call.

use core::time::Duration;

use picoevent::{
    Backoff, Conn, ConnEnd, ConnError, ConnEvent, ConnMap, ConnMut, PoolId, Protocol, Settings,
};

use crate::unknown::{
    address, any, bytes, direction, duration, eol, maybe_duration, priority, word,
};
use crate::{App, Base, rings};

/// A callback of the application.
pub fn call(app: &mut App, conn: &mut ConnMut<'_, '_, App>, event: ConnEvent) {
    any((app, conn, event));
}

/// A protocol for connections. Its callbacks, except `readable`, are the default functions of the trait.
pub struct Plain;

impl Protocol<App> for Plain {
    const IDLE: Option<Duration> = Some(Duration::from_secs(1));
    const ROOM: usize = 3;
    const BUSY: &'static [u8] = b"busy";

    fn readable(app: &mut App, conn: &mut ConnMut<'_, '_, App>) {
        any((app, conn));
    }
}

static SETTINGS: Settings = Settings::new().busy(b"no");

/// Returns settings that the compiler cannot know.
pub fn settings() -> &'static Settings {
    let settings = any(Settings::new()).idle(duration()).stall(duration());
    let settings = any(settings.connect(duration()));
    let settings = any(settings.input_marks(any(1), any(1)).output_marks(any(1), any(1)));
    any(settings.room(any(1)).busy(bytes()) == Settings::default());
    any((settings.timeouts(), settings.answer_room(), settings.busy_text()));
    any(settings.marks(direction()));
    any(&SETTINGS)
}

pub fn every_function(base: &mut Base<'_>, pool: PoolId) {
    any(any(&mut *base).connect::<Plain>(address(), any(pool))).ok();
    any(any(&mut *base).outgoing::<Plain>(any(pool))).ok();
    let outgoing = any(&mut *base).outgoing_with(any(pool), settings(), call);
    if let Ok(mut view) = outgoing.map_err(drop).and_then(|conn| base.conn(conn).map_err(drop)) {
        reconnect(any(&mut view));
    }
    let connected = any(&mut *base).connect_with(address(), any(pool), settings(), call);
    let Ok(conn) = connected else { return };
    feed(any(&mut *base), any(conn));
    let verbs: [fn(&mut ConnMut<'_, '_, App>); 7] =
        [change, query, bytes_functions, messages, alarm, map, reconnect];
    for verbs in any(verbs) {
        if let Ok(mut view) = any(&mut *base).conn(any(conn)) {
            verbs(any(&mut view));
        }
    }
    let ends: [fn(&mut ConnMut<'_, '_, App>); 3] =
        [|conn| conn.close(), |conn| conn.abort(), |conn| conn.abort_with(any(ConnError::Reset))];
    for end in any(ends) {
        if let Ok(mut view) = any(&mut *base).conn(any(conn)) {
            end(any(&mut view));
        }
    }
    any(base).close_all();
    any(ConnEnd::Closed == any(ConnEnd::Failed(ConnError::Reset)));
}

fn change(conn: &mut ConnMut<'_, '_, App>) {
    conn.enable(direction());
    any(&mut *conn).disable(direction());
    any(&mut *conn).set_timeouts(maybe_duration(), maybe_duration());
    any(&mut *conn).set_idle(maybe_duration());
    any(&mut *conn).set_nagle(any(true)).set_keep_alive(maybe_duration());
    any(&mut *conn).set_priority(priority()).ok();
    any(any(&mut *conn).set_settings(settings())).ok();
    any(any(&mut *conn).cx());
}

fn query(conn: &mut ConnMut<'_, '_, App>) {
    any((
        conn.id(),
        conn.peer_addr(),
        conn.local_addr(),
        conn.listener(),
        conn.pool(),
        conn.index_in_pool(),
        conn.ring_sizes(),
    ));
    any((conn.timeouts(), conn.is_enabled(direction()), conn.tuning().keep_alive()));
    any((conn.is_open(), conn.is_resting(), conn.priority(), conn.failed_direction()));
    any((conn.settings(), conn.marks(direction())));
}

fn bytes_functions(conn: &mut ConnMut<'_, '_, App>) {
    any(conn.write(bytes())).ok();
    any(any(&mut *conn).write_parts(any(&[bytes(), bytes()]))).ok();
    any(any(&mut *conn).write_some(bytes()));
    any(any(&mut *conn).write_fmt(format_args!("one {} two", word()))).ok();
    any(&mut *conn).wait_for_room(any(1));
    any(&mut *conn).wait_for_input(any(1));
    any(&mut *conn).write_again();
    any((conn.room(), conn.output_len(), conn.input_len()));
    any(any(&mut *conn).peek());
    any(any(&mut *conn).consume(any(1)));
    any(any(&mut *conn).read(any(&mut [0; 8])));
    any(any(&mut *conn).find(bytes()));
    any(any(&mut *conn).write_with(any(1), |room| any(room).len())).ok();
    any(any(&mut *conn).write_static(bytes())).ok();
    any(any(&mut *conn).prepend(bytes())).ok();
    any(any(&mut *conn).peek_from(any(1)));
    any(any(&mut *conn).copy_out(any(1), any(&mut [0; 8])));
    any(any(&mut *conn).contiguous(any(1)));
    any(any(&mut *conn).find_in(bytes(), any(1)..any(1)));
    any(any(&mut *conn).find_in(bytes(), any(1)..=any(1)));
    any(any(&mut *conn).find_eol(eol()));
    let to = any(conn.id());
    any(any(&mut *conn).transfer(to)).ok();
    any(any(&mut *conn).transfer_some(to, any(1))).ok();
    rings::transfers(any(&mut *conn));
    any(&mut *conn).finish();
}

fn messages(conn: &mut ConnMut<'_, '_, App>) {
    let mut buffer = [0; 8];
    any(any(&mut *conn).read_line(any(&mut buffer)));
    any(any(&mut *conn).read_line_with(eol(), any(&mut buffer)));
    any(any(&mut *conn).take_line(eol()));
    any(any(&mut *conn).read_until(bytes(), any(&mut buffer)));
    any(&mut *conn).read_again();
}

fn alarm(conn: &mut ConnMut<'_, '_, App>) {
    conn.alarm_after(duration());
    any(&mut *conn).alarm_every(duration());
    any(any(&mut *conn).cancel_alarm());
}

fn map(conn: &mut ConnMut<'_, '_, App>) {
    let mut map = any(ConnMap::<u32, 3>::new());
    any(map.of(any(&*conn)));
    any(any(&mut map).of_or(any(&*conn), || any(1)));
    any((any(&map).get(any(conn.id())), any(&map).iter().last()));
    any(any(&mut map).get_mut(any(conn.id())));
    any(any(&mut map).remove(any(conn.id())));
    any(ConnMap::<u32, 3>::default());
}

fn reconnect(conn: &mut ConnMut<'_, '_, App>) {
    any(conn.connect(address())).ok();
    let mut backoff = any(Backoff::new(duration(), duration()));
    let delay = any(&mut backoff).next_delay(any(conn.cx()));
    any(any(&mut *conn).connect_after(delay, address())).ok();
    backoff.reset();
    any(backoff);
}

fn feed(base: &mut Base<'_>, conn: Conn) {
    base.local_is(any(conn), || any(Some(address())));
    base.connected(conn);
    any(base.peer_of(conn));
    any(base.pool_of(any(conn)));
    any(any(&mut *base).input(conn));
    any(&mut *base).received(conn, any(1));
    any(any(&mut *base).output(conn));
    any(&mut *base).sent(conn, any(1));
    any(&mut *base).peer_finished(conn);
    any(&mut *base).failed(conn, any(ConnError::Reset));
    let failure = any(any(ConnError::Reset).found(direction()));
    any((failure.error(), failure.direction()));
    any(&mut *base).failed(conn, failure);
    any(&mut *base).delivered(conn);
    any((base.is_lingering(conn), any(base).end_lingering()));
}
