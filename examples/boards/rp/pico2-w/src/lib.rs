//! Raspberry Pi Pico 2 W: an RP2350, two Cortex-M33 at 150 MHz of which one runs, with
//! 520 KB of RAM and 4 MB of flash, and a CYW43439 for Wi-Fi.
//!
//! `WIFI_NETWORK` and `WIFI_PASSWORD` are read from the environment when this is compiled. The address comes by
//! DHCP. The button is GP14, to ground. The Wi-Fi chip's firmware has a licence of its
//! own: `../README.md`.

#![no_std]

pub use board_rp::main;
pub use board_rp::wifi::{exit, start};
