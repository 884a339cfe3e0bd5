//! Reads and writes messages of the domain name system (RFC 1035).
//!
//! All counts, lengths and names of a [`Message`] are checked before anything is read from the message. The work is
//! limited by the length of the message, because the pointers in names may only point backwards.

mod message;
mod name;
mod writer;

pub use message::{Data, Malformed, Message, Question, Record, Records};
pub(crate) use name::without_dot;
pub use name::{Labels, MAX_NAME, Name, is_host_name};
pub use writer::{Section, Writer};

/// The type of a record or a question: its number in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Kind(pub u16);

impl Kind {
    /// An IPv4 address.
    pub const A: Self = Self(1);
    /// The canonical name of an alias.
    pub const CNAME: Self = Self(5);
    /// The start of a zone, with the time to cache negative answers.
    pub const SOA: Self = Self(6);
    /// A pointer to another name.
    pub const PTR: Self = Self(12);
    /// Texts.
    pub const TXT: Self = Self(16);
    /// An IPv6 address.
    pub const AAAA: Self = Self(28);
    /// The host and port of a service.
    pub const SRV: Self = Self(33);
    /// In a question: all types.
    pub const ANY: Self = Self(255);
}

/// The response code: the last four bits of a message's flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Status(pub u8);

impl Status {
    /// The query succeeded. The answer may still state that the name has no record of the requested type.
    pub const OK: Self = Self(0);
    /// The server failed to find the answer.
    pub const SERVER_FAILED: Self = Self(2);
    /// The name does not exist.
    pub const NO_SUCH_NAME: Self = Self(3);
}

/// Flags of a message.
pub mod flag {
    /// The message is an answer.
    pub const RESPONSE: u16 = 0x8000;
    /// The operation code; zero is a standard query.
    pub const OPERATION: u16 = 0x7800;
    /// The server is authoritative for the name.
    pub const AUTHORITATIVE: u16 = 0x0400;
    /// The answer was too long, and is truncated.
    pub const TRUNCATED: u16 = 0x0200;
    /// The server should query other servers (recursion).
    pub const RECURSION_DESIRED: u16 = 0x0100;
}

/// The length of a message's header.
const HEADER: usize = 12;

/// The class of the internet, the only class in use.
const INTERNET: u16 = 1;

/// In multicast DNS, the top bit of a class is a separate flag.
const CLASS_MASK: u16 = 0x7FFF;

/// Returns the two bytes at an offset as a number, or `None` if the message is too short.
#[inline(never)]
fn number(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    Some(u16::from_be_bytes(*bytes))
}
