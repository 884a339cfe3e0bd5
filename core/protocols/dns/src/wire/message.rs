//! Checks and reads a message.

use core::net::{Ipv4Addr, Ipv6Addr};

use super::{CLASS_MASK, HEADER, INTERNET, Kind, Name, Status, flag, number};

/// The bytes are not a valid message: a count, a length or a name is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Malformed;

/// A checked message.
#[derive(Clone, Copy, Debug)]
pub struct Message<'m> {
    bytes: &'m [u8],
    /// The offsets of the sections: questions, answers, authorities, additional records.
    sections: [usize; 4],
}

impl<'m> Message<'m> {
    /// Checks a message: all questions and records that its header counts must be complete. Bytes after the last record
    /// are ignored.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn parse(bytes: &'m [u8]) -> Result<Self, Malformed> {
        Self::check(bytes, 4).ok_or(Malformed)
    }

    /// Checks a truncated message whose last record may be incomplete. Checks only the questions, so the records must
    /// not be read.
    pub(crate) fn parse_truncated(bytes: &'m [u8]) -> Result<Self, Malformed> {
        Self::check(bytes, 1).filter(Self::is_truncated).ok_or(Malformed)
    }

    /// Checks the header and the first sections.
    #[inline(never)]
    fn check(bytes: &'m [u8], sections: u8) -> Option<Self> {
        let mut message = Self { bytes, sections: [HEADER; 4] };
        bytes.get(..HEADER)?;
        let mut at = HEADER;
        for (start, section) in message.sections.iter_mut().zip(0..sections) {
            *start = at;
            for _ in 0..count(bytes, section) {
                let (record, end) = Record::read(bytes, at, section)?;
                if section != 0 && !record.is_well_formed() {
                    return None;
                }
                at = end;
            }
        }
        Some(message)
    }

    /// Returns the ID. An answer has the ID of its query.
    pub fn id(&self) -> u16 {
        number(self.bytes, 0).unwrap_or_default()
    }

    /// Returns the [flags](super::flag).
    pub fn flags(&self) -> u16 {
        number(self.bytes, 2).unwrap_or_default()
    }

    /// Returns whether the message is an answer to a standard query.
    pub fn is_answer(&self) -> bool {
        self.flags() & (flag::RESPONSE | flag::OPERATION) == flag::RESPONSE
    }

    /// Returns the response code.
    pub fn status(&self) -> Status {
        Status((self.flags() & 0xF) as u8)
    }

    /// Returns whether records were left out because the answer was too long (truncated).
    pub fn is_truncated(&self) -> bool {
        self.flags() & flag::TRUNCATED != 0
    }

    /// Returns the questions.
    pub fn questions(self) -> impl Iterator<Item = Question<'m>> {
        let records = self.records(0);
        records.map(|Record { name, kind, class, .. }| Question { name, kind, class })
    }

    /// Returns the number of questions and the bytes of the questions, for an answer that repeats the questions.
    pub fn question_bytes(&self) -> (u16, &'m [u8]) {
        let [start, end, ..] = self.sections;
        (count(self.bytes, 0), self.bytes.get(start..end).unwrap_or_default())
    }

    /// Returns the answers.
    pub fn answers(self) -> Records<'m> {
        self.records(1)
    }

    /// Returns the authority records.
    pub fn authorities(self) -> Records<'m> {
        self.records(2)
    }

    /// Returns the additional records.
    pub fn additional(self) -> Records<'m> {
        self.records(3)
    }

    fn records(self, section: u8) -> Records<'m> {
        let at = self.sections.get(usize::from(section)).copied().unwrap_or(HEADER);
        Records { bytes: self.bytes, at, left: count(self.bytes, section), section }
    }
}

/// Returns the number of entries of a section, from the header.
fn count(bytes: &[u8], section: u8) -> u16 {
    let at = section.wrapping_mul(2).wrapping_add(4);
    number(bytes, at.into()).unwrap_or_default()
}

