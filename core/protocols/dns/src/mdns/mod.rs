//! Names on the local network: multicast DNS (RFC 6762) and service discovery (RFC 6763). A web browser reaches the
//! device as `name.local`, and the services of the device appear in lists of services.
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
//! * A name is probed three times before it is used. If another host has the name, a number is appended: `pump-7-2`. If
//!   two hosts probe for a name at the same time, the host with the greater address gets the name.
//! * After the probes, the name is announced twice, and questions about the name are answered: by multicast after 20 to
//!   120 ms, or at once by unicast if the querier requests a unicast answer. Records that the querier already has are
//!   left out. A record is sent by multicast at most once per second (RFC 6762, section 6).
//! * When the name is withdrawn, or is announced again with other addresses, the other hosts are informed.
//! * [`browse`] finds the services of a kind on other hosts. The result includes the host, port, texts and addresses of
//!   each service.
//!
//! The storage must have one event for the responder, and one UDP socket with memory for its [rings](RINGS). The back
//! end must be able to join multicast groups, and the base needs a [seed](picoevent::EventBase::seed). Messages are
//! sent only over IPv4, but they also contain IPv6 addresses. If the port 5353 is in use, the responder and the browser
//! try to bind it again every 5 seconds, and the host has no name until then.

mod answering;
mod browser;
mod message;
mod text;
mod verbs;

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use picoevent::{Cx, Event, Instant, SetupError, UdpRings, UdpSocket, UnseededError};

pub use browser::{
    Browser, BrowserMut, FoundService, HasBrowser, ServiceEvent, browse, stop_browsing,
};
pub use verbs::{announce, withdraw};

/// The multicast group.
const GROUP: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(224, 0, 0, 251)), 5353);

/// The maximum length of a message in bytes.
const MESSAGE: usize = 512;

/// The ring sizes of the responder's socket. The memory of the rings is taken from the storage.
pub const RINGS: UdpRings =
    UdpRings::new(UdpRings::holding(3, MESSAGE), UdpRings::holding(2, MESSAGE));

/// The maximum length of a host name in bytes, including a number that may be appended.
pub const MAX_LABEL: usize = 40;

/// The maximum number of services.
pub const MAX_SERVICES: usize = 6;

/// A service of the host. The instance name of the service is the host's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    /// The kind of the service, such as `_http._tcp`.
    pub kind: &'static str,
    /// The port of the service.
    pub port: u16,
    /// The texts of the service, each as `key=value` with at most 255 bytes.
    pub text: &'static [&'static str],
}

/// An application that has a responder.
pub trait HasMdns: Sized {
    /// Returns the responder.
    fn mdns(&mut self) -> &mut Responder;

    /// Called when the host has a name: the requested name, or this name with a number. `named` is called again after
    /// each further probing, for example after a conflict, even if the name stays the same.
    fn named(&mut self, cx: &mut Cx<'_, Self>) {
        let _ = cx;
    }
}

/// Answers questions about a host and its services. A responder takes 128 bytes on a 32-bit chip.
pub struct Responder {
    label: Label,
    /// The length of the requested name, without the number that is added after a conflict.
    requested_length: u8,
    /// The number at the end of the name; 0 if the name has no number.
    number: u8,
    services: &'static [Service],
    v4: Option<Ipv4Addr>,
    v6: Option<Ipv6Addr>,
    state: State,
    /// The records to send to all hosts when the timer is due.
    due: Records,
    /// For each bit of a set of records, the time at which these records were last sent to all hosts: the lower 32 bits
    /// of the time in microseconds.
    sent_at: [u32; 8],
    socket: Option<UdpSocket>,
    timer: Option<Event>,
    /// Whether a browser uses the same socket.
    is_shared: bool,
}

/// The state of the responder's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// There is no name.
    Silent,
    /// The number of probes sent.
    Probing(u8),
    /// The number of announcements sent.
    Announcing(u8),
    /// The name was announced and belongs to this host.
    Named,
}

/// A set of records: the records of the host, the list of service kinds, and the records of each service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Records(u8);

