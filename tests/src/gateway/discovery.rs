//! Checks of the gateway's answers to discovery requests.

use std::net::{Ipv4Addr, UdpSocket};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::client::LIMIT;
use super::{Check, Gateway};

const REQUEST: &[u8] = b"discover";

/// The time to wait for an answer. After this time, the request is sent again, because a datagram may have been lost.
const ANSWER: Duration = Duration::from_secs(1);
/// The time for which no datagram may arrive.
const SILENCE: Duration = Duration::from_millis(300);

/// The checks.
pub const CHECKS: [Check; 2] = [
    ("discovery: the name and the ports", name_and_ports),
    ("discovery: other datagrams", other_datagrams),
];

/// A client that sends discovery requests.
struct DiscoveryClient(UdpSocket);

impl DiscoveryClient {
    fn new(gateway: &Gateway<'_>) -> Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.connect(gateway.discovery)?;
        Ok(Self(socket))
    }

    /// Returns the datagram that arrives within the time `within`, or `None` if no datagram arrives.
    fn receive(&self, within: Duration) -> Result<Option<String>> {
        self.0.set_read_timeout(Some(within))?;
        let mut answer = [0; 2048];
        match self.0.recv(&mut answer) {
            Ok(length) => Ok(Some(String::from_utf8_lossy(&answer[..length]).into_owned())),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error).context("discovery"),
        }
    }

    /// Repeats the request until an answer arrives, at most for [`LIMIT`].
    fn request(&self) -> Result<String> {
        let deadline = Instant::now() + LIMIT;
        loop {
            self.0.send(REQUEST)?;
            if let Some(answer) = self.receive(ANSWER)? {
                return Ok(answer);
            }
            ensure!(Instant::now() < deadline, "no answer to discover in {LIMIT:?}");
        }
    }
}

/// Checks an answer. Returns the name in the answer.
fn name<'a>(gateway: &Gateway<'_>, answer: &'a str) -> Result<&'a str> {
    let [console, status] = gateway.ports;
    let name = answer.strip_suffix(&format!(" console={console} status={status}"));
    let name = name.filter(|name| !name.is_empty() && !name.contains(char::is_whitespace));
    name.with_context(|| format!("ports {console} and {status} are not in {answer:?}"))
}

fn name_and_ports(gateway: &Gateway<'_>) -> Result<()> {
    let [one, other] = [DiscoveryClient::new(gateway)?, DiscoveryClient::new(gateway)?];
    let (first, second, again) = (one.request()?, other.request()?, one.request()?);
    let first = name(gateway, &first)?;
    for answer in [&second, &again] {
        let other = name(gateway, answer)?;
        ensure!(other == first, "its name was {first:?}, and then {other:?}");
    }
    Ok(())
}

fn other_datagrams(gateway: &Gateway<'_>) -> Result<()> {
    let client = DiscoveryClient::new(gateway)?;
    let long = [REQUEST, &[b'x'; 1_000]].concat();
    for other in [&b""[..], b"discove", b"discovery", b"Discover", b"discover\n", b"\xff", &long] {
        client.0.send(other)?;
        if let Some(answer) = client.receive(SILENCE)? {
            let other = String::from_utf8_lossy(other);
            anyhow::bail!("{other:?} was answered with {answer:?}");
        }
    }
    name(gateway, &client.request()?).map(drop)
}
