//! The part of the pcapng format that a capture of Ethernet frames needs.
//!
//! ```text
//!  block:   type │ length │ body, options │ length      each a multiple of four bytes
//!  option:  code, length │ value, padded to a multiple of four bytes
//! ```
//!
//! A file may use either byte order, and the magic number in the section header shows which. This module writes
//! little-endian numbers. <https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html>

/// The direction of a packet, as seen from the capturing device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    Inbound = 1,
    Outbound = 2,
}

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const PACKET: u32 = 6;
const MAGIC: u32 = 0x1a2b_3c4d;
const ETHERNET: u16 = 1;

const COMMENT: u16 = 1;
const APPLICATION: u16 = 4;
const NAME: u16 = 2;
const DESCRIPTION: u16 = 3;
const FLAGS: u16 = 2;

/// Returns the first block of a file.
pub(super) fn section(application: &str, comment: &str) -> Vec<u8> {
    let mut body = Vec::new();
    body.extend(MAGIC.to_le_bytes());
    // Version 1.0, and an unspecified section length.
    body.extend([1, 0, 0, 0]);
    body.extend(u64::MAX.to_le_bytes());
    option(&mut body, COMMENT, comment.as_bytes());
    option(&mut body, APPLICATION, application.as_bytes());
    block(SECTION, body)
}

/// Returns an interface block. Packets refer to interfaces by number, from zero.
pub(super) fn interface(name: &str, description: &str, longest: u32) -> Vec<u8> {
    let mut body = Vec::new();
    body.extend(ETHERNET.to_le_bytes());
    body.extend([0, 0]);
    body.extend(longest.to_le_bytes());
    option(&mut body, NAME, name.as_bytes());
    option(&mut body, DESCRIPTION, description.as_bytes());
    block(INTERFACE, body)
}

/// Returns a packet block. The time of the packet is in microseconds, the default unit of an interface.
pub(super) fn packet(
    interface: u32,
    micros: u64,
    flow: Flow,
    bytes: &[u8],
    comments: &[String],
) -> Vec<u8> {
    let mut body = Vec::new();
    let length = bytes.len() as u32;
    let (high, low) = ((micros >> 32) as u32, micros as u32);
    for word in [interface, high, low, length, length] {
        body.extend(word.to_le_bytes());
    }
    body.extend(bytes);
    fill(&mut body);
    for comment in comments {
        option(&mut body, COMMENT, comment.as_bytes());
    }
    option(&mut body, FLAGS, &(flow as u32).to_le_bytes());
    block(PACKET, body)
}

fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    let length = value.len().min(usize::from(u16::MAX));
    body.extend(code.to_le_bytes());
    body.extend((length as u16).to_le_bytes());
    body.extend(&value[..length]);
    fill(body);
}

fn fill(body: &mut Vec<u8>) {
    body.resize(body.len().next_multiple_of(4), 0);
}

fn block(kind: u32, mut body: Vec<u8>) -> Vec<u8> {
    // The end-of-options option: its code and its length are zero.
    body.extend([0; 4]);
    let length = (body.len() + 12) as u32;
    let mut block = Vec::with_capacity(length as usize);
    block.extend(kind.to_le_bytes());
    block.extend(length.to_le_bytes());
    block.extend(body);
    block.extend(length.to_le_bytes());
    block
}