/// A question of a message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Question<'m> {
    /// The name that the question is about.
    pub name: Name<'m>,
    /// The requested record type.
    pub kind: Kind,
    /// The class; 1 is the internet. In multicast DNS the top bit requests a unicast answer.
    pub class: u16,
}

impl Question<'_> {
    /// Returns whether the class is the internet, the only class in use.
    pub const fn is_of_internet(&self) -> bool {
        self.class & CLASS_MASK == INTERNET
    }
}

/// The records of a section.
#[derive(Clone, Debug)]
pub struct Records<'m> {
    bytes: &'m [u8],
    at: usize,
    left: u16,
    section: u8,
}

impl<'m> Iterator for Records<'m> {
    type Item = Record<'m>;

    #[inline(never)]
    fn next(&mut self) -> Option<Record<'m>> {
        self.left = self.left.checked_sub(1)?;
        let (record, end) = Record::read(self.bytes, self.at, self.section)?;
        self.at = end;
        Some(record)
    }
}

/// A record of a message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Record<'m> {
    /// The record's name.
    pub name: Name<'m>,
    /// The record type.
    pub kind: Kind,
    /// The class; 1 is the internet. In multicast DNS the top bit means that this record replaces all other records of
    /// the same name and type (cache flush).
    pub class: u16,
    /// The time to live in seconds.
    pub ttl: u32,
    /// The start and end offset of the data in the message.
    start: usize,
    end: usize,
}

impl<'m> Record<'m> {
    /// Reads the record at an offset. An entry of the question section has only a name, a type and a class. Returns the
    /// record and the offset after it, or `None` if the message is too short or the name is malformed.
    #[inline(never)]
    fn read(bytes: &'m [u8], at: usize, section: u8) -> Option<(Self, usize)> {
        let (name, at) = Name::check(bytes, at)?;
        let (kind, class) = (Kind(number(bytes, at)?), number(bytes, at.wrapping_add(2))?);
        let start = at.wrapping_add(4);
        if section == 0 {
            return Some((Self { name, kind, class, ttl: 0, start, end: start }, start));
        }
        let ttl = u32::from_be_bytes(*bytes.get(start..)?.first_chunk()?);
        // A time to live with the top bit set means zero (RFC 2181, section 8).
        let ttl = if ttl > i32::MAX as u32 { 0 } else { ttl };
        let length = number(bytes, start.wrapping_add(4))?;
        let start = start.wrapping_add(6);
        let end = start.wrapping_add(length.into());
        bytes.get(start..end)?;
        Some((Self { name, kind, class, ttl, start, end }, end))
    }

