//! echo on emulated boards: megabytes through one connection whose rings and socket have 4 KB together, on a clean
//! cable and on one with faults.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use xtask::qemu::Machine;

use super::Soak;
use crate::board::Board;
use crate::client::{Outcome, Plan, summary};
use crate::pattern::pattern;

/// The limit of a machine. It detects a hang.
const LIMIT: Duration = Duration::from_secs(4 * 3_600);

/// The connections on a cable with faults, as many as the boards have places. Each waits a second or more for most
/// segments that are lost, since its window has room for two.
const PLACES: usize = 4;

/// Bytes of a connection on a cable with faults.
const PART: usize = 100_000;

/// Connections that the board may give up.
const MOST_GIVEN_UP: usize = 20;

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
    echo_on_each(soak, CLEAN, 1)
}

/// The same on a cable with faults.
pub fn run_with_faults(soak: &Soak) -> Result<()> {
    echo_on_each(soak, FAULTS, PLACES)
}

fn echo_on_each(soak: &Soak, scenario: &str, connections: usize) -> Result<()> {
    for machine in Machine::ALL {
        echo(soak, machine, scenario, connections).with_context(|| machine.name())?;
    }
    Ok(())
}

/// Sends all bytes there and back in parts, several connections at once. A part whose connection the board gives up
/// is sent again: `echo` drops a client that takes nothing for a minute.
fn echo(soak: &Soak, machine: Machine, scenario: &str, connections: usize) -> Result<()> {
    let mut board = Board::boot_for(machine, "echo", scenario, soak.seed(), LIMIT)?;
    let bytes = soak.board_bytes();
    let part = if connections == 1 { bytes } else { PART.min(bytes) };
    let began = Instant::now();
    let (mut left, mut given_up) = (bytes.div_ceil(part.max(1)), 0);
    while left > 0 {
        let first = soak.seed().wrapping_add(left as u64);
        let clients: Vec<_> = (0..left.min(connections) as u64)
            .map(|number| Plan::echo(pattern(first.wrapping_add(number), part)))
            .map(|plan| board.connect(plan))
            .collect();
        for outcome in board.finish_within(&clients, LIMIT) {
            match outcome {
                // An end that was lost may be repeated to a board that has forgotten the connection.
                Outcome::Served | Outcome::ResetAtEnd => left -= 1,
                Outcome::Reset { .. } | Outcome::Refused if connections > 1 => given_up += 1,
                other => bail!("{}{}", summary(&[other]), board.story()),
            }
        }
        ensure!(given_up <= MOST_GIVEN_UP, "{given_up} connections given up{}", board.story());
    }
    let (name, took) = (machine.name(), began.elapsed().as_secs_f64());
    println!(
        "{name}: {bytes} bytes there and back in {took:.0} s, {given_up} connections given up"
    );
    Ok(())
}
