//! Runs firmware under QEMU.
//!
//! [`Qemu`] describes how to start a machine, and [`Guest`] is a running one. The guest's serial
//! port and QEMU's control socket (QMP) are Unix sockets in a temporary folder. This side listens
//! on them before QEMU starts, so no port is taken, and nothing waits for a socket to appear.
//!
//! ```no_run
//! use std::{path::Path, time::Duration};
//! use picoevent_command::qemu::{Machine, Qemu};
//!
//! # fn main() -> anyhow::Result<()> {
//! let elf = Path::new("target/thumbv7m-none-eabi/release/hello-world");
//! let mut guest = Qemu::new(Machine::Lm3s6965evb, elf)
//!     .netdev("user,id=n0,hostfwd=tcp:127.0.0.1:0-:9995")
//!     .time_limit(Duration::from_secs(30))
//!     .boot()?;
//! guest.wait_for("listening", Duration::from_secs(10))?;
//! let port = guest.qmp()?.forwarded_port(9995)?;
//! guest.interrupt()?;
//! assert_eq!(guest.wait_exit(Duration::from_secs(10))?, 0);
//! # Ok(())
//! # }
//! ```

mod guest;
mod qmp;

use std::{
    fs::File,
    ops::Range,
    os::unix::{net::UnixListener, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, anyhow};

use crate::{Usage, defmt_log, places::Places, process::Process};

pub use guest::{Guest, Uart};
pub use qmp::{Link, Qmp};

/// The program.
pub const QEMU_PROGRAM: &str = "qemu-system-arm";

/// The oldest version with the features used here (`-netdev dgram` and `stream`).
pub const OLDEST_QEMU: &str = "7.2";

/// A machine that QEMU emulates and that has a board's package in picoevent's repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Machine {
    /// TI's LM3S6965 evaluation board: Cortex-M3, 64 KB of RAM, Stellaris Ethernet.
    Lm3s6965evb,
    /// Arm's MPS2 with the AN385 image: Cortex-M3, LAN9118 Ethernet with a PHY.
    Mps2An385,
}

impl Machine {
    /// Every machine.
    pub const ALL: [Machine; 2] = [Machine::Lm3s6965evb, Machine::Mps2An385];

    /// Returns QEMU's name for it.
    pub fn name(self) -> &'static str {
        match self {
            Machine::Lm3s6965evb => "lm3s6965evb",
            Machine::Mps2An385 => "mps2-an385",
        }
    }

    /// Returns the name of the board's package in picoevent's repository.
    pub fn board(self) -> &'static str {
        match self {
            Machine::Lm3s6965evb => "qemu-lm3s6965evb",
            Machine::Mps2An385 => "qemu-mps2-an385",
        }
    }

    /// Returns the memory that an image can be linked for.
    pub fn memory(self) -> [Range<u64>; 2] {
        match self {
            Machine::Lm3s6965evb => [0..0x4_0000, 0x2000_0000..0x2001_0000],
            Machine::Mps2An385 => [0..0x40_0000, 0x2000_0000..0x2040_0000],
        }
    }

    /// Returns QEMU's name for its network controller.
    fn nic(self) -> &'static str {
        match self {
            Machine::Lm3s6965evb => "stellaris",
            Machine::Mps2An385 => "lan9118",
        }
    }

    /// Finds a machine by QEMU's name.
    ///
    /// # Errors
    /// [`Usage`] with the known names, if there is no such machine.
    pub fn named(name: &str) -> Result<Machine> {
        Machine::ALL.into_iter().find(|machine| machine.name() == name).ok_or_else(|| {
            let known = Machine::ALL.map(Machine::name).join(", ");
            anyhow!(Usage(format!("no machine is called {name:?}; known are {known}")))
        })
    }
}

/// Returns the `-netdev` of a machine on a cable of Unix datagrams, from its own end to the other.
pub fn netdev_over(own: &Path, other: &Path) -> String {
    let (own, other) = (own.display(), other.display());
    format!("dgram,id=n0,local.type=unix,local.path={own},remote.type=unix,remote.path={other}")
}

