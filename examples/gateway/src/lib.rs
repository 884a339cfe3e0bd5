//! A device gateway: a console (TCP port 2323), a status page (HTTP port 8080), an uplink to a collector, and
//! discovery (UDP port 2324).
//!
//! ```text
//!   sensor, each 100 ms ──▶ samples, 128 at most ──▶ uplink ──▶ collector
//!   button ─────────────┘                     ▲
//!   console: get, set, watch, quit ───────────┤  state of the application
//!   status:  GET /status ─────────────────────┘
//!   discovery: discover ──▶ gateway console=2323 status=8080
//! ```
//!
//! Console, status page and uplink have separate pools, so many clients cannot block the uplink. The crate is the
//! whole application and does not depend on a particular board.
//!
//! With the feature `online` the gateway also publishes to a broker, answers queries for `NAME.local`, and logs the
//! time of day. With this feature, the collector and the broker may be given by name. See [`Settings`].

#![no_std]

use core::net::SocketAddr;
use core::ops::Range;
use core::time::Duration;

use heapless::Deque;
use picoevent::{ConnMut, Cx, EventMut, Listener, Pool, SetupError, Signal, Storage, UdpSocket};
use picoevent_http::{Http, Server};

mod console;
mod discovery;
mod http;
#[cfg(feature = "online")]
mod online;
#[cfg(not(feature = "online"))]
#[path = "offline.rs"]
mod online;
mod store;
mod uplink;

use console::Console;
use http::{Page, Requests};
use online::Online;
#[cfg(feature = "online")]
pub use online::{Host, MAX_NAME, PAGE, Settings, TimeServer};
use store::Store;
use uplink::Uplink;

// The application logs through defmt or log.
#[cfg(feature = "defmt")]
use defmt::info;
#[cfg(not(feature = "defmt"))]
use log::info;

/// The console's port.
pub const CONSOLE_PORT: u16 = 2323;
/// The status page's port.
pub const STATUS_PORT: u16 = 8080;
/// The port of discovery, for UDP.
pub const DISCOVERY_PORT: u16 = 2324;
/// The button: a pin's interrupt on a board, SIGUSR1 on a host.
pub const BUTTON: Signal = Signal::USR1;

/// The pools of console, status page and uplink.
pub const POOLS: [Pool; 3] = [
    Pool::new(4).spare(1).rings(256, 512),
    Pool::new(4).spare(1).rings(512, 512),
    Pool::new(1).rings(128, 512),
];

const EVENTS: usize = 4 + online::EVENTS;
const CONNS: usize = Pool::all_conns(&POOLS) + online::CONNS;
const BYTES: usize = Pool::all_bytes(&POOLS) + discovery::RINGS.bytes() + online::BYTES;

/// The number of UDP sockets: one for discovery, and four more with the feature `online`.
pub const UDP_SOCKETS: usize = 1 + online::UDP_SOCKETS;

/// The memory of the loop: four events (the sampling timer, two signals and the delay before the loop ends), two
/// listeners, the pools and the UDP sockets. The feature `online` adds more events, a pool and UDP sockets.
pub type Memory = Storage<Gateway, EVENTS, CONNS, BYTES, 2, { 3 + online::POOLS }, 0, UDP_SOCKETS>;

const SAMPLING: Duration = Duration::from_millis(100);
/// The time that clients have to read their last line.
const EXIT_DELAY: Duration = Duration::from_millis(500);
/// The number of samples that are kept until the collector has confirmed them.
const BACKLOG: usize = 128;

/// A value of the sensor.
#[derive(Clone, Copy)]
struct Sample {
    number: u32,
    micros: u64,
    value: i32,
    forced: bool,
}

/// The settings of a gateway.
#[derive(Clone, Copy)]
pub struct Setup {
    /// The gateway's name, for discovery: one word of at most 32 bytes.
    pub name: &'static str,
    /// Returns the sensor's value. The argument is the loop's time in microseconds.
    pub sensor: fn(micros: u64) -> i32,
    /// The collector's address; `None` if no samples are sent.
    pub collector: Option<SocketAddr>,
}

/// The application.
pub struct Gateway {
    setup: Setup,
    store: Store,
    latest: Option<Sample>,
    samples: Deque<Sample, BACKLOG>,
    taken: u32,
    lost: u32,
    served: u32,
    requests: Requests,
    uplink: Uplink,
    #[cfg_attr(not(feature = "online"), expect(dead_code, reason = "there is nothing in it"))]
    online: Online,
    console: Option<Listener>,
    /// The ports of console and status page.
    ports: [u16; 2],
    is_exiting: bool,
}

/// The open ports of a gateway.
pub struct Listening {
    /// The console.
    pub console: Listener,
    /// The status page.
    pub status: Listener,
    /// Discovery.
    pub discovery: UdpSocket,
}

