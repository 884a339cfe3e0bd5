//! The network: the events for it, its state, and the report of a back end.

use core::net::IpAddr;

use picoevent::{Event, EventMut, Network, NetworkChange, OwnAddress};

use crate::unknown::any;
use crate::{App, Base};

pub fn every_function(base: &mut Base<'_>) {
    let event: Option<Event> = base.on_network(|_, event| changed(any(event))).ok();
    any(event);
    let mut network = any(Network::new());
    any(&mut network).set_link_up(any(true));
    for _ in 0..any(9) {
        let ip = any(IpAddr::from([10, 0, 0, 1]));
        any(any(&mut network).add_address(OwnAddress { ip, prefix: any(24) }));
        any(any(&mut network).add_gateway(ip));
        any(any(&mut network).add_name_server(ip));
    }
    any(&mut *base).network_is(any(&network));
    query(any(base.network()));
    any(Network::default());
}

fn changed(event: &mut EventMut<'_, '_, App>) {
    let mut change = any(event.network_change());
    change |= any(NetworkChange::LINK) | any(NetworkChange::IPV6);
    any((change.is_empty(), change.contains(any(NetworkChange::NAME_SERVERS))));
}

fn query(network: &Network) {
    any((network.is_link_up(), network.has_ipv4(), network.has_ipv6()));
    any((network.addresses().len(), network.gateways().len(), network.name_servers().len()));
}
