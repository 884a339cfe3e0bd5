//! `cargo xtask interop`: the protocols with programs of others, which have to be installed on this machine, and
//! their tests that take long.
//!
//! They are tests that `cargo test` ignores. What each needs stands beside it.

use anyhow::{Context, Result};

use crate::{command, workspace};

/// The packages, and the programs that their tests need.
const PACKAGES: [(&str, &[&str]); 1] =
    [("picoevent-mqtt", &["mosquitto, mosquitto_passwd (Debian: mosquitto)"])];

/// The options of the command.
#[derive(Debug, Default, Clone, PartialEq, Eq, clap::Args)]
pub struct Options {
    /// The packages, by default all
    #[arg(value_parser = PACKAGES.map(|(package, _)| package))]
    pub packages: Vec<String>,
}

/// Runs the tests.
///
/// # Errors
/// If one fails, or a program is missing.
pub fn run(options: &Options) -> Result<()> {
    for (package, programs) in PACKAGES {
        if options.packages.is_empty() || options.packages.iter().any(|name| name == package) {
            let mut cargo = command::cargo(&workspace::root());
            cargo.args(["test", "--release", "--package", package, "--", "--ignored"]);
            command::run(&mut cargo).with_context(|| format!("{package} needs {programs:?}"))?;
        }
    }
    Ok(())
}
