//! A message, checked and read.

use core::net::{Ipv4Addr, Ipv6Addr};
use core::ops::Range;

use super::{CLASS, HEAD, INTERNET, Kind, Name, Status, flag, number};

/// The bytes are no message: one of its counts, lengths or names is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Malformed;

/// A message that was checked.
#[derive(Clone, Copy, Debug)]
pub struct Message<'m> {
    bytes: &'m [u8],
    /// Where each of the sections begins: questions, answers, authorities, additional records.
    sections: [usize; 4],
}

impl<'m> Message<'m> {
    /// Checks a message: all that its head counts is there and whole. Bytes behind it are ignored.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn parse(bytes: &'m [u8]) -> Result<Self, Malformed> {
        Self::checked(bytes).ok_or(Malformed)
    }

    fn checked(bytes: &'m [u8]) -> Option<Self> {
        let mut sections = [HEAD; 4];
        let mut at = HEAD;
        bytes.get(..HEAD)?;
        for (section, start) in sections.iter_mut().enumerate() {
            *start = at;
            for _ in 0..count(bytes, section) {
                at = match section {
                    0 => question(bytes, at)?.1,
                    _ => record(bytes, at)?.1,
                };
            }
        }
        Some(Self { bytes, sections })
    }

    /// Returns the number that a question and its answer have in common.
    pub fn id(&self) -> u16 {
        number(self.bytes, 0).unwrap_or_default()
    }

    /// Returns the [flags](super::flag).
    pub fn flags(&self) -> u16 {
        number(self.bytes, 2).unwrap_or_default()
    }

    /// Returns whether it answers an ordinary question.
    pub fn is_answer(&self) -> bool {
        self.flags() & (flag::RESPONSE | flag::OPERATION) == flag::RESPONSE
    }

    /// Returns what the server says of the answer.
    pub fn status(&self) -> Status {
        Status((self.flags() & 0xF) as u8)
    }

    /// Returns whether records were left out because the answer was too long.
    pub fn is_truncated(&self) -> bool {
        self.flags() & flag::TRUNCATED != 0
    }

    /// Returns the questions.
    pub fn questions(self) -> impl Iterator<Item = Question<'m>> {
        let [mut at, ..] = self.sections;
        (0..count(self.bytes, 0)).map_while(move |_| {
            let (question, end) = question(self.bytes, at)?;
            at = end;
            Some(question)
        })
    }

    /// Returns how many questions there are, and their bytes, for an answer that repeats them.
    pub fn question_bytes(&self) -> (u16, &'m [u8]) {
        let [start, end, ..] = self.sections;
        (count(self.bytes, 0), self.bytes.get(start..end).unwrap_or_default())
    }

    /// Returns the answers.
    pub fn answers(self) -> Records<'m> {
        self.records(1)
    }

    /// Returns the records about who is responsible for the name.
    pub fn authorities(self) -> Records<'m> {
        self.records(2)
    }

    /// Returns the records that were added.
    pub fn additional(self) -> Records<'m> {
        self.records(3)
    }

    fn records(self, section: usize) -> Records<'m> {
        let at = self.sections.get(section).copied().unwrap_or(HEAD);
        Records { bytes: self.bytes, at, left: count(self.bytes, section) }
    }
}

/// Returns how many entries the head says a section has.
fn count(bytes: &[u8], section: usize) -> u16 {
    let at = section.saturating_mul(2).saturating_add(4);
    number(bytes, at).unwrap_or_default()
}

/// A question of a message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Question<'m> {
    /// The name that is asked about.
    pub name: Name<'m>,
    /// What is asked for.
    pub kind: Kind,
    /// The class, of which 1 is the internet's. In multicast DNS its top bit asks for an answer to the asker
    /// alone.
    pub class: u16,
}

impl Question<'_> {
    /// Returns whether it is about the internet, as all are today.
    pub const fn is_of_internet(&self) -> bool {
        self.class & CLASS == INTERNET
    }
}

fn question(bytes: &[u8], at: usize) -> Option<(Question<'_>, usize)> {
    let (name, at) = Name::check(bytes, at)?;
    let kind = Kind(number(bytes, at)?);
    let class = number(bytes, at.checked_add(2)?)?;
    Some((Question { name, kind, class }, at.checked_add(4)?))
}

/// The records of a section.
#[derive(Clone, Debug)]
pub struct Records<'m> {
    bytes: &'m [u8],
    at: usize,
    left: u16,
}

impl<'m> Iterator for Records<'m> {
    type Item = Record<'m>;

    fn next(&mut self) -> Option<Record<'m>> {
        self.left = self.left.checked_sub(1)?;
        let (record, end) = record(self.bytes, self.at)?;
        self.at = end;
        Some(record)
    }
}

/// A record of a message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Record<'m> {
    /// The name it is about.
    pub name: Name<'m>,
    /// The number of what it holds.
    pub kind: Kind,
    /// The class, of which 1 is the internet's. In multicast DNS its top bit says that this record replaces
    /// all others of its kind.
    pub class: u16,
    /// For how long it may be kept, in seconds.
    pub ttl: u32,
    /// What it holds.
    pub data: Data<'m>,
}

