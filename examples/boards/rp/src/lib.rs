//! Shared code of the boards with an RP2040 or RP2350: chip, button and network.
//!
//! ```text
//!  usb      the host sees the board as a network card; no debug probe is needed
//!  wifi     the CYW43439 of a Pico W; flash, log and exit go through a debug probe
//!  wiznet   a W5500 or W6100 on the SPI bus; flash, log and exit go through a debug probe
//! ```
//!
//! On an RP2040 the button is BOOTSEL. On an RP2350 the button connects GP14 to ground.

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
