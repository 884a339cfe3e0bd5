//! Measures the stack depth while many kinds of clients connect.
//!
//! The program fills its stack with a pattern. QEMU runs the program, and the clients of the end-to-end tests connect
//! to the program. Some clients behave well, some reset the connection, some vanish, and there are more clients than
//! the board has slots. At its end, the program prints how much of the pattern was overwritten. The clients need the
//! simulator, but `xtask` does not depend on the simulator. So an end-to-end test runs the program, and this module
//! reads the output of the test.

use anyhow::{Context, Result};

use crate::{
    board::Board,
    command, firmware,
    table::{Table, grouped},
    toolchain::Toolchain,
    workspace,
};

/// The programs, and their column names.
pub const PROGRAMS: [(&str, &str); 2] = [("stack-loop", "picoevent"), ("stack-tasks", "tasks")];

/// The board of the programs, which has little RAM.
pub const BOARD: &str = "qemu-lm3s6965evb";

/// Compiles the programs.
pub fn build(toolchain: Toolchain) -> Result<()> {
    let programs = PROGRAMS.map(|(program, _)| program);
    firmware::build_baseline(toolchain, Board::named(BOARD)?, &programs).map(drop)
}

/// Runs the programs. Returns the table.
pub fn table(toolchain: Toolchain) -> Result<Table> {
    build(toolchain)?;
    let mut cargo = command::cargo(&workspace::root());
    cargo.env(firmware::FOLDER, workspace::firmware());
    cargo.args(["test", "--package", "picoevent-tests", "--test", "qemu", "stack::"]);
    cargo.args(["--", "--ignored", "--nocapture", "--test-threads=1"]);
    println!("$ {}", command::describe(&cargo));
    let output = command::output(&mut cargo)?;
    let columns = "server | at start | serving | stack size";
    let mut table = Table::new(format!("stack, {BOARD}"), columns);
    for (program, server) in PROGRAMS {
        let read = |when: &str| {
            depth(&output, program, when).with_context(|| {
                format!("the test printed no depth of {program} {when}:\n{output}")
            })
        };
        let ((start, _), (serving, room)) = (read("at start")?, read("serving")?);
        table.row(server, [start, serving, room].map(grouped));
    }
    Ok(table)
}

/// Parses `stack-loop, serving: 2040 bytes of 48028`.
fn depth(output: &str, program: &str, when: &str) -> Option<(u64, u64)> {
    let start = format!("{program}, {when}: ");
    let (depth, room) = output.lines().find_map(|line| {
        let (_, rest) = line.split_once(&start)?;
        rest.split_once(" bytes of ")
    })?;
    Some((depth.parse().ok()?, room.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_depth_is_parsed_from_the_tests_output() {
        let output = "test stack::x ... stack-loop, serving: 2040 bytes of 48028\nok";
        assert_eq!(depth(output, "stack-loop", "serving"), Some((2_040, 48_028)));
        assert_eq!(depth(output, "stack-loop", "at start"), None);
        assert_eq!(depth(output, "stack-tasks", "serving"), None);
    }
}
