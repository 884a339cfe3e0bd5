//! Names: looks up the names of other hosts, and announces the gateway's name.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::time::Duration;

use picoevent::{ConnMut, Cx, OwnAddress, PoolId, SetupError};
use picoevent_dns::mdns::{self, HasMdns, Responder};
use picoevent_dns::{self as dns, HasResolver, ResolverMut};

use super::Host;
use crate::uplink::Uplink;
use crate::{Gateway, info};

/// The port of DNS servers.
const PORT: u16 = 53;

/// An address to which a connect always fails. After such a failure, the gateway tries again after a delay.
const UNREACHABLE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

impl HasResolver for Gateway {
    fn resolver(&mut self) -> ResolverMut<'_, Self> {
        self.online.names.as_mut()
    }
}

impl HasMdns for Gateway {
    fn mdns(&mut self) -> &mut Responder {
        &mut self.online.responder
    }

    fn named(&mut self, _: &mut Cx<Self>) {
        info!("it answers to {}.local", self.online.responder.name().unwrap_or_default());
    }
}

impl Gateway {
    pub(super) fn add_hosts(&mut self) {
        for (name, address) in self.online.settings.hosts {
            if let Err(error) = dns::add_host(self, name, *address) {
                info!("{} is not kept: {}", name, error);
            }
        }
    }

    /// Uses the servers `found` from now on, unless the settings have name servers.
    pub(super) fn use_name_servers(&mut self, found: &[IpAddr]) {
        let mut servers = heapless::Vec::<SocketAddr, 3>::new();
        let set = self.online.settings.name_servers.iter().copied();
        let found = found.iter().map(|server| (*server, PORT).into());
        let is_set = set.len() > 0;
        set.chain(found.filter(|_| !is_set)).take(3).for_each(|server| _ = servers.push(server));
        // Keep the servers when the network goes down: the next network may announce no name servers.
        if !servers.is_empty() {
            self.online.names.set_servers(&servers);
        }
    }

    /// Announces the gateway's name by mDNS, if the settings have services.
    pub(super) fn announce(&mut self, cx: &mut Cx<Self>, addresses: &[OwnAddress]) {
        let Some(services) = self.online.settings.services else { return };
        let mut own = heapless::Vec::<IpAddr, 4>::new();
        addresses.iter().take(4).for_each(|address| _ = own.push(address.ip));
        self.online.responder.set_addresses(&own);
        if let Err(error) = mdns::announce(self, cx, self.setup.name, services) {
            info!("it has no name: {}", error);
        }
    }

    /// Reserves the uplink's connection, so that the gateway keeps samples from the beginning.
    pub(super) fn reserve_uplink(
        &mut self,
        cx: &mut Cx<Self>,
        uplinks: PoolId,
    ) -> Result<(), SetupError> {
        self.uplink.conn = Some(cx.outgoing::<Uplink>(uplinks)?);
        Ok(())
    }

    pub(super) fn start_uplink(&mut self, cx: &mut Cx<Self>) {
        let uplink = self.uplink.conn.filter(|_| self.online.settings.collector.is_some());
        if let Some(Ok(mut uplink)) = uplink.map(|uplink| cx.conn(uplink)) {
            self.connect_uplink(&mut uplink, Duration::ZERO);
        }
    }

    pub(crate) fn connect_uplink(&mut self, conn: &mut ConnMut<Self>, delay: Duration) {
        match (self.online.settings.collector, self.setup.collector) {
            (Some(collector), _) if self.connect_to(collector, conn, delay) => {}
            (None, Some(collector)) => _ = conn.connect_after(delay, collector),
            _ => _ = conn.connect_after(delay, UNREACHABLE),
        }
    }

    /// Connects to a host after a delay. Returns whether the connect or the look-up was started.
    pub(super) fn connect_to(
        &mut self,
        host: Host,
        conn: &mut ConnMut<Self>,
        delay: Duration,
    ) -> bool {
        dns::connect_again(self, conn, delay, host.name, host.port).is_ok()
    }
}
