//! Ctrl-C ends hello-world after two seconds. Until then it continues to serve.

use anyhow::{Result, ensure};
use picoevent_tests::board::Board;
use xtask::qemu::Machine;

use crate::visitor;

const CAUGHT: &str = "Caught an interrupt signal; exiting cleanly in two seconds.";

fn interrupted(machine: Machine) -> Result<()> {
    let mut board = Board::boot(machine, "hello-world")?;
    board.guest.interrupt()?;
    board.wait_for(CAUGHT)?;
    board.serve(vec![visitor()])?;
    // A second interrupt during this time changes nothing.
    board.guest.interrupt()?;
    board.serve(vec![visitor()])?;
    board.wait_for("done")?;
    ensure!(board.wait_exit()? == 0, "the firmware reported a failure");
    let count = board.guest.history().iter().filter(|line| line.message == CAUGHT).count();
    ensure!(count == 1, "the interrupt was announced {count} times");
    Ok(())
}

on_each_machine!(interrupted);
