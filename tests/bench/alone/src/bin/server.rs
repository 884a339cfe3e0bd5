//! The contents of `events`, and a listener with connections: an echo server that closes silent
//! clients.

#![no_std]
#![no_main]

use core::hint::black_box;
use core::net::{Ipv4Addr, SocketAddr};

use picoevent::{Action, Conn, ConnError, ConnEvent, Cx, Direction, EventBase, Storage};
use picoevent_alone::{App, period, run};
use static_cell::ConstStaticCell;

static STORAGE: ConstStaticCell<Storage<App, 8, 4, 64, 64>> = ConstStaticCell::new(Storage::new());

/// The image's entry.
// SAFETY: no other function has this name.
#[unsafe(no_mangle)]
pub extern "C" fn image() {
    let mut base = EventBase::new(STORAGE.take());
    let Ok(mut app) = App::start(&mut base) else { return };
    black_box(base.listen(peer(), accepted).is_ok());
    run(&mut base, &mut app, act);
}

/// Performs an action as a device would that answers at once.
fn act(base: &mut EventBase<'_, App>, action: Action) {
    match black_box(action) {
        Action::Listen(listener) if base.has_room() => {
            black_box(base.accepted(listener, peer()).is_ok());
        }
        Action::Receive(conn) => {
            if let Some((first, _)) = base.input(conn) {
                let amount = black_box(first).len();
                base.received(conn, amount);
            }
            base.finished(conn);
            base.failed(conn, black_box(ConnError::Reset));
        }
        Action::Send(conn) => {
            let (first, second) = black_box(base.output(conn));
            let amount = first.len() + second.len();
            base.sent(conn, amount);
        }
        Action::End(conn) => base.delivered(conn),
        _ => {}
    }
}

fn peer() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, black_box(9995)))
}

fn accepted(_: &mut App, cx: &mut Cx<'_, App>, conn: Conn) {
    if let Ok(mut conn) = cx.conn(conn) {
        conn.on_read(received).on_write(flushed).on_event(ended);
        conn.set_timeouts(Some(period()), Some(period())).enable(Direction::Read);
    }
}

fn received(_: &mut App, cx: &mut Cx<'_, App>, conn: Conn) {
    let Ok(mut conn) = cx.conn(conn) else { return };
    let mut bytes = [0; 16];
    let amount = conn.read(&mut bytes);
    if conn.write(bytes.get(..amount).unwrap_or_default()).is_err() {
        conn.free();
    }
}

fn flushed(_: &mut App, cx: &mut Cx<'_, App>, conn: Conn) {
    if let Ok(conn) = cx.conn(conn) {
        conn.close();
    }
}

fn ended(app: &mut App, cx: &mut Cx<'_, App>, conn: Conn, event: ConnEvent) {
    black_box(event);
    flushed(app, cx, conn);
}
