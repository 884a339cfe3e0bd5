//! echo on emulated boards: megabytes through one connection whose rings and socket have 4 KB together, on a clean
//! cable and on one with faults.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use xtask::qemu::Machine;

use super::Soak;
use crate::board::Board;
use crate::client::{Outcome, Plan, summary};
use crate::pattern::pattern;

/// The limit of a machine. It detects a hang.
const LIMIT: Duration = Duration::from_secs(1_800);

const CLEAN: &str = "";

/// Every tenth frame is lost, and one of twenty is damaged or overtaken.
const FAULTS: &str = "
    about = 'a cable that loses, damages and overtakes'

    [[fault]]
    kind = 'loss'
    severity = '10 %'
    from = '0 s'
    lasts = '24 h'

    [[fault]]
    kind = 'corruption'
    severity = '5 %'
    from = '0 s'
    lasts = '24 h'

    [[fault]]
    kind = 'reordering'
    severity = '5 %'
    from = '0 s'
    lasts = '24 h'
";

/// Runs the case.
pub fn run(soak: &Soak) -> Result<()> {
    echo_on_each(soak, CLEAN)
}

/// The same on a cable with faults.
pub fn run_with_faults(soak: &Soak) -> Result<()> {
    echo_on_each(soak, FAULTS)
}

fn echo_on_each(soak: &Soak, scenario: &str) -> Result<()> {
    for machine in Machine::ALL {
        echo(soak, machine, scenario).with_context(|| machine.name())?;
    }
    Ok(())
}

fn echo(soak: &Soak, machine: Machine, scenario: &str) -> Result<()> {
    let mut board = Board::boot_for(machine, "echo", scenario, soak.seed(), LIMIT)?;
    let bytes = soak.board_bytes();
    let began = Instant::now();
    let client = board.connect(Plan::echo(pattern(soak.seed(), bytes)));
    let outcomes = board.finish_within(&[client], LIMIT);
    // An end that was lost may be repeated to a board that has forgotten the connection.
    let is_served = matches!(outcomes[..], [Outcome::Served | Outcome::ResetAtEnd]);
    ensure!(is_served, "{}{}", summary(&outcomes), board.story());
    let took = began.elapsed().as_secs_f64();
    println!("{}: {bytes} bytes there and back in {took:.0} s", machine.name());
    Ok(())
}
