//! Encodes the state of the network as bytes, and decodes it, for recordings.
//!
//! ```text
//!  ┌──────┬───────────────────────────────────────────────┬───
//!  │ link │ what: address, gateway, name server; v4 or v6 │ prefix of an address │ 4 or 16 bytes │ …
//!  └──────┴───────────────────────────────────────────────┴───
//! ```

use core::net::IpAddr;

use heapless::Vec;

use super::{Network, OwnAddress};
use crate::EventBase;
use crate::record::Entry;

/// The maximum length: the link, four addresses, two gateways and six name servers.
const MOST: usize = 1 + 4 * 18 + 2 * 17 + 6 * 17;

const ADDRESS: u8 = 0;
const GATEWAY: u8 = 2;
const NAME_SERVER: u8 = 4;
/// This number is added to `ADDRESS`, `GATEWAY` or `NAME_SERVER` if the address is an IPv6 address.
const V6: u8 = 1;

type Bytes = Vec<u8, MOST>;

impl<A> EventBase<'_, A> {
    /// Records the state of the network, if it has changed.
    pub(super) fn record_network(&self, now: &Network) {
        if !self.network().changes(now).is_empty() {
            let bytes = encoded(now);
            self.cx.recorder.record(|| Entry::Network(&bytes));
        }
    }
}

/// Reports a recorded network state to the base.
pub(crate) fn play<'r, A>(bytes: &'r [u8], base: &mut EventBase<'_, A>) -> Entry<'r> {
    match decoded(bytes) {
        Some(network) => {
            base.network_is(&network);
            Entry::Network(bytes)
        }
        None => Entry::Network(&[]),
    }
}

fn encoded(network: &Network) -> Bytes {
    let mut bytes = Bytes::new();
    // No `push` fails, because `bytes` has room for the largest network: see `MOST`.
    let _ = bytes.push(network.is_link_up().into());
    for OwnAddress { ip, prefix } in network.addresses() {
        put(&mut bytes, ADDRESS, Some(*prefix), *ip);
    }
    network.gateways().iter().for_each(|ip| put(&mut bytes, GATEWAY, None, *ip));
    network.name_servers().iter().for_each(|ip| put(&mut bytes, NAME_SERVER, None, *ip));
    bytes
}

fn put(bytes: &mut Bytes, what: u8, prefix: Option<u8>, ip: IpAddr) {
    let family = if ip.is_ipv6() { V6 } else { 0 };
    let (v4, v6);
    let octets: &[u8] = match ip {
        IpAddr::V4(ip) => {
            v4 = ip.octets();
            &v4
        }
        IpAddr::V6(ip) => {
            v6 = ip.octets();
            &v6
        }
    };
    let head = [what.saturating_add(family)];
    head.iter().chain(&prefix).chain(octets).for_each(|byte| _ = bytes.push(*byte));
}

/// Decodes the state of the network; `None` if the bytes are not an encoded state.
fn decoded(bytes: &[u8]) -> Option<Network> {
    let (link, mut rest) = bytes.split_first()?;
    let mut network = Network::new();
    network.set_link_up(*link == 1);
    while let Some((what, after)) = rest.split_first() {
        let mut prefix = 0;
        rest = after;
        if what & !V6 == ADDRESS {
            let (first, after) = rest.split_first()?;
            (prefix, rest) = (*first, after);
        }
        let ip = if what & V6 == 0 {
            let (ip, after) = rest.split_first_chunk::<4>()?;
            rest = after;
            IpAddr::from(*ip)
        } else {
            let (ip, after) = rest.split_first_chunk::<16>()?;
            rest = after;
            IpAddr::from(*ip)
        };
        let has_room = match what & !V6 {
            ADDRESS => network.add_address(OwnAddress { ip, prefix }),
            GATEWAY => network.add_gateway(ip),
            NAME_SERVER => network.add_name_server(ip),
            _ => return None,
        };
        if !has_room {
            return None;
        }
    }
    Some(network)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_network_can_be_decoded_but_not_from_cut_bytes() {
        let mut network = Network::new();
        network.set_link_up(true);
        let v6 = |last| IpAddr::from([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
        for last in 0..6 {
            network.add_address(OwnAddress { ip: v6(last), prefix: 64 });
            network.add_gateway([10, 0, 0, last].into());
            network.add_name_server(v6(last));
        }
        let bytes = encoded(&network);
        assert_eq!(decoded(&bytes), Some(network));
        assert_eq!(decoded(&[]), None);
        assert_eq!(decoded(&[0]), Some(Network::new()));
        for end in 1..bytes.len() {
            assert_ne!(decoded(&bytes[..end]), Some(network));
        }
        assert_eq!(decoded(&[0, 9, 1, 2, 3, 4]), None);
        // A network has room for four addresses, so five addresses are refused.
        let fifth = [&[0][..], &[0, 24, 10, 0, 0, 1].repeat(5)].concat();
        assert_eq!(decoded(&fifth), None);
    }
}
