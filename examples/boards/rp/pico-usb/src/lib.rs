//! Raspberry Pi Pico with only its USB cable: an RP2040 with two Cortex-M0+ at 125 MHz, 264 KB of RAM and 2 MB of
//! flash.
//!
//! The host sees the board as a network card. The board's address is 192.168.7.1. The board appears as a USB drive if
//! BOOTSEL is held while the board is plugged in, and again after a program has ended. The board is flashed through
//! this drive. The log comes over a serial port on the same cable. While a program runs, BOOTSEL is the button.

#![no_std]

pub use board_rp::main;
pub use board_rp::usb::{exit, start};
