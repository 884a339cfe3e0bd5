//! Tests the firmware of `hello-world` under QEMU, on a simulated cable with faults.

use anyhow::{Result, ensure};
use picoevent_tests::board::Board;
use picoevent_tests::client::{Outcome, Plan, summary};
use xtask::qemu::Machine;

use crate::{GREETING, reading_client};

/// One of ten frames is lost, and each frame is delayed by some milliseconds.
const LOSSY: &str = "
    about = 'a cable that loses every tenth frame, and is not short'
    latency = '3 ms'

    [[fault]]
    kind = 'loss'
    severity = '10 %'
    from = '0 s'
    lasts = '1 h'

    [[fault]]
    kind = 'jitter'
    severity = '5 ms'
    from = '0 s'
    lasts = '1 h'
";

/// Some frames are duplicated, some are overtaken by later frames, and some are damaged by a flipped bit.
const FAULTY: &str = "
    about = 'a cable that repeats, overtakes and damages'

    [[fault]]
    kind = 'duplication'
    severity = '10 %'
    from = '0 s'
    lasts = '1 h'

    [[fault]]
    kind = 'reordering'
    severity = '5 %'
    from = '0 s'
    lasts = '1 h'

    [[fault]]
    kind = 'corruption'
    severity = '5 %'
    from = '0 s'
    lasts = '1 h'
";

/// Checks that every client is served and no client is refused on a cable with these faults.
fn every_client_is_served(machine: Machine, scenario: &str) -> Result<()> {
    let mut board = Board::boot_on_cable(machine, "hello-world", scenario)?;
    for round in 1..=10 {
        let plans = [reading_client(), Plan::half_closer(GREETING), reading_client()];
        let clients: Vec<_> = plans.into_iter().map(|plan| board.connect(plan)).collect();
        let outcomes = board.finish(&clients);
        let served = outcomes.iter().all(is_served);
        ensure!(served, "round {round}: {}{}", summary(&outcomes), board.report());
    }
    Ok(())
}

/// Returns whether the client was served: it received everything up to the server's end of stream. This includes a
/// client whose end of stream was lost, if the board answered the retransmission with a reset.
fn is_served(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Served | Outcome::ResetAtEnd)
}

fn a_lossy_cable(machine: Machine) -> Result<()> {
    every_client_is_served(machine, LOSSY)
}

on_each_cortex_m3!(a_lossy_cable);

#[test]
#[ignore = "needs firmware: cargo xtask test runs it"]
fn lm3s6965evb_serves_every_client_on_a_faulty_cable() -> Result<()> {
    every_client_is_served(Machine::Lm3s6965evb, FAULTY)
}
