//! The parts of `cargo picoevent`. The repository's own commands and tests use them too.
//!
//! ```text
//! commands   emulate (qemu)   flash   drive   serial (log)   image (size)
//! images     elf   uf2   crates   locations   defmt_log
//! machines   qemu   forward
//! ground     command   process   table
//! ```
//!
//! This library is for picoevent's own repository; its interface may change with each version.

#![cfg(unix)]

pub mod command;
pub mod crates;
pub mod defmt_log;
pub mod drive;
pub mod elf;
pub mod emulate;
pub mod flash;
pub mod forward;
pub mod image;
pub mod locations;
pub mod process;
pub mod qemu;
pub mod serial;
pub mod table;
pub mod uf2;

/// A wrong command line. This error ends the program with status 2; all other errors end the program with status 1.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);
