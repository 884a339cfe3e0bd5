//! Discovery: answers the datagram `discover` with the gateway's name and its ports.

use core::fmt::Write;

use heapless::String;
use picoevent::{SendError, UdpEvent, UdpMut, UdpRings};

use crate::{Gateway, info};

const REQUEST: &[u8] = b"discover";
/// The length of the longest answer in bytes: a name of 32 bytes, and two ports.
const LONGEST: usize = 64;

/// Room for four requests, and for four answers.
pub(crate) const RINGS: UdpRings =
    UdpRings::new(UdpRings::holding(4, REQUEST.len()), UdpRings::holding(4, LONGEST));

impl Gateway {
    pub(crate) fn answer_discovery(&mut self, udp: &mut UdpMut<Self>, event: UdpEvent) {
        if let UdpEvent::Failed(error) = event {
            info!("discovery: {}", error);
        }
        while let Some(datagram) = udp.peek() {
            let client = datagram.from;
            if datagram.data == REQUEST && !datagram.truncated {
                let (name, [console, status]) = (self.setup.name, self.ports);
                let mut answer = String::<LONGEST>::new();
                let _ = write!(answer, "{name} console={console} status={status}");
                // If the ring for output has no room for an answer, the request stays in the ring for input until there
                // is room.
                if udp.send_to(answer.as_bytes(), client) == Err(SendError::Full) {
                    return;
                }
            }
            udp.consume();
        }
    }
}
