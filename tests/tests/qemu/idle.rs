//! Tests that a board sleeps when it has nothing to do, so that QEMU uses almost no processor time.
//!
//! This is the only test in this folder that measures time. It measures the processor time that the kernel counts for
//! QEMU while nothing happens on the wire. A loop that spins uses a whole core. The limit is a twentieth of a core.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use picoevent_tests::board::Board;
use rustix::param::clock_ticks_per_second;
use xtask::qemu::Machine;

use crate::reading_client;

/// The duration of the measurement. During this time, nothing happens on the wire.
const SPAN: Duration = Duration::from_secs(5);

/// The allowed share of one core.
const BOUND: f64 = 0.05;

fn idle(machine: Machine) -> Result<()> {
    let mut board = Board::boot(machine, "hello-world")?;
    board.serve(vec![reading_client()])?;
    let pid = board.guest.pid();
    let (start, before) = (Instant::now(), processor_time(pid)?);
    board.peer.pass(SPAN);
    let used = processor_time(pid)?.saturating_sub(before);
    let share = used.as_secs_f64() / start.elapsed().as_secs_f64();
    println!("{}: {:.1} % of a core while idle", machine.name(), share * 100.0);
    ensure!(share < BOUND, "QEMU took {:.1} % of a core while idle", share * 100.0);
    Ok(())
}

/// Returns the processor time of all threads of a process so far.
fn processor_time(pid: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // These are the fields 14 and 15 of proc(5). The fields are counted from the end of the process name, because the
    // name may contain spaces and parentheses.
    let (_, fields) = stat.rsplit_once(')').context("no process name")?;
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
    let ticks: u64 = ticks.sum::<std::result::Result<_, _>>()?;
    Ok(Duration::from_secs(ticks) / u32::try_from(clock_ticks_per_second())?)
}

on_each_machine!(idle);
