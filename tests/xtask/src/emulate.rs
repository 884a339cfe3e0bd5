//! `cargo xtask qemu`: builds an example and runs it under QEMU, like `cargo picoevent qemu` does with any image.

use anyhow::{Result, bail};
use picoevent_command::{
    emulate::{self, Emulation, Network},
    forward::{Forward, Port},
};

use crate::{
    board::Board, command_line::Cable, far_side::FarSide, firmware, qemu::Machine,
    toolchain::Toolchain,
};

/// The example that uses only UDP.
const UDP_TIME: &str = "udp-time";

/// Returns the ports that an example listens on. `--port` applies to the first port.
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

/// Builds `example` for `machine` and runs it. Forwards `port` of this machine (0: any free port) to the guest's first
/// port. If `cable` has options, the simulator's cable is used. Returns the exit status.
pub fn run(example: &str, machine: Machine, port: u16, cable: &Cable) -> Result<i32> {
    emulate::check_installed(machine, "run `cargo xtask setup`")?;
    let forwards: Vec<_> = guest_ports(example)
        .iter()
        .enumerate()
        .map(|(index, guest)| Forward { host: if index == 0 { port } else { 0 }, guest: *guest })
        .collect();
    forwards.iter().try_for_each(Forward::check_free)?;
    if example == UDP_TIME && *cable != Cable::default() {
        bail!("{UDP_TIME} runs without a simulated cable, which forwards no datagrams");
    }
    let elf = firmware::build(Toolchain::ready()?, Board::named(machine.board())?, example)?;
    let far_side = match *cable == Cable::default() {
        true => None,
        false => Some(FarSide::start(cable, port)?),
    };
    let network = match &far_side {
        Some(far_side) => Network::Program { netdev: far_side.netdev(), port: far_side.port() },
        None => Network::Ports(&forwards),
    };
    let status =
        emulate::run(Emulation { name: example, machine, elf: &elf, network, capture: None })?;
    far_side.map_or(Ok(()), FarSide::end)?;
    Ok(status)
}
