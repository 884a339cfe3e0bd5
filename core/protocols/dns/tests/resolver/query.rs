//! Questions as servers receive them, and answers to these questions.

use std::net::Ipv4Addr;

use picoevent_dns::wire::{Kind, Writer};
use picoevent_peers::dns::Question;
use picoevent_scripted::Datagram;

/// A received question.
pub trait Query {
    fn question(&self) -> Question;

    fn id(&self) -> u16 {
        self.question().id
    }

    /// Returns the name, with the case of its letters.
    fn name(&self) -> String {
        self.question().name
    }

    fn kind(&self) -> Kind {
        self.question().kind
    }

    /// Makes an answer to this question.
    fn answer(&self, flags: u16, records: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
        self.question().answer(flags, records)
    }

    /// Makes an answer with addresses whose last bytes are in `last`. If the question does not request IPv4 addresses,
    /// the answer has no address.
    fn addresses(&self, ttl: u32, last: &[u8]) -> Vec<u8> {
        let addresses: Vec<_> = last.iter().map(|last| Ipv4Addr::new(192, 0, 2, *last)).collect();
        self.question().addresses(ttl, &addresses)
    }
}

impl Query for Datagram {
    fn question(&self) -> Question {
        Question::read(&self.bytes).unwrap()
    }
}
