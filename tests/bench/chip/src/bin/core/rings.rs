//! Bytes through a connection's rings: one copy in and one copy out, and the callback between.
//!
//! Out: the application writes, the back end looks at the output and says that it is sent, the
//! write callback runs. In: the back end asks for room and says how much it has put there, the
//! read callback reads. The back end's own copy, to or from the network, is the network's.

use core::hint::black_box;

use picoevent::{Conn, ConnEvent, Cx, Direction, EventBase, Storage};
use picoevent_bench_chip::meter::{Harness, Report};

const TIMES: u32 = 1_000;
const LONGEST: usize = 1_460;
const RING: usize = 2_048;

/// An application that reads.
struct App {
    calls: u32,
    amount: usize,
    bytes: [u8; LONGEST],
}

pub fn run(report: &mut Report) {
    let mut storage = Storage::<App, 2, 1, RING, RING>::new();
    let mut base = EventBase::new(black_box(&mut storage));
    let base = black_box(&mut base);
    let mut app = App { calls: 0, amount: 0, bytes: [7; LONGEST] };
    let app = black_box(&mut app);
    let conn = open(base, app);
    let sizes = [
        (1, "written and sent, 1 byte", "received and read, 1 byte"),
        (64, "written and sent, 64 bytes", "received and read, 64 bytes"),
        (536, "written and sent, 536 bytes", "received and read, 536 bytes"),
        (1_460, "written and sent, 1460 bytes", "received and read, 1460 bytes"),
    ];
    for (amount, out, input) in sizes {
        app.amount = amount;
        let before = app.calls;
        report.count(out, Harness::Loop, TIMES, || send(base, app, conn));
        report.count(input, Harness::Loop, TIMES, || receive(base, app, conn));
        assert_eq!(app.calls - before, 2 * TIMES, "a callback each time");
    }
}

fn open(base: &mut EventBase<'_, App>, app: &mut App) -> Conn {
    let address = "10.0.2.2:7".parse().expect("an address");
    let listener = base.listen(address, |_, _, _| {}).expect("the table has room");
    let conn = base.accepted(listener, address).expect("the table has room");
    let mut view = base.conn(conn).expect("it was made now");
    view.on_read(read).on_write(|app, _, _| app.calls += 1).on_event(nothing);
    view.enable(Direction::Read);
    pass(base, app);
    conn
}

fn send(base: &mut EventBase<'_, App>, app: &mut App, conn: Conn) {
    let Some(bytes) = app.bytes.get(..app.amount) else { return };
    if let Ok(mut view) = base.conn(conn) {
        let written = view.write(bytes);
        debug_assert!(written.is_ok(), "the ring is empty");
    }
    let (first, second) = base.output(conn);
    let amount = black_box(first.len() + second.len());
    base.sent(conn, amount);
    pass(base, app);
}

fn receive(base: &mut EventBase<'_, App>, app: &mut App, conn: Conn) {
    if let Some(room) = base.input(conn) {
        black_box(room);
    }
    base.received(conn, black_box(app.amount));
    pass(base, app);
}

#[inline(never)]
fn pass(base: &mut EventBase<'_, App>, app: &mut App) {
    base.dispatch(app);
    while let Some(action) = base.next_action() {
        black_box(action);
    }
}

fn read(app: &mut App, cx: &mut Cx<'_, App>, conn: Conn) {
    if let Ok(mut conn) = cx.conn(conn)
        && conn.read(&mut app.bytes) == app.amount
    {
        app.calls += 1;
    }
}

fn nothing(_: &mut App, _: &mut Cx<'_, App>, _: Conn, _: ConnEvent) {}
