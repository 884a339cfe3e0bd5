//! Requests, and the answers that the device must send.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::answer::Answer;
use super::{Known, Plan};

/// A request.
pub(super) struct Request {
    pub(super) head: String,
    pub(super) body: Vec<u8>,
    /// The client sends the body only when the device requests the body (`Expect: 100-continue`).
    pub(super) waits: bool,
    pub(super) expected: ExpectedAnswer,
}

/// The required answer.
#[derive(Clone)]
pub(super) enum ExpectedAnswer {
    /// An answer with exactly this text, which confirms the settings or the upload in the request.
    Exactly(String),
    /// The settings that one of the clients has sent.
    Settings,
    /// The upload of one of the clients. If `may_be_none` is set, the device may also answer that it has no upload.
    Upload {
        may_be_none: bool,
    },
    Metrics,
    File(&'static str),
    /// 304, for a file that the client already has.
    Unchanged,
    /// The bytes of this file from the first to the second index, including both.
    Part(&'static str, usize, usize),
    Download(usize),
    /// An answer with this status and without content: the answer to `HEAD` or to a wrong request.
    Bare(u16),
    /// An answer with this status and a text about the error.
    Error(u16),
}

/// Returns the content of the device's answer to a request for its settings.
pub(super) fn settings(name: &str, threshold: u64) -> String {
    format!("{{\"name\":\"{name}\",\"threshold\":{threshold}}}\n")
}

/// Returns the content of the device's answer about an upload.
fn uploaded(content: &[u8]) -> String {
    let mut digits = String::new();
    for byte in Sha256::digest(content) {
        let _ = write!(digits, "{byte:02x}");
    }
    format!("{{\"length\":{},\"sha256\":\"{digits}\"}}\n", content.len())
}

const FILES: [&str; 3] = ["/", "/device.js", "/style.css"];

impl Request {
    /// Makes the request with this number. The plan selects the kind of the request. `fields` are additional header
    /// fields.
    pub(super) fn choose(plan: Plan, nth: u64, fields: &str, known: &mut Known) -> Self {
        let plain = |head: &str, expected| Self::new(head, fields, Vec::new(), expected);
        let file = FILES[plan.number(nth + 100, 3) as usize];
        match plan.number(nth, 16) {
            0 => plain("GET /settings", ExpectedAnswer::Settings),
            1 => {
                let (name, threshold) = (format!("n{}.{nth}", plan.seed), plan.number(nth, 90_000));
                let body = format!("threshold={threshold}&name={name}").into_bytes();
                let answer = settings(&name, threshold);
                known.settings.insert(answer.clone());
                Self::new("POST /settings", fields, body, ExpectedAnswer::Exactly(answer))
            }
            2 => {
                Self::new("POST /settings", fields, b"name=x".to_vec(), ExpectedAnswer::Error(400))
            }
            3 => plain("GET /upload", ExpectedAnswer::Upload { may_be_none: !known.has_upload }),
            4 => plain("GET /metrics", ExpectedAnswer::Metrics),
            5 => plain(&format!("GET {file}"), ExpectedAnswer::File(file)),
            6 => match known.files.get(file) {
                Some((tag, _)) => {
                    let fields = format!("{fields}If-None-Match: {tag}\r\n");
                    Self::new(
                        &format!("GET {file}"),
                        &fields,
                        Vec::new(),
                        ExpectedAnswer::Unchanged,
                    )
                }
                None => plain(&format!("GET {file}"), ExpectedAnswer::File(file)),
            },
            7 => {
                let (first, more) = (plan.number(nth, 100), plan.number(nth + 1, 200));
                let last = first + more;
                let fields = format!("{fields}Range: bytes={first}-{last}\r\n");
                let expected = ExpectedAnswer::Part(file, first as usize, last as usize);
                Self::new(&format!("GET {file}"), &fields, Vec::new(), expected)
            }
            8 => plain("HEAD /settings", ExpectedAnswer::Bare(200)),
            9 => plain("GET /nothing", ExpectedAnswer::Bare(404)),
            10 => match plan.number(nth, 3) {
                0 => plain("OPTIONS /settings", ExpectedAnswer::Bare(204)),
                1 => plain("DELETE /upload", ExpectedAnswer::Bare(405)),
                _ => plain("GET /live", ExpectedAnswer::Bare(426)),
            },
            11 | 12 => {
                let length = plan.length + plan.number(nth, 50);
                plain(&format!("GET /download/{length}"), ExpectedAnswer::Download(length as usize))
            }
            _ => Self::upload(plan, nth, fields, known),
        }
    }

    /// Makes a request with an upload. The body has a length or is chunked. The request may contain `Expect:
    /// 100-continue`.
    pub(super) fn upload(plan: Plan, nth: u64, fields: &str, known: &mut Known) -> Self {
        let content = plan.bytes(nth, plan.length + nth);
        let answer = uploaded(&content);
        known.uploads.insert(answer.clone());
        let waits = plan.number(nth + 200, 2) == 1 && !content.is_empty();
        let fields = match waits {
            true => format!("{fields}Expect: 100-continue\r\n"),
            false => fields.to_owned(),
        };
        let expected = ExpectedAnswer::Exactly(answer);
        let request = match plan.number(nth + 300, 2) {
            0 => Self::new("PUT /upload", &fields, content, expected),
            _ => {
                let fields = format!("{fields}Transfer-Encoding: chunked\r\n");
                let mut request = Self::new("PUT /upload", &fields, Vec::new(), expected);
                request.body = chunked(plan, &content);
                request
            }
        };
        Self { waits, ..request }
    }

    fn new(line: &str, fields: &str, body: Vec<u8>, expected: ExpectedAnswer) -> Self {
        let mut head = format!("{line} HTTP/1.1\r\nHost: device\r\n{fields}");
        if !body.is_empty() {
            let _ = write!(head, "Content-Length: {}\r\n", body.len());
        }
        head.push_str("\r\n");
        Self { head, body, waits: false, expected }
    }

    /// Returns whether the request is a `HEAD` request.
    pub(super) fn is_head(&self) -> bool {
        self.head.starts_with("HEAD ")
    }

    /// Returns whether the request is an upload. An upload is refused while another upload is in progress.
    pub(super) fn is_upload(&self) -> bool {
        self.head.starts_with("PUT ")
    }
}

/// Splits content into chunks. Some chunks have an extension, and some bodies have a trailer field.
fn chunked(plan: Plan, content: &[u8]) -> Vec<u8> {
    let (mut body, mut rest, mut nth) = (Vec::new(), content, 400);
    while !rest.is_empty() {
        let size = 1 + plan.number(nth, 1 + plan.cut.min(300)) as usize;
        let (chunk, after) = rest.split_at(size.min(rest.len()));
        let extension = if nth % 5 == 4 { ";a=\"b\"" } else { "" };
        body.extend_from_slice(format!("{:x}{extension}\r\n", chunk.len()).as_bytes());
        body.extend_from_slice(chunk);
        body.extend_from_slice(b"\r\n");
        (rest, nth) = (after, nth + 1);
    }
    let trailer = if plan.cut % 2 == 1 { "Digest: none\r\n" } else { "" };
    body.extend_from_slice(format!("0\r\n{trailer}\r\n").as_bytes());
    body
}

impl ExpectedAnswer {
    /// Checks an answer.
    pub(super) fn check(&self, answer: &Answer, known: &mut Known) -> Result<(), String> {
        let is = |status: u16| match answer.status == status {
            true => Ok(()),
            false => Err(format!("the answer has status {} instead of {status}", answer.status)),
        };
        match self {
            Self::Exactly(expected) => {
                is(200)?;
                known.has_upload |= expected.contains("sha256");
                equal(&answer.content, expected.as_bytes())
            }
            Self::Settings => {
                is(200)?;
                one_of(&answer.text(), |text| known.settings.contains(text))
            }
            Self::Upload { may_be_none } => {
                is(200)?;
                let none = format!("{{\"length\":0,\"sha256\":\"{}\"}}\n", "0".repeat(64));
                one_of(&answer.text(), |text| {
                    known.uploads.contains(text) || *may_be_none && text == none
                })
            }
            Self::Metrics => {
                is(200)?;
                metrics(&answer.text())
            }
            Self::File(name) => {
                is(200)?;
                let tag = answer.field("ETag").ok_or("a file has no tag")?;
                match known.files.get(name) {
                    None => {
                        let file = (tag.to_owned(), answer.content.clone());
                        known.files.insert(name, file);
                        equal(&answer.content[..2], &[0x1f, 0x8b])
                    }
                    Some((held, _)) if held != tag => Err(format!("the tag of {name} is {tag}")),
                    Some((_, content)) => equal(&answer.content, content),
                }
            }
            Self::Unchanged => is(304),
            Self::Part(name, first, last) => {
                is(206)?;
                let range = answer.field("Content-Range").unwrap_or_default();
                let length = range.split('/').nth(1).and_then(|length| length.parse().ok());
                let length: usize = length.ok_or_else(|| format!("a part is {range:?}"))?;
                let end = length.min(last + 1);
                let stated = format!("bytes {first}-{}/{length}", end - 1);
                equal(range.as_bytes(), stated.as_bytes())?;
                match known.files.get(name) {
                    Some((_, content)) => equal(&answer.content, &content[*first..end]),
                    None if answer.content.len() == end - first => Ok(()),
                    None => Err(format!("{} bytes are {range}", answer.content.len())),
                }
            }
            Self::Download(length) => {
                is(200)?;
                let expected: Vec<_> = (0..*length as u32).map(device::downloaded).collect();
                equal(&answer.content, &expected)
            }
            Self::Bare(status) => {
                is(*status)?;
                equal(&answer.content, b"")
            }
            Self::Error(status) => {
                is(*status)?;
                one_of(&answer.text(), |text| text.ends_with('\n'))
            }
        }
    }
}

fn equal(content: &[u8], expected: &[u8]) -> Result<(), String> {
    if content == expected {
        return Ok(());
    }
    let (content, expected) = (String::from_utf8_lossy(content), String::from_utf8_lossy(expected));
    Err(format!("the content is {content:.80?} instead of {expected:.80?}"))
}

fn one_of(text: &str, is_one: impl FnOnce(&str) -> bool) -> Result<(), String> {
    match is_one(text) {
        true => Ok(()),
        false => Err(format!("the content is {text:?}, which no client has sent")),
    }
}

/// Checks that the text contains six metrics, each with a line that states its type.
fn metrics(text: &str) -> Result<(), String> {
    let lines: Vec<_> = text.lines().collect();
    let is_figure = |pair: &[&str]| {
        let [kind, figure] = pair else { return false };
        let name = kind.strip_prefix("# TYPE ").and_then(|rest| rest.split(' ').next());
        let figure = figure.split_once(' ');
        figure.is_some_and(|(held, value)| Some(held) == name && value.parse::<u64>().is_ok())
    };
    match lines.len() == 12 && lines.chunks(2).all(is_figure) {
        true => Ok(()),
        false => Err(format!("the figures are {text:?}")),
    }
}
