//! Compares hello-world on the event loop with a server that does the same with tasks, at equal capacities.
//!
//! The programs are in `tests/bench/baseline`. A task combines a socket, a connection and its state. In the event loop,
//! these three are separate: a socket can be in a handshake, wait in the backlog or linger without a connection. So
//! there are two comparisons. In the first comparison, there are as many tasks as hello-world has connections. These
//! tasks refuse clients that would wait in the backlog of hello-world. In the second comparison, there are as many
//! tasks as hello-world has sockets.

use anyhow::{Result, ensure};

use super::{Usage, measure};
use crate::{
    board::Board,
    firmware,
    table::{Table, grouped},
    toolchain::Toolchain,
};

/// The compared boards, each with the number of connections and of sockets of hello-world on the board.
const BOARDS: [(&str, u64, u64); 2] = [("qemu-lm3s6965evb", 4, 16), ("qemu-mps2-an385", 8, 16)];

/// The allowed difference in bytes between two programs with the same capacities. The alignment of small variables
/// causes this difference.
const SLACK: u64 = 64;

/// Builds all servers. Returns the table.
pub fn table(toolchain: Toolchain) -> Result<Table> {
    let columns = "server | served at once | sockets | flash | static RAM";
    let mut table = Table::new("hello-world and the same server as tasks", columns);
    for (name, few, many) in BOARDS {
        let board = Board::named(name)?;
        let hello = measure(&firmware::build(toolchain, board, "hello-world")?)?;
        let programs = ["tasks-few", "loop-few", "tasks-many", "loop-many", "stack-loop"];
        let mut measured = Vec::new();
        for elf in firmware::build_baseline(toolchain, board, &programs)? {
            measured.push(measure(&elf)?);
        }
        let [tasks_few, loop_few, tasks_many, loop_many, usual] = &measured[..] else { continue };
        ensure!(
            hello.ram.abs_diff(usual.ram) < SLACK,
            "hello-world has {} bytes of static RAM on {name}, and {} with the capacities in \
             tests/bench/baseline/src/sizes.rs, which are to be the same",
            hello.ram,
            usual.ram,
        );
        let mut row = |server: &str, served: u64, sockets: u64, usage: &Usage| {
            let numbers = [served, sockets, usage.flash, usage.ram].map(grouped);
            table.row(&format!("{server}, {name}"), numbers);
        };
        row("tasks", few, few, tasks_few);
        row("picoevent", few, few, loop_few);
        row("tasks", many, many, tasks_many);
        row("picoevent", many, many, loop_many);
        row("hello-world unchanged", few, many, &hello);
        for (server, few_of, many_of) in
            [("tasks", tasks_few, tasks_many), ("picoevent", loop_few, loop_many)]
        {
            let further = |few_of: u64, many_of: u64| many_of.saturating_sub(few_of) / (many - few);
            let ram = further(few_of.ram, many_of.ram);
            let flash = further(few_of.flash, many_of.flash);
            let one = || "+ 1".to_owned();
            let what = format!("{server}, each further connection, {name}");
            table.row(&what, [one(), one(), grouped(flash), grouped(ram)]);
        }
    }
    Ok(table)
}
