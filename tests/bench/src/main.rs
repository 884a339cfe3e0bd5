//! Runs one operation of the core many times, on tables of one size.
//!
//! ```text
//! picoevent-bench                              lists the operations: growth, name
//! picoevent-bench <name> <size> <times>        runs one of them
//! ```
//!
//! This program does not measure. `cargo xtask count` runs this program twice under valgrind, which counts
//! instructions. The second run repeats the operation more often. The difference between the two counts does not
//! contain the start-up.

mod bench;
mod fill;
mod operation;

use std::env;
use std::process::ExitCode;
use std::thread;

use picoevent::{EventBase, Storage};

use bench::{App, Bench};
use operation::{OPERATIONS, Operation};

/// The size of the stack in bytes. The largest storage is made on the stack before it moves into a box.
const STACK: usize = 256 << 20;

/// The bytes of both rings of a connection together.
const RINGS: usize = 2 * fill::RING;

fn main() -> ExitCode {
    let words: Vec<_> = env::args().skip(1).collect();
    if words.is_empty() {
        for operation in &OPERATIONS {
            println!("{:?}\t{}", operation.growth, operation.name);
        }
        return ExitCode::SUCCESS;
    }
    match parse(&words) {
        Some((operation, size, times)) => {
            let work = thread::Builder::new().stack_size(STACK);
            let done = work.spawn(move || run(operation, size, times)).map(|run| run.join());
            if matches!(done, Ok(Ok(()))) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        None => {
            eprintln!("usage: picoevent-bench [<name> <10, 100, 1000 or 10000> <times>]");
            ExitCode::from(2)
        }
    }
}

fn parse(words: &[String]) -> Option<(&'static Operation, usize, usize)> {
    let [name, size, times] = words else { return None };
    let operation = OPERATIONS.iter().find(|operation| operation.name == name)?;
    Some((operation, size.parse().ok()?, times.parse().ok()?))
}

fn run(operation: &Operation, size: usize, times: usize) {
    match size {
        10 => run_with_size::<10, { 10 * RINGS }>(operation, times),
        100 => run_with_size::<100, { 100 * RINGS }>(operation, times),
        1_000 => run_with_size::<1_000, { 1_000 * RINGS }>(operation, times),
        10_000 => run_with_size::<10_000, { 10_000 * RINGS }>(operation, times),
        _ => panic!("there are no tables of {size} slots: use 10, 100, 1000 or 10000"),
    }
}

fn run_with_size<const SIZE: usize, const BYTES: usize>(operation: &Operation, times: usize) {
    let mut storage = Box::new(Storage::<App, SIZE, SIZE, BYTES, 1, 1, SIZE>::new());
    let mut bench = Bench::new(EventBase::new(&mut storage), SIZE);
    (operation.prepare)(&mut bench);
    for _ in 0..times {
        (operation.once)(&mut bench);
    }
    assert!(bench.app.calls == 0 || bench.app.calls == times, "a callback was lost");
}
