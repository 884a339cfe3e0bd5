//! What an answer says about a question.

use crate::Family;
use crate::addresses::Found;
use crate::wire::{Data, Kind, Message, Name, Record, Status};

/// The most aliases that lead to an address.
const MAX_ALIASES: usize = 8;

/// For how long the answer that there is nothing is kept at most, in seconds (RFC 2308, 5, says up to three
/// hours; a device that is being installed wants less).
const MAX_NEGATIVE_TTL: u32 = 300;

/// For how long addresses are kept at most, in seconds: a day.
const MAX_TTL: u32 = 86_400;

/// What an answer says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Answer {
    /// Addresses, and for how many seconds they may be kept.
    Found(Found, u32),
    /// There is no such name, for so many seconds.
    NoSuchName(u32),
    /// The name has no address of this family, for so many seconds.
    NoAddress(u32),
    /// It was too long, and what is there has no address.
    Truncated,
    /// The server does not know; another one may.
    ServerFailed,
}

/// Reads the answer to a question. Returns `None` if it is not the answer to this question.
///
/// `name` is compared letter by letter, because the case of its letters was chosen at random: who has not
/// seen the question cannot know it.
pub(crate) fn read(message: &[u8], id: u16, name: &str, family: Family) -> Option<Answer> {
    let message = Message::parse(message).ok()?;
    let mut questions = message.questions();
    let (question, none) = (questions.next()?, questions.next());
    let is_ours = message.id() == id
        && message.is_answer()
        && none.is_none()
        && question.kind == family.kind()
        && question.is_of_internet()
        && question.name.is_exactly(name);
    is_ours.then(|| match message.status() {
        Status::OK => found(&message, question.name, family),
        Status::NO_SUCH_NAME => Answer::NoSuchName(negative_ttl(&message)),
        _ => Answer::ServerFailed,
    })
}

/// Follows the aliases from the name to its addresses.
fn found(message: &Message<'_>, name: Name<'_>, family: Family) -> Answer {
    let (mut name, mut ttl) = (name, MAX_TTL);
    for _ in 0..=MAX_ALIASES {
        let mut found = Found::none(family);
        let mut alias = None;
        for record in records_of(message, name) {
            match record.data {
                Data::A(address) if family == Family::V4 => found.add(address.into()),
                Data::Aaaa(address) if family == Family::V6 => found.add(address.into()),
                Data::Cname(target) => alias = Some(target),
                _ => continue,
            }
            ttl = ttl.min(record.ttl);
        }
        match alias {
            _ if !found.is_empty() => return Answer::Found(found, ttl),
            Some(target) => name = target,
            None if message.is_truncated() => return Answer::Truncated,
            None => return Answer::NoAddress(negative_ttl(message)),
        }
    }
    // Aliases that go in a circle lead nowhere.
    Answer::NoAddress(0)
}

fn records_of<'m>(message: &Message<'m>, name: Name<'m>) -> impl Iterator<Item = Record<'m>> {
    message.answers().filter(move |record| record.name == name)
}

/// Returns for how many seconds the answer may be kept that there is nothing: the zone says it
/// (RFC 2308, 5), and without a zone it may not be kept.
fn negative_ttl(message: &Message<'_>) -> u32 {
    let zone = message.authorities().find_map(|record| match record.data {
        Data::Soa { minimum } => Some(minimum.min(record.ttl)),
        _ => None,
    });
    zone.unwrap_or(0).min(MAX_NEGATIVE_TTL)
}

impl Family {
    /// Returns the kind of record that holds an address.
    pub(crate) const fn kind(self) -> Kind {
        match self {
            Self::V4 => Kind::A,
            Self::V6 => Kind::AAAA,
        }
    }
}

#[cfg(test)]
mod tests {
    use core::net::IpAddr;

    use super::*;
    use crate::wire::{Section, Writer, flag};

    const NAME: &str = "wWw.Example.org";

    /// Writes an answer to the question for an IPv4 address.
    fn answer(flags: u16, records: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
        let mut buffer = [0; 1_024];
        let mut writer = Writer::new(&mut buffer, 7, flag::RESPONSE | flags);
        writer.question(NAME, Kind::A, 1);
        records(&mut writer);
        writer.finish().unwrap().to_vec()
    }

    fn alias(writer: &mut Writer<'_>, from: &str, to: &str, ttl: u32) {
        writer.record(Section::Answer, from, Kind::CNAME, ttl, |w| w.name(to));
    }

    fn address(writer: &mut Writer<'_>, name: &str, last: u8, ttl: u32) {
        writer.record(Section::Answer, name, Kind::A, ttl, |w| w.bytes(&[192, 0, 2, last]));
    }

    fn zone(writer: &mut Writer<'_>, ttl: u32, minimum: u32) {
        writer.record(Section::Authority, "org", Kind::SOA, ttl, |w| {
            w.name("a");
            w.name("b");
            w.bytes(&[0; 16]);
            w.bytes(&minimum.to_be_bytes());
        });
    }

