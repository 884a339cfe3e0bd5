//! Sends a million datagrams. Each datagram must come back unchanged, or the operating system must have counted it as
//! dropped.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};

use super::Soak;
use super::program::Program;

/// The number of datagrams.
const SENT: u32 = 1_000_000;

/// If no datagram arrives for this time, no datagram is in transit any more.
const SILENCE: Duration = Duration::from_secs(2);

/// The maximum increase of the server's memory, in KiB.
const MAX_GROWTH: u64 = 64;

/// Runs the case.
pub fn run(soak: &Soak) -> Result<()> {
    let program = Program::start(&soak.program("picoevent-udp-echo"), &[])?;
    // Use the rings once, so that their memory is allocated.
    flood(program.address, SENT / 100)?;
    let memory = program.memory()?;
    let echoed = flood(program.address, SENT)?;
    let (after, dropped) = (program.memory()?, SENT - echoed);
    println!("{SENT} datagrams: {echoed} came back as they were, {dropped} were dropped");
    println!("memory: {memory} KiB before, {after} KiB after");
    ensure!(after <= memory + MAX_GROWTH, "the server's memory has grown");
    program.end()
}

/// Sends datagrams as fast as possible. Checks that the operating system has counted all missing datagrams as dropped.
/// Returns the number of datagrams that came back.
fn flood(server: SocketAddr, amount: u32) -> Result<u32> {
    let receiver = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    receiver.connect(server)?;
    receiver.set_read_timeout(Some(SILENCE))?;
    let before = dropped_at(server)?;
    let sender = receiver.try_clone()?;
    let sending = thread::spawn(move || {
        (0..amount).try_for_each(|number| sender.send(&numbered(number)).map(drop))
    });
    let (mut echoed, mut next) = (0, 0);
    let mut answer = [0; 512];
    while let Ok(length) = receiver.recv(&mut answer) {
        let answer = &answer[..length];
        let number = answer.first_chunk().context("a datagram without its number came back")?;
        let number = u32::from_be_bytes(*number);
        ensure!(answer == numbered(number), "datagram {number} was altered or merged");
        ensure!(number >= next, "datagram {number} came twice, or after a later one");
        (echoed, next) = (echoed + 1, number + 1);
    }
    sending.join().map_err(|_| anyhow!("the sender panicked"))?.context("cannot send")?;
    let dropped = dropped_at(server)? - before + dropped_at(receiver.local_addr()?)?;
    ensure!(
        u64::from(echoed) + dropped == u64::from(amount),
        "{amount} were sent, {echoed} came back, {dropped} were dropped"
    );
    Ok(echoed)
}

/// Returns the datagram with this number. Its length and its bytes depend on the number.
fn numbered(number: u32) -> Vec<u8> {
    let mut data = number.to_be_bytes().to_vec();
    data.extend((0..number.wrapping_mul(31) % 200).map(|at| (at ^ number) as u8));
    data
}

/// Returns the number of datagrams for this address that the system has dropped because the socket's buffer was full.
fn dropped_at(address: SocketAddr) -> Result<u64> {
    let sockets = fs::read_to_string("/proc/net/udp")?;
    let drops = drops_of(&sockets, address);
    drops.with_context(|| format!("the system does not know the socket at {address}"))
}

/// Returns the drop count of the socket at `address`, from a list in the format of Linux's `/proc/net/udp`. Returns
/// `None` if the list does not contain the socket.
fn drops_of(sockets: &str, address: SocketAddr) -> Option<u64> {
    let SocketAddr::V4(address) = address else { return None };
    let ip = u32::from_ne_bytes(address.ip().octets());
    let local = format!("{ip:08X}:{:04X}", address.port());
    let line = sockets.lines().find(|line| line.split_whitespace().nth(1) == Some(&local))?;
    line.split_whitespace().last()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_says_how_many_it_has_dropped() -> Result<()> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        assert_eq!(dropped_at(socket.local_addr()?)?, 0);
        let list = "  sl  local_address rem_address ... drops\n\
             1: 0100007F:232F 00000000:0000 07 00000000:00000000 00:00000000 0 0 0 2 0 17\n";
        // The addresses in the list are in the host's byte order.
        let expected = if cfg!(target_endian = "little") { Some(17) } else { None };
        assert_eq!(drops_of(list, ([127, 0, 0, 1], 9007).into()), expected);
        assert_eq!(drops_of(list, ([127, 0, 0, 1], 9008).into()), None);
        Ok(())
    }

    #[test]
    fn each_datagram_is_different() {
        assert_ne!(numbered(1), numbered(2));
        assert_eq!(numbered(7)[..4], [0, 0, 0, 7]);
    }
}
