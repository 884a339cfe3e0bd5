//! Connections, the application's side and the back end's.

use picoevent::{Conn, ConnError, ConnEvent, ConnMut};

use crate::unknown::{address, any, bytes, direction, maybe_duration, priority};
use crate::{App, Base, Loop};

fn call(_: &mut App, cx: &mut Loop<'_>, conn: Conn) {
    any((cx, conn));
}

fn on_event(_: &mut App, cx: &mut Loop<'_>, conn: Conn, event: ConnEvent) {
    any((cx, conn, event));
}

pub fn every_verb(base: &mut Base<'_>) {
    let Ok(conn) = base.connect(address()) else { return };
    feed(any(&mut *base), any(conn));
    if let Ok(view) = any(&mut *base).conn(any(conn)) {
        settings(any(view));
    }
    if let Ok(view) = any(&mut *base).conn(any(conn)) {
        bytes_of(any(view));
    }
    any(base.transfer(any(conn), any(conn))).ok();
    if let Ok(view) = any(&mut *base).conn(any(conn)) {
        any(view).close();
    }
    if let Ok(view) = any(&mut *base).conn(any(conn)) {
        any(view).free();
    }
    any(base).close_all();
}

fn settings(mut conn: ConnMut<'_, '_, App>) {
    conn.on_read(call).on_write(call).on_event(on_event);
    any(&mut conn).enable(direction());
    any(&mut conn).disable(direction());
    any(&mut conn).set_timeouts(maybe_duration(), maybe_duration());
    any(&mut conn).set_nagle(any(true)).set_keep_alive(maybe_duration());
    any(conn.tuning().keep_alive());
    any(&mut conn).set_priority(priority()).ok();
    any(&mut conn).set_user(any(1));
    any((conn.user(), conn.peer(), conn.timeouts(), conn.is_enabled(direction())));
}

fn bytes_of(mut conn: ConnMut<'_, '_, App>) {
    any(conn.write(bytes())).ok();
    any(any(&mut conn).write_some(bytes()));
    any((conn.room(), conn.output_len(), conn.input_len()));
    any(any(&mut conn).peek());
    any(any(&mut conn).consume(any(1)));
    any(any(&mut conn).read(any(&mut [0; 8])));
    any(any(&mut conn).find(bytes()));
    any(&mut conn).finish();
}

fn feed(base: &mut Base<'_>, conn: Conn) {
    base.connected(conn);
    any(base.peer_of(conn));
    any(any(&mut *base).input(conn));
    any(&mut *base).received(conn, any(1));
    any(any(&mut *base).output(conn));
    any(&mut *base).sent(conn, any(1));
    any(&mut *base).finished(conn);
    any(&mut *base).failed(conn, any(ConnError::Reset));
    any(&mut *base).delivered(conn);
    any((base.is_lingering(conn), any(base).end_lingering()));
}
