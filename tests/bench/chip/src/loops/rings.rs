//! Bytes through a connection's rings: one copy in and one copy out, and the callback between.
//!
//! Out: the application writes, the back end looks at the output and says that it is sent, the
//! write callback runs. In: the back end asks for room and says how much it has put there, the
//! read callback reads. The back end's own copy, to or from the network, is the network's.

use core::hint::black_box;

use picoevent::{Conn, ConnEvent, Cx, Direction};

use super::{App, Base, with};
use crate::meter::{Harness, Report};

const TIMES: u32 = 1_000;

/// Counts with pieces of four sizes, in either direction.
pub fn run(report: &mut Report, turn: impl Fn(&mut Base<'_>, &mut App)) {
    with(|base, app| {
        let conn = open(base);
        turn(base, app);
        for (amount, sent, received) in [
            (1, "written and sent, 1 byte", "received and read, 1 byte"),
            (64, "written and sent, 64 bytes", "received and read, 64 bytes"),
            (536, "written and sent, 536 bytes", "received and read, 536 bytes"),
            (1_460, "written and sent, 1460 bytes", "received and read, 1460 bytes"),
        ] {
            app.amount = amount;
            let before = app.calls;
            report.count(sent, Harness::Loop, TIMES, || {
                send(base, app, conn);
                turn(base, app);
            });
            report.count(received, Harness::Loop, TIMES, || {
                black_box(base.input(conn));
                base.received(conn, black_box(amount));
                turn(base, app);
            });
            assert_eq!(app.calls - before, 2 * TIMES, "a callback each time");
        }
    });
}

fn open(base: &mut Base<'_>) -> Conn {
    let address = "10.0.2.2:7".parse().expect("an address");
    let listener = base.listen(address, |_, _, _| {}).expect("the table has room");
    let conn = base.accepted(listener, address).expect("the table has room");
    let mut view = base.conn(conn).expect("it was made now");
    view.on_read(read).on_write(|app, _, _| app.calls += 1).on_event(nothing);
    view.enable(Direction::Read);
    conn
}

fn send(base: &mut Base<'_>, app: &mut App, conn: Conn) {
    let Some(bytes) = app.bytes.get(..app.amount) else { return };
    if let Ok(mut view) = base.conn(conn) {
        let written = view.write(bytes);
        debug_assert!(written.is_ok(), "the ring is empty");
    }
    let (first, second) = base.output(conn);
    let amount = black_box(first.len() + second.len());
    base.sent(conn, amount);
}

fn read(app: &mut App, cx: &mut Cx<'_, App>, conn: Conn) {
    if let Ok(mut conn) = cx.conn(conn)
        && conn.read(&mut app.bytes) == app.amount
    {
        app.calls += 1;
    }
}

fn nothing(_: &mut App, _: &mut Cx<'_, App>, _: Conn, _: ConnEvent) {}
