//! Tests that a board dumps a recording into its log, and that the host can replay the recording.

use anyhow::{Error, Result, ensure};
use picoevent::End;
use picoevent_sim::recording::Recorded;
use picoevent_sim::world::AnyTestCase;
use picoevent_sim_command::hello_world;
use picoevent_tests::board::{Board, LIMIT};
use picoevent_tests::client::Plan;
use xtask::qemu::Machine;

use crate::{GREETING, reading_client};

#[test]
#[ignore = "needs firmware: cargo xtask test runs it"]
fn mps2_an385_is_replayed_from_its_log() -> Result<()> {
    let mut board = Board::boot(Machine::Mps2An385, "recorded")?;
    for _ in 0..5 {
        board.serve(vec![reading_client(), Plan::half_closer(GREETING)])?;
    }
    board.connect(Plan::silent());
    board.guest.interrupt()?;
    ensure!(board.wait_exit()? == 0, "it did not end with status 0{}", board.report());
    while board.guest.next_line(LIMIT)?.is_some() {}
    let lines: Vec<_> = board.guest.history().iter().map(ToString::to_string).collect();
    let recorded = Recorded::read(&lines.join("\n"))?;
    ensure!((recorded.before, recorded.after) == (0, 0), "it is not complete");
    let accepted = recorded.lines().filter(|line| line.contains(" accepted conn ")).count();
    ensure!(accepted >= 10, "{accepted} were accepted");
    let end = hello_world().replay_recording(&recorded).map_err(Error::msg)?;
    ensure!(end == Some(End::Exit), "the replay ends with {end:?}");
    Ok(())
}
