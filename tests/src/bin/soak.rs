//! Long runs of the examples. `cargo xtask soak` builds the examples and starts this program.

use std::process::ExitCode;

use clap::Parser;
use picoevent_tests::soak::Soak;

fn main() -> ExitCode {
    match Soak::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
