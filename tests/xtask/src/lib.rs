//! The command `cargo xtask` of this repository, and code that the end-to-end tests use, too.
//!
//! Every task of a developer or of CI, except `cargo run`, is a command of `cargo xtask`. So no step is hidden in a
//! wiki or a shell history. The modules, in groups:
//!
//! ```text
//! commands   setup   check (test)   emulate (qemu)   flash   size   memory   lines   count   bench   oracle   mutants   soak   interop
//! checks     panics  gate   template                    ← check uses these
//! shared     firmware         board   ← picoevent-tests uses these
//! ground     toolchain        workspace        command_line   patched   generated   callgrind
//! ```
//!
//! Some commands work for the firmware of any project. These commands are in the package `picoevent-command`. For
//! example, they run firmware under QEMU, show the firmware's log, or list its size by crate.
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
pub mod generated;
pub mod interop;
pub mod lines;
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

pub use picoevent_command::{command, defmt_log, locations, process, qemu, table};
