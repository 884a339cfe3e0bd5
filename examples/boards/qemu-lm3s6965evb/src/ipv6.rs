//! The board's IPv6 address.

use core::net::Ipv6Addr;

use embassy_net::{Config, ConfigV6, Ipv6Cidr, StaticConfigV6};

const ADDRESS: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 0x15);

/// Adds the IPv6 address to a configuration.
pub(crate) fn add_address(mut config: Config) -> Config {
    config.ipv6 = ConfigV6::Static(StaticConfigV6 {
        address: Ipv6Cidr::new(ADDRESS, 64),
        gateway: None,
        dns_servers: Default::default(),
    });
    config
}
