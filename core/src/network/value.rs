//! The state of the network.

use core::net::{IpAddr, Ipv4Addr};

use super::change::NetworkChange;

/// The maximum number of addresses of the device.
const ADDRESSES: usize = 4;
/// The maximum number of gateways: one for each address family.
const GATEWAYS: usize = 2;
/// The maximum number of name servers. embassy-net has at most six: three for each address family.
const NAME_SERVERS: usize = 6;

/// The state of the network: the link, the device's addresses, gateways and name servers.
///
/// An application gets the state from [`Cx::network`](crate::Cx::network). A back end makes a `Network`, fills it, and
/// reports it to the base:
///
/// ```
/// use core::net::{IpAddr, Ipv4Addr};
/// use picoevent::{EventBase, Network, OwnAddress, Storage};
/// # let mut storage = Storage::<(), 1, 0, 0, 0>::new();
/// # let mut base = EventBase::new(&mut storage);
///
/// let mut network = Network::new();
/// network.set_link_up(true);
/// network.add_address(OwnAddress { ip: Ipv4Addr::new(10, 0, 0, 2).into(), prefix: 24 });
/// network.add_name_server(Ipv4Addr::new(10, 0, 0, 1).into());
/// base.network_is(&network);
/// assert!(base.network().is_link_up() && base.network().has_ipv4());
/// assert_eq!(base.network().name_servers(), [IpAddr::from([10, 0, 0, 1])]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    is_link_up: bool,
    addresses: List<OwnAddress, ADDRESSES>,
    gateways: List<IpAddr, GATEWAYS>,
    name_servers: List<IpAddr, NAME_SERVERS>,
}

/// An address of the device, with the length of its network's prefix in bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnAddress {
    /// The address.
    pub ip: IpAddr,
    /// The length of the prefix in bits. If the length of the prefix is not known, this is the length of the whole
    /// address: 32 or 128.
    pub prefix: u8,
}

/// A list in an array. Array elements after the end of the list keep their initial value, so equal lists have equal
/// arrays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct List<T, const MOST: usize> {
    array: [T; MOST],
    len: u8,
}

const NOWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

impl<T: Copy, const MOST: usize> List<T, MOST> {
    /// Makes an empty list, whose array is filled with `none`.
    const fn of(none: T) -> Self {
        Self { array: [none; MOST], len: 0 }
    }

    /// Appends an item. Returns `false` if there was no room.
    fn push(&mut self, item: T) -> bool {
        let slot = self.array.get_mut(usize::from(self.len));
        self.len = self.len.saturating_add(u8::from(slot.is_some()));
        slot.map(|slot| *slot = item).is_some()
    }

    fn items(&self) -> &[T] {
        self.array.get(..usize::from(self.len)).unwrap_or_default()
    }
}

impl Network {
    /// Makes a state without a link, addresses, gateways and name servers.
    pub const fn new() -> Self {
        Self {
            is_link_up: false,
            addresses: List::of(OwnAddress { ip: NOWHERE, prefix: 0 }),
            gateways: List::of(NOWHERE),
            name_servers: List::of(NOWHERE),
        }
    }

    /// Sets whether the link is up.
    pub const fn set_link_up(&mut self, up: bool) -> &mut Self {
        self.is_link_up = up;
        self
    }

    /// Adds an address of the device. Returns `false` if there was no room for a fifth address.
    pub fn add_address(&mut self, address: OwnAddress) -> bool {
        self.addresses.push(address)
    }

    /// Adds a gateway. Returns `false` if there was no room for a third gateway.
    pub fn add_gateway(&mut self, gateway: IpAddr) -> bool {
        self.gateways.push(gateway)
    }

    /// Appends a name server. Name servers are queried in the order in which they were added. Returns `false` if there
    /// was no room for a seventh name server.
    pub fn add_name_server(&mut self, server: IpAddr) -> bool {
        self.name_servers.push(server)
    }

    /// Returns whether the link is up.
    pub const fn is_link_up(&self) -> bool {
        self.is_link_up
    }

    /// Returns the device's addresses.
    pub fn addresses(&self) -> &[OwnAddress] {
        self.addresses.items()
    }

