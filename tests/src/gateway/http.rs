//! A client of the status server.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};

use super::client::{Client, Event, LIMIT, show, until_served};

/// An ordinary request.
pub const GET: &str = "GET /status HTTP/1.1\r\nHost: gateway\r\n\r\n";

/// A response.
#[derive(Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    headers: Vec<(String, String)>,
    /// The content. Its length is the value of the field `Content-Length`.
    pub body: Vec<u8>,
}

/// The content of the status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The number of samples that the gateway has taken.
    pub samples: u32,
    /// The number of samples that are not confirmed.
    pub queued: u32,
    /// The number of samples that were dropped because the queue was full.
    pub lost: u32,
    /// The number of keys in the store.
    pub keys: u32,
    /// The number of console clients.
    pub clients: u32,
    /// The state of the uplink.
    pub uplink: String,
    /// The number of status requests that were answered.
    pub served: u32,
}

impl Response {
    /// Receives a response.
    ///
    /// # Errors
    /// If the input is not a response, or is incomplete.
    pub fn receive(client: &mut Client) -> Result<Self> {
        let end = |bytes: &[u8]| Some(bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4);
        let header = client.take_when("an HTTP answer", LIMIT, end)?;
        let mut response = Self::parse(&header).with_context(|| show(&header))?;
        let length = response.header("Content-Length").context("no Content-Length")?;
        let length: usize = length.parse().with_context(|| show(&header))?;
        let whole = |bytes: &[u8]| (bytes.len() >= length).then_some(length);
        response.body = client.take_when("a body as long as announced", LIMIT, whole)?;
        Ok(response)
    }

    fn parse(header: &[u8]) -> Result<Self> {
        let mut lines = std::str::from_utf8(header)?.trim_end().split("\r\n");
        let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 "));
        let status = status.and_then(|line| line.split_once(' ')).context("no status line")?;
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(": ").context("no header line")?;
            Ok((name.to_owned(), value.to_owned()))
        });
        let headers = headers.collect::<Result<_>>()?;
        Ok(Self { status: status.0.parse()?, headers, body: Vec::new() })
    }

    /// Returns the value of a header field, or `None` if the response does not contain the field.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Returns whether the gateway closes the connection after the response.
    pub fn closes(&self) -> bool {
        self.header("Connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }

    /// Parses the status from a response to [`GET`].
    ///
    /// # Errors
    /// If the response does not have the status 200 and JSON content, or the content is not exactly as specified.
    pub fn status(&self) -> Result<Status> {
        ensure!(self.status == 200, "expected status 200, received {self:?}");
        let kind = self.header("Content-Type");
        ensure!(kind == Some("application/json"), "the Content-Type is {kind:?}");
        let body = std::str::from_utf8(&self.body)?;
        Status::parse(body).with_context(|| format!("the body is {body:?}"))
    }
}

impl Status {
    /// Requests the status on a separate connection, as soon as the gateway can serve one more client.
    ///
    /// # Errors
    /// If the gateway does not serve the client within [`LIMIT`], or the response is wrong.
    pub fn request(address: SocketAddr) -> Result<Self> {
        let (mut client, _) = open(address)?;
        client.send(GET)?;
        Response::receive(&mut client)?.status()
    }

    fn parse(body: &str) -> Result<Self> {
        let mut rest = body;
        let mut next = |before: &str, after: char| -> Result<String> {
            let text = rest.strip_prefix(before).with_context(|| format!("no {before}"))?;
            let end = text.find(after).with_context(|| format!("no end behind {before}"))?;
            let (value, behind) = text.split_at(end);
            rest = behind;
            Ok(value.to_owned())
        };
        next("{\"temp\":", ',')?.parse::<i32>().context("temp")?;
        let mut number = |before: &str| next(before, ',')?.parse::<u32>().context("a number");
        let (samples, queued) = (number(",\"samples\":")?, number(",\"queued\":")?);
        let (lost, keys) = (number(",\"lost\":")?, number(",\"keys\":")?);
        let clients = number(",\"clients\":")?;
        let uplink = next(",\"uplink\":\"", '"')?;
        let served = next("\",\"served\":", '}')?.parse().context("served")?;
        ensure!(["up", "connecting", "waiting"].contains(&&*uplink), "no uplink is {uplink}");
        ensure!(rest == "}\n", "it ends in {rest:?}");
        Ok(Self { samples, queued, lost, keys, clients, uplink, served })
    }
}

/// Connects as soon as the gateway can serve one more client. Returns the client, and the status that the gateway has
/// sent.
///
/// # Errors
/// If the gateway does not serve the client within [`LIMIT`], or the gateway's answer is wrong.
pub fn open(address: SocketAddr) -> Result<(Client, Status)> {
    until_served(|| try_open(address))
}

/// Connects once. Returns `None` if the connection fails or ends, or if the gateway answers that it is busy.
///
/// # Errors
/// If the gateway's answer is wrong.
pub fn try_open(address: SocketAddr) -> Result<Option<(Client, Status)>> {
    let Ok(mut client) = Client::connect(address) else { return Ok(None) };
    if client.send(GET).is_err() {
        return Ok(None);
    }
    match client.receive(LIMIT)? {
        Event::Bytes => {}
        Event::End | Event::Reset => return Ok(None),
        Event::Nothing => bail!(client.mismatch("an answer, or that there is no slot")),
    }
    let response = Response::receive(&mut client)?;
    if response.status == 503 {
        return Ok(None);
    }
    let status = response.status()?;
    Ok(Some((client, status)))
}
