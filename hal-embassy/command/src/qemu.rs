//! Runs firmware under QEMU.
//!
//! [`Qemu`] describes how to start a machine, and [`Guest`] is a running machine. The guest's serial port and QEMU's
//! control socket (QMP) are Unix sockets in a temporary folder. This program listens on these sockets before QEMU
//! starts. So this program needs no TCP port, and does not poll until a socket appears.
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
mod machine;
mod qmp;

use std::{
    fs::File,
    os::unix::{net::UnixListener, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result};

use crate::{defmt_log, locations::Locations, process::Process};

pub use guest::{Guest, Uart};
pub use machine::{Machine, Processor};
pub use qmp::{Link, Qmp};

/// The oldest version of QEMU with the features that this program uses (`-netdev dgram` and `stream`).
pub const OLDEST_QEMU: &str = "7.2";

/// Returns QEMU's `-netdev` option for a network cable that is a pair of Unix datagram sockets. `own` is the path of
/// the machine's socket, `other` the path of the peer's socket.
pub fn netdev_over(own: &Path, other: &Path) -> String {
    let (own, other) = (own.display(), other.display());
    format!("dgram,id=n0,local.type=unix,local.path={own},remote.type=unix,remote.path={other}")
}

/// The description of a machine, and of how to start the machine.
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
    /// Prepares to boot `machine` with the firmware in `elf`, without a network and with a time
    /// limit of 60 s.
    pub fn new(machine: Machine, elf: &Path) -> Self {
        let limit = Some(Duration::from_secs(60));
        let elf = elf.to_path_buf();
        Self { machine, elf, netdev: None, capture: None, limit, own_group: false }
    }

    /// Connects the machine's network controller to `netdev`, a value of QEMU's option `-netdev`. The id in `netdev`
    /// must be `n0`.
    ///
    /// For a `hostfwd` from host port 0, QEMU takes a free port. [`Qmp::forwarded_port`] returns
    /// this port.
    pub fn netdev(mut self, netdev: impl Into<String>) -> Self {
        self.netdev = Some(netdev.into());
        self
    }

    /// Captures the frames of the network in a file for Wireshark.
    pub fn capture(mut self, file: &Path) -> Self {
        self.capture = Some(file.to_path_buf());
        self
    }

    /// Sets the time after which QEMU is killed.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Prepares for interactive use: there is no time limit, and Ctrl-C on the terminal does not reach QEMU.
    pub fn interactive(mut self) -> Self {
        self.limit = None;
        self.own_group = true;
        self
    }

    /// Starts QEMU. Returns when the guest's serial port is connected.
    pub fn boot(self) -> Result<Guest> {
        let table = defmt_log::read_table(&self.elf)?;
        let locations = Locations::read(&self.elf)?;
        let folder = tempfile::Builder::new().prefix("picoevent-").tempdir();
        let folder = folder.context("cannot make a temporary folder")?;
        let uart = UnixListener::bind(folder.path().join("uart"))?;
        let qmp = UnixListener::bind(folder.path().join("qmp"))?;
        let console = File::create(folder.path().join("console"))?;

        let mut command = self.command(folder.path());
        command.stdin(Stdio::null()).stdout(console.try_clone()?).stderr(console);
        let process = Process::spawn(&mut command, self.limit)?;
        Guest::connect(process, folder, &uart, qmp, (table, locations))
    }

    fn command(&self, folder: &Path) -> Command {
        let mut command = Command::new(self.machine.processor().program());
        let socket = |name: &str| {
            format!("socket,id={name},server=off,path={}", folder.join(name).display())
        };
        command.args(self.machine.options());
        command.args(["-display", "none", "-monitor", "none"]);
        command.args(["-semihosting-config", "enable=on,target=native"]);
        command.arg("-chardev").arg(socket("uart")).args(["-serial", "chardev:uart"]);
        command.arg("-chardev").arg(socket("qmp")).args(["-mon", "chardev=qmp,mode=control"]);
        match &self.netdev {
            Some(netdev) => {
                command.arg("-netdev").arg(netdev).args(self.machine.nic());
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
            // A terminal sends Ctrl-C to the whole foreground process group, so QEMU gets its own
            // group.
            command.process_group(0);
        }
        command
    }
}
