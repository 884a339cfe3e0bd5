//! Messages of the domain name system (RFC 1035), read and written.
//!
//! A [`Message`] is checked as a whole before anything is read from it: every count, length and name. Work is
//! bounded by the length of the message, because a name's pointers may only lead backwards.

mod message;
mod name;
mod writer;

pub use message::{Data, Malformed, Message, Question, Record, Records};
pub(crate) use name::without_dot;
pub use name::{Labels, MAX_NAME, Name, is_host_name};
pub use writer::{Section, Writer};

/// What a record holds, or a question asks for: its number in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Kind(pub u16);

impl Kind {
    /// An IPv4 address.
    pub const A: Self = Self(1);
    /// The true name of an alias.
    pub const CNAME: Self = Self(5);
    /// The start of a zone: how long answers that there is nothing may be kept.
    pub const SOA: Self = Self(6);
    /// A name for a name.
    pub const PTR: Self = Self(12);
    /// Texts.
    pub const TXT: Self = Self(16);
    /// An IPv6 address.
    pub const AAAA: Self = Self(28);
    /// The host and port of a service.
    pub const SRV: Self = Self(33);
    /// In a question: everything there is.
    pub const ANY: Self = Self(255);
}

/// Says why a server has no answer: the last four bits of a message's flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Status(pub u8);

impl Status {
    /// There is an answer, if only that the name has no such record.
    pub const OK: Self = Self(0);
    /// The server could not find out.
    pub const SERVER_FAILED: Self = Self(2);
    /// There is no such name.
    pub const NO_SUCH_NAME: Self = Self(3);
}

/// Flags of a message.
pub mod flag {
    /// It is an answer.
    pub const RESPONSE: u16 = 0x8000;
    /// The kind of question; zero is an ordinary one.
    pub const OPERATION: u16 = 0x7800;
    /// Who answers is responsible for the name.
    pub const AUTHORITATIVE: u16 = 0x0400;
    /// The answer was too long, and what did not fit is left out.
    pub const TRUNCATED: u16 = 0x0200;
    /// The server is to ask others.
    pub const RECURSION_DESIRED: u16 = 0x0100;
}

/// The length of a message's head.
const HEAD: usize = 12;

/// The class of the internet, the only one in use.
const INTERNET: u16 = 1;

/// In multicast DNS, the top bit of a class is a flag of its own.
const CLASS: u16 = 0x7FFF;

/// Returns the two bytes at an offset as a number.
#[inline(never)]
fn number(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    Some(u16::from_be_bytes(*bytes))
}
