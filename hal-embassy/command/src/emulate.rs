//! Runs an image under QEMU in the foreground.
//!
//! Prints the decoded log. Ctrl-C requests the firmware to end. When the firmware ends, its status becomes this
//! program's exit status. A second Ctrl-C ends QEMU. SIGUSR1 presses the button of the board.

use std::{
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use signal_hook::{
    consts::signal::{SIGINT, SIGTERM, SIGUSR1},
    iterator::Signals,
};

use crate::{
    command,
    forward::{Forward, Port, user_network},
    process::Process,
    qemu::{Guest, Machine, Qemu, Uart},
};

/// The description of one run of an image under QEMU.
#[derive(Debug)]
pub struct Emulation<'a> {
    /// The image's name. The first printed line shows it.
    pub name: &'a str,
    /// The machine.
    pub machine: Machine,
    /// The image.
    pub elf: &'a Path,
    /// The network connection.
    pub network: Network<'a>,
    /// The file that captures the network's frames, for Wireshark.
    pub capture: Option<PathBuf>,
}

/// The network to which the machine's cable is connected.
#[derive(Debug)]
pub enum Network<'a> {
    /// QEMU's user network, with host ports that are forwarded to the guest.
    Ports(&'a [Forward]),
    /// Another program's network: QEMU's `-netdev`, and the host port that reaches the guest.
    Program {
        /// QEMU's description of the network, with the id `n0`.
        netdev: String,
        /// The host port.
        port: u16,
    },
}

/// The exit status of a program that was ended by Ctrl-C. Shells use the same status.
const INTERRUPTED: i32 = 130;

/// The time limit for the next log line. A guest need not log anything, so there is practically no limit.
const NO_LIMIT: Duration = Duration::from_secs(u32::MAX as u64);

/// How long QEMU may still run after the guest has ended.
const EXIT_LIMIT: Duration = Duration::from_secs(20);

/// Checks that the QEMU for a machine is installed.
///
/// # Errors
/// If QEMU is not installed. The error ends with `how`, which explains how to install it.
pub fn check_installed(machine: Machine, how: &str) -> Result<()> {
    let program = machine.processor().program();
    match command::find_program(program) {
        Some(_) => Ok(()),
        None => bail!("{program} is not installed: {how}"),
    }
}

/// Runs an image until the firmware ends. Returns the firmware's exit status.
pub fn run(emulation: Emulation<'_>) -> Result<i32> {
    let Emulation { name, machine, elf, network, capture } = emulation;
    // Register before QEMU starts, so that a Ctrl-C is never lost.
    let signals = Signals::new([SIGINT, SIGTERM, SIGUSR1]).context("cannot catch Ctrl-C")?;
    let netdev = match &network {
        Network::Ports(forwards) => user_network(forwards),
        Network::Program { netdev, .. } => netdev.clone(),
    };
    let mut qemu = Qemu::new(machine, elf).netdev(netdev).interactive();
    if let Some(capture) = &capture {
        qemu = qemu.capture(capture);
    }
    let mut guest = qemu.boot()?;
    let (uart, process) = (guest.uart()?, guest.process().clone());
    thread::spawn(move || handle(signals, uart, &process));

    // QEMU opens the host ports after it has connected the serial port. If QEMU cannot open a port, it ends.
    let commands: Vec<String> = match network {
        Network::Program { port, .. } => vec![Port::Tcp(port).to_string()],
        Network::Ports(forwards) => guest.qmp().map_or(Vec::new(), |qmp| {
            let command = |forward: &Forward| {
                let (guest_port, host) = match forward.guest {
                    Port::Tcp(port) => (port, qmp.forwarded_port(port).map(Port::Tcp)),
                    Port::Udp(port) => (port, qmp.forwarded_udp_port(port).map(Port::Udp)),
                };
                let host = host.ok()?;
                let is_same = host == forward.guest;
                Some(if is_same { host.to_string() } else { format!("{host} (port {guest_port})") })
            };
            forwards.iter().filter_map(command).collect()
        }),
    };
    let hint = if commands.is_empty() { "" } else { "; connect to it with: " };
    println!("{name} on {}, Ctrl-C ends it{hint}{}", machine.name(), commands.join(", "));
    show(&mut guest)
}

/// Shows the log until the guest ends.
fn show(guest: &mut Guest) -> Result<i32> {
    while let Some(line) = guest.next_line(NO_LIMIT)? {
        println!("{line}");
    }
    let Some(status) = guest.process().wait(EXIT_LIMIT)? else {
        guest.process().kill();
        bail!("QEMU closed the guest's serial port and did not end");
    };
    // QEMU also prints harmless messages, so its output is shown only after a failed run.
    if !status.success() {
        eprint!("{}", guest.console());
    }
    Ok(status.code().unwrap_or(INTERRUPTED))
}

/// Presses the board's button at each SIGUSR1. Requests the guest to end at the first other signal, and ends QEMU at
/// the second other signal.
fn handle(mut signals: Signals, mut uart: Uart, process: &Process) {
    let mut is_ending = false;
    for signal in signals.forever() {
        if signal == SIGUSR1 {
            // An error means that the guest has ended: there is no button any more.
            let _ = uart.press_button();
            continue;
        }
        if is_ending {
            break;
        }
        eprintln!("the guest was requested to end; Ctrl-C again ends QEMU");
        if uart.interrupt().is_err() {
            break;
        }
        is_ending = true;
    }
    process.kill();
}
