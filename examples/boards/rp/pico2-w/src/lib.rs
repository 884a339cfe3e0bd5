//! Raspberry Pi Pico 2 W: an RP2350 with two Cortex-M33 at 150 MHz (one is used), 520 KB of RAM and 4 MB of
//! flash, and a CYW43439 for Wi-Fi.
//!
//! `WIFI_NETWORK` and `WIFI_PASSWORD` are read from the environment at compile time. The board gets its address by
//! DHCP. The button connects GP14 to ground. The Wi-Fi chip's firmware has a separate licence:
//! `../README.md`.

#![no_std]

pub use board_rp::main;
pub use board_rp::wifi::{exit, start};
