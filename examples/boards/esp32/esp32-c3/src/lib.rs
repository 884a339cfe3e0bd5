//! A board with Espressif's ESP32-C3: one RISC-V core at 160 MHz with 400 KB of RAM, and Wi-Fi.

#![no_std]

pub use board_esp32::{exit, main, start};
