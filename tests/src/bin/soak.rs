//! Long runs of the examples. `cargo xtask soak` builds what they need and starts them.

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