impl Records {
    const NONE: Self = Self(0);
    const HOST: Self = Self(1);
    const KINDS: Self = Self(2);
    const ALL: Self = Self(!2);

    /// Returns the records of a service.
    const fn service(number: u8) -> Self {
        Self(4_u8.wrapping_shl(number as u32))
    }

    const fn bit(bit: u32) -> Self {
        Self(1_u8.wrapping_shl(bit))
    }

    /// Returns whether there are records of a service.
    const fn has_service(self) -> bool {
        self.0 & !3 != 0
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

/// The reason why [`announce`] or [`browse`] has failed. The failed call has changed nothing, with one exception:
/// [`announce`] may have allocated the responder's timer, which is an event of the base. The next [`announce`] uses
/// this timer, and [`withdraw`] frees the timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum AnnounceError {
    /// The name is not a host name: one label of letters, digits and hyphens, without a dot. Or the
    /// text is not a kind of service.
    Invalid,
    /// The name is too long, because a number must still fit after the name. Or the kind of service is too long.
    TooLong {
        /// The maximum length of the name, or of the kind of service, in bytes.
        most: usize,
    },
    /// There are more services than [`MAX_SERVICES`].
    TooManyServices,
    /// The base has no free event or no free UDP socket.
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
            requested_length: 0,
            number: 1,
            services: &[],
            v4: None,
            v6: None,
            state: State::Silent,
            due: Records::NONE,
            sent_at: [0; 8],
            socket: None,
            timer: None,
            is_shared: false,
        }
    }

    /// Returns the host's name, without `.local`. Returns `None` if the host has no name yet.
    pub fn name(&self) -> Option<&str> {
        matches!(self.state, State::Announcing(_) | State::Named).then(|| self.label.as_str())
    }

    /// Sets the addresses to announce: the first address of each family. The next [`announce`] sends these addresses to
    /// all hosts.
    pub fn set_addresses(&mut self, addresses: &[IpAddr]) {
        (self.v4, self.v6) = (None, None);
        for address in addresses {
            match address {
                IpAddr::V4(v4) => self.v4 = self.v4.or(Some(*v4)),
                IpAddr::V6(v6) => self.v6 = self.v6.or(Some(*v6)),
            }
        }
    }

    /// Returns the records that were sent to all hosts in the last `micros` microseconds.
    fn sent_within(&self, micros: u32, now: Instant) -> Records {
        let bits = (0..u8::BITS).zip(self.sent_at).filter(|(_, at)| age(*at, now) < micros);
        bits.fold(Records::NONE, |records, (bit, _)| records.with(Records::bit(bit)))
    }

    /// Stores the time at which records were sent to all hosts.
    fn set_sent_at(&mut self, records: Records, at: u32) {
        let times = (0..u8::BITS).zip(&mut self.sent_at);
        times.filter(|(bit, _)| records.has(Records::bit(*bit))).for_each(|(_, sent)| *sent = at);
    }

    /// Returns the name that the responder has or probes for.
    fn label(&self) -> &[u8] {
        self.label.as_bytes()
    }

    /// Appends the next number to the name.
    fn rename(&mut self) {
        self.number = self.number.checked_add(1).unwrap_or(2);
        let mut label = Label::new();
        // There is room for a hyphen and three digits (see `announce`).
        let requested = self.label.as_bytes().iter().take(self.requested_length.into());
        requested.chain(b"-").for_each(|byte| _ = label.push_byte(*byte));
        let digits = [self.number / 100, self.number / 10 % 10, self.number % 10];
        for digit in digits.into_iter().skip_while(|digit| *digit == 0) {
            label.push_byte(b'0'.wrapping_add(digit));
        }
        self.label = label;
    }
}

/// Returns the microseconds since a time of which only the lower 32 bits are known. The result is wrong if the time is
/// more than 71 minutes ago. In this case, an answer can wait for up to one second longer.
const fn age(at: u32, now: Instant) -> u32 {
    (now.as_micros() as u32).wrapping_sub(at)
}

/// A name without a dot, in ASCII.
type Label = text::Text<MAX_LABEL>;

impl Default for Responder {
    fn default() -> Self {
        Self::new()
    }
}