/// What a record holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Data<'m> {
    /// An IPv4 address.
    A(Ipv4Addr),
    /// An IPv6 address.
    Aaaa(Ipv6Addr),
    /// The true name of an alias.
    Cname(Name<'m>),
    /// Another name.
    Ptr(Name<'m>),
    /// Where a service is.
    Srv {
        /// Hosts with the lowest number are tried first.
        priority: u16,
        /// The share of this host among those of the same priority.
        weight: u16,
        /// The port.
        port: u16,
        /// The host.
        target: Name<'m>,
    },
    /// Texts, each behind a byte with its length.
    Txt(&'m [u8]),
    /// The start of a zone: for how long the answer that there is nothing may be kept, in seconds.
    Soa {
        /// The seconds.
        minimum: u32,
    },
    /// Anything else.
    Other(&'m [u8]),
}

fn record(bytes: &[u8], at: usize) -> Option<(Record<'_>, usize)> {
    let (Question { name, kind, class }, at) = question(bytes, at)?;
    let ttl = u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?);
    // A number with the top bit set means zero (RFC 2181, 8).
    let ttl = if ttl > i32::MAX as u32 { 0 } else { ttl };
    let length = number(bytes, at.checked_add(4)?)?;
    let start = at.checked_add(6)?;
    let range = start..start.checked_add(length.into())?;
    let end = range.end;
    let data = match class & CLASS {
        INTERNET => data(bytes, kind, range)?,
        _ => Data::Other(bytes.get(range)?),
    };
    Some((Record { name, kind, class, ttl, data }, end))
}

/// Reads what a record holds, to the last byte.
fn data(bytes: &[u8], kind: Kind, range: Range<usize>) -> Option<Data<'_>> {
    let held = bytes.get(range.clone())?;
    let name = |at: usize, behind: usize| {
        let (name, end) = Name::check(bytes, at)?;
        (end.checked_add(behind)? == range.end).then_some((name, end))
    };
    Some(match kind {
        Kind::A => Data::A(Ipv4Addr::from(<[u8; 4]>::try_from(held).ok()?)),
        Kind::AAAA => Data::Aaaa(Ipv6Addr::from(<[u8; 16]>::try_from(held).ok()?)),
        Kind::CNAME => Data::Cname(name(range.start, 0)?.0),
        Kind::PTR => Data::Ptr(name(range.start, 0)?.0),
        Kind::SRV => Data::Srv {
            priority: number(held, 0)?,
            weight: number(held, 2)?,
            port: number(held, 4)?,
            target: name(range.start.checked_add(6)?, 0)?.0,
        },
        Kind::TXT => Data::Txt(texts(held)?),
        Kind::SOA => {
            let (_, mailbox) = Name::check(bytes, range.start)?;
            name(mailbox, 20)?;
            Data::Soa { minimum: u32::from_be_bytes(*held.last_chunk()?) }
        }
        _ => Data::Other(held),
    })
}

/// Checks texts, each behind its length.
fn texts(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes;
    while let Some((length, after)) = rest.split_first() {
        rest = after.get(usize::from(*length)..)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The answer to "example.org A?": an alias, its address, and a zone.
    const ANSWER: &[u8] = b"\x12\x34\x81\x80\0\x01\0\x02\0\x01\0\0\
        \x07example\x03org\0\0\x01\0\x01\
        \xC0\x0C\0\x05\0\x01\0\0\0\x3C\0\x04\x01a\xC0\x0C\
        \xC0\x29\0\x01\0\x01\0\0\x01\x2C\0\x04\xC0\x00\x02\x01\
        \xC0\x14\0\x06\0\x01\0\0\0\x0A\0\x18\xC0\x0C\xC0\x0C\0\0\0\x01\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0\x05";

    #[test]
    fn an_answer_is_read() {
        let message = Message::parse(ANSWER).unwrap();
        assert_eq!((message.id(), message.status()), (0x1234, Status::OK));
        assert!(message.is_answer() && !message.is_truncated());
        let questions: Vec<_> = message.questions().collect();
        assert!(questions.len() == 1 && questions[0].name.is("example.org"));
        assert!(questions[0].kind == Kind::A && questions[0].is_of_internet());
        let answers: Vec<_> = message.answers().collect();
        let Data::Cname(alias) = answers[0].data else { panic!("{answers:?}") };
        assert!(alias.is("a.example.org") && answers[0].ttl == 60);
        assert!(answers[1].name == alias && answers[1].ttl == 300);
        assert_eq!(answers[1].data, Data::A(Ipv4Addr::new(192, 0, 2, 1)));
        let zone: Vec<_> = message.authorities().collect();
        assert!(zone[0].name.is("org") && zone[0].data == Data::Soa { minimum: 5 });
        assert_eq!(message.additional().count(), 0);
    }

    #[test]
    fn each_cut_is_malformed() {
        for length in 0..ANSWER.len() {
            assert_eq!(Message::parse(&ANSWER[..length]).err(), Some(Malformed), "{length} bytes");
        }
    }

    #[test]
    fn what_a_record_holds_has_the_length_of_its_kind() {
        for (kind, held) in [
            (Kind::A, b"\x7F\0\0".as_slice()),
            (Kind::A, b"\x7F\0\0\x01\0"),
            (Kind::AAAA, b"\x7F\0\0\x01"),
            (Kind::CNAME, b"\x01a\0\0"),
            (Kind::PTR, b"\x01a"),
            (Kind::SRV, b"\0\0\0\0\0\x50"),
            (Kind::SRV, b"\0\0\0\0\0\x50\0\0"),
            (Kind::TXT, b"\x02a"),
            (Kind::SOA, b"\0\0\0\0\0\0"),
        ] {
            let mut bytes = b"\0\0\x80\0\0\0\0\x01\0\0\0\0\0".to_vec();
            bytes.extend(kind.0.to_be_bytes());
            bytes.extend(b"\0\x01\0\0\0\0");
            bytes.extend((held.len() as u16).to_be_bytes());
            bytes.extend(held);
            assert_eq!(Message::parse(&bytes).err(), Some(Malformed), "{kind:?} {held:?}");
            // Of another class it is just bytes.
            bytes[16] = 3;
            let record = Message::parse(&bytes).unwrap().answers().next().unwrap();
            assert_eq!(record.data, Data::Other(held));
        }
    }
}
