//! Bytes that pass through a connection's rings. The counts contain the application's copy into the output ring or out
//! of the input ring, and the callback.
//!
//! Output: the application writes, the back end takes the output and reports it as sent, and the write callback runs.
//! Input: the back end requests room and reports how many bytes it has stored, and the read callback reads these bytes.
//! The back end's copy from or to the network is not counted.

use core::hint::black_box;

use picoevent::{Conn, ConnEvent, ConnMut, Settings};

use super::{App, Base, with_base};
use crate::meter::{Harness, Report};

const TIMES: u32 = 1_000;

static SETTINGS: Settings = Settings::new();

/// Counts the instructions for four amounts of data, in each direction.
pub fn run(report: &mut Report, iterate: impl Fn(&mut Base<'_>, &mut App)) {
    with_base(|base, app| {
        let conn = open(base, app);
        iterate(base, app);
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
                iterate(base, app);
            });
            report.count(received, Harness::Loop, TIMES, || {
                black_box(base.input(conn));
                base.received(conn, black_box(amount));
                iterate(base, app);
            });
            assert_eq!(app.calls - before, 2 * TIMES, "a callback each time");
        }
    });
}

pub(super) fn open(base: &mut Base<'_>, app: &App) -> Conn {
    let address = "10.0.2.2:7".parse().expect("an address");
    let listener = base.listen_with(address, app.pool, &SETTINGS, count);
    let listener = listener.expect("the table has room");
    base.accepted(listener, address).expect("the table has room")
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

fn count(app: &mut App, conn: &mut ConnMut<'_, '_, App>, event: ConnEvent) {
    match event {
        ConnEvent::Readable if conn.read(&mut app.bytes) == app.amount => app.calls += 1,
        ConnEvent::Writable => app.calls += 1,
        _ => {}
    }
}
