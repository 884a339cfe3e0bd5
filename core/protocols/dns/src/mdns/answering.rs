//! What the responder hears.

use core::cmp::Ordering;
use core::net::SocketAddr;

use super::message::{DOMAIN, HOST_TTL, KINDS, SERVICE_TTL, TOP_BIT};
use super::{GROUP, Records, Responder, State};
use crate::wire::{Data, Kind, Message, Name, Question, Record, flag};

/// What comes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Nothing.
    Nothing,
    /// These are to be told to all.
    ToAll(Records),
    /// These are to be told to the asker.
    ToAsker(Records),
    /// These are to be told to an asker who only knows DNS.
    ToLegacyAsker(Records),
    /// Another host has our name.
    Taken,
    /// Another host asks for our name at the same time, and gets it if it wants to keep it.
    Outdone,
}

impl Responder {
    /// Reads a message.
    pub(super) fn heard(&self, message: &Message<'_>, from: SocketAddr) -> Heard {
        // What is not about an ordinary question is silently ignored (RFC 6762, 18.3).
        if self.state == State::Silent || message.flags() & flag::OPERATION != 0 {
            return Heard::Nothing;
        }
        if message.flags() & flag::RESPONSE != 0 {
            let is_of_group = from.port() == GROUP.port();
            let mut records = message.answers().chain(message.additional());
            return match is_of_group && records.any(|record| self.contradicts(&record)) {
                true => Heard::Taken,
                false => Heard::Nothing,
            };
        }
        match self.state {
            State::Probing(_) => self.heard_while_probing(message),
            _ => self.asked(message, from),
        }
    }

    /// Returns whether a record gives our name another meaning.
    fn contradicts(&self, record: &Record<'_>) -> bool {
        // A goodbye is none.
        if record.ttl == 0 {
            return false;
        }
        match record.data() {
            Data::A(address) => self.is_host(record.name) && self.v4 != Some(address),
            Data::Aaaa(address) => {
                self.is_host(record.name) && self.v6.is_some_and(|v6| v6 != address)
            }
            Data::Srv { port, target, .. } => self.services.iter().any(|service| {
                self.is_instance(record.name, service.kind)
                    && (port != service.port || !self.is_host(target))
            }),
            _ => false,
        }
    }

    /// Compares what another host that asks for our name would say with what we would: the later one, as bytes, wins
    /// (RFC 6762, 8.2). The addresses come first in both.
    fn heard_while_probing(&self, message: &Message<'_>) -> Heard {
        let ours = self.v4.map(|address| address.octets());
        let mut theirs = message.authorities().filter(|record| self.is_host(record.name));
        let theirs = theirs.find_map(|record| match record.data() {
            Data::A(address) => Some(address.octets()),
            _ => None,
        });
        match theirs.map(|theirs| ours.cmp(&Some(theirs))) {
            Some(Ordering::Less) => Heard::Outdone,
            _ => Heard::Nothing,
        }
    }

    /// Collects what is asked for, without what the asker knows.
    fn asked(&self, message: &Message<'_>, from: SocketAddr) -> Heard {
        let mut records = Records::NONE;
        let mut is_for_one = true;
        for question in message.questions().filter(Question::is_of_internet) {
            let asked = self.records_for(&question);
            if asked != Records::NONE {
                is_for_one &= question.class & TOP_BIT != 0;
            }
            records = records.with(asked);
        }
        for known in message.answers() {
            records = records.without(self.known(&known));
        }
        match records {
            Records::NONE => Heard::Nothing,
            _ if from.port() != GROUP.port() => Heard::ToLegacyAsker(records),
            _ if is_for_one => Heard::ToAsker(records),
            _ => Heard::ToAll(records),
        }
    }

    /// Returns what answers a question.
    fn records_for(&self, question: &Question<'_>) -> Records {
        let Question { name, kind, .. } = *question;
        let is_wanted = |kinds: &[Kind]| kind == Kind::ANY || kinds.contains(&kind);
        let mut records = Records::NONE;
        if self.is_host(name) && is_wanted(&[Kind::A, Kind::AAAA]) {
            records = records.with(Records::HOST);
        }
        if name.is_of(&[KINDS]) && is_wanted(&[Kind::PTR]) {
            records = records.with(Records::KINDS);
        }
        for (number, service) in (0..).zip(self.services) {
            let is_list = name.is_of(&[service.kind.as_bytes(), DOMAIN]) && is_wanted(&[Kind::PTR]);
            let is_instance =
                self.is_instance(name, service.kind) && is_wanted(&[Kind::SRV, Kind::TXT]);
            if is_list || is_instance {
                records = records.with(Records::service(number));
            }
        }
        records
    }

    /// Returns what the asker knows already, and for long enough: half of the time that we would tell.
    fn known(&self, record: &Record<'_>) -> Records {
        match record.data() {
            Data::A(address) => {
                let is_known = self.is_host(record.name)
                    && Some(address) == self.v4
                    && self.v6.is_none()
                    && record.ttl >= HOST_TTL / 2;
                if is_known { Records::HOST } else { Records::NONE }
            }
            Data::Ptr(target) if record.ttl >= SERVICE_TTL / 2 => {
                let places = (0..).zip(self.services);
                let mut known = places.filter(|(_, service)| {
                    record.name.is_of(&[service.kind.as_bytes(), DOMAIN])
                        && self.is_instance(target, service.kind)
                });
                known.next().map_or(Records::NONE, |(number, _)| Records::service(number))
            }
            _ => Records::NONE,
        }
    }

    fn is_host(&self, name: Name<'_>) -> bool {
        name.is_of(&[self.label(), DOMAIN])
    }

    fn is_instance(&self, name: Name<'_>, kind: &str) -> bool {
        name.is_of(&[self.label(), kind.as_bytes(), DOMAIN])
    }
}
