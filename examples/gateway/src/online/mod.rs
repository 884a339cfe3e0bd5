//! The parts of a gateway that need the feature `online`: names, the time of day, and a broker.
//!
//! ```text
//!   names    collector and broker may be names; the gateway answers queries for `NAME.local`
//!   clock    the time of day from a time server, for the log
//!   broker   NAME/sample ◀── samples      NAME/state: online, gone      NAME/set/KEY ──▶ store
//! ```
//!
//! The connection to the broker has a separate pool, so this connection does not take the uplink's slot. A part that is
//! not set in the [`Settings`] is not started.

mod broker;
mod clock;
mod names;

use core::net::{IpAddr, SocketAddr};

use heapless::String;
use picoevent::{Cx, EventMut, Pool, PoolId, SetupError, UdpRings};
use picoevent_dns::Resolver;
use picoevent_dns::mdns::{self, Responder, Service};
use picoevent_mqtt::Client;
use picoevent_sntp::{self as sntp, WallTime};

use crate::{Gateway, STATUS_PORT};

/// The connection to the broker.
const BROKER: Pool = Pool::new(1).rings(256, 512);

/// The resolver. The resolver has room for three look-ups at once (collector, broker and time server) and for twelve
/// addresses. The twelve addresses are the IPv4 and IPv6 addresses of each name, and the addresses in
/// [`Settings::hosts`].
type Names = Resolver<Gateway, 3, 12, { Host::LONGEST }>;

/// The MQTT client. The client keeps one subscription, and keeps each sample until the broker has acknowledged the
/// sample.
type Mqtt = Client<Gateway, 14, 1_200>;

/// The number of events: the network event, and the timers of resolver, responder and clock.
pub(crate) const EVENTS: usize = 4;
pub(crate) const CONNS: usize = BROKER.conns();
pub(crate) const POOLS: usize = 1;
/// The number of UDP sockets: two for the resolver, one for the responder and one for the clock.
pub(crate) const UDP_SOCKETS: usize = 4;
pub(crate) const BYTES: usize =
    BROKER.bytes() + RESOLVER_BYTES + mdns::RINGS.bytes() + sntp::RINGS.bytes();

const NAMES_RINGS: UdpRings = Names::RINGS;
const RESOLVER_BYTES: usize = 2 * NAMES_RINGS.bytes();

/// The status page as a service, to announce by mDNS.
pub const PAGE: &[Service] =
    &[Service { kind: "_http._tcp", port: STATUS_PORT, text: &["path=/status"] }];

/// The length of the longest name of a gateway, in bytes.
pub const MAX_NAME: usize = 32;

/// A topic: the gateway's name and a suffix.
type Topic = String<{ MAX_NAME + 8 }>;

/// A host, given by name or address, and a port.
#[derive(Clone, Copy, Debug)]
pub struct Host {
    /// The name or the address.
    pub name: &'static str,
    /// The port.
    pub port: u16,
}

impl Host {
    /// The length of the longest name, in bytes.
    pub const LONGEST: usize = 64;
}

/// A time server.
#[derive(Clone, Copy, Debug)]
pub enum TimeServer {
    /// A server given by its address.
    At(SocketAddr),
    /// A server given by its name.
    Named(&'static str),
}

/// The settings of the feature `online`. All settings are optional.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The host that samples are sent to, instead of the collector in the [`Setup`](crate::Setup).
    pub collector: Option<Host>,
    /// The broker.
    pub broker: Option<Host>,
    /// The server that sets the clock.
    pub time_server: Option<TimeServer>,
    /// Called with the time of day when the clock has been set. The program can use the time for its log lines.
    pub clock_is_set: fn(WallTime),
    /// The services that the gateway announces by mDNS. With `None`, the gateway announces nothing, and does not answer
    /// queries for its name.
    pub services: Option<&'static [Service]>,
    /// The DNS servers. If the list is empty, the gateway uses the DNS servers that the network announces.
    pub name_servers: &'static [SocketAddr],
    /// At most four host names with their addresses. These names are resolved without a DNS server.
    pub hosts: &'static [(&'static str, IpAddr)],
}

impl Settings {
    /// No settings: none of the parts is started.
    pub const NONE: Self = Self {
        collector: None,
        broker: None,
        time_server: None,
        clock_is_set: |_| (),
        services: None,
        name_servers: &[],
        hosts: &[],
    };
}

/// The state of the parts that need the feature `online`.
pub(crate) struct Online {
    settings: Settings,
    names: Names,
    responder: Responder,
    clock: sntp::Client,
    mqtt: Mqtt,
    /// The topic `NAME/state`, to which the will and the state are published.
    state: Topic,
    /// Whether the state `online` must still be published to the broker.
    has_unpublished_state: bool,
    unpublished: u32,
    broker_pool: Option<PoolId>,
    /// Whether the gateway has had an address. The parts that need the network are started when the gateway gets its
    /// first address.
    is_started: bool,
}

impl Online {
    pub(crate) const fn new() -> Self {
        Self {
            settings: Settings::NONE,
            names: Resolver::new(),
            responder: Responder::new(),
            clock: sntp::Client::new(),
            mqtt: Client::new(),
            state: String::new(),
            has_unpublished_state: false,
            unpublished: 0,
            broker_pool: None,
            is_started: false,
        }
    }
}

impl Gateway {
    /// Sets the settings of the feature `online`. Call this function before [`start`](Self::start). With the feature
    /// `online`, the base needs a [seed](picoevent::EventBase::seed).
    pub const fn set_online(&mut self, settings: Settings) {
        self.online.settings = settings;
    }

    pub(crate) fn start_online(
        &mut self,
        cx: &mut Cx<Self>,
        uplinks: PoolId,
    ) -> Result<(), SetupError> {
        let settings = self.online.settings;
        if settings.collector.is_some() {
            self.reserve_uplink(cx, uplinks)?;
        }
        if settings.broker.is_some() {
            self.online.broker_pool = Some(cx.add_pool(BROKER)?);
        }
        self.add_hosts();
        cx.on_network(Self::network_changed)?;
        Ok(())
    }

    /// Called when the network came up, went down or changed.
    fn network_changed(&mut self, event: &mut EventMut<Self>) {
        let network = *event.network();
        self.use_name_servers(network.name_servers());
        if network.addresses().is_empty() {
            return;
        }
        self.announce(event, network.addresses());
        if core::mem::replace(&mut self.online.is_started, true) {
            return;
        }
        self.start_uplink(event);
        self.start_clock(event);
        self.start_broker(event);
    }

    pub(crate) fn stop_online(&mut self, cx: &mut Cx<Self>) {
        self.disconnect_broker(cx);
        mdns::withdraw(self, cx);
    }
}
