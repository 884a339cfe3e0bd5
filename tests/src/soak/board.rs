//! The example `echo` on emulated boards. Megabytes go through connections whose rings and socket buffers have 4 KB
//! together, on a clean cable and on a cable with faults.
//!
//! With a window of two segments, a lost segment is detected only by a retransmission timeout of a
//! second or more. So a connection with faults moves about 800 bytes a second. Many boards share
//! the work, since they wait most of the time.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use xtask::qemu::Machine;

use super::Soak;
use crate::board::Board;
use crate::client::{Outcome, Plan, summary};
use crate::pattern::pattern;
use crate::peer::ClientId;

/// The time limit of a board. It only ends a run whose board hangs.
const LIMIT: Duration = Duration::from_secs(3_600);

/// The number of boards on cables with faults. Each has a separate cable.
const BOARDS: usize = 16;

/// The number of connections to each board at once, which is the maximum that the board serves.
const PLACES: usize = 4;

/// The number of bytes that each connection moves on a cable with faults.
const PART: usize = 50_000;

/// The largest number of connections that each board may drop.
const MOST_GIVEN_UP: usize = 20;

const CLEAN: &str = "";

/// One of ten frames is lost, one of twenty is damaged, and one of twenty is overtaken by a later frame.
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
    on_each_machine(|machine| echo(machine, CLEAN, soak.seed(), soak.board_bytes(), 1))
}

/// Runs the case on cables with faults.
pub fn run_with_faults(soak: &Soak) -> Result<()> {
    let bytes = soak.board_bytes() / BOARDS;
    on_each_machine(|machine| {
        let one = |number| {
            let seed = soak.seed().wrapping_add(number as u64);
            echo(machine, FAULTS, seed, bytes, PLACES).with_context(|| format!("board {number}"))
        };
        let done: Vec<Result<Done>> = thread::scope(|scope| {
            let boards: Vec<_> =
                (0..BOARDS).map(|number| scope.spawn(move || one(number))).collect();
            let ended = boards.into_iter().map(|board| board.join());
            ended.map(|end| end.map_err(|_| anyhow!("a client panicked"))?).collect()
        });
        let done = done.into_iter().collect::<Result<Vec<_>>>()?;
        Ok(Done {
            bytes: done.iter().map(|done| done.bytes).sum(),
            given_up: done.iter().map(|done| done.given_up).sum(),
        })
    })
}

/// The result of a run.
struct Done {
    /// The number of bytes that came back.
    bytes: usize,
    /// The number of connections that a board dropped.
    given_up: usize,
}

fn on_each_machine(work: impl Fn(Machine) -> Result<Done>) -> Result<()> {
    for machine in Machine::CORTEX_M3 {
        let began = Instant::now();
        let Done { bytes, given_up } = work(machine).with_context(|| machine.name())?;
        let (name, took) = (machine.name(), began.elapsed().as_secs_f64());
        println!(
            "{name}: {bytes} bytes there and back in {took:.0} s, {given_up} connections given up"
        );
    }
    Ok(())
}

/// Sends bytes to a board and back in parts, on several connections at once. `echo` drops a client that accepts
/// nothing for a minute. If the board drops the connection of a part, another connection sends a new part instead.
fn echo(
    machine: Machine,
    scenario: &str,
    seed: u64,
    bytes: usize,
    connections: usize,
) -> Result<Done> {
    let mut board = Board::boot_for(machine, "echo", scenario, seed, LIMIT)?;
    let deadline = Instant::now() + LIMIT;
    let part = if connections == 1 { bytes } else { PART };
    let parts = bytes.div_ceil(part.max(1));
    let (mut begun, mut served, mut given_up) = (0, 0, 0);
    let mut under_way: Vec<ClientId> = Vec::new();
    while served < parts {
        // Open a new connection as soon as the board has room for it.
        while under_way.len() < connections.min(parts - served) {
            let bytes = pattern(seed.wrapping_add(begun), part);
            under_way.push(board.connect(Plan::echo(bytes)));
            begun += 1;
        }
        for client in board.finish_some_within(&under_way, deadline)? {
            under_way.retain(|other| *other != client);
            match board.peer.outcome(client).clone() {
                // If an end of stream was lost, its retransmission may reach a board that has
                // already removed the connection.
                Outcome::Served | Outcome::ResetAtEnd => served += 1,
                Outcome::Reset { .. } | Outcome::Refused if connections > 1 => given_up += 1,
                other => bail!("{}{}", summary(&[other]), board.story()),
            }
        }
        ensure!(given_up <= MOST_GIVEN_UP, "{given_up} connections given up{}", board.story());
    }
    Ok(Done { bytes: parts * part, given_up })
}