    /// Returns whether the device has an IPv4 address.
    pub fn has_ipv4(&self) -> bool {
        self.addresses().iter().any(|address| address.ip.is_ipv4())
    }

    /// Returns whether the device has an IPv6 address.
    pub fn has_ipv6(&self) -> bool {
        self.addresses().iter().any(|address| address.ip.is_ipv6())
    }

    /// Returns the gateways.
    pub fn gateways(&self) -> &[IpAddr] {
        self.gateways.items()
    }

    /// Returns the name servers, in the order in which they are queried.
    pub fn name_servers(&self) -> &[IpAddr] {
        self.name_servers.items()
    }

    /// Compares this state with the newer state `now`. Returns the parts that differ.
    pub(super) fn changes(&self, now: &Self) -> NetworkChange {
        let mut changes = NetworkChange::NONE;
        if self.is_link_up != now.is_link_up {
            changes |= NetworkChange::LINK;
        }
        for (is_v4, change) in [(true, NetworkChange::IPV4), (false, NetworkChange::IPV6)] {
            let same = self.of_family(is_v4).eq(now.of_family(is_v4))
                && self.gateways_of(is_v4).eq(now.gateways_of(is_v4));
            if !same {
                changes |= change;
            }
        }
        if self.name_servers != now.name_servers {
            changes |= NetworkChange::NAME_SERVERS;
        }
        changes
    }

    fn of_family(&self, is_v4: bool) -> impl Iterator<Item = &OwnAddress> {
        self.addresses().iter().filter(move |address| address.ip.is_ipv4() == is_v4)
    }

    fn gateways_of(&self, is_v4: bool) -> impl Iterator<Item = &IpAddr> {
        self.gateways().iter().filter(move |gateway| gateway.is_ipv4() == is_v4)
    }
}

impl Default for Network {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::format;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn each_part_that_differs_is_a_change() {
        let none = Network::new();
        let mut now = none;
        assert!(none.changes(&now).is_empty());
        now.set_link_up(true);
        assert_eq!(none.changes(&now), NetworkChange::LINK);
        now.add_address(OwnAddress { ip: ip("10.0.0.2"), prefix: 24 });
        assert_eq!(none.changes(&now), NetworkChange::LINK | NetworkChange::IPV4);
        let before = now;
        now.add_gateway(ip("fe80::1"));
        assert_eq!(before.changes(&now), NetworkChange::IPV6);
        now.add_name_server(ip("10.0.0.1"));
        assert_eq!(before.changes(&now), NetworkChange::IPV6 | NetworkChange::NAME_SERVERS);
        assert_eq!(now.changes(&before), before.changes(&now));
        let changes = none.changes(&now);
        assert_eq!(format!("{changes:?}"), "LINK|IPV4|IPV6|NAME_SERVERS");
        assert_eq!(format!("{:?}", NetworkChange::default()), "NONE");
    }

    #[test]
    fn another_prefix_is_a_change_but_another_order_of_families_is_not() {
        let address = |text, prefix| OwnAddress { ip: ip(text), prefix };
        let [mut one, mut other] = [Network::new(), Network::new()];
        for text in ["10.0.0.2", "fd00::2"] {
            one.add_address(address(text, 24));
        }
        for text in ["fd00::2", "10.0.0.2"] {
            other.add_address(address(text, 24));
        }
        assert!(one.changes(&other).is_empty());
        let mut longer = Network::new();
        longer.add_address(address("10.0.0.2", 25));
        longer.add_address(address("fd00::2", 24));
        assert_eq!(one.changes(&longer), NetworkChange::IPV4);
    }

    #[test]
    fn addresses_that_do_not_fit_are_left_out() {
        let mut network = Network::new();
        let address = OwnAddress { ip: ip("10.0.0.2"), prefix: 24 };
        let added = |added: [bool; 8]| added.iter().filter(|added| **added).count();
        assert_eq!(added([(); 8].map(|()| network.add_address(address))), 4);
        assert_eq!(added([(); 8].map(|()| network.add_gateway(address.ip))), 2);
        assert_eq!(added([(); 8].map(|()| network.add_name_server(address.ip))), 6);
        assert_eq!(network.name_servers().len(), 6);
    }
}
