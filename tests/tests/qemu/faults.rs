//! The faults of the simulator's cable, for the real image.

use anyhow::{Context, Result};
use picoevent_tests::board::Board;
use picoevent_tests::client::Plan;
use xtask::qemu::Machine;

use crate::{GREETING, visitor};

/// One frame of ten is lost, and each takes a little while, from the first one on.
const LOSSY: &str = "
    about = 'a cable that loses every tenth frame, and is not short'
    latency = '3 ms'

    [[fault]]
    kind = 'loss'
    degree = '10 %'
    from = '0 s'
    lasts = '1 h'

    [[fault]]
    kind = 'jitter'
    degree = '5 ms'
    from = '0 s'
    lasts = '1 h'
";

/// Frames come twice, late, or with a bit flipped.
const ROUGH: &str = "
    about = 'a cable that repeats, overtakes and damages'

    [[fault]]
    kind = 'doubling'
    degree = '10 %'
    from = '0 s'
    lasts = '1 h'

    [[fault]]
    kind = 'reordering'
    degree = '5 %'
    from = '0 s'
    lasts = '1 h'

    [[fault]]
    kind = 'corruption'
    degree = '5 %'
    from = '0 s'
    lasts = '1 h'
";

/// Whatever the cable does, every client is served: no more of them at once than the loss of a
/// frame leaves sockets for.
fn everybody_is_served(machine: Machine, scenario: &str) -> Result<()> {
    let mut board = Board::boot_on_cable(machine, "hello-world", scenario)?;
    for round in 1..=10 {
        let clients = vec![visitor(), Plan::half_closer(GREETING), visitor()];
        board.serve(clients).with_context(|| format!("round {round}"))?;
    }
    Ok(())
}

#[test]
#[ignore = "needs firmware: cargo xtask test runs it"]
fn lm3s6965evb_serves_everybody_on_a_lossy_cable() -> Result<()> {
    everybody_is_served(Machine::Lm3s6965evb, LOSSY)
}

#[test]
#[ignore = "needs firmware: cargo xtask test runs it"]
fn mps2_an385_serves_everybody_on_a_lossy_cable() -> Result<()> {
    everybody_is_served(Machine::Mps2An385, LOSSY)
}

#[test]
#[ignore = "needs firmware: cargo xtask test runs it"]
fn lm3s6965evb_serves_everybody_on_a_rough_cable() -> Result<()> {
    everybody_is_served(Machine::Lm3s6965evb, ROUGH)
}
