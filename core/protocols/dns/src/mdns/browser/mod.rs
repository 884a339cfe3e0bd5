//! Finds the services of a kind on the local network.

mod queries;
mod receiving;
mod verbs;

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use picoevent::{Cx, Event, Instant};

use super::HasMdns;
use super::text::Text;

pub use verbs::{browse, stop_browsing};

/// The maximum length of the name of a service or a host, in bytes.
const LABEL: usize = 63;

/// The maximum total length of a service's texts, in bytes. Texts that do not fit are left out.
const TEXT: usize = 128;

/// An application that browses services.
pub trait HasBrowser: HasMdns {
    /// Returns the browser: [`Browser::as_mut`] of the application's browser.
    fn browser(&mut self) -> BrowserMut<'_>;

    /// Called when a service was found, has changed, or is lost. While this function runs, [`BrowserMut::get`] returns
    /// the service, even if the service is lost.
    fn service(&mut self, cx: &mut Cx<'_, Self>, event: ServiceEvent);
}

/// An event of a service. The number is the index of the service, for [`BrowserMut::get`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ServiceEvent {
    /// The service is available: its host, its port and an address are known.
    Found(u16),
    /// The host, the port, the texts or the addresses of the service have changed.
    Changed(u16),
    /// The service is lost: its host has sent a goodbye, or a record of the service has expired.
    Lost(u16),
}

/// Finds up to `SERVICES` services of a kind, with [`browse`]. Each service takes 408 bytes.
///
/// ```
/// use picoevent::Cx;
/// use picoevent_dns::mdns::{
///     self, AnnounceError, Browser, BrowserMut, HasBrowser, HasMdns, Responder, ServiceEvent,
/// };
///
/// struct App {
///     /// The browser uses the responder's socket, even if the responder announces nothing.
///     responder: Responder,
///     brokers: Browser<4>,
/// }
///
/// impl HasMdns for App {
///     fn mdns(&mut self) -> &mut Responder {
///         &mut self.responder
///     }
/// }
///
/// impl HasBrowser for App {
///     fn browser(&mut self) -> BrowserMut<'_> {
///         self.brokers.as_mut()
///     }
///
///     fn service(&mut self, _: &mut Cx<Self>, event: ServiceEvent) {
///         if let ServiceEvent::Found(index) = event
///             && let Some(broker) = self.browser().get(index)
///         {
///             // Connect to it.
///             let (_address, _port) = (broker.addresses().next(), broker.port());
///         }
///     }
/// }
///
/// fn start(app: &mut App, cx: &mut Cx<App>) -> Result<(), AnnounceError> {
///     mdns::browse(app, cx, "_mqtt._tcp")
/// }
/// # let _ = start;
/// ```
pub struct Browser<const SERVICES: usize> {
    query: Query,
    services: [FoundService; SERVICES],
}

/// A browser without its capacity in the type.
pub struct BrowserMut<'r> {
    query: &'r mut Query,
    services: &'r mut [FoundService],
}

/// The browser's question for services, and the times at which this question is sent.
struct Query {
    kind: &'static str,
    timer: Option<Event>,
    /// The time at which the question is sent next.
    next: Instant,
    /// The time between this question and the following question, in seconds.
    interval: u32,
}

/// A service that was found.
pub struct FoundService {
    state: State,
    pending: Pending,
    instance: Text<LABEL>,
    host: Text<LABEL>,
    port: u16,
    v4: Option<Ipv4Addr>,
    v6: Option<Ipv6Addr>,
    text: Text<TEXT>,
    /// The lifetimes of the PTR record that lists the service, of the SRV record, and of the address records, in this
    /// order.
    lifetimes: [Lifetime; 3],
}

/// The state of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Free,
    /// A service whose records are not yet complete.
    Incomplete,
    /// The service was reported to the application.
    Reported,
}

/// The event that will be reported to the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pending {
    None,
    Found,
    Changed,
    Lost,
}

/// The lifetime of a record.
#[derive(Clone, Copy, Debug)]
struct Lifetime {
    until: Instant,
    /// The time of the next question for the record, before the record expires.
    next_question: Instant,
    seconds: u32,
}

/// The indices in `lifetimes`.
const LISTED: usize = 0;
const SRV: usize = 1;
const ADDRESS: usize = 2;

impl<const SERVICES: usize> Browser<SERVICES> {
    const SIZES: () = assert!(SERVICES <= u16::MAX as usize, "an index has two bytes");

    /// Makes a browser that does not browse yet.
    pub const fn new() -> Self {
        let () = Self::SIZES;
        Self {
            query: Query { kind: "", timer: None, next: Instant::ZERO, interval: 0 },
            services: [const { FoundService::FREE }; SERVICES],
        }
    }

    /// Returns the browser without its capacity in the type, for [`HasBrowser`].
    #[inline(never)]
    pub const fn as_mut(&mut self) -> BrowserMut<'_> {
        BrowserMut { query: &mut self.query, services: &mut self.services }
    }
}

impl<const SERVICES: usize> Default for Browser<SERVICES> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'r> BrowserMut<'r> {
    /// Returns the service with this index. Returns `None` if no service has this index, or if [`HasBrowser::service`]
    /// has not reported the service as found.
    pub fn get(self, index: u16) -> Option<&'r FoundService> {
        self.services.get(usize::from(index)).filter(|service| service.state == State::Reported)
    }

    /// Returns the services that were found.
    pub fn services(self) -> impl Iterator<Item = &'r FoundService> {
        self.services.iter().filter(|service| service.state == State::Reported)
    }
}

impl FoundService {
    const FREE: Self = Self {
        state: State::Free,
        pending: Pending::None,
        instance: Text::new(),
        host: Text::new(),
        port: 0,
        v4: None,
        v6: None,
        text: Text::new(),
        lifetimes: [Lifetime { until: Instant::MAX, next_question: Instant::MAX, seconds: 0 }; 3],
    };

    /// Returns the name of the service. The name is a text for people.
    pub fn instance(&self) -> &str {
        self.instance.as_str()
    }

    /// Returns the name of the service's host, without `.local`.
    pub fn host(&self) -> &str {
        self.host.as_str()
    }

    /// Returns the port of the service.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Returns the addresses of the service's host: at most one of each family, IPv4 first.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.v4.map(IpAddr::V4).into_iter().chain(self.v6.map(IpAddr::V6))
    }

    /// Returns the texts of the service. Most texts are of the form `key=value`.
    pub fn texts(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.text.as_bytes();
        core::iter::from_fn(move || {
            let (length, after) = rest.split_first()?;
            let (text, after) = after.split_at_checked((*length).into())?;
            rest = after;
            Some(text)
        })
    }

    /// Returns the value of a key in the texts of the service, or `None` if there is no such key with a value. The key
    /// is not case-sensitive (RFC 6763, section 6.4).
    pub fn value(&self, key: &str) -> Option<&[u8]> {
        self.texts().find_map(|text| {
            let (found_key, rest) = text.split_at_checked(key.len())?;
            let value = rest.strip_prefix(b"=")?;
            found_key.eq_ignore_ascii_case(key.as_bytes()).then_some(value)
        })
    }
}
