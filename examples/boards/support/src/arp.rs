//! An announcement of our address, sent once at boot.
//!
//! QEMU's user network does not know a guest with a static address before it has heard of it, and
//! makes the first connection wait for half a second.

use core::net::Ipv4Addr;

/// The frame by which a host tells its network which hardware address its IP address has
/// (a gratuitous ARP request, RFC 5227 section 3).
pub fn announcement(hardware: [u8; 6], address: Ipv4Addr) -> [u8; 42] {
    let address = address.octets();
    let fields: [&[u8]; 7] = [
        &[0xFF; 6],
        &hardware,
        // ARP over Ethernet for IPv4, a request.
        &[0x08, 0x06, 0x00, 0x01, 0x08, 0x00, 6, 4, 0x00, 0x01],
        &hardware,
        &address,
        &[0; 6],
        &address,
    ];
    let mut frame = [0; 42];
    let bytes = fields.into_iter().flatten();
    frame.iter_mut().zip(bytes).for_each(|(room, byte)| *room = *byte);
    frame
}
