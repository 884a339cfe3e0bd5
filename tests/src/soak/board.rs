//! The example `echo` on emulated boards. The rings and socket buffers of a connection have 4 KB in total. Megabytes
//! are sent through such connections, on a clean cable and on cables with faults.
//!
//! With a window of two segments, the loss of a segment is detected only by a retransmission timeout of a second or
//! more. So a connection with faults moves about 800 bytes a second. Most of the time, a board waits. To use this time,
//! 16 boards run at once, and each board moves a part of the bytes.

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

/// The number of boards on cables with faults. Each board has a separate cable.
const BOARDS: usize = 16;

/// The number of connections to each board at once. A board cannot serve more connections at once.
const SLOTS: usize = 4;

/// The number of bytes that each connection moves on a cable with faults.
const PART: usize = 50_000;

/// The maximum number of connections that each board may drop.
const MAX_GIVEN_UP: usize = 20;

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
            echo(machine, FAULTS, seed, bytes, SLOTS).with_context(|| format!("board {number}"))
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
    /// The number of bytes that the boards sent back.
    bytes: usize,
    /// The number of connections that the boards dropped.
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

/// Sends bytes to a board and back, on several connections at once. Each connection sends one part of the bytes. `echo`
/// drops a client that accepts nothing for a minute. If the board drops a connection, a new connection sends a new part
/// instead.
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
    let mut open_clients: Vec<ClientId> = Vec::new();
    while served < parts {
        // Open a new connection as soon as another connection has ended.
        while open_clients.len() < connections.min(parts - served) {
            let bytes = pattern(seed.wrapping_add(begun), part);
            open_clients.push(board.connect(Plan::echo(bytes)));
            begun += 1;
        }
        for client in board.finish_some_within(&open_clients, deadline)? {
            open_clients.retain(|other| *other != client);
            match board.peer.outcome(client).clone() {
                // If the client's end of stream was lost, the retransmission may reach a board that has already removed
                // the connection. The board then answers with a reset.
                Outcome::Served | Outcome::ResetAtEnd => served += 1,
                Outcome::Reset { .. } | Outcome::Refused if connections > 1 => given_up += 1,
                other => bail!("{}{}", summary(&[other]), board.report()),
            }
        }
        ensure!(given_up <= MAX_GIVEN_UP, "{given_up} connections given up{}", board.report());
    }
    Ok(Done { bytes: parts * part, given_up })
}
