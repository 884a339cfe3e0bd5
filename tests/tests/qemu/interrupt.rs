//! Tests that Ctrl-C ends `hello-world` after two seconds, and that the program serves clients until then.

use anyhow::{Result, ensure};
use picoevent_tests::board::Board;
use xtask::qemu::Machine;

use crate::reading_client;

const CAUGHT: &str = "Caught an interrupt signal; exiting cleanly in two seconds.";

fn interrupted(machine: Machine) -> Result<()> {
    let mut board = Board::boot(machine, "hello-world")?;
    board.guest.interrupt()?;
    board.wait_for(CAUGHT)?;
    board.serve(vec![reading_client()])?;
    // A second interrupt during the two seconds changes nothing.
    board.guest.interrupt()?;
    board.serve(vec![reading_client()])?;
    board.wait_for("done")?;
    ensure!(board.wait_exit()? == 0, "the firmware reported a failure");
    let count = board.guest.history().iter().filter(|line| line.message == CAUGHT).count();
    ensure!(count == 1, "the interrupt was announced {count} times");
    Ok(())
}

on_each_machine!(interrupted);
