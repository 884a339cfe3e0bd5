//! The device's page in the simulator: browsers, uploads, WebSockets and attackers, and one program
//! that knows what each of them must receive.

use std::collections::{HashMap, HashSet};

use device::{Device, Memory, POOL, temperature};
use picoevent::{Pool, Storage};
use picoevent_sim::world::{Choices, Service, Session, Size, Sockets, TestCase};

mod answer;
mod attacker;
mod browser;
mod requests;
mod socket;

/// Rings that hold little more than a line and the longest answer written at once. Their sizes are not multiples of
/// four, the length of a mask. So a piece of a frame need not begin at the start of a mask.
const LITTLE: Pool = Pool::new(3).rings(131, 643);
const ONE: Pool = Pool::new(1).spare(1).rings(258, 701);

/// The device of the board, a device whose short rings are smaller than its files, and a device for
/// a single client.
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

/// The device's page.
pub fn device() -> TestCase<Device> {
    TestCase::new("device", device::PORT, || Device::new(temperature), Device::start_with)
        .sizes(&SIZES)
        .crowd(Crowd::new)
        .invariant(|app, cx| app.problem(cx).map_or(Ok(()), |problem| Err(problem.to_owned())))
}

/// What a client does, drawn before the simulation. The number of a connection selects its plan, so a client that was
/// refused does something else on its next connection.
#[derive(Clone, Copy)]
struct Plan {
    kind: u64,
    /// The number of requests or messages after the first.
    more: u64,
    /// The number of bytes of a body or a message.
    length: u64,
    /// The position at which data is cut.
    cut: u64,
    /// How the connection ends.
    end: u64,
    /// A seed for further choices: kinds of requests, bytes.
    seed: u64,
}

impl Plan {
    fn draw(choices: &mut Choices<'_>) -> Self {
        Self {
            kind: choices.up_to(11),
            more: choices.up_to(6),
            length: choices.up_to(2_000),
            cut: choices.up_to(400),
            end: choices.up_to(7),
            seed: choices.up_to(9_999),
        }
    }

    fn visit(self, known: &mut Known) -> Box<dyn Visit> {
        match self.kind {
            0..=4 => Box::new(browser::Browser::new(self, known)),
            5 => Box::new(socket::Echo::new(self)),
            6 => Box::new(socket::Live::socket()),
            7 => Box::new(socket::Live::events()),
            8 => Box::new(socket::Rude::new(self)),
            9 => Box::new(attacker::Half::new(self)),
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
trait Visit {
    /// Sends the first bytes.
    fn begin(&mut self, known: &mut Known, session: &mut Session);

    /// Handles bytes that have arrived.
    fn hear(&mut self, known: &mut Known, session: &mut Session) -> Result<(), String>;

    /// Handles the end of the device's stream. All earlier bytes were handled.
    fn end(&mut self, known: &mut Known, session: &mut Session) -> Result<(), String>;
}

/// What all clients together have sent to the device and know of its state.
#[derive(Default)]
struct Known {
    /// The answers about uploads that the device may give.
    uploads: HashSet<String>,
    /// The answers about settings that the device may give.
    settings: HashSet<String>,
    /// An upload was confirmed.
    has_upload: bool,
    /// Files with their tags.
    files: HashMap<&'static str, (String, Vec<u8>)>,
}

struct Crowd {
    plans: Vec<Plan>,
    visits: HashMap<u32, Box<dyn Visit>>,
    known: Known,
}

impl Crowd {
    fn new(choices: &mut Choices<'_>) -> Self {
        let plans = (0..6).map(|_| Plan::draw(choices)).collect();
        let known =
            Known { settings: HashSet::from([requests::settings("", 24_000)]), ..Known::default() };
        Self { plans, visits: HashMap::new(), known }
    }

    /// Returns an error with the number of the connection.
    fn on<T>(session: &Session, heard: Result<T, String>) -> Result<T, String> {
        heard.map_err(|text| format!("connection {}: {text}", session.number()))
    }
}

impl Service for Crowd {
    fn opened(&mut self, session: &mut Session) -> Result<(), String> {
        let number = session.number();
        let plan = self.plans[number as usize % self.plans.len()];
        // After the last plan, the plans repeat with other bytes.
        let round = u64::from(number) / self.plans.len() as u64;
        let mut visit = Plan { seed: plan.seed + 10_000 * round, ..plan }.visit(&mut self.known);
        visit.begin(&mut self.known, session);
        self.visits.insert(number, visit);
        Ok(())
    }

    fn received(&mut self, session: &mut Session) -> Result<(), String> {
        let Some(visit) = self.visits.get_mut(&session.number()) else { return Ok(()) };
        let heard = visit.hear(&mut self.known, session);
        Self::on(session, heard)
    }

    fn finished(&mut self, session: &mut Session) -> Result<(), String> {
        session.close();
        let Some(visit) = self.visits.get_mut(&session.number()) else { return Ok(()) };
        let heard = visit.end(&mut self.known, session);
        Self::on(session, heard)
    }

    fn ended(&mut self, session: &mut Session) {
        self.visits.remove(&session.number());
    }
}
