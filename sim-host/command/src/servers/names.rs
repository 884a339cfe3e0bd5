//! A DNS server that sends wrong answers while there are faults.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use fastrand::Rng;
use picoevent_peers::dns::{LIES, Question};
use picoevent_sim::world::{Choices, UdpReply, UdpServer, nobody, server_address};

/// The port of the server.
pub(crate) const PORT: u16 = 53;

/// The address of a host that is gone. The device may use this address as long as it may cache the answer.
const FORMER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 98);

/// The longest time to live of answers, in seconds.
const MOST_TTL: u32 = 20;

/// A server that knows the names that end in `.example`.
pub(crate) struct Names {
    rng: Rng,
    /// The number of queries in a thousand to which the server does not send exactly one right answer.
    lies: u32,
}

impl Names {
    pub(crate) fn new(choices: &mut Choices<'_>) -> Self {
        let lies = choices.up_to(900) as u32;
        Self { lies, rng: Rng::with_seed(choices.up_to(u64::from(u32::MAX))) }
    }

    fn lie(&mut self, question: &Question) -> UdpReply {
        let (_, lie) = LIES[self.rng.usize(..LIES.len())];
        now(lie(question, nobody()))
    }
}

fn now(bytes: Vec<u8>) -> UdpReply {
    UdpReply { after: Duration::ZERO, is_of_stranger: false, bytes }
}

fn address() -> Ipv4Addr {
    match server_address(PORT).ip() {
        IpAddr::V4(address) => address,
        IpAddr::V6(_) => Ipv4Addr::UNSPECIFIED,
    }
}

impl UdpServer for Names {
    fn heard(&mut self, _: Duration, bytes: &[u8], quiet: bool) -> Vec<UdpReply> {
        let Some(question) = Question::read(bytes) else { return Vec::new() };
        let ttl = self.rng.u32(..=MOST_TTL);
        if !question.name.to_ascii_lowercase().ends_with(".example") {
            return vec![now(question.no_such_name(ttl))];
        }
        let truth = question.addresses(ttl, &[address()]);
        if quiet || self.rng.u32(..1_000) >= self.lies {
            return vec![now(truth)];
        }
        match self.rng.u8(..9) {
            0 => Vec::new(),
            1 => vec![self.lie(&question)],
            2 => vec![self.lie(&question), self.lie(&question), now(truth)],
            3 => {
                let after = Duration::from_millis(self.rng.u64(..9_000));
                vec![UdpReply { after, ..now(truth) }]
            }
            // The right answer twice, and later a wrong answer that no query waits for.
            4 => {
                let after = Duration::from_millis(self.rng.u64(1..3_000));
                let other = self.lie(&question);
                vec![now(truth.clone()), now(truth), UdpReply { after, ..other }]
            }
            5 => vec![now(question.no_such_name(ttl))],
            6 => vec![now(question.failed())],
            7 => {
                let wrong = question.addresses(ttl, &[nobody()]);
                vec![UdpReply { is_of_stranger: true, ..now(wrong) }, now(truth)]
            }
            _ => vec![now(question.addresses(ttl, &[FORMER]))],
        }
    }
}
