//! Checks of the status server.

use std::net::SocketAddr;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::client::{Client, LIMIT, PAUSE};
use super::http::{GET, Response, Status, open};
use super::{Check, Gateway, console};

const BUSY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const OTHER: &str = "GET /other HTTP/1.1\r\nHost: gateway\r\n\r\n";

/// The maximum size of a request's header section with the empty line at its end, in bytes.
const HEADER: usize = 480;

/// The checks.
pub const CHECKS: [Check; 8] = [
    ("status: fields", fields),
    ("status: keep-alive", keep_alive),
    ("status: pipelining", pipelining),
    ("status: requests in pieces", in_parts),
    ("status: other paths and methods", other_paths_and_methods),
    ("status: bodies and large headers", bodies_and_large_headers),
    ("status: malformed requests", malformed),
    ("status: a fifth client", fifth_client),
];

fn fields(gateway: &Gateway<'_>) -> Result<()> {
    let (mut client, first) = open(gateway.status)?;
    ensure!(first.keys == 8, "8 keys were set, and the status is {first:?}");
    let second = again(&mut client)?;
    ensure!(second.served == first.served + 1, "after {first:?} came {second:?}");
    ensure!(second.samples >= first.samples, "after {first:?} came {second:?}");
    let clients: Vec<_> = (0..3).map(|_| console::open(gateway.console)).collect::<Result<_>>()?;
    // Clients of the previous check may still be connected.
    wait(&mut client, "3 clients of the console", |status| status.clients == 3)?;
    drop(clients);
    wait(&mut client, "no client of the console", |status| status.clients == 0)
}

fn again(client: &mut Client) -> Result<Status> {
    client.send(GET)?;
    Response::receive(client)?.status()
}

fn wait(client: &mut Client, what: &str, is_met: impl Fn(&Status) -> bool) -> Result<()> {
    let deadline = Instant::now() + LIMIT;
    loop {
        let status = again(client)?;
        if is_met(&status) {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "no {what} within {LIMIT:?}, but {status:?}");
        std::thread::sleep(PAUSE);
    }
}

fn keep_alive(gateway: &Gateway<'_>) -> Result<()> {
    for (line, headers, stays) in [
        ("HTTP/1.1", "", true),
        ("HTTP/1.1", "Connection: keep-alive\r\n", true),
        ("HTTP/1.1", "Connection: close\r\n", false),
        ("HTTP/1.1", "CONNECTION:Close\r\n", false),
        ("HTTP/1.0", "", false),
        ("HTTP/1.0", "Connection: Keep-Alive\r\n", true),
        ("HTTP/1.0", "Connection: close\r\n", false),
        ("HTTP/1.1", "Content-Length: 0\r\n", true),
    ] {
        let (mut client, _) = open(gateway.status)?;
        client.send(format!("GET /status {line}\r\nHost: gateway\r\n{headers}\r\n"))?;
        let response = Response::receive(&mut client)?;
        response.status()?;
        ensure!(response.closes() != stays, client.mismatch(&format!("that it stays: {stays}")));
        if stays {
            again(&mut client)?;
        } else {
            client.expect_end()?;
        }
    }
    Ok(())
}

fn pipelining(gateway: &Gateway<'_>) -> Result<()> {
    let requests = [GET, OTHER, GET, GET, OTHER, GET].concat();
    let expected = [200, 404, 200, 200, 404, 200];
    let (mut client, _) = open(gateway.status)?;
    for ends in [false, true] {
        client.send(&requests)?;
        if ends {
            client.end()?;
        }
        for status in expected {
            let response = Response::receive(&mut client)?;
            ensure!(response.status == status, client.mismatch(&format!("{expected:?}")));
        }
    }
    client.expect_end()?;

    // The request for HTTP/1.0 closes the connection. The gateway must not answer the second request.
    let (mut client, _) = open(gateway.status)?;
    client.send(["GET /status HTTP/1.0\r\n\r\n", GET].concat())?;
    Response::receive(&mut client)?.status()?;
    client.expect_end()
}

fn in_parts(gateway: &Gateway<'_>) -> Result<()> {
    let (mut client, _) = open(gateway.status)?;
    client.send_slowly(GET)?;
    Response::receive(&mut client)?.status()?;
    let (first, second) = GET.split_at(GET.len() - 2);
    client.send([GET, first].concat())?;
    Response::receive(&mut client)?.status()?;
    client.send(second)?;
    Response::receive(&mut client)?.status()?;
    Ok(())
}