impl Gateway {
    /// Makes the application. Call [`start`](Self::start) next.
    pub const fn new(setup: Setup) -> Self {
        Self {
            setup,
            store: Store::new(),
            latest: None,
            samples: Deque::new(),
            taken: 0,
            lost: 0,
            served: 0,
            requests: Server::new(),
            uplink: Uplink::new(),
            online: Online::new(),
            console: None,
            ports: [CONSOLE_PORT, STATUS_PORT],
            is_exiting: false,
        }
    }

    /// Listens for clients of the console and of the status page, and for discovery, and connects to the
    /// collector.
    ///
    /// # Errors
    /// [`SetupError`] when the storage is smaller than [`Memory`].
    pub fn start(
        &mut self,
        cx: &mut Cx<Self>,
        console: SocketAddr,
        status: SocketAddr,
        discovery: SocketAddr,
    ) -> Result<Listening, SetupError> {
        let [consoles, requests, uplinks] = cx.add_pools(POOLS)?;
        self.set_ports(console.port(), status.port());
        let console = cx.listen::<Console>(console, consoles)?;
        let status = cx.listen::<Http<Page>>(status, requests)?;
        let discovery = cx.bind(discovery, discovery::RINGS, Self::answer_discovery)?;
        self.console = Some(console);
        if let Some(collector) = self.setup.collector {
            self.uplink.conn = Some(cx.connect::<Uplink>(collector, uplinks)?);
        }
        self.start_online(cx, uplinks)?;
        cx.every(SAMPLING, |app, event| app.sample(event, false))?;
        cx.on_signal(BUTTON, Self::pressed)?;
        cx.on_signal(Signal::INT, Self::interrupted)?;
        Ok(Listening { console, status, discovery })
    }

    /// Sets the ports that discovery answers with. Call this function if the actual ports differ from the ports given
    /// to `start`. On a host, the system chooses a free port for port 0.
    pub const fn set_ports(&mut self, console: u16, status: u16) {
        self.ports = [console, status];
    }

    fn sample(&mut self, cx: &mut Cx<Self>, forced: bool) {
        let micros = cx.now().as_micros();
        let sample =
            Sample { number: self.taken, micros, value: (self.setup.sensor)(micros), forced };
        self.taken = self.taken.wrapping_add(1);
        self.latest = Some(sample);
        self.publish(cx, sample);
        let Some(uplink) = self.uplink.conn else { return };
        if self.samples.is_full() {
            self.samples.pop_front();
            self.lost = self.lost.saturating_add(1);
            self.uplink.sent = self.uplink.sent.saturating_sub(1);
        }
        let _ = self.samples.push_back(sample);
        if let Ok(mut uplink) = cx.conn(uplink) {
            self.send_samples(&mut uplink);
        }
    }

    fn pressed(&mut self, event: &mut EventMut<Self>) {
        info!("the button was pressed");
        self.sample(event, true);
    }

    fn interrupted(&mut self, event: &mut EventMut<Self>) {
        if core::mem::replace(&mut self.is_exiting, true) {
            return;
        }
        info!("the gateway ends");
        if let Some(Ok(mut console)) = self.console.map(|console| event.listener(console)) {
            console.for_each(Self::send_goodbye);
        }
        self.stop_online(event);
        event.exit_after(EXIT_DELAY);
    }

    fn send_goodbye(client: &mut ConnMut<Self>) {
        let _ = client.write(b"bye: the gateway ends\r\n");
        client.close();
    }

    /// Returns the sequence numbers of the samples that the collector has not confirmed yet.
    pub fn unconfirmed(&self) -> Range<u32> {
        self.taken.wrapping_sub(self.samples.len() as u32)..self.taken
    }

    /// Returns the number of samples that were dropped because the queue of samples was full.
    pub const fn lost(&self) -> u32 {
        self.lost
    }

    /// Checks the invariants that hold between callbacks. Returns a description of the violation, if an invariant is
    /// violated.
    pub fn problem(&self, cx: &Cx<Self>) -> Option<&'static str> {
        if self.uplink.sent > self.samples.len() {
            return Some("the uplink has sent more samples than there are");
        }
        let next = self.samples.iter().skip(1);
        let mut pairs = self.samples.iter().zip(next);
        if !pairs.all(|(one, next)| next.number == one.number.wrapping_add(1)) {
            return Some("the samples have a gap");
        }
        if cx.conns().count() > CONNS {
            return Some("there are more connections than the pools have");
        }
        None
    }
}

/// Returns the value of a simulated sensor: a temperature in thousandths of a degree. The temperature rises from 20 to
/// 25 degrees and falls again, in 20 seconds.
pub fn temperature(micros: u64) -> i32 {
    let millis = (micros / 1_000 % 20_000) as i32;
    25_000 - (millis - 10_000).abs() / 2
}
