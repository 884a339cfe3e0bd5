//! Names on the network at hand (multicast DNS, RFC 6762, and services, RFC 6763): a device is found as
//! `name.local` in a browser, and its services in lists of services.
//!
//! ```
//! use picoevent::Cx;
//! use picoevent_dns::mdns::{self, AnnounceError, HasMdns, Responder, Service};
//!
//! struct App {
//!     responder: Responder,
//! }
//!
//! impl HasMdns for App {
//!     fn mdns(&mut self) -> &mut Responder {
//!         &mut self.responder
//!     }
//! }
//!
//! const SERVICES: &[Service] = &[Service { kind: "_http._tcp", port: 80, text: &["path=/"] }];
//!
//! fn start(app: &mut App, cx: &mut Cx<App>) -> Result<(), AnnounceError> {
//!     app.responder.set_addresses(&["192.0.2.7".parse().unwrap()]);
//!     mdns::announce(app, cx, "pump-7", SERVICES)
//! }
//! # let _ = start;
//! ```
//!
//! * A name is asked for three times before it is used. If another host has it, a number is added to it:
//!   `pump-7-2`. Of two that ask at the same time, the one with the greater address keeps it.
//! * Then it is announced twice, and what is asked about it is answered: to all after 20 to 120 ms, or at once
//!   to the asker alone if that is wanted. What the asker says it knows is left out.
//! * When the name is given up, or the addresses change, the others are told.
//! * [`browse`] finds the services of a kind that others have, with their hosts, ports, texts and addresses.
//!
//! The storage needs an event, and a UDP socket with the [rings](RINGS). The back end must be able to join
//! groups, and the base needs a [seed](picoevent::EventBase::seed). IPv6 addresses are told, over IPv4.

mod answering;
mod browser;
mod message;
mod text;
mod verbs;

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use picoevent::{Cx, Event, SetupError, UdpRings, UdpSocket, UnseededError};

pub use browser::{
    Browser, BrowserMut, FoundService, HasBrowser, ServiceEvent, browse, stop_browsing,
};
pub use verbs::{announce, withdraw};

/// Where all hear.
const GROUP: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(224, 0, 0, 251)), 5353);

/// The longest message.
const MESSAGE: usize = 512;

/// The rings of the responder's socket, in the bytes of the storage.
pub const RINGS: UdpRings =
    UdpRings::new(UdpRings::holding(3, MESSAGE), UdpRings::holding(2, MESSAGE));

/// The longest name of a host, the number that may be added to it included.
pub const MAX_LABEL: usize = 40;

/// The most services.
pub const MAX_SERVICES: usize = 6;

/// A service of the host. Its name in lists is that of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    /// What kind it is: `_http._tcp`.
    pub kind: &'static str,
    /// Its port.
    pub port: u16,
    /// More about it, each as `key=value`, at most 255 bytes.
    pub text: &'static [&'static str],
}

/// An application that has a responder.
pub trait HasMdns: Sized {
    /// Returns the responder.
    fn mdns(&mut self) -> &mut Responder;

    /// The host has a name of its own now: the one that was wanted, or one with a number. It is called again when
    /// the name changes.
    fn named(&mut self, cx: &mut Cx<'_, Self>) {
        let _ = cx;
    }
}

/// Answers what is asked about a host and its services. It takes 96 bytes on a chip of 32 bits.
pub struct Responder {
    label: Label,
    /// The length of the name that was wanted, without a number.
    wanted: u8,
    number: u8,
    services: &'static [Service],
    v4: Option<Ipv4Addr>,
    v6: Option<Ipv6Addr>,
    state: State,
    /// What is to be answered to all when the timer is due.
    due: Records,
    socket: Option<UdpSocket>,
    timer: Option<Event>,
    /// A browser hears with the same socket.
    is_shared: bool,
}

/// How far a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// There is none.
    Silent,
    /// It was asked for so many times.
    Probing(u8),
    /// It was announced so many times.
    Announcing(u8),
    /// It is ours.
    Named,
}

/// Records: those of the host, the list of kinds of services, and those of each service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Records(u8);

impl Records {
    const NONE: Self = Self(0);
    const HOST: Self = Self(1);
    const KINDS: Self = Self(2);
    const ALL: Self = Self(!2);

    /// Returns those of a service.
    const fn service(number: u8) -> Self {
        Self(4_u8.wrapping_shl(number as u32))
    }

    const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

/// Why a name is not announced, or services are not looked for. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum AnnounceError {
    /// It is no name of a host: one label of letters, digits and hyphens, without a dot. Or it is no kind of services.
    Invalid,
    /// It is longer than this, which leaves room for a number.
    TooLong {
        /// The most bytes of a name.
        most: usize,
    },
    /// There are more services than [`MAX_SERVICES`].
    TooManyServices,
    /// The base has no event, or no UDP socket, for it.
    Setup(SetupError),
    /// The base has no seed for random numbers.
    Unseeded,
}

impl From<SetupError> for AnnounceError {
    fn from(error: SetupError) -> Self {
        Self::Setup(error)
    }
}

impl From<UnseededError> for AnnounceError {
    fn from(_: UnseededError) -> Self {
        Self::Unseeded
    }
}

impl fmt::Display for AnnounceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid => f.write_str("not a name of letters, digits and hyphens"),
            Self::TooLong { most } => write!(f, "the name is longer than {most} bytes"),
            Self::TooManyServices => write!(f, "there are more than {MAX_SERVICES} services"),
            Self::Setup(error) => error.fmt(f),
            Self::Unseeded => UnseededError.fmt(f),
        }
    }
}

impl core::error::Error for AnnounceError {}

impl Responder {
    /// Makes a responder without a name.
    pub const fn new() -> Self {
        Self {
            label: Label::new(),
            wanted: 0,
            number: 1,
            services: &[],
            v4: None,
            v6: None,
            state: State::Silent,
            due: Records::NONE,
            socket: None,
            timer: None,
            is_shared: false,
        }
    }

    /// Returns the host's name, without `.local`, once it is ours.
    pub fn name(&self) -> Option<&str> {
        matches!(self.state, State::Announcing(_) | State::Named).then(|| self.label.as_str())
    }

    /// Sets the addresses that are told, one of each family; of several, the first. They are told to all by the next
    /// [`announce`].
    pub fn set_addresses(&mut self, addresses: &[IpAddr]) {
        (self.v4, self.v6) = (None, None);
        for address in addresses {
            match address {
                IpAddr::V4(v4) => self.v4 = self.v4.or(Some(*v4)),
                IpAddr::V6(v6) => self.v6 = self.v6.or(Some(*v6)),
            }
        }
    }

    /// Returns the name that is asked for, or ours.
    fn label(&self) -> &[u8] {
        self.label.as_bytes()
    }

    /// Takes the next number for the name.
    fn rename(&mut self) {
        self.number = self.number.checked_add(1).unwrap_or(2);
        let mut label = Label::new();
        // There is room for a hyphen and three digits (`announce`).
        let wanted = self.label.as_bytes().iter().take(self.wanted.into());
        wanted.chain(b"-").for_each(|byte| _ = label.push_byte(*byte));
        let digits = [self.number / 100, self.number / 10 % 10, self.number % 10];
        for digit in digits.into_iter().skip_while(|digit| *digit == 0) {
            label.push_byte(b'0'.wrapping_add(digit));
        }
        self.label = label;
    }
}

/// A name without a dot: ASCII.
type Label = text::Text<MAX_LABEL>;

impl Default for Responder {
    fn default() -> Self {
        Self::new()
    }
}
