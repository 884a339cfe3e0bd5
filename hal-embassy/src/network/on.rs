//! Reports the network state to the base if the feature `network` is on.

use embassy_net::Stack;
use picoevent::{EventBase, Instant, OwnAddress};

use crate::socket_table::SocketTable;

/// Whether the base has the current network state.
pub(crate) struct Reported(bool);

impl Reported {
    pub(crate) const NO: Self = Self(false);
}

impl SocketTable<'_, '_> {
    /// Returns when to feed the network state to the base: at once ([`Instant::ZERO`]), or only after the next change
    /// ([`Instant::MAX`]).
    pub(crate) const fn network_deadline(&self) -> Instant {
        if self.state.env.network.reported.0 { Instant::MAX } else { Instant::ZERO }
    }

    /// Reports the network state to the base, if it may have changed since the last call.
    #[inline(never)]
    pub(crate) fn report_network<A>(&mut self, base: &mut EventBase<'_, A>) {
        let network = &mut self.state.env.network;
        if network.reported.0 && !network.was_woken && !network.unwatched {
            return;
        }
        network.reported = Reported(true);
        let now = describe(network.stack);
        if now != *base.network() {
            // The change woke our waker, so the waker must be set again.
            network.unwatched = true;
            base.network_is(&now);
        }
    }
}

/// Describes the network of a stack. The description has room for everything that a stack has.
fn describe(stack: Stack<'_>) -> picoevent::Network {
    let mut now = picoevent::Network::new();
    now.set_link_up(stack.is_link_up());
    if let Some(config) = stack.config_v4() {
        let (ip, prefix) = (config.address.address().into(), config.address.prefix_len());
        now.add_address(OwnAddress { ip, prefix });
        config.gateway.into_iter().for_each(|ip| _ = now.add_gateway(ip.into()));
        config.dns_servers.iter().for_each(|ip| _ = now.add_name_server((*ip).into()));
    }
    #[cfg(feature = "proto-ipv6")]
    super::v6::describe(stack, &mut now);
    now
}