fn other_paths_and_methods(gateway: &Gateway<'_>) -> Result<()> {
    let (mut client, _) = open(gateway.status)?;
    for path in ["/", "/other", "/status/", "/statu"] {
        client.send(format!("GET {path} HTTP/1.1\r\nHost: gateway\r\n\r\n"))?;
        let response = Response::receive(&mut client)?;
        ensure!(response.status == 404 && !response.closes(), "{path} gives {response:?}");
    }
    again(&mut client)?;
    for method in ["POST", "DELETE", "PUT"] {
        let (mut client, _) = open(gateway.status)?;
        client.send(format!(
            "{method} /status HTTP/1.1\r\nHost: gateway\r\nContent-Length: 0\r\n\r\n"
        ))?;
        let response = Response::receive(&mut client)?;
        ensure!(response.status == 405, client.mismatch(&format!("405 instead of {response:?}")));
        let allow = response.header("Allow");
        let has_get = allow.is_some_and(|allow| allow.split(", ").any(|method| method == "GET"));
        ensure!(has_get, "{method} is refused with Allow: {allow:?}");
    }
    Ok(())
}

/// Sends a request that must be refused with this status, and waits for the end of the stream. Returns the response.
fn refusal(address: SocketAddr, request: &[u8], status: u16) -> Result<Response> {
    let (mut client, _) = open(address)?;
    client.send([request, GET.as_bytes()].concat())?;
    let response = Response::receive(&mut client)?;
    let is_right = response.status == status && response.closes();
    ensure!(is_right, client.mismatch(&format!("{status} instead of {response:?}")));
    client.expect_end()?;
    Ok(response)
}

fn bodies_and_large_headers(gateway: &Gateway<'_>) -> Result<()> {
    for header in ["Content-Length: 5", "content-length: 1", "Transfer-Encoding: chunked"] {
        let request = format!("GET /status HTTP/1.1\r\nHost: gateway\r\n{header}\r\n\r\n");
        refusal(gateway.status, request.as_bytes(), 413)?;
    }
    let of_length = |length: usize| {
        let start = "GET /status HTTP/1.1\r\nHost: a\r\nX: ";
        format!("{start}{}\r\n\r\n", "x".repeat(length - start.len() - 4))
    };
    let (mut client, _) = open(gateway.status)?;
    for _ in 0..2 {
        client.send(of_length(HEADER))?;
        Response::receive(&mut client)?.status().context("the longest header")?;
    }
    for length in [HEADER + 10, 2 * HEADER, 20_000] {
        refusal(gateway.status, of_length(length).as_bytes(), 431)
            .with_context(|| format!("a header of {length} bytes"))?;
    }
    Ok(())
}

fn malformed(gateway: &Gateway<'_>) -> Result<()> {
    for request in [
        &b"nonsense\r\n\r\n"[..],
        b"GET /status\r\n\r\n",
        b"GET  /status HTTP/1.1\r\n\r\n",
        b"GET status HTTP/1.1\r\n\r\n",
        b"GET /status HTTP/1.1 x\r\n\r\n",
        b"GET /status HTTP/1.1\r\nno colon\r\n\r\n",
        b"\xff\xfe\xfd\r\n\r\n",
    ] {
        refusal(gateway.status, request, 400)?;
    }
    for part in ["G", "GET /status HTTP/1.1\r\n", &GET[..GET.len() - 1]] {
        let (mut client, _) = open(gateway.status)?;
        client.send(part)?;
        client.end()?;
        let response = Response::receive(&mut client)?;
        let is_right = response.status == 400 && response.closes();
        ensure!(is_right, client.mismatch("400 for half a header"));
        client.expect_end()?;
    }
    let (mut client, _) = open(gateway.status)?;
    client.end()?;
    client.expect_end()
}

fn fifth_client(gateway: &Gateway<'_>) -> Result<()> {
    let mut served: Vec<_> =
        (0..console::SLOTS).map(|_| open(gateway.status)).collect::<Result<_>>()?;
    for _ in 0..3 {
        console::refused(gateway.status, BUSY)?;
    }
    for (client, _) in &mut served {
        again(client)?;
    }
    drop(served.pop());
    open(gateway.status).map(drop)
}