/// How to start a machine.
#[derive(Debug)]
pub struct Qemu {
    machine: Machine,
    elf: PathBuf,
    netdev: Option<String>,
    capture: Option<PathBuf>,
    limit: Option<Duration>,
    own_group: bool,
}

impl Qemu {
    /// Prepares `machine` with the firmware in `elf`, without a network and with a time limit of 60
    /// s.
    pub fn new(machine: Machine, elf: &Path) -> Self {
        let limit = Some(Duration::from_secs(60));
        let elf = elf.to_path_buf();
        Self { machine, elf, netdev: None, capture: None, limit, own_group: false }
    }

    /// Connects the machine's network controller to this `-netdev`, whose id must be `n0`.
    ///
    /// A `hostfwd` from host port 0 takes a free port; [`Qmp::forwarded_port`] returns it.
    pub fn netdev(mut self, netdev: impl Into<String>) -> Self {
        self.netdev = Some(netdev.into());
        self
    }

    /// Captures the frames of the network in a file for Wireshark.
    pub fn capture(mut self, file: &Path) -> Self {
        self.capture = Some(file.to_path_buf());
        self
    }

    /// Kills QEMU after this time.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Prepares for interactive use: no time limit, and QEMU does not receive Ctrl-C itself.
    pub fn interactive(mut self) -> Self {
        self.limit = None;
        self.own_group = true;
        self
    }

    /// Starts QEMU. Returns when its serial port is connected.
    pub fn boot(self) -> Result<Guest> {
        let table = defmt_log::read_table(&self.elf)?;
        let places = Places::read(&self.elf)?;
        let folder = tempfile::Builder::new().prefix("picoevent-").tempdir();
        let folder = folder.context("cannot make a temporary folder")?;
        let uart = UnixListener::bind(folder.path().join("uart"))?;
        let qmp = UnixListener::bind(folder.path().join("qmp"))?;
        let console = File::create(folder.path().join("console"))?;

        let mut command = self.command(folder.path());
        command.stdin(Stdio::null()).stdout(console.try_clone()?).stderr(console);
        let process = Process::spawn(&mut command, self.limit)?;
        Guest::connect(process, folder, &uart, qmp, (table, places))
    }

    fn command(&self, folder: &Path) -> Command {
        let mut command = Command::new(QEMU_PROGRAM);
        let socket = |name: &str| {
            format!("socket,id={name},server=off,path={}", folder.join(name).display())
        };
        command.args(["-machine", self.machine.name()]);
        command.args(["-display", "none", "-monitor", "none"]);
        command.args(["-semihosting-config", "enable=on,target=native"]);
        command.arg("-chardev").arg(socket("uart")).args(["-serial", "chardev:uart"]);
        command.arg("-chardev").arg(socket("qmp")).args(["-mon", "chardev=qmp,mode=control"]);
        let nic = format!("nic,model={}", self.machine.nic());
        match &self.netdev {
            Some(netdev) => {
                command.arg("-netdev").arg(netdev).arg("-net").arg(format!("{nic},netdev=n0"));
                if let Some(file) = &self.capture {
                    let dump = format!("filter-dump,id=capture,netdev=n0,file={}", file.display());
                    command.arg("-object").arg(dump);
                }
                &mut command
            }
            None => command.args(["-net", "none"]),
        };
        command.arg("-kernel").arg(&self.elf);
        if self.own_group {
            // A terminal sends Ctrl-C to the whole foreground process group.
            command.process_group(0);
        }
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_machine_is_refused_with_the_known_ones() {
        let error = Machine::named("qemu-mps2-an385").unwrap_err();
        let expected =
            "no machine is called \"qemu-mps2-an385\"; known are lm3s6965evb, mps2-an385";
        assert_eq!(error.to_string(), expected);
    }
}
