//! A time server: it answers each datagram with the seconds since the epoch as text, such as
//! `1767225600`, and ends on an interrupt.
//!
//! The crate is the whole application and depends on no device: `main.rs` runs it on real sockets, the
//! packages under `examples/boards` on embassy-net. What time it is, the program says: on a board without a
//! clock of its own it is the time [since the start](uptime).

#![no_std]

use core::fmt::Write;
use core::net::SocketAddr;

use heapless::String;
use picoevent::{
    Cx, EventMut, Instant, SendError, SetupError, Signal, UdpEvent, UdpMut, UdpRings, UdpSocket,
};

// Where the application's lines go.
#[cfg(feature = "defmt")]
use defmt::info as say;
#[cfg(not(feature = "defmt"))]
use log::info as say;

/// The port to listen on, that of the time protocol (RFC 868) and 9,000.
pub const PORT: u16 = 9037;

/// The most characters of an answer: those of the largest number.
const LONGEST: usize = 20;

/// Room for eight questions of a few bytes, and for eight answers. What is asked does not matter, so a
/// longer question may be cut.
pub const RINGS: UdpRings = UdpRings::new(UdpRings::holding(8, 8), UdpRings::holding(8, LONGEST));

/// Tells the time in seconds, at a time of the loop.
pub type Clock = fn(Instant) -> u64;

/// Tells the seconds since the start of the loop's clock, which on a board is its start.
pub fn uptime(now: Instant) -> u64 {
    now.as_micros() / 1_000_000
}

/// The application.
pub struct Time {
    clock: Clock,
}

impl Time {
    /// Makes an application that tells this time.
    pub const fn new(clock: Clock) -> Self {
        Self { clock }
    }

    /// Binds `address`, and waits for the interrupt.
    ///
    /// # Errors
    /// [`SetupError`] when the storage has no room for one event and one UDP socket with [`RINGS`].
    pub fn start(cx: &mut Cx<Self>, address: SocketAddr) -> Result<UdpSocket, SetupError> {
        cx.on_signal(Signal::INT, Self::interrupted)?;
        cx.bind(address, RINGS, Self::asked)
    }

    fn asked(&mut self, udp: &mut UdpMut<Self>, event: UdpEvent) {
        if let UdpEvent::Failed(error) = event {
            say!("Got an error on the socket: {}", error);
        }
        while let Some(question) = udp.peek() {
            let asker = question.from;
            let mut answer: String<LONGEST> = String::new();
            let written = write!(answer, "{}", (self.clock)(udp.cx().now()));
            debug_assert!(written.is_ok(), "the longest number fits");
            match udp.send_to(answer.as_bytes(), asker) {
                // The question stays until there is room; then this is called again.
                Err(SendError::Full) => return,
                // An asker that cannot be answered gets no answer.
                Ok(()) | Err(_) => udp.consume(),
            };
        }
    }

    fn interrupted(&mut self, event: &mut EventMut<Self>) {
        say!("Caught an interrupt signal.");
        event.exit();
    }
}
