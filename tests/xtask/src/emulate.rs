//! `cargo xtask qemu`: runs firmware in the foreground.
//!
//! It prints the decoded log. Ctrl-C asks the firmware to end, as on a host, and the
//! firmware's status becomes this program's. A second Ctrl-C ends QEMU itself.

use std::{net::TcpListener, thread, time::Duration};

use anyhow::{Context, Result, bail};
use signal_hook::{
    consts::signal::{SIGINT, SIGTERM},
    iterator::Signals,
};

use crate::{
    board::Board,
    command,
    command_line::Cable,
    far_side::FarSide,
    firmware,
    process::Process,
    qemu::{Guest, Machine, QEMU_PROGRAM, Qemu, Uart},
    toolchain::Toolchain,
};

/// Returns the ports that an example listens on. The first is the one that `--port` is about.
fn guest_ports(example: &str) -> &'static [Port] {
    match example {
        "device" => &[Port::Tcp(8080)],
        "gateway" | "gateway-online" => &[Port::Tcp(2323), Port::Tcp(8080), Port::Udp(2324)],
        "chat" => &[Port::Tcp(9997)],
        "proxy" => &[Port::Tcp(9996)],
        "tutorial" => &[Port::Tcp(7000)],
        UDP_TIME => &[Port::Udp(9037)],
        _ => &[Port::Tcp(9995)],
    }
}

/// A port of the guest, or one of this machine that leads to it.
#[derive(Clone, Copy)]
enum Port {
    Tcp(u16),
    Udp(u16),
}

/// The example that listens for datagrams.
const UDP_TIME: &str = "udp-time";

/// The status of a program that was ended by Ctrl-C, as in shells.
const INTERRUPTED: i32 = 130;

/// A guest may never log anything.
const FOR_EVER: Duration = Duration::from_secs(u32::MAX as u64);

/// How long QEMU may run after the guest has ended.
const MOMENT: Duration = Duration::from_secs(20);

/// Builds `example` for `machine` and runs it, with this machine's `port` (0: any free one)
/// forwarded to the guest's first port, over a simulated cable if requested. Returns its exit status.
pub fn run(example: &str, machine: Machine, port: u16, cable: &Cable) -> Result<i32> {
    if command::find_program(QEMU_PROGRAM).is_none() {
        bail!("{QEMU_PROGRAM} is not installed: run `cargo xtask setup`");
    }
    check_free(port)?;
    let elf = firmware::build(Toolchain::ready()?, Board::named(machine.board())?, example)?;

    // Before QEMU starts, so that a Ctrl-C is never lost.
    let signals = Signals::new([SIGINT, SIGTERM]).context("cannot catch Ctrl-C")?;
    if example == UDP_TIME && *cable != Cable::default() {
        bail!("{UDP_TIME} runs without a simulated cable, which forwards no datagrams");
    }
    let far_side = match *cable == Cable::default() {
        true => None,
        false => Some(FarSide::start(cable, port)?),
    };
    let netdev = match &far_side {
        Some(far_side) => far_side.netdev(),
        None => user_network(port, example),
    };
    let mut guest = Qemu::new(machine, &elf).netdev(netdev).interactive().boot()?;
    let (uart, process) = (guest.uart()?, guest.process().clone());
    thread::spawn(move || interrupt(signals, uart, &process));

    // QEMU takes the ports after it has connected the serial port, or ends because it cannot.
    let ports: Vec<Port> = match &far_side {
        Some(far_side) => vec![Port::Tcp(far_side.port())],
        None => guest.qmp().map_or(Vec::new(), |qmp| {
            let forwarded = guest_ports(example).iter().map(|port| match port {
                Port::Tcp(port) => qmp.forwarded_port(*port).map(Port::Tcp),
                Port::Udp(port) => qmp.forwarded_udp_port(*port).map(Port::Udp),
            });
            forwarded.flatten().collect()
        }),
    };
    if !ports.is_empty() {
        let command = |port: &Port| match port {
            Port::Tcp(port) => format!("nc 127.0.0.1 {port}"),
            Port::Udp(port) => format!("nc -u 127.0.0.1 {port}"),
        };
        let commands: Vec<_> = ports.iter().map(command).collect();
        println!(
            "{example} on {}, Ctrl-C ends it; talk to it by: {}",
            machine.name(),
            commands.join(", ")
        );
    }
    let status = show(&mut guest)?;
    far_side.map_or(Ok(()), FarSide::end)?;
    Ok(status)
}

/// Returns QEMU's description of a network in which ports of this machine reach the guest's: `port` the
/// first, and free ones the others.
fn user_network(port: u16, example: &str) -> String {
    let mut network = "user,id=n0".to_owned();
    for (place, guest) in guest_ports(example).iter().enumerate() {
        let port = if place == 0 { port } else { 0 };
        let (protocol, guest) = match guest {
            Port::Tcp(guest) => ("tcp", guest),
            Port::Udp(guest) => ("udp", guest),
        };
        network.push_str(&format!(",hostfwd={protocol}:127.0.0.1:{port}-:{guest}"));
    }
    network
}

/// Shows the log until the guest ends.
fn show(guest: &mut Guest) -> Result<i32> {
    while let Some(line) = guest.next_line(FOR_EVER)? {
        println!("{line}");
    }
    let Some(status) = guest.process().wait(MOMENT)? else {
        guest.process().kill();
        bail!("QEMU closed the guest's serial port and did not end");
    };
    // QEMU also prints harmless messages, so they are not shown after a successful run.
    if !status.success() {
        eprint!("{}", guest.console());
    }
    Ok(status.code().unwrap_or(INTERRUPTED))
}

/// Asks the guest to end at the first signal, and ends QEMU at the second.
fn interrupt(mut signals: Signals, mut uart: Uart, process: &Process) {
    let mut signals = signals.forever();
    signals.next();
    eprintln!("asking the guest to end; Ctrl-C again ends QEMU");
    if uart.interrupt().is_ok() {
        signals.next();
    }
    process.kill();
}

/// Reports in one line what QEMU would report in three.
fn check_free(port: u16) -> Result<()> {
    match TcpListener::bind(("127.0.0.1", port)) {
        Ok(_) => Ok(()),
        Err(error) => {
            bail!("port {port} of 127.0.0.1 is not free ({error}): choose one with --port")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_named() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = check_free(port).unwrap_err().to_string();
        assert!(error.starts_with(&format!("port {port} of 127.0.0.1 is not free")), "{error}");
        drop(taken);
        assert!(check_free(port).is_ok());
    }
}
