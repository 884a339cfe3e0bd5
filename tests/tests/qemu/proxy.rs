//! Tests that the example `proxy` moves bytes in both directions between clients and a server.
//!
//! ```text
//!   client ── 127.0.0.1 ── Forward ──┐
//!                                    ├── peer ═══ wire ═══ QEMU ── firmware
//!   server ── 127.0.0.1 ── Reverse ──┘
//! ```

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;

use anyhow::{Context, Result, ensure};
use picoevent_tests::board::{Board, LIMIT};
use picoevent_tests::pattern::pattern;
use xtask::qemu::Machine;

const PORT: u16 = 9996;
/// The port of the server at the peer.
const SERVER: u16 = 9998;

fn limited(stream: TcpStream) -> Result<TcpStream> {
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    Ok(stream)
}

fn connect(address: SocketAddr) -> Result<TcpStream> {
    limited(TcpStream::connect_timeout(&address, LIMIT)?)
}

/// Boots a proxy for the server at the host's address `server`, and runs `check` with the proxy's address.
fn with_proxy(
    machine: Machine,
    server: SocketAddr,
    check: impl FnOnce(SocketAddr) -> Result<()> + Send,
) -> Result<()> {
    let mut board = Board::boot(machine, "proxy")?;
    board.peer.reverse(SERVER, server);
    let address = board.forward(PORT)?;
    let outcome = board.attend(|_| check(address));
    outcome.map_err(|error| error.context(board.report()))?;
    board.interrupt()
}

fn listener() -> Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Sends the client's bytes back. When the client has ended its stream, ends the stream to the client.
fn echo(mut stream: TcpStream) -> Result<()> {
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer)? {
            0 => return Ok(stream.shutdown(Shutdown::Write)?),
            length => stream.write_all(&buffer[..length])?,
        }
    }
}

/// Sends bytes and an end of stream, and checks that the same bytes come back.
fn there_and_back(address: SocketAddr, bytes: &[u8]) -> Result<()> {
    let mut client = connect(address)?;
    let mut writer = client.try_clone()?;
    thread::scope(|scope| {
        let sent = scope.spawn(move || -> Result<()> {
            writer.write_all(bytes)?;
            Ok(writer.shutdown(Shutdown::Write)?)
        });
        let mut back = Vec::new();
        client.read_to_end(&mut back).with_context(|| format!("after {} bytes", back.len()))?;
        ensure!(back == bytes, "{} bytes came back of {}, or others", back.len(), bytes.len());
        sent.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn four_at_once(machine: Machine) -> Result<()> {
    let (listener, server) = listener()?;
    // The thread of a connection ends with the connection, and the thread that accepts connections ends with the
    // process.
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(|| limited(stream).and_then(echo));
        }
    });
    with_proxy(machine, server, |address| {
        thread::scope(|scope| {
            let visits: Vec<_> = (0..4)
                .map(|seed| scope.spawn(move || there_and_back(address, &pattern(seed, 50_000))))
                .collect();
            visits.into_iter().try_for_each(|visit| {
                visit.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
        })
    })
}

/// Checks that the client can still send everything after the server has ended its stream.
fn a_half_close_is_kept(machine: Machine) -> Result<()> {
    let (listener, server) = listener()?;
    with_proxy(machine, server, |address| {
        let mut client = connect(address)?;
        client.write_all(b"begin")?;
        let mut upstream = limited(listener.accept()?.0)?;
        upstream.write_all(b"this and no more")?;
        upstream.shutdown(Shutdown::Write)?;
        let mut received = String::new();
        client.read_to_string(&mut received)?;
        ensure!(received == "this and no more", "{received:?}");
        let rest = pattern(7, 20_000);
        client.write_all(&rest)?;
        client.shutdown(Shutdown::Write)?;
        let mut received = Vec::new();
        upstream.read_to_end(&mut received)?;
        ensure!(received == [b"begin", &*rest].concat(), "{} bytes came", received.len());
        Ok(())
    })
}

fn a_server_that_refuses_resets_the_client(machine: Machine) -> Result<()> {
    let (listener, server) = listener()?;
    drop(listener);
    with_proxy(machine, server, |address| {
        let mut client = connect(address)?;
        let error = client.read(&mut [0; 16]).err();
        let kind = error.as_ref().map(std::io::Error::kind);
        ensure!(kind == Some(ErrorKind::ConnectionReset), "{error:?}");
        Ok(())
    })
}

on_each_cortex_m3!(four_at_once, a_half_close_is_kept, a_server_that_refuses_resets_the_client);
