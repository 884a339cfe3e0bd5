//! Raspberry Pi Pico W: an RP2040, two Cortex-M0+ at 125 MHz of which one runs, with
//! 264 KB of RAM and 2 MB of flash, and a CYW43439 for Wi-Fi.
//!
//! `WIFI_NETWORK` and `WIFI_PASSWORD` are read from the environment when this is compiled. The address comes by
//! DHCP. BOOTSEL is the button while a program runs. The Wi-Fi chip's firmware has a licence of its
//! own: `../README.md`.

#![no_std]

pub use board_rp::main;
pub use board_rp::wifi::{exit, start};
