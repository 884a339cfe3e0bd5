//! The example `device` in the simulator. Its clients are browsers, uploads, WebSockets and attackers. One program runs
//! all clients. So the program can check what each client receives.

use std::collections::{HashMap, HashSet};

use device::{Device, Memory, POOL, temperature};
use picoevent::{Pool, Storage};
use picoevent_sim::world::{Choices, Service, Session, Size, Sockets, TestCase};

mod answer;
mod attacker;
mod browser;
mod requests;
mod socket;

/// Rings that are only little longer than the minimum of `Device::start_with`. The sizes of the rings are not multiples
/// of four, the length of a WebSocket mask. So a part of a frame in a ring may begin at any byte of the mask.
const LITTLE: Pool = Pool::new(3).rings(131, 643);
const ONE: Pool = Pool::new(1).spare(1).rings(258, 701);

/// Three devices: one with the pool and the storage of the board, one whose rings are shorter than the files that it
/// sends, and one for a single client.
const SIZES: [Size<Device>; 3] = [
    Size::of(POOL, Memory::new, Sockets::<11, 512, 1024>::new).statics(8),
    Size::of(
        LITTLE,
        Storage::<Device, 3, { LITTLE.conns() }, { LITTLE.bytes() }>::new,
        Sockets::<4, 64, 64>::new,
    ),
    Size::of(
        ONE,
        Storage::<Device, 3, { ONE.conns() }, { ONE.bytes() }>::new,
        Sockets::<3, 256, 16>::new,
    )
    .statics(1),
];

/// Returns the test case of the example `device`.
pub fn device() -> TestCase<Device> {
    TestCase::new("device", device::PORT, || Device::new(temperature), Device::start_with)
        .sizes(&SIZES)
        .crowd(Crowd::new)
        .invariant(|app, cx| app.problem(cx).map_or(Ok(()), |problem| Err(problem.to_owned())))
}

/// The random choices for one connection, made before the simulation begins. The number of a connection selects the
/// plan of the connection. So a client that was refused follows another plan on its next connection.
#[derive(Clone, Copy)]
struct Plan {
    kind: u64,
    /// The number of requests or messages after the first request or message.
    more: u64,
    /// The length of a body or a message, in bytes.
    length: u64,
    /// A length in bytes: an incomplete request is cut to this length, and chunks and WebSocket frames have at most
    /// about this length.
    cut: u64,
    /// A number that selects how the connection ends.
    end: u64,
    /// A seed for further choices: kinds of requests, bytes.
    seed: u64,
}

impl Plan {
    fn choose(choices: &mut Choices<'_>) -> Self {
        Self {
            kind: choices.up_to(11),
            more: choices.up_to(6),
            length: choices.up_to(2_000),
            cut: choices.up_to(400),
            end: choices.up_to(7),
            seed: choices.up_to(9_999),
        }
    }

    fn client(self, known: &mut Known) -> Box<dyn Client> {
        match self.kind {
            0..=4 => Box::new(browser::Browser::new(self, known)),
            5 => Box::new(socket::Echo::new(self)),
            6 => Box::new(socket::Live::socket()),
            7 => Box::new(socket::Live::events()),
            8 => Box::new(socket::Misbehaving::new(self)),
            9 => Box::new(attacker::Incomplete::new(self)),
            10 => Box::new(attacker::Refused::new(self)),
            _ => Box::new(attacker::Garbage::new(self)),
        }
    }

    /// Returns a pseudo-random number below `below`, which depends only on the plan's seed and on `nth`.
    const fn number(&self, nth: u64, below: u64) -> u64 {
        let mixed = ((self.seed + 1) * 0x9e37_79b9) ^ nth.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ mixed >> 32) % below
    }

    /// Returns `length` pseudo-random bytes, which depend only on the plan's seed and on `nth`.
    fn bytes(&self, nth: u64, length: u64) -> Vec<u8> {
        (0..length).map(|at| self.number(nth << 32 | at, 256) as u8).collect()
    }
}

/// The behaviour of one client on one connection.
trait Client {
    /// Sends the first bytes.
    fn begin(&mut self, known: &mut Known, session: &mut Session);

    /// Handles bytes that have arrived.
    fn received(&mut self, known: &mut Known, session: &mut Session) -> Result<(), String>;

    /// Handles the end of the device's stream. All bytes before the end were handled.
    fn finished(&mut self, known: &mut Known, session: &mut Session) -> Result<(), String>;
}

/// What all clients together have sent to the device, and what they have received about the device's state.
#[derive(Default)]
struct Known {
    /// The answers that the device may send to a request for the upload.
    uploads: HashSet<String>,
    /// The answers that the device may send to a request for the settings.
    settings: HashSet<String>,
    /// An upload was confirmed.
    has_upload: bool,
    /// The files that clients have received, with their tags (`ETag`).
    files: HashMap<&'static str, (String, Vec<u8>)>,
}

struct Crowd {
    plans: Vec<Plan>,
    clients: HashMap<u32, Box<dyn Client>>,
    known: Known,
}

impl Crowd {
    fn new(choices: &mut Choices<'_>) -> Self {
        let plans = (0..6).map(|_| Plan::choose(choices)).collect();
        let known =
            Known { settings: HashSet::from([requests::settings("", 24_000)]), ..Known::default() };
        Self { plans, clients: HashMap::new(), known }
    }

    /// Returns `result`, with the number of the connection added to the text of an error.
    fn with_number<T>(session: &Session, result: Result<T, String>) -> Result<T, String> {
        result.map_err(|text| format!("connection {}: {text}", session.number()))
    }
}

impl Service for Crowd {
    fn opened(&mut self, session: &mut Session) -> Result<(), String> {
        let number = session.number();
        let plan = self.plans[number as usize % self.plans.len()];
        // After the last plan, the first plan is used again, with another seed.
        let round = u64::from(number) / self.plans.len() as u64;
        let mut client = Plan { seed: plan.seed + 10_000 * round, ..plan }.client(&mut self.known);
        client.begin(&mut self.known, session);
        self.clients.insert(number, client);
        Ok(())
    }

    fn received(&mut self, session: &mut Session) -> Result<(), String> {
        let Some(client) = self.clients.get_mut(&session.number()) else { return Ok(()) };
        let result = client.received(&mut self.known, session);
        Self::with_number(session, result)
    }

    fn finished(&mut self, session: &mut Session) -> Result<(), String> {
        session.close();
        let Some(client) = self.clients.get_mut(&session.number()) else { return Ok(()) };
        let result = client.finished(&mut self.known, session);
        Self::with_number(session, result)
    }

    fn ended(&mut self, session: &mut Session) {
        self.clients.remove(&session.number());
    }
}
