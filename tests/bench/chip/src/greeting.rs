//! Measures connections to which a server sends a greeting. A measurement lasts from the connect until the
//! server is idle again.
//!
//! ```text
//!   Client ── Wire ── Server        the wire is in memory, and the ends work alternately
//!   not timed         timed
//! ```
//!
//! Only the server's work is timed: its tasks, and the alarm of the clock. The client's work is not timed. When client
//! and server are idle, the clock is set to the next deadline. So the figure of a connection includes the server's
//! later work, such as TIME-WAIT.

use core::net::Ipv4Addr;

use crate::client::{Client, Memory};
use crate::clock;
use crate::executor::{self, Executor};
use crate::meter::{Harness, Report, Stopwatch};
use crate::wire::Wire;

/// The server's address.
pub const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 15);
/// The client's address.
pub const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);
/// The server's port.
pub const PORT: u16 = hello_world::PORT;
/// The server's greeting.
pub const GREETING: &[u8] = b"Hello, World!\n";

/// The number of connections before the first counted connection. In these connections, client and server learn
/// each other's hardware address.
const WARM_UP: u32 = 2;
/// The number of counted connections.
const TIMES: u32 = 50;
/// The maximum number of steps of a connection. A connection normally takes about thirty steps.
const STEPS: u32 = 1_000;

/// A server that works in steps.
pub trait Server {
    /// Returns whether there is work now.
    fn is_due(&self) -> bool;
    /// Performs the work that is possible now.
    fn step(&mut self);
    /// Returns the time of the next work that is not triggered by a frame, or `None` if there is no such work.
    fn next(&mut self) -> Option<u64>;
}

/// A server that consists of tasks.
pub struct Tasks(pub Executor);

impl Server for Tasks {
    fn is_due(&self) -> bool {
        executor::is_woken()
    }

    #[inline(always)]
    fn step(&mut self) {
        self.0.run_until_idle();
    }

    fn next(&mut self) -> Option<u64> {
        clock::next()
    }
}

/// Serves connections over `wire`. Reports the instructions and the frames of a connection.
pub fn report(
    report: &mut Report,
    [work, frames]: [&str; 2],
    server: &mut impl Server,
    wire: &'static Wire,
    memory: &'static mut Memory,
) {
    while server.is_due() {
        server.step();
    }
    let mut client = Client::new(wire, memory);
    let mut warm_up = Stopwatch::new();
    (0..WARM_UP).for_each(|_| connection(server, &mut client, wire, &mut warm_up));
    let before = wire.total();
    let mut watch = Stopwatch::new();
    (0..TIMES).for_each(|_| connection(server, &mut client, wire, &mut watch));
    report.timed(work, Harness::Meter, TIMES, &watch);
    report.frames(frames, TIMES, wire.total() - before);
}

fn connection(server: &mut impl Server, client: &mut Client, wire: &Wire, watch: &mut Stopwatch) {
    client.connect();
    for _ in 0..STEPS {
        client.work(clock::now());
        if server.is_due() {
            watch.time(|| server.step());
        } else if !wire.is_busy() {
            let is_over = client.is_done();
            let client = if is_over { None } else { client.next(clock::now()) };
            match server.next().into_iter().chain(client).min() {
                Some(at) => watch.time(|| clock::advance(at)),
                None if is_over => return,
                None => panic!("the connection is not over, and no work is due"),
            }
        }
    }
    panic!("the connection is not over after {STEPS} steps");
}
