//! An announcement of our address, sent once at boot.
//!
//! QEMU's user network does not know a guest with a static address until the guest sends a frame, and
//! delays the first connection by half a second.

use core::net::Ipv4Addr;

/// Returns the frame that announces the hardware address of an IP address to the network (a
/// gratuitous ARP request, RFC 5227 section 3).
#[rustfmt::skip]
pub fn announcement(hardware: [u8; 6], address: Ipv4Addr) -> [u8; 42] {
    let [a, b, c, d, e, f] = hardware;
    let [w, x, y, z] = address.octets();
    [
        // To all, from us, ARP.
        0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, a, b, c, d, e, f, 0x08, 0x06,
        // Ethernet, IPv4, the lengths of their addresses, a request.
        0x00, 0x01, 0x08, 0x00, 6, 4, 0x00, 0x01,
        // From our addresses, for our own.
        a, b, c, d, e, f, w, x, y, z,
        0, 0, 0, 0, 0, 0, w, x, y, z,
    ]
}
