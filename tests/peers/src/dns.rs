//! A model of a name server: queries, answers and forged answers.

use std::net::Ipv4Addr;

use picoevent_dns::wire::{Kind, Message, Section, Status, Writer, flag};

/// A query that was received.
#[derive(Clone, Debug)]
pub struct Question {
    /// The identifier of the message.
    pub id: u16,
    /// The name. Upper and lower case are kept.
    pub name: String,
    /// The requested type of record.
    pub kind: Kind,
}

impl Question {
    /// Reads a message. Returns `None` if the message is not a query.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let message = Message::parse(bytes).ok()?;
        let question = message.questions().next().filter(|_| !message.is_answer())?;
        let labels = question.name.labels().map(String::from_utf8_lossy);
        let name = labels.collect::<Vec<_>>().join(".");
        Some(Self { id: message.id(), name, kind: question.kind })
    }

    /// Writes an answer to this query.
    pub fn answer(&self, flags: u16, records: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
        write_message(self.id, Some((&self.name, self.kind)), flag::RESPONSE | flags, records)
    }

    /// Writes an answer. If the query requests IPv4 addresses, the answer contains `addresses`.
    pub fn addresses(&self, ttl: u32, addresses: &[Ipv4Addr]) -> Vec<u8> {
        self.answer(0, |writer| {
            for address in addresses.iter().filter(|_| self.kind == Kind::A) {
                self.address(writer, ttl, *address);
            }
        })
    }

    /// Writes an answer with the status that the name does not exist. A resolver may store this answer for `ttl`
    /// seconds.
    pub fn no_such_name(&self, ttl: u32) -> Vec<u8> {
        self.answer(Status::NO_SUCH_NAME.0.into(), |writer| {
            writer.record(Section::Authority, "example", Kind::SOA, ttl, |writer| {
                writer.name("a");
                writer.name("b");
                writer.bytes(&[0; 16]);
                writer.bytes(&ttl.to_be_bytes());
            });
        })
    }

    /// Writes an answer with the status that the server has failed.
    pub fn failed(&self) -> Vec<u8> {
        self.answer(Status::SERVER_FAILED.0.into(), |_| ())
    }

    fn address(&self, writer: &mut Writer<'_>, ttl: u32, address: Ipv4Addr) {
        writer.record(Section::Answer, &self.name, Kind::A, ttl, |writer| {
            writer.bytes(&address.octets());
        });
    }

    /// Writes an answer that contains an address, with any identifier, name, type and flags.
    fn forged(&self, id: u16, name: &str, kind: Kind, flags: u16, address: Ipv4Addr) -> Vec<u8> {
        write_message(id, Some((name, kind)), flags, |writer| self.address(writer, 60, address))
    }
}

fn write_message(
    id: u16,
    question: Option<(&str, Kind)>,
    flags: u16,
    records: impl FnOnce(&mut Writer<'_>),
) -> Vec<u8> {
    let mut buffer = [0; 2_048];
    let mut writer = Writer::new(&mut buffer, id, flags);
    if let Some((name, kind)) = question {
        writer.question(name, kind, 1);
    }
    records(&mut writer);
    writer.finish().map(<[u8]>::to_vec).unwrap_or_default()
}

/// Changes the case of the first letter.
fn with_other_case(name: &str) -> String {
    let (first, rest) = name.split_at(1);
    let upper = first.to_ascii_uppercase();
    let other = if first == upper { first.to_ascii_lowercase() } else { upper };
    other + rest
}

/// Writes a forged answer that contains an address. A resolver must not accept the answer.
pub type Forgery = fn(&Question, Ipv4Addr) -> Vec<u8>;

/// The kinds of forged answers, each with a description of its error.
pub const FORGERIES: &[(&str, Forgery)] = &[
    ("another identifier", |question, address| {
        let (id, name) = (question.id ^ 1, &question.name);
        question.forged(id, name, question.kind, flag::RESPONSE, address)
    }),
    ("another name", |question, address| {
        question.forged(question.id, "other.example", question.kind, flag::RESPONSE, address)
    }),
    ("the name in another case", |question, address| {
        let name = with_other_case(&question.name);
        question.forged(question.id, &name, question.kind, flag::RESPONSE, address)
    }),
    ("another record type", |question, address| {
        let kind = if question.kind == Kind::A { Kind::AAAA } else { Kind::A };
        question.forged(question.id, &question.name, kind, flag::RESPONSE, address)
    }),
    ("a query instead of an answer", |question, address| {
        question.forged(question.id, &question.name, question.kind, 0, address)
    }),
    ("another operation code", |question, address| {
        let flags = flag::RESPONSE | 0x2800;
        question.forged(question.id, &question.name, question.kind, flags, address)
    }),
    ("no question", |question, address| {
        write_message(question.id, None, flag::RESPONSE, |writer| {
            question.address(writer, 60, address)
        })
    }),
    ("truncated", |question, address| {
        let mut bytes = answer_with_address(question, address);
        bytes.pop();
        bytes
    }),
    ("a name that points at itself", |question, address| {
        let mut bytes = answer_with_address(question, address);
        let name_offset = bytes.len() - 14 - question.name.len() - 2;
        bytes.truncate(name_offset);
        bytes.extend([0xC0, name_offset as u8]);
        bytes.extend([0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        bytes.extend(address.octets());
        bytes
    }),
    ("an empty datagram", |_, _| Vec::new()),
    ("one byte", |_, _| vec![0x80]),
];

/// Writes an answer with one IPv4 address, even if the query requests another type of record.
fn answer_with_address(question: &Question, address: Ipv4Addr) -> Vec<u8> {
    question.answer(0, |writer| question.address(writer, 60, address))
}