    fn read_one(message: &[u8]) -> Option<Answer> {
        read(message, 7, NAME, Family::V4)
    }

    fn addresses(answer: Option<Answer>) -> (Vec<IpAddr>, u32) {
        match answer {
            Some(Answer::Found(found, ttl)) => (found.iter().collect(), ttl),
            other => panic!("no address: {other:?}"),
        }
    }

    #[test]
    fn aliases_lead_to_the_addresses_in_any_order_of_records() {
        let message = answer(0, |w| {
            address(w, "c.example.net", 1, 500);
            alias(w, "b.example.net", "C.example.net", 70);
            address(w, "other.example.org", 9, 1);
            alias(w, "www.example.org", "b.example.net", 60);
            address(w, "c.EXAMPLE.net", 2, 400);
        });
        let expected: [IpAddr; 2] = [[192, 0, 2, 1].into(), [192, 0, 2, 2].into()];
        assert_eq!(addresses(read_one(&message)), (expected.to_vec(), 60));
    }

    #[test]
    fn nine_aliases_and_circles_lead_nowhere() {
        let chain = |aliases: usize| {
            answer(0, |w| {
                alias(w, NAME, "n0", 9);
                for number in 1..aliases {
                    alias(w, &format!("n{}", number - 1), &format!("n{number}"), 9);
                }
                address(w, &format!("n{}", aliases - 1), 1, 9);
            })
        };
        assert_eq!(addresses(read_one(&chain(8))).0.len(), 1);
        assert_eq!(read_one(&chain(9)), Some(Answer::NoAddress(0)));
        let circle = answer(0, |w| {
            alias(w, NAME, "a", 9);
            alias(w, "a", NAME, 9);
        });
        assert_eq!(read_one(&circle), Some(Answer::NoAddress(0)));
    }

    #[test]
    fn what_is_not_the_answer_to_the_question_is_none() {
        let good = answer(0, |w| address(w, NAME, 1, 9));
        assert!(read_one(&good).is_some());
        assert_eq!(read(&good, 8, NAME, Family::V4), None, "another id");
        assert_eq!(read(&good, 7, "www.example.org", Family::V4), None, "other letters");
        assert_eq!(read(&good, 7, NAME, Family::V6), None, "another kind");
        let changed = |at: usize, byte: u8| {
            let mut message = good.clone();
            message[at] = byte;
            read_one(&message)
        };
        assert_eq!(changed(2, 0x00), None, "a question");
        assert_eq!(changed(2, 0xA0), None, "another operation");
        assert_eq!(changed(5, 0), None, "no question");
        assert_eq!(changed(12 + 17 + 3, 3), None, "another class");
        let mut buffer = [0; 256];
        let mut two = Writer::new(&mut buffer, 7, flag::RESPONSE);
        two.question(NAME, Kind::A, 1);
        two.question(NAME, Kind::A, 1);
        address(&mut two, NAME, 1, 9);
        assert_eq!(read_one(two.finish().unwrap()), None, "two questions");
    }

    #[test]
    fn there_is_nothing_for_as_long_as_the_zone_says() {
        let missing = Status::NO_SUCH_NAME.0.into();
        let message = answer(missing, |w| zone(w, 60, 90));
        assert_eq!(read_one(&message), Some(Answer::NoSuchName(60)));
        let message = answer(0, |w| zone(w, 9_000, 8_000));
        assert_eq!(read_one(&message), Some(Answer::NoAddress(MAX_NEGATIVE_TTL)));
        assert_eq!(read_one(&answer(missing, |_| {})), Some(Answer::NoSuchName(0)));
        assert_eq!(read_one(&answer(0, |w| alias(w, NAME, "b", 9))), Some(Answer::NoAddress(0)));
    }

    #[test]
    fn a_truncated_answer_counts_if_it_has_an_address() {
        let message = answer(flag::TRUNCATED, |w| address(w, NAME, 1, 9));
        assert_eq!(addresses(read_one(&message)).0.len(), 1);
        assert_eq!(read_one(&answer(flag::TRUNCATED, |_| {})), Some(Answer::Truncated));
    }

    #[test]
    fn other_statuses_are_failures_of_the_server() {
        for status in [1, 2, 4, 5, 15] {
            let message = answer(status, |w| address(w, NAME, 1, 9));
            assert_eq!(read_one(&message), Some(Answer::ServerFailed), "status {status}");
        }
    }

    #[test]
    fn times_to_live_end_after_a_day_and_none_is_negative() {
        let message = answer(0, |w| address(w, NAME, 1, 1_000_000));
        assert_eq!(addresses(read_one(&message)).1, MAX_TTL);
        let message = answer(0, |w| address(w, NAME, 1, 0x8000_0001));
        assert_eq!(addresses(read_one(&message)).1, 0);
    }
}
