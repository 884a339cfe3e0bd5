//! An end-to-end check of a gateway over real connections. The check covers everything in the gateway's specification.
//!
//! The check uses only the gateway's three addresses, and a collector that listens on the host. So the gateway can be
//! firmware on an emulated board or a program on the host:
//!
//! ```text
//!   check ──┬── Client ──────── console, status ──┐
//!           ├── Asker ───────── discovery ────────┤
//!           └── Collector ◀──── uplink ───────────┴── gateway
//! ```
//!
//! [`program::with`] runs the check for a program on the host. `tests/tests/qemu/gateway.rs` runs the check for
//! firmware. The gateway must be newly started and have an empty store, because the first check fills the store. Each
//! error contains the sent, the expected and the received bytes.
//!
//! | part | takes |
//! |---|---|
//! | [`Gateway::check`] | a minute |
//! | [`Gateway::check_timeouts`] | two minutes, most of it waiting |
//! | [`Gateway::check_end`] | a second |

use std::net::SocketAddr;
use std::time::Instant;

use anyhow::{Context, Result};

pub mod client;
pub mod collector;
pub mod console;
pub mod crowd;
pub mod discovery;
pub mod http;
pub mod program;
pub mod status;
mod timeouts;
mod uplink;

use collector::Collector;

/// A check and its name.
type Check = (&'static str, fn(&Gateway<'_>) -> Result<()>);

/// A running gateway.
pub struct Gateway<'a> {
    /// The address of the gateway's console.
    pub console: SocketAddr,
    /// The address of the gateway's status server.
    pub status: SocketAddr,
    /// The UDP address at which the gateway answers discovery requests.
    pub discovery: SocketAddr,
    /// The ports that an answer to a discovery request must contain: the port of the console, and the port of the
    /// status server.
    pub ports: [u16; 2],
    /// Presses the gateway's button.
    pub press: &'a (dyn Fn() -> Result<()> + Sync),
}

impl Gateway<'_> {
    /// Runs all short checks. The checks end and restart the collector.
    ///
    /// # Errors
    /// The error of the first check that fails.
    pub fn check(&self, collector: &mut Collector) -> Result<()> {
        step("uplink: is up", || uplink::is_up(self, collector))?;
        step("uplink: button", || uplink::button(self, collector))?;
        let checks = console::CHECKS.into_iter().chain(status::CHECKS).chain(discovery::CHECKS);
        for (name, check) in checks {
            step(name, || check(self))?;
        }
        step("uplink: heart-beats", || uplink::heart_beats(self, collector))?;
        step("uplink: reports", || uplink::reports(self, collector))?;
        step("misbehaving clients", || crowd::misbehaving_clients(self))?;
        step("uplink: interruptions", || uplink::interruptions(self, collector))?;
        step("clients that come and go", || crowd::connect_and_disconnect(self, collector))?;
        collector.record().check()
    }

    /// Fills the store of a newly started gateway, like the first check of [`Gateway::check`].
    ///
    /// # Errors
    /// If the gateway's store is not empty, or an answer of the gateway is wrong.
    pub fn fill_store(&self) -> Result<()> {
        let (name, fill) = console::CHECKS[0];
        step(name, || fill(self))
    }

    /// Checks the timeouts, which take up to two minutes.
    ///
    /// # Errors
    /// The errors of all checks that failed.
    pub fn check_timeouts(&self, collector: &mut Collector) -> Result<()> {
        self.fill_store()?;
        step("uplink: is up", || uplink::is_up(self, collector))?;
        step("timeouts", || timeouts::check(self, collector))?;
        collector.record().check()
    }

    /// Interrupts the gateway, and checks that the gateway sends a message to its clients before it ends. The caller
    /// checks that the gateway then ends.
    ///
    /// # Errors
    /// If a client does not receive the message, or `interrupt` fails.
    pub fn check_end(&self, interrupt: impl FnOnce() -> Result<()>) -> Result<()> {
        step("end", || {
            let mut idle = console::open(self.console)?;
            let mut watching = console::open(self.console)?;
            watching.send("watch\n")?;
            console::values(&mut watching)?;
            interrupt()?;
            for client in [&mut idle, &mut watching] {
                console::skip_values(client)?;
                client.expect("bye: the gateway ends\r\n")?;
                client.expect_end()?;
            }
            console::late_client(self.console)
        })
    }
}

/// Runs one check and prints the time that it took. Adds the name of the check to an error.
fn step(name: &str, check: impl FnOnce() -> Result<()>) -> Result<()> {
    let began = Instant::now();
    check().with_context(|| name.to_owned())?;
    println!("{name}: {:.1} s", began.elapsed().as_secs_f64());
    Ok(())
}

#[cfg(test)]
mod tests;
