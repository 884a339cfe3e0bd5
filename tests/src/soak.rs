//! Long runs of the examples, for `cargo xtask soak`.
//!
//! ```text
//!   proxy  chat  gateway    misbehaving clients for minutes; then normal service crowd, misbehaving
//!   echo                    a gigabyte, by a reader that stops and starts          echo
//!   datagrams               a million, each of which comes back or is dropped      datagrams
//!   board                   megabytes through small rings under QEMU, with faults  board
//! ```
//! A case that finds a bug returns an error. A case that finds no bug prints its results. To add a case, add a row to
//! `CASES` and a name to `xtask::soak`. For misbehaving clients see [`crate::misbehaving`].

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Parser;

mod board;
mod chat;
mod crowd;
mod datagrams;
mod echo;
mod gateway;
mod program;
mod proxy;

/// A case: its name and its function.
struct Case {
    name: &'static str,
    run: fn(&Soak) -> Result<()>,
}

/// All cases, in their order.
const CASES: [Case; 7] = [
    Case { name: "proxy", run: proxy::run },
    Case { name: "chat", run: chat::run },
    Case { name: "gateway", run: gateway::run },
    Case { name: "echo", run: echo::run },
    Case { name: "datagrams", run: datagrams::run },
    Case { name: "board", run: board::run },
    Case { name: "board-faults", run: board::run_with_faults },
];

/// Long runs of the examples.
#[derive(Debug, Parser)]
pub struct Soak {
    #[command(flatten)]
    options: xtask::soak::Options,
    /// The folder of the examples' programs
    #[arg(long)]
    programs: PathBuf,
}

impl Soak {
    /// Runs the cases.
    ///
    /// # Errors
    /// The error of the first case that fails.
    pub fn run(mut self) -> Result<()> {
        let seed = *self.options.seed.get_or_insert_with(|| fastrand::u64(..));
        for case in CASES {
            if !self.options.wants(case.name) {
                continue;
            }
            println!("=== {}, --seed {seed} ===", case.name);
            let began = Instant::now();
            (case.run)(&self).context(case.name)?;
            println!("{}: ok after {:.0} s", case.name, began.elapsed().as_secs_f64());
        }
        Ok(())
    }

    fn seed(&self) -> u64 {
        self.options.seed.unwrap_or_default()
    }

    fn crowd_duration(&self) -> Duration {
        Duration::from_secs(self.options.seconds)
    }

    /// Returns the number of bytes that a run sends to each type of emulated board and back.
    fn board_bytes(&self) -> usize {
        self.options.megabytes.saturating_mul(1_000_000)
    }

    fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent_and_names_every_case() {
        Soak::command().debug_assert();
        assert_eq!(CASES.map(|case| case.name), xtask::soak::CASES);
    }
}
