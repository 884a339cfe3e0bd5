//! Raspberry Pi Pico with nothing but its USB cable: an RP2040, two Cortex-M0+ at 125 MHz
//! with 264 KB of RAM and 2 MB of flash.
//!
//! The board is a network card to the host, and answers at 192.168.7.1. It is flashed as the drive that it is when
//! BOOTSEL is held while it is connected, and again after a program has ended. The log comes over a
//! serial port of the same cable. BOOTSEL is the button while a program runs.

#![no_std]

pub use board_rp::main;
pub use board_rp::usb::{exit, start};
