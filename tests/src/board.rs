//! An emulated board on a wire: QEMU with firmware, and its peer.
//!
//! The peer is a stack without a thread, so whoever waits for the firmware has to keep it going:
//! the waits here do. Every wait has a bound, and what it says when that passes ends with what the
//! firmware has logged.

use std::net::SocketAddrV4;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use picoevent_sim::world::Cable;
use smoltcp::wire::Ipv4Address;
use tempfile::TempDir;
use xtask::firmware;
use xtask::qemu::{Guest, Machine, Qemu, netdev_over};

use crate::client::{Outcome, Plan, summary};
use crate::dhcp::{Lease, Policy};
use crate::peer::{ClientId, Peer};
use crate::wire::Wire;

/// The address of every board: fixed in its firmware, or leased to it here.
pub const ADDRESS: Ipv4Address = Ipv4Address::new(10, 0, 2, 15);

/// The port that both examples listen on.
pub const PORT: u16 = 9995;

/// How long anything may take. It bounds a hang and says nothing about speed.
pub const LIMIT: Duration = Duration::from_secs(60);

/// How long QEMU may run, whatever the test does: longer than several waits in a row.
const LIFE: Duration = Duration::from_secs(300);

/// What the firmware logs when clients may come.
pub const READY: &str = "listening on";

/// How long the peer may sleep before its user has a look at what is not on the wire.
const TURN: Duration = Duration::from_millis(10);

/// A lease on [`ADDRESS`] that lasts longer than any test.
pub const LASTING: Lease = Lease {
    address: ADDRESS,
    duration: Duration::from_secs(24 * 3600),
    renewal: Some(Duration::from_secs(12 * 3600)),
};

/// A running board and its peer.
pub struct Board {
    /// The board's side: log, serial port, monitor, end.
    pub guest: Guest,
    /// The other side of the wire.
    pub peer: Peer,
    // The last field: the wire's sockets are in it.
    _folder: TempDir,
}

impl Board {
    /// Starts `example` on `machine` and waits until it listens.
    pub fn boot(machine: Machine, example: &str) -> Result<Self> {
        Self::boot_with_lease(machine, example, LASTING)
    }

    /// As [`Board::boot`], with `lease` for a board that asks for one.
    ///
    /// # Errors
    /// As [`Board::boot`].
    pub fn boot_with_lease(machine: Machine, example: &str, lease: Lease) -> Result<Self> {
        Self::boot_on(machine, example, lease, None)
    }

    /// As [`Board::boot`], on a cable that has the faults of a scenario.
    ///
    /// # Errors
    /// As [`Board::boot`], and when the scenario is none.
    pub fn boot_on_cable(machine: Machine, example: &str, scenario: &str) -> Result<Self> {
        let cable = Cable::new(&scenario.parse()?, 1);
        Self::boot_on(machine, example, LASTING, Some(cable))
    }

    fn boot_on(
        machine: Machine,
        example: &str,
        lease: Lease,
        cable: Option<Cable>,
    ) -> Result<Self> {
        let elf = firmware::prebuilt(machine.board(), example)?;
        let folder = tempfile::Builder::new().prefix("picoevent-wire-").tempdir()?;
        let (near_end, far_end) = (folder.path().join("peer"), folder.path().join("board"));
        let mut wire = Wire::bind(&near_end, &far_end)?;
        if let Some(cable) = cable {
            wire.lay(cable);
        }
        let mut peer = Peer::new(wire);
        peer.serve_dhcp(Policy::Grant(lease));
        let netdev = netdev_over(&far_end, &near_end);
        let guest = Qemu::new(machine, &elf).netdev(netdev).time_limit(LIFE).boot()?;
        let mut board = Self { guest, peer, _folder: folder };
        board.wait_for(READY)?;
        if machine == Machine::Mps2An385 {
            board.turn_until("lease", |peer| peer.dhcp_tally().granted > 0)?;
        }
        Ok(board)
    }

    /// Waits for a log line that contains `text`.
    ///
    /// # Errors
    /// When it does not come within [`LIMIT`] or the firmware ends.
    pub fn wait_for(&mut self, text: &str) -> Result<()> {
        self.attend(|guest| guest.wait_for(text, LIMIT)).map(drop)
    }

    /// Waits for the end of the firmware; the status it ended with.
    ///
    /// # Errors
    /// When it does not end within [`LIMIT`].
    pub fn wait_exit(&mut self) -> Result<i32> {
        self.attend(|guest| guest.wait_exit(LIMIT))
    }

    /// Does `work` with the guest, while the peer goes on.
    pub fn attend<T: Send>(&mut self, work: impl FnOnce(&mut Guest) -> T + Send) -> T {
        let (guest, peer) = (&mut self.guest, &mut self.peer);
        thread::scope(|scope| {
            let working = scope.spawn(|| work(guest));
            while !working.is_finished() {
                peer.turn(TURN);
            }
            working.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Takes turns until `done` says so.
    ///
    /// # Errors
    /// When that takes longer than [`LIMIT`] or the board ends before; both name `what` was awaited.
    pub fn turn_until(&mut self, what: &str, done: impl Fn(&mut Peer) -> bool) -> Result<()> {
        let deadline = Instant::now() + LIMIT;
        while !done(&mut self.peer) {
            let ended = self.guest.process().status()?.is_some();
            if ended || Instant::now() >= deadline {
                bail!("no {what} within {LIMIT:?}{}", self.story());
            }
            self.peer.turn(TURN);
        }
        Ok(())
    }

    /// Starts a client of the board's port.
    pub fn connect(&mut self, plan: Plan) -> ClientId {
        self.peer.connect(SocketAddrV4::new(ADDRESS, PORT), plan)
    }

    /// Waits until all of `clients` are done, or [`LIMIT`] has passed, or the board has ended.
    pub fn finish(&mut self, clients: &[ClientId]) -> Vec<Outcome> {
        // The outcomes say which clients are not done, and are what the caller looks at.
        let _ = self.turn_until("end of the clients", |peer| peer.are_done(clients));
        clients.iter().map(|&client| self.peer.outcome(client).clone()).collect()
    }

    /// Lets `plans` happen at once, and insists that each client is served.
    ///
    /// # Errors
    /// When one is not; the error tells of all that were not.
    pub fn serve(&mut self, plans: Vec<Plan>) -> Result<()> {
        let clients: Vec<_> = plans.into_iter().map(|plan| self.connect(plan)).collect();
        self.expect_served(&clients)
    }

    /// Insists that each of `clients`, which were started before, is served.
    ///
    /// # Errors
    /// As [`Board::serve`].
    pub fn expect_served(&mut self, clients: &[ClientId]) -> Result<()> {
        let outcomes = self.finish(clients);
        if outcomes.iter().all(|outcome| *outcome == Outcome::Served) {
            return Ok(());
        }
        bail!("not every client was served, but {}{}", summary(&outcomes), self.story())
    }

    /// What the firmware and QEMU have said, for an error message.
    pub fn story(&mut self) -> String {
        self.guest.story()
    }
}
