//! Reads the answer to a question.

use crate::Family;
use crate::addresses::FamilyAddresses;
use crate::error::LookupError;
use crate::wire::{Kind, Message, Name, Question, Status};

/// The maximum number of aliases followed to reach an address.
const MAX_ALIASES: usize = 8;

/// The longest time to cache a negative answer, in seconds. RFC 2308, section 5 suggests up to three hours. This limit
/// is lower, because a missing name may be added soon while a device is being installed, and because a forged answer
/// must not stay in the cache for long.
const MAX_NEGATIVE_TTL: u32 = 60;

/// The longest time to cache addresses, in seconds: one day.
const MAX_TTL: u32 = 86_400;

/// The content of an answer: whether it has addresses, and for how many seconds this result may be cached.
///
/// [`NoAnswer`](LookupError::NoAnswer) means that this server could not resolve the name, but another server may.
/// [`TooLong`](LookupError::TooLong) means that the answer was truncated and the received part has no address.
pub(crate) type Answer = (Result<(), LookupError>, u32);

/// Returns the question that a message answers. Returns `None` if the message is not an answer to exactly one question
/// of the class internet.
pub(crate) fn question<'m>(message: &Message<'m>) -> Option<Question<'m>> {
    let mut questions = message.questions();
    let question = questions.next()?;
    let is_answer = message.is_answer() && question.is_of_internet() && questions.next().is_none();
    is_answer.then_some(question)
}

/// Reads the answer to a question about `name`, and adds the addresses to `found`. `name` is the name in the question
/// section of the same message.
#[inline(never)]
pub(crate) fn read<'m>(
    message: &Message<'m>,
    name: Name<'m>,
    found: &mut FamilyAddresses,
) -> Answer {
    match message.status() {
        Status::OK => follow_aliases(message, name, found),
        Status::NO_SUCH_NAME => (Err(LookupError::NoSuchName), negative_ttl(message)),
        _ => (Err(LookupError::NoAnswer), 0),
    }
}

/// Follows aliases from the name to its addresses.
fn follow_aliases<'m>(
    message: &Message<'m>,
    mut name: Name<'m>,
    found: &mut FamilyAddresses,
) -> Answer {
    let mut ttl = MAX_TTL;
    for _ in 0..=MAX_ALIASES {
        let mut alias = None;
        for record in message.answers().filter(|record| record.name == name) {
            if record.is(found.family.kind()) {
                found.add(record.bytes());
            } else if record.is(Kind::CNAME) {
                alias = Some(record.target(0));
            } else {
                continue;
            }
            ttl = ttl.min(record.ttl);
        }
        match alias {
            _ if !found.is_empty() => return (Ok(()), ttl),
            Some(target) => name = target,
            None if message.is_truncated() => return (Err(LookupError::TooLong), 0),
            None => return (Err(LookupError::NoAddress), negative_ttl(message)),
        }
    }
    // There are too many aliases, or the aliases form a loop.
    (Err(LookupError::NoAddress), 0)
}

/// Returns for how many seconds a negative answer may be cached. The SOA record states this time (RFC 2308, section 5).
/// Without an SOA record, the answer may not be cached.
fn negative_ttl(message: &Message<'_>) -> u32 {
    let soa = message.authorities().find(|record| record.is(Kind::SOA));
    let ttl = soa.map(|record| record.last_u32().min(record.ttl));
    ttl.unwrap_or(0).min(MAX_NEGATIVE_TTL)
}

impl Family {
    /// Returns the record type of the family's addresses.
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

    /// Writes an answer to a question for an IPv4 address.
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

    fn soa(writer: &mut Writer<'_>, ttl: u32, minimum: u32) {
        writer.record(Section::Authority, "org", Kind::SOA, ttl, |w| {
            w.name("a");
            w.name("b");
            w.bytes(&[0; 16]);
            w.bytes(&minimum.to_be_bytes());
        });
    }

    fn read_with_addresses(message: &[u8]) -> Option<(Answer, FamilyAddresses)> {
        let message = Message::parse(message).ok()?;
        let name = question(&message)?.name;
        let mut found = FamilyAddresses::none(Family::V4);
        let answer = read(&message, name, &mut found);
        Some((answer, found))
    }

