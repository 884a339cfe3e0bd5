//! Long runs of the examples, started by `cargo xtask soak`, which builds what they need.

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
