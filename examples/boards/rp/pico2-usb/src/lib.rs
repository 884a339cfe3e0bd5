//! Raspberry Pi Pico 2 with nothing but its USB cable: an RP2350, two Cortex-M33 at 150 MHz
//! with 520 KB of RAM and 4 MB of flash.
//!
//! The board is a network card to the host, and answers at 192.168.7.1. It is flashed as the drive that it is when
//! BOOTSEL is held while it is connected, and again after a program has ended. The log comes over a
//! serial port of the same cable. The button is GP14, to ground.

#![no_std]

pub use board_rp::main;
pub use board_rp::usb::{exit, start};
