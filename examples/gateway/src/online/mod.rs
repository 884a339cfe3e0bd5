//! What a gateway has with the feature `online`: names, the time of day, and a broker.
//!
//! ```text
//!   names    collector and broker may be names; `NAME.local` is answered to
//!   clock    the time of day from a time server, for the log
//!   broker   NAME/sample ◀── samples      NAME/state: online, gone      NAME/set/KEY ──▶ store
//! ```
//!
//! The broker has a pool of its own, as the others have, so it takes no place from the uplink. Each of the three is left
//! out by leaving it out of the [`Settings`].

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

/// Three look-ups at once, of the collector, the broker and the time server. Of both families of each the addresses
/// are kept, and as many of a list of hosts.
type Names = Resolver<Gateway, 3, 12, { Host::LONGEST }>;

/// A subscription, and samples until the broker has acknowledged them.
type Mqtt = Client<Gateway, 14, 1_200>;

/// The network's, and the timers of resolver, responder and clock.
pub(crate) const EVENTS: usize = 4;
pub(crate) const CONNS: usize = BROKER.conns();
pub(crate) const POOLS: usize = 1;
/// Two of the resolver, one of the responder and one of the clock.
pub(crate) const UDP_SOCKETS: usize = 4;
pub(crate) const BYTES: usize =
    BROKER.bytes() + RESOLVING + mdns::RINGS.bytes() + sntp::RINGS.bytes();

const NAMES_RINGS: UdpRings = Names::RINGS;
const RESOLVING: usize = 2 * NAMES_RINGS.bytes();

/// The status page, for the neighbours.
pub const PAGE: &[Service] =
    &[Service { kind: "_http._tcp", port: STATUS_PORT, text: &["path=/status"] }];

/// The longest name of a gateway.
pub const MAX_NAME: usize = 32;

/// A topic: a name, and what is behind it.
type Topic = String<{ MAX_NAME + 8 }>;

/// A port of a host, which is known by its name or its address.
#[derive(Clone, Copy, Debug)]
pub struct Host {
    /// The name or the address.
    pub name: &'static str,
    /// The port.
    pub port: u16,
}

impl Host {
    /// The longest name.
    pub const LONGEST: usize = 64;
}

/// A time server.
#[derive(Clone, Copy, Debug)]
pub enum TimeServer {
    /// Known by its address.
    At(SocketAddr),
    /// Known by its name.
    Named(&'static str),
}

/// What a gateway has besides. All of it is optional.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Where samples are sent to, instead of the collector of the [`Setup`](crate::Setup).
    pub collector: Option<Host>,
    /// The broker.
    pub broker: Option<Host>,
    /// What sets the clock.
    pub time_server: Option<TimeServer>,
    /// Is told when the clock has been set, at this time of day: for the log.
    pub clock_is_set: fn(WallTime),
    /// The services that are told to the neighbours; without them, the name is not answered to.
    pub services: Option<&'static [Service]>,
    /// The servers of names; if there are none, those that the network names.
    pub name_servers: &'static [SocketAddr],
    /// Names that are known without a server: four at most.
    pub hosts: &'static [(&'static str, IpAddr)],
}

impl Settings {
    /// Nothing of it.
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

/// The state of it.
pub(crate) struct Online {
    settings: Settings,
    names: Names,
    responder: Responder,
    clock: sntp::Client,
    mqtt: Mqtt,
    /// `NAME/state`, for the will.
    state: Topic,
    /// The broker has to be told that the gateway is online.
    owes_state: bool,
    unpublished: u32,
    broker_pool: Option<PoolId>,
    /// The network was there, so what needs it was begun.
    is_begun: bool,
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
            owes_state: false,
            unpublished: 0,
            broker_pool: None,
            is_begun: false,
        }
    }
}

impl Gateway {
    /// Sets what the gateway has besides. Call it before the [start](Self::start); the base needs a
    /// [seed](picoevent::EventBase::seed) then.
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

    /// The network is there, is gone, or is another one.
    fn network_changed(&mut self, event: &mut EventMut<Self>) {
        let network = *event.network();
        self.use_name_servers(network.name_servers());
        if network.addresses().is_empty() {
            return;
        }
        self.announce(event, network.addresses());
        if core::mem::replace(&mut self.online.is_begun, true) {
            return;
        }
        self.begin_uplink(event);
        self.begin_clock(event);
        self.begin_broker(event);
    }

    pub(crate) fn stop_online(&mut self, cx: &mut Cx<Self>) {
        self.leave_broker(cx);
        mdns::withdraw(self, cx);
    }
}
