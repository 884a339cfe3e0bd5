//! An emulated board with a cable: QEMU with firmware, and the peer at the other side of the cable.
//!
//! The peer is a TCP/IP stack without a thread of its own: it runs only when it is polled. The functions here poll the
//! peer while they wait for the firmware. Every wait has a time limit. If a wait takes longer, the error contains the
//! firmware's log.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use picoevent_sim::world::Cable;
use smoltcp::wire::{Ipv4Address, Ipv6Address};
use tempfile::TempDir;
use xtask::firmware;
use xtask::qemu::{Guest, Machine, Qemu, netdev_over};

use crate::client::{Outcome, Plan, summary};
use crate::dhcp::{Lease, Policy};
use crate::peer::{ClientId, Peer};
use crate::wire::Wire;

/// The IPv4 address of every board. It is fixed in the firmware, or the peer's DHCP server leases it to the board.
pub const ADDRESS: Ipv4Address = Ipv4Address::new(10, 0, 2, 15);

/// The IPv6 address of every board that has one.
pub const ADDRESS_V6: Ipv6Address = Ipv6Address::new(0xfd00, 0, 0, 0, 0, 0, 0, 0x15);

/// The port on which the examples listen.
pub const PORT: u16 = 9995;

/// The time limit of every wait. The limit only ends a test whose program hangs. It does not check the program's speed.
pub const LIMIT: Duration = Duration::from_secs(60);

/// The time limit of a QEMU process. It is longer than several waits one after another.
const LIFE: Duration = Duration::from_secs(300);

/// A part of the log line that the firmware prints when it accepts clients.
pub const READY: &str = "listening on";

/// The longest sleep of the peer. After each sleep, the waiting function can check its other conditions.
const STEP: Duration = Duration::from_millis(10);

/// The longest sleep of the peer while host connections are forwarded. It is shorter than `STEP`, because data on host
/// connections does not wake the peer.
const SHORT_STEP: Duration = Duration::from_millis(1);

/// A lease on [`ADDRESS`] that lasts longer than any test.
pub const LASTING: Lease = Lease {
    address: ADDRESS,
    duration: Duration::from_secs(24 * 3600),
    renewal: Some(Duration::from_secs(12 * 3600)),
};

/// A running board and its peer.
pub struct Board {
    /// The board: its log, serial port, monitor and exit status.
    pub guest: Guest,
    /// The other side of the wire.
    pub peer: Peer,
    // The folder contains the wire's sockets. It must be the last field, so that it is removed last.
    _folder: TempDir,
}

impl Board {
    /// Starts `example` on `machine` and waits until it listens.
    pub fn boot(machine: Machine, example: &str) -> Result<Self> {
        Self::boot_with_lease(machine, example, LASTING)
    }

    /// Starts a board like [`Board::boot`], with `lease` for a board that requests an address.
    ///
    /// # Errors
    /// Like [`Board::boot`].
    pub fn boot_with_lease(machine: Machine, example: &str, lease: Lease) -> Result<Self> {
        Self::boot_on(machine, example, lease, None, LIFE)
    }

    /// Starts a board like [`Board::boot`], on a cable with the faults of a scenario.
    ///
    /// # Errors
    /// The errors of [`Board::boot`], and an error if the scenario is invalid.
    pub fn boot_on_cable(machine: Machine, example: &str, scenario: &str) -> Result<Self> {
        Self::boot_for(machine, example, scenario, 1, LIFE)
    }

    /// Starts a board like [`Board::boot_on_cable`], with another seed of the faults and another
    /// time limit.
    ///
    /// # Errors
    /// Like [`Board::boot_on_cable`].
    pub fn boot_for(
        machine: Machine,
        example: &str,
        scenario: &str,
        seed: u64,
        life: Duration,
    ) -> Result<Self> {
        let cable = Cable::new(&scenario.parse()?, seed);
        Self::boot_on(machine, example, LASTING, Some(cable), life)
    }

    fn boot_on(
        machine: Machine,
        example: &str,
        lease: Lease,
        cable: Option<Cable>,
        life: Duration,
    ) -> Result<Self> {
        let elf = firmware::prebuilt(machine.board(), example)?;
        let folder = tempfile::Builder::new().prefix("picoevent-wire-").tempdir()?;
        let (near_end, far_end) = (folder.path().join("peer"), folder.path().join("board"));
        let mut wire = Wire::bind(&near_end, &far_end)?;
        if let Some(cable) = cable {
            wire.add_cable(cable);
        }
        let mut peer = Peer::new(wire);
        peer.serve_dhcp(Policy::Grant(lease));
        let netdev = netdev_over(&far_end, &near_end);
        let guest = Qemu::new(machine, &elf).netdev(netdev).time_limit(life).boot()?;
        let mut board = Self { guest, peer, _folder: folder };
        board.wait_for(READY)?;
        // All other machines request an address.
        if machine != Machine::Lm3s6965evb {
            board.run_until("lease", |peer| peer.dhcp_tally().granted > 0)?;
        }
        Ok(board)
    }

