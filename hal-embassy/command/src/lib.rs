//! The parts of `cargo picoevent`, which the repository's own commands and tests use too.
//!
//! ```text
//! images     elf   crates   places   defmt_log
//! machines   qemu
//! ground     command   process   table
//! ```

pub mod command;
pub mod crates;
pub mod defmt_log;
pub mod elf;
pub mod places;
pub mod process;
pub mod qemu;
pub mod table;

/// A wrong command line. Unlike other errors it ends with status 2.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);
