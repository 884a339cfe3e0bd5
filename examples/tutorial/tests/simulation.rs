//! Runs the server that adds up numbers in simulations. Chapter 5 of the tutorial describes this.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};

use picoevent::{ConnMut, Cx, Listener, Pool, Protocol, SetupError, Signal, Storage};
use picoevent_sim::world::{Script, Size, Sockets, TestCase};
use tutorial::{Client, PORT, Sum};

const CLIENTS: Pool = Pool::new(4).rings(32, 32).spare(1);
type Memory = Storage<Sum, 1, { CLIENTS.conns() }, { CLIENTS.bytes() }>;

/// The memory of the board's program.
const BOARD: Size<Sum> = Size::of(CLIENTS, Memory::new, Sockets::<6, 128, 128>::new);

type Start = fn(&mut Cx<Sum>, SocketAddr, Pool) -> Result<Listener, SetupError>;

fn server(start: Start) -> TestCase<Sum> {
    TestCase::new("sum", PORT, Sum::default, start).sizes(&[BOARD]).client(|choices| {
        let number = choices.up_to(1000);
        Script::new()
            .send(format!("{number}\nwhat\n").as_bytes())
            .expect_pattern("<digits>\na number?\n")
            .may_end_with(b"busy\n")
            .finish()
            .expect_end()
    })
}

#[test]
fn serves_in_every_simulation() {
    server(Sum::start).check(0..1000);
}

/// A [`Client`] without the timeouts.
struct WithoutTimeouts;

impl Protocol<Sum> for WithoutTimeouts {
    const ROOM: usize = Client::ROOM;
    const BUSY: &'static [u8] = Client::BUSY;

    fn readable(sum: &mut Sum, conn: &mut ConnMut<Sum>) {
        Client::readable(sum, conn);
    }
}

/// The failure that chapter 5 describes.
#[test]
fn without_timeouts_slots_are_lost() {
    let start: Start = |cx, address, clients| {
        cx.on_signal(Signal::INT, |_, event| event.exit())?;
        let clients = cx.add_pool(clients)?;
        cx.listen::<WithoutTimeouts>(address, clients)
    };
    let failed = catch_unwind(AssertUnwindSafe(|| server(start).check(0..1000)));
    let report = failed.expect_err("a client that vanishes keeps its slot");
    let report = report.downcast::<String>().expect("the report is a text");
    println!("{report}");
    assert!(report.contains("connections in use at the end"), "{report}");
}
