//! The command `cargo xtask` of this repository, and code that it shares with the end-to-end tests.
//!
//! Every task of a developer or of CI beyond `cargo run` is a command here, so that no step is hidden in a
//! wiki or a shell history. The modules form these groups:
//!
//! ```text
//! commands   setup   check (test)   emulate (qemu)   flash   size   memory   lines   count   bench   oracle   mutants   soak   interop
//! checks     panics  gate   template                    ← check uses these
//! shared     firmware         board   ← picoevent-tests uses these
//! ground     toolchain        workspace        command_line   patched   marks   callgrind
//! ```
//!
//! Commands for the images of any project are in the package `picoevent-command`: QEMU, logs, sizes by crate.
//!
//! # Firmware for the end-to-end tests
//!
//! `cargo xtask test` builds the firmware of every emulated board, copies each ELF file to
//! `examples/boards/target/firmware/<board>/<program>`, and runs the tests with
//! `PICOEVENT_FIRMWARE` naming that folder. A test finds its ELF file by
//! [`firmware::prebuilt`] and boots it with [`qemu::Qemu`].

pub mod bench;
pub mod board;
pub mod callgrind;
pub mod check;
pub mod command_line;
pub mod count;
pub mod emulate;
mod far_side;
pub mod firmware;
pub mod flash;
pub mod gate;
pub mod interop;
pub mod lines;
pub mod marks;
pub mod memory;
pub mod mutants;
pub mod oracle;
pub mod panics;
pub mod patched;
pub mod setup;
pub mod size;
pub mod soak;
pub mod template;
pub mod toolchain;
pub mod workspace;

pub use picoevent_command::{command, defmt_log, places, process, qemu, table};
