//! A UDP time server. The server answers each datagram with the seconds since the epoch as text, such as `1767225600`.
//! The server ends on an interrupt.
//!
//! The crate is the whole application and does not depend on a particular board. `main.rs` runs the application on real
//! sockets, and the packages in `examples/boards` run the application on embassy-net. Each program provides the
//! [`Clock`]. A board without a real-time clock uses the time [since the start](uptime).

#![no_std]

use core::fmt::Write;
use core::net::SocketAddr;

use heapless::String;
use picoevent::{
    Cx, EventMut, Instant, SendError, SetupError, Signal, UdpEvent, UdpMut, UdpRings, UdpSocket,
};

// The application logs through defmt or log.
#[cfg(feature = "defmt")]
use defmt::info;
#[cfg(not(feature = "defmt"))]
use log::info;

/// The port to listen on: 9,000 plus the port of the time protocol (RFC 868).
pub const PORT: u16 = 9037;

/// The length of the longest answer in bytes: the digits of the largest number.
const LONGEST: usize = 20;

/// Room for eight short requests and for eight answers. The content of a request does not matter, so a longer
/// request may be truncated.
pub const RINGS: UdpRings = UdpRings::new(UdpRings::holding(8, 8), UdpRings::holding(8, LONGEST));

/// Converts a time of the loop's clock to the seconds that the server sends.
pub type Clock = fn(Instant) -> u64;

/// Returns the seconds since the loop's clock started. On a board, the loop's clock starts when the loop begins to run.
pub fn uptime(now: Instant) -> u64 {
    now.as_micros() / 1_000_000
}

/// The application.
pub struct Time {
    clock: Clock,
}

impl Time {
    /// Makes the application. The application answers with the time of `clock`.
    pub const fn new(clock: Clock) -> Self {
        Self { clock }
    }

    /// Binds a UDP socket to `address`. Ends the loop on the interrupt signal.
    ///
    /// # Errors
    /// [`SetupError`] when the storage has no room for one event and one UDP socket with [`RINGS`].
    pub fn start(cx: &mut Cx<Self>, address: SocketAddr) -> Result<UdpSocket, SetupError> {
        cx.on_signal(Signal::INT, Self::interrupted)?;
        cx.bind(address, RINGS, Self::answer_requests)
    }

    fn answer_requests(&mut self, udp: &mut UdpMut<Self>, event: UdpEvent) {
        if let UdpEvent::Failed(error) = event {
            info!("Got an error on the socket: {}", error);
        }
        while let Some(request) = udp.peek() {
            let client = request.from;
            let mut answer: String<LONGEST> = String::new();
            let written = write!(answer, "{}", (self.clock)(udp.cx().now()));
            debug_assert!(written.is_ok(), "the longest number fits");
            match udp.send_to(answer.as_bytes(), client) {
                // The request stays in the ring. The loop calls this function again when the output ring has room for
                // the answer.
                Err(SendError::Full) => return,
                // A client that cannot be reached gets no answer.
                Ok(()) | Err(_) => udp.consume(),
            };
        }
    }

    fn interrupted(&mut self, event: &mut EventMut<Self>) {
        info!("Caught an interrupt signal.");
        event.exit();
    }
}
