//! `cargo xtask interop`: the protocols with programs of others, which have to be installed on this machine, and
//! their tests that take long.
//!
//! They are tests that `cargo test` ignores. What each needs stands beside it.

mod protocols;

use anyhow::{Context, Result};

use crate::{command, workspace};
use protocols::{FOLDER, PACKAGES};

/// The options of the command.
#[derive(Debug, Default, Clone, PartialEq, Eq, clap::Args)]
pub struct Options {
    /// The packages, by default all
    #[arg(value_parser = PACKAGES.map(|needs| needs.package))]
    pub packages: Vec<String>,
}

/// Runs the tests.
///
/// # Errors
/// If one fails, or a program is missing.
pub fn run(options: &Options) -> Result<()> {
    for needs in PACKAGES {
        let package = needs.package;
        if options.packages.is_empty() || options.packages.iter().any(|name| name == package) {
            let folder = needs.prepare()?;
            let mut cargo = command::cargo(&workspace::root());
            cargo.args(["test", "--release", "--package", package, "--", "--ignored"]);
            command::run(cargo.env(FOLDER, folder))
                .with_context(|| format!("the tests of {package} have failed"))?;
        }
    }
    Ok(())
}
