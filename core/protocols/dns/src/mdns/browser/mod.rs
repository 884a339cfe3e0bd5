//! The services of a kind that are on the network.

mod asking;
mod hearing;
mod verbs;

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use picoevent::{Cx, Event, Instant};

use super::HasMdns;
use super::text::Text;

pub use verbs::{browse, stop_browsing};

/// The longest name of a service or of a host, in bytes.
const LABEL: usize = 63;

/// The most bytes of the texts of a service; further ones are left out.
const TEXT: usize = 128;

/// An application that looks for services.
pub trait HasBrowser: HasMdns {
    /// Returns the browser: [`Browser::as_mut`] of the one that the application has.
    fn browser(&mut self) -> BrowserMut<'_>;

    /// A service was found, has changed, or is lost. [`BrowserMut::get`] has it, also when it is lost, until this
    /// function returns.
    fn service(&mut self, cx: &mut Cx<'_, Self>, event: ServiceEvent);
}

/// What has happened to a service, by its place in the browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ServiceEvent {
    /// It is there: its host, its port and an address are known.
    Found(u16),
    /// Its host, port, texts or addresses are others than before.
    Changed(u16),
    /// Its host has said goodbye, or has not answered for as long as its records count.
    Lost(u16),
}

/// Finds up to `SERVICES` services of a kind, with [`browse`]. Each takes 408 bytes.
///
/// ```
/// use picoevent::Cx;
/// use picoevent_dns::mdns::{
///     self, AnnounceError, Browser, BrowserMut, HasBrowser, HasMdns, Responder, ServiceEvent,
/// };
///
/// struct App {
///     /// Its socket is used, also when it announces nothing.
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
///         if let ServiceEvent::Found(place) = event
///             && let Some(broker) = self.browser().get(place)
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

/// A browser whose capacity is no longer in its type.
pub struct BrowserMut<'r> {
    query: &'r mut Query,
    services: &'r mut [FoundService],
}

/// What is asked, and when.
struct Query {
    kind: &'static str,
    timer: Option<Event>,
    /// When it is asked next for services, and after how many seconds again.
    next: Instant,
    interval: u32,
}

/// A service that was found.
pub struct FoundService {
    state: State,
    news: News,
    instance: Text<LABEL>,
    host: Text<LABEL>,
    port: u16,
    v4: Option<Ipv4Addr>,
    v6: Option<Ipv6Addr>,
    text: Text<TEXT>,
    /// That it is in the list, where it is, and the addresses of its host.
    lives: [Life; 3],
}

/// What is known of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Free,
    /// There is a service, and something about it is not known yet.
    Incomplete,
    /// The application was told.
    Told,
}

/// What the application is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum News {
    None,
    Found,
    Changed,
    Lost,
}

/// How long records are kept.
#[derive(Clone, Copy, Debug)]
struct Life {
    until: Instant,
    /// When it is asked for again, before that.
    ask: Instant,
    seconds: u32,
}

/// The places of lives.
const LISTED: usize = 0;
const PLACE: usize = 1;
const ADDRESS: usize = 2;

impl<const SERVICES: usize> Browser<SERVICES> {
    const SIZES: () = assert!(SERVICES <= u16::MAX as usize, "a place has two bytes");

    /// Makes a browser that looks for nothing.
    pub const fn new() -> Self {
        let () = Self::SIZES;
        Self {
            query: Query { kind: "", timer: None, next: Instant::ZERO, interval: 0 },
            services: [const { FoundService::FREE }; SERVICES],
        }
    }

    /// Returns the browser without its capacity, for [`HasBrowser`].
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
    /// Returns the service of a place.
    pub fn get(self, place: u16) -> Option<&'r FoundService> {
        self.services.get(usize::from(place)).filter(|service| service.state == State::Told)
    }

    /// Returns the services that were found.
    pub fn services(self) -> impl Iterator<Item = &'r FoundService> {
        self.services.iter().filter(|service| service.state == State::Told)
    }
}

impl FoundService {
    const FREE: Self = Self {
        state: State::Free,
        news: News::None,
        instance: Text::new(),
        host: Text::new(),
        port: 0,
        v4: None,
        v6: None,
        text: Text::new(),
        lives: [Life { until: Instant::MAX, ask: Instant::MAX, seconds: 0 }; 3],
    };

    /// Returns its name, which people read.
    pub fn instance(&self) -> &str {
        self.instance.as_str()
    }

    /// Returns the name of its host, without `.local`.
    pub fn host(&self) -> &str {
        self.host.as_str()
    }

    /// Returns its port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Returns the addresses of its host: at most one of each family, that of IPv4 first.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.v4.map(IpAddr::V4).into_iter().chain(self.v6.map(IpAddr::V6))
    }

    /// Returns its texts, most of which are `key=value`.
    pub fn texts(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.text.as_bytes();
        core::iter::from_fn(move || {
            let (length, after) = rest.split_first()?;
            let (text, after) = after.split_at_checked((*length).into())?;
            rest = after;
            Some(text)
        })
    }

    /// Returns the value of a key among its texts, whatever the case of the key's letters (RFC 6763, 6.4).
    pub fn value(&self, key: &str) -> Option<&[u8]> {
        self.texts().find_map(|text| {
            let (held, rest) = text.split_at_checked(key.len())?;
            let value = rest.strip_prefix(b"=")?;
            held.eq_ignore_ascii_case(key.as_bytes()).then_some(value)
        })
    }
}