    /// Waits for a log line that contains `text`.
    ///
    /// # Errors
    /// If the line does not come within [`LIMIT`], or if the firmware ends first.
    pub fn wait_for(&mut self, text: &str) -> Result<()> {
        self.attend(|guest| guest.wait_for(text, LIMIT)).map(drop)
    }

    /// Waits for the end of the firmware. Returns its exit status.
    ///
    /// # Errors
    /// If the firmware does not end within [`LIMIT`].
    pub fn wait_exit(&mut self) -> Result<i32> {
        self.attend(|guest| guest.wait_exit(LIMIT))
    }

    /// Calls `work` with the guest in another thread, and runs the peer meanwhile.
    pub fn attend<T: Send>(&mut self, work: impl FnOnce(&mut Guest) -> T + Send) -> T {
        let (guest, peer) = (&mut self.guest, &mut self.peer);
        thread::scope(|scope| {
            let working = scope.spawn(|| work(guest));
            let step = if peer.is_forwarding() { SHORT_STEP } else { STEP };
            while !working.is_finished() {
                peer.step(step);
            }
            working.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Forwards a free host port to a port of the board. Returns the host address.
    ///
    /// # Errors
    /// If there is no free port.
    pub fn forward(&mut self, port: u16) -> Result<SocketAddr> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        self.peer.forward(listener, SocketAddrV4::new(ADDRESS, port))?;
        Ok(address)
    }

    /// Interrupts the firmware, and waits for its end.
    ///
    /// # Errors
    /// If the firmware does not end within [`LIMIT`], or if it fails.
    pub fn interrupt(&mut self) -> Result<()> {
        self.guest.interrupt()?;
        let status = self.wait_exit()?;
        ensure!(status == 0, "it ended with status {status}{}", self.report());
        Ok(())
    }

    /// Runs the peer until `done` returns true.
    ///
    /// # Errors
    /// If `done` does not return true within [`LIMIT`], or if the board ends first. Both errors contain `what`, a text
    /// that names the condition.
    pub fn run_until(&mut self, what: &str, done: impl Fn(&mut Peer) -> bool) -> Result<()> {
        self.run_for(LIMIT, what, done)
    }

    fn run_for(
        &mut self,
        limit: Duration,
        what: &str,
        done: impl Fn(&mut Peer) -> bool,
    ) -> Result<()> {
        let deadline = Instant::now() + limit;
        while !done(&mut self.peer) {
            let ended = self.guest.process().status()?.is_some();
            if ended || Instant::now() >= deadline {
                bail!("no {what} within {limit:?}{}", self.report());
            }
            self.peer.step(STEP);
        }
        Ok(())
    }

    /// Starts a client that connects to the board.
    pub fn connect(&mut self, plan: Plan) -> ClientId {
        self.peer.connect(SocketAddrV4::new(ADDRESS, PORT), plan)
    }

    /// Runs the peer until all of `clients` are done, or [`LIMIT`] has passed, or the board has
    /// ended.
    pub fn finish(&mut self, clients: &[ClientId]) -> Vec<Outcome> {
        self.finish_within(clients, LIMIT)
    }

    /// Runs the peer like [`Board::finish`], with another limit.
    pub fn finish_within(&mut self, clients: &[ClientId], limit: Duration) -> Vec<Outcome> {
        // The outcomes show which clients are not done. The caller checks the outcomes.
        let _ = self.run_for(limit, "end of the clients", |peer| peer.are_done(clients));
        clients.iter().map(|&client| self.peer.outcome(client).clone()).collect()
    }

    /// Runs the peer until at least one of `clients` is done. Returns all clients that are done.
    ///
    /// # Errors
    /// If no client is done at the deadline, or the board ends first.
    pub fn finish_some_within(
        &mut self,
        clients: &[ClientId],
        deadline: Instant,
    ) -> Result<Vec<ClientId>> {
        let is_done = |peer: &Peer, client: &ClientId| peer.are_done(&[*client]);
        let limit = deadline.saturating_duration_since(Instant::now());
        self.run_for(limit, "end of a client", |peer| {
            clients.iter().any(|client| is_done(peer, client))
        })?;
        let done = clients.iter().filter(|client| is_done(&self.peer, client));
        Ok(done.copied().collect())
    }

    /// Runs a client for each of `plans`, all at once, and checks that each client is served.
    ///
    /// # Errors
    /// If a client is not served. The error lists the outcomes of all clients.
    pub fn serve(&mut self, plans: Vec<Plan>) -> Result<()> {
        let clients: Vec<_> = plans.into_iter().map(|plan| self.connect(plan)).collect();
        self.expect_served(&clients)
    }

    /// Checks that each of `clients`, which were started before, is served.
    ///
    /// # Errors
    /// Like [`Board::serve`].
    pub fn expect_served(&mut self, clients: &[ClientId]) -> Result<()> {
        let outcomes = self.finish(clients);
        if outcomes.iter().all(|outcome| *outcome == Outcome::Served) {
            return Ok(());
        }
        bail!("not every client was served, but {}{}", summary(&outcomes), self.report())
    }

    /// Returns the output of the firmware and QEMU, for an error message.
    pub fn report(&mut self) -> String {
        self.guest.report()
    }
}
