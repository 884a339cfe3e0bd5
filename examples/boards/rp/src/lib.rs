//! What the boards with an RP2040 or an RP2350 share: chip, button, and the ways to a network.
//!
//! ```text
//!  usb      a network card to the host at the USB cable; no debug probe is needed
//!  wifi     the CYW43439 of a Pico W; flash, log and exit go through a debug probe
//!  wiznet   a W5500 or W6100 at the SPI bus; flash, log and exit go through a debug probe
//! ```
//!
//! The button is BOOTSEL on an RP2040, and GP14 to ground on an RP2350.

#![no_std]

#[cfg(feature = "rp2040")]
#[path = "button/bootsel.rs"]
mod button;
#[cfg(feature = "rp235x")]
#[path = "button/pin.rs"]
mod button;
#[cfg(feature = "rp2040")]
#[path = "rp2040.rs"]
mod chip;
#[cfg(feature = "rp235x")]
#[path = "rp235x.rs"]
mod chip;
#[cfg(feature = "usb")]
pub mod usb;
#[cfg(feature = "wifi")]
pub mod wifi;
#[cfg(feature = "wiznet")]
pub mod wiznet;

pub use embassy_executor::main;
