//! An announcement of the board's address, sent once at boot.
//!
//! QEMU's user network does not know a guest with a static address until the guest sends a frame. Without
//! this frame, the first connection is delayed by half a second.

use core::net::Ipv4Addr;

/// Returns a frame that announces to the network that the IP address `address` belongs to the MAC address `hardware` (a
/// gratuitous ARP request, RFC 5227 section 3).
#[rustfmt::skip]
pub fn announcement(hardware: [u8; 6], address: Ipv4Addr) -> [u8; 42] {
    let [a, b, c, d, e, f] = hardware;
    let [w, x, y, z] = address.octets();
    [
        // Destination broadcast, source our MAC address, type ARP.
        0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, a, b, c, d, e, f, 0x08, 0x06,
        // Ethernet, IPv4, their address lengths, operation request.
        0x00, 0x01, 0x08, 0x00, 6, 4, 0x00, 0x01,
        // Sender: our MAC and IP addresses. Target: our IP address.
        a, b, c, d, e, f, w, x, y, z,
        0, 0, 0, 0, 0, 0, w, x, y, z,
    ]
}
