//! A DNS server that sends wrong answers while there are faults.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use fastrand::Rng;
use picoevent_peers::dns::{FORGERIES, Question};
use picoevent_sim::world::{Choices, UdpReply, UdpServer, server_address, unused_address};

/// The port of the server.
pub(crate) const PORT: u16 = 53;

/// The address of a host that no longer exists. The device may use this address until the answer in its cache has
/// expired.
const FORMER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 98);

/// The longest time to live of answers, in seconds.
const MOST_TTL: u32 = 20;

/// A DNS server for the names that end in `.example`.
pub(crate) struct Names {
    rng: Rng,
    /// The number of queries in a thousand that the server answers wrongly, late, more than once, or not at all.
    wrong_per_mille: u32,
}

impl Names {
    pub(crate) fn new(choices: &mut Choices<'_>) -> Self {
        let wrong_per_mille = choices.up_to(900) as u32;
        Self { wrong_per_mille, rng: Rng::with_seed(choices.up_to(u64::from(u32::MAX))) }
    }

    fn forged_reply(&mut self, question: &Question) -> UdpReply {
        let (_, forge) = FORGERIES[self.rng.usize(..FORGERIES.len())];
        now(forge(question, unused_address()))
    }
}

fn now(bytes: Vec<u8>) -> UdpReply {
    UdpReply { after: Duration::ZERO, from_other_port: false, bytes }
}

fn address() -> Ipv4Addr {
    match server_address(PORT).ip() {
        IpAddr::V4(address) => address,
        IpAddr::V6(_) => Ipv4Addr::UNSPECIFIED,
    }
}

impl UdpServer for Names {
    fn received(&mut self, _: Duration, bytes: &[u8], quiet: bool) -> Vec<UdpReply> {
        let Some(question) = Question::read(bytes) else { return Vec::new() };
        let ttl = self.rng.u32(..=MOST_TTL);
        if !question.name.to_ascii_lowercase().ends_with(".example") {
            return vec![now(question.no_such_name(ttl))];
        }
        let right_answer = question.addresses(ttl, &[address()]);
        if quiet || self.rng.u32(..1_000) >= self.wrong_per_mille {
            return vec![now(right_answer)];
        }
        match self.rng.u8(..9) {
            0 => Vec::new(),
            1 => vec![self.forged_reply(&question)],
            2 => {
                vec![self.forged_reply(&question), self.forged_reply(&question), now(right_answer)]
            }
            3 => {
                let after = Duration::from_millis(self.rng.u64(..9_000));
                vec![UdpReply { after, ..now(right_answer) }]
            }
            // The server sends the right answer twice. Later the server sends a wrong answer, but at that time no query
            // waits for an answer.
            4 => {
                let after = Duration::from_millis(self.rng.u64(1..3_000));
                let other = self.forged_reply(&question);
                vec![now(right_answer.clone()), now(right_answer), UdpReply { after, ..other }]
            }
            5 => vec![now(question.no_such_name(ttl))],
            6 => vec![now(question.failed())],
            7 => {
                let wrong = question.addresses(ttl, &[unused_address()]);
                vec![UdpReply { from_other_port: true, ..now(wrong) }, now(right_answer)]
            }
            _ => vec![now(question.addresses(ttl, &[FORMER]))],
        }
    }
}
