//! Raspberry Pi Pico W: an RP2040 with two Cortex-M0+ at 125 MHz (one is used), 264 KB of RAM and 2 MB of
//! flash, and a CYW43439 for Wi-Fi.
//!
//! `WIFI_NETWORK` and `WIFI_PASSWORD` are read from the environment at compile time. The board gets its address by
//! DHCP. While a program runs, BOOTSEL is the button. The Wi-Fi chip's firmware has a separate licence:
//! `../README.md`.

#![no_std]

pub use board_rp::main;
pub use board_rp::wifi::{exit, start};