    fn read_result(message: &[u8]) -> Option<Answer> {
        read_with_addresses(message).map(|(answer, _)| answer)
    }

    fn addresses(message: &[u8]) -> (Vec<IpAddr>, u32) {
        match read_with_addresses(message) {
            Some(((Ok(()), ttl), found)) => (found.iter().collect(), ttl),
            other => panic!("no address: {other:?}"),
        }
    }

    #[test]
    fn aliases_are_followed_in_any_order_of_the_records() {
        let message = answer(0, |w| {
            address(w, "c.example.net", 1, 500);
            alias(w, "b.example.net", "C.example.net", 70);
            address(w, "other.example.org", 9, 1);
            alias(w, "www.example.org", "b.example.net", 60);
            address(w, "c.EXAMPLE.net", 2, 400);
        });
        let expected: [IpAddr; 2] = [[192, 0, 2, 1].into(), [192, 0, 2, 2].into()];
        assert_eq!(addresses(&message), (expected.to_vec(), 60));
    }

    #[test]
    fn nine_aliases_or_a_loop_of_aliases_give_no_address() {
        let chain = |aliases: usize| {
            answer(0, |w| {
                alias(w, NAME, "n0", 9);
                for number in 1..aliases {
                    alias(w, &format!("n{}", number - 1), &format!("n{number}"), 9);
                }
                address(w, &format!("n{}", aliases - 1), 1, 9);
            })
        };
        assert_eq!(addresses(&chain(8)).0.len(), 1);
        assert_eq!(read_result(&chain(9)), Some((Err(LookupError::NoAddress), 0)));
        let alias_loop = answer(0, |w| {
            alias(w, NAME, "a", 9);
            alias(w, "a", NAME, 9);
        });
        assert_eq!(read_result(&alias_loop), Some((Err(LookupError::NoAddress), 0)));
    }

    #[test]
    fn a_message_that_does_not_answer_exactly_one_question_is_ignored() {
        let good = answer(0, |w| address(w, NAME, 1, 9));
        assert!(read_result(&good).is_some());
        let changed = |at: usize, byte: u8| {
            let mut message = good.clone();
            message[at] = byte;
            read_result(&message)
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
        assert_eq!(read_result(two.finish().unwrap()), None, "two questions");
    }

    #[test]
    fn a_negative_answer_may_be_cached_as_long_as_the_zone_states() {
        let missing = Status::NO_SUCH_NAME.0.into();
        let message = answer(missing, |w| soa(w, 60, 90));
        assert_eq!(read_result(&message), Some((Err(LookupError::NoSuchName), 60)));
        let message = answer(0, |w| soa(w, 9_000, 8_000));
        assert_eq!(read_result(&message), Some((Err(LookupError::NoAddress), MAX_NEGATIVE_TTL)));
        assert_eq!(read_result(&answer(missing, |_| {})), Some((Err(LookupError::NoSuchName), 0)));
        assert_eq!(
            read_result(&answer(0, |w| alias(w, NAME, "b", 9))),
            Some((Err(LookupError::NoAddress), 0))
        );
    }

    #[test]
    fn a_truncated_answer_is_used_if_it_has_an_address() {
        let message = answer(flag::TRUNCATED, |w| address(w, NAME, 1, 9));
        assert_eq!(addresses(&message).0.len(), 1);
        assert_eq!(
            read_result(&answer(flag::TRUNCATED, |_| {})),
            Some((Err(LookupError::TooLong), 0))
        );
    }

    #[test]
    fn other_response_codes_count_as_no_answer() {
        for status in [1, 2, 4, 5, 15] {
            let message = answer(status, |w| address(w, NAME, 1, 9));
            assert_eq!(
                read_result(&message),
                Some((Err(LookupError::NoAnswer), 0)),
                "status {status}"
            );
        }
    }

    #[test]
    fn a_time_to_live_is_at_most_a_day_and_never_negative() {
        let message = answer(0, |w| address(w, NAME, 1, 1_000_000));
        assert_eq!(addresses(&message).1, MAX_TTL);
        let message = answer(0, |w| address(w, NAME, 1, 0x8000_0001));
        assert_eq!(addresses(&message).1, 0);
    }
}