    /// Returns the record's data as bytes.
    pub fn bytes(&self) -> &'m [u8] {
        self.name.message().get(self.start..self.end).unwrap_or_default()
    }

    /// Returns whether the record has the class internet and this type.
    pub(crate) fn is(&self, kind: Kind) -> bool {
        self.class & CLASS_MASK == INTERNET && self.kind == kind
    }

    /// Returns the name that begins at `offset` in the record's data.
    pub(crate) const fn target(&self, offset: usize) -> Name<'m> {
        self.name.at_offset(self.start.wrapping_add(offset))
    }

    /// Returns the form of the record's data: the number of bytes before the names, the number of names, and the number
    /// of bytes after the names. Returns `None` for a record whose data may have any form.
    const fn layout(&self) -> Option<(usize, u8, usize)> {
        if self.class & CLASS_MASK != INTERNET {
            return None;
        }
        Some(match self.kind {
            Kind::A => (4, 0, 0),
            Kind::AAAA => (16, 0, 0),
            Kind::CNAME | Kind::PTR => (0, 1, 0),
            Kind::SRV => (6, 1, 0),
            Kind::SOA => (0, 2, 20),
            _ => return None,
        })
    }

    /// Returns whether the record's data has exactly the form of its type.
    fn is_well_formed(&self) -> bool {
        if self.is(Kind::TXT) {
            return check_texts(self.bytes()).is_some();
        }
        let Some((before, names, after)) = self.layout() else { return true };
        let mut at = self.start.wrapping_add(before);
        for _ in 0..names {
            let Some((_, end)) = Name::check(self.name.message(), at) else { return false };
            at = end;
        }
        at.wrapping_add(after) == self.end
    }

    /// Returns the record's data.
    pub fn data(&self) -> Data<'m> {
        let bytes = self.bytes();
        let address = |bytes: &[u8]| bytes.first_chunk().copied().map(Ipv4Addr::from);
        let data = match self.kind {
            _ if self.class & CLASS_MASK != INTERNET => None,
            Kind::A => address(bytes).map(Data::A),
            Kind::AAAA => bytes.first_chunk::<16>().map(|octets| Data::Aaaa((*octets).into())),
            Kind::CNAME => Some(Data::Cname(self.target(0))),
            Kind::PTR => Some(Data::Ptr(self.target(0))),
            Kind::SRV => {
                let number = |at| number(bytes, at).unwrap_or_default();
                let (priority, weight, port) = (number(0), number(2), number(4));
                Some(Data::Srv { priority, weight, port, target: self.target(6) })
            }
            Kind::TXT => Some(Data::Txt(bytes)),
            Kind::SOA => Some(Data::Soa { minimum: self.last_u32() }),
            _ => None,
        };
        data.unwrap_or(Data::Other(bytes))
    }

    /// Returns the last number in the record's data. In an SOA record this is the time to cache negative answers, in
    /// seconds.
    pub(crate) fn last_u32(&self) -> u32 {
        self.bytes().last_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes))
    }
}

/// The data of a record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Data<'m> {
    /// An IPv4 address.
    A(Ipv4Addr),
    /// An IPv6 address.
    Aaaa(Ipv6Addr),
    /// The canonical name of an alias.
    Cname(Name<'m>),
    /// Another name.
    Ptr(Name<'m>),
    /// The host and port of a service.
    Srv {
        /// Hosts with the lowest number are tried first.
        priority: u16,
        /// The share of this host among the hosts of the same priority.
        weight: u16,
        /// The port.
        port: u16,
        /// The host.
        target: Name<'m>,
    },
    /// Texts, each after a byte with its length.
    Txt(&'m [u8]),
    /// The start of a zone (SOA).
    Soa {
        /// The time to cache negative answers, in seconds.
        minimum: u32,
    },
    /// Any other data.
    Other(&'m [u8]),
}

/// Checks texts, each after a byte with its length.
fn check_texts(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes;
    while let Some((length, after)) = rest.split_first() {
        rest = after.get(usize::from(*length)..)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The answer to "example.org A?": an alias, its address, and an SOA record.
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
        let Data::Cname(alias) = answers[0].data() else { panic!("{answers:?}") };
        assert!(alias.is("a.example.org") && answers[0].ttl == 60);
        assert!(answers[1].name == alias && answers[1].ttl == 300);
        assert_eq!(answers[1].data(), Data::A(Ipv4Addr::new(192, 0, 2, 1)));
        let zone: Vec<_> = message.authorities().collect();
        assert!(zone[0].name.is("org") && zone[0].data() == Data::Soa { minimum: 5 });
        assert_eq!(message.additional().count(), 0);
    }

    #[test]
    fn each_truncated_message_is_malformed() {
        for length in 0..ANSWER.len() {
            assert_eq!(Message::parse(&ANSWER[..length]).err(), Some(Malformed), "{length} bytes");
        }
    }

    #[test]
    fn the_data_of_a_record_must_have_the_form_of_its_type() {
        for (kind, data) in [
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
            bytes.extend((data.len() as u16).to_be_bytes());
            bytes.extend(data);
            assert_eq!(Message::parse(&bytes).err(), Some(Malformed), "{kind:?} {data:?}");
            // In another class the data is just bytes.
            bytes[16] = 3;
            let record = Message::parse(&bytes).unwrap().answers().next().unwrap();
            assert_eq!(record.data(), Data::Other(data));
        }
    }
}
