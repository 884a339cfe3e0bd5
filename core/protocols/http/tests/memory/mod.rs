//! A server and a client in memory with virtual time, and frames of WebSockets. The test is the peer of the server or
//! of the client, or connects both.

mod client;
pub mod frames;
mod server;

pub use client::Wire;
pub use server::TestBench;

/// The end of a connection, as the peer sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The connection ended after all output.
    Finished,
    Reset,
}

/// Calls `step` until nothing changes. The effect of a timer is visible only in the next step.
fn run_until_idle(mut step: impl FnMut() -> bool) {
    let mut idle = 0;
    for _ in 0..2_000_000 {
        idle = if step() { 0 } else { idle + 1 };
        if idle == 3 {
            return;
        }
    }
    panic!("the loop never rests");
}
