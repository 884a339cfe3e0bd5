//! Reads the messages that the responder receives.

use core::net::SocketAddr;

use super::message::{DOMAIN, HOST_TTL, KINDS, SERVICE_TTL, TOP_BIT};
use super::{GROUP, Records, Responder, Service, State};
use crate::wire::{Kind, Message, Name, Question, Record, flag};

/// The reaction to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reaction {
    /// No reaction.
    Nothing,
    /// Send these records to all hosts.
    ToAll(Records),
    /// Send these records to the querier.
    ToQuerier(Records),
    /// Send these records to a querier that supports only unicast DNS.
    ToLegacyQuerier(Records),
    /// Another host has our name: a conflict.
    Conflict,
    /// Another host probes for our name at the same time, and wins the tie-break.
    TieBreakLost,
}

impl Responder {
    /// Reads a message.
    pub(super) fn reaction_to(&self, message: &Message<'_>, from: SocketAddr) -> Reaction {
        // Messages with another operation code are silently ignored (RFC 6762, section 18.3).
        if self.state == State::Silent || message.flags() & flag::OPERATION != 0 {
            return Reaction::Nothing;
        }
        if message.flags() & flag::RESPONSE != 0 {
            let is_of_group = from.port() == GROUP.port();
            let mut records = message.answers().chain(message.additional());
            return match is_of_group && records.any(|record| self.conflicts_with(&record)) {
                true => Reaction::Conflict,
                false => Reaction::Nothing,
            };
        }
        match self.state {
            State::Probing(_) => self.break_tie(message),
            _ => self.answer_query(message, from),
        }
    }

    /// Returns whether a record conflicts with our records.
    fn conflicts_with(&self, record: &Record<'_>) -> bool {
        // A record with a time to live of zero is a goodbye, not a conflict.
        if record.ttl == 0 {
            return false;
        }
        let bytes = record.bytes();
        if record.is(Kind::SRV) {
            return self.services.iter().any(|service| {
                let port = service.port.to_be_bytes();
                self.is_named(record.name, service, INSTANCE)
                    && (bytes.get(4..6) != Some(&port) || !self.is_host(record.target(6)))
            });
        }
        let is_other = if record.is(Kind::A) {
            self.v4.is_none_or(|v4| bytes != v4.octets())
        } else {
            record.is(Kind::AAAA) && self.v6.is_some_and(|v6| bytes != v6.octets())
        };
        is_other && self.is_host(record.name)
    }

    /// Breaks the tie with another host that probes for our name: the greater records win (RFC 6762, section 8.2.1).
    /// Both hosts sort their records of the name by type and data. The first records that differ decide. If there are
    /// no such records, the host with more records wins.
    fn break_tie(&self, message: &Message<'_>) -> Reaction {
        let v4 = self.v4.map(|v4| v4.octets());
        let v6 = self.v6.map(|v6| v6.octets());
        let ours = [
            v4.as_ref().map(|v4| (Kind::A.0, &v4[..])),
            v6.as_ref().map(|v6| (Kind::AAAA.0, &v6[..])),
        ];
        let mut ours = ours.into_iter().flatten();
        let mut previous = None;
        loop {
            let records = message.authorities().filter(|record| self.is_host(record.name));
            let records = records.map(|record| (record.kind.0, record.bytes()));
            let theirs = records.filter(|record| Some(*record) > previous).min();
            match ours.next() {
                _ if theirs.is_none() => return Reaction::Nothing,
                ours if ours < theirs => return Reaction::TieBreakLost,
                ours if ours > theirs => return Reaction::Nothing,
                _ => previous = theirs,
            }
        }
    }

    /// Collects the requested records, without the records that the querier already has.
    fn answer_query(&self, message: &Message<'_>, from: SocketAddr) -> Reaction {
        let mut records = Records::NONE;
        let mut is_unicast = true;
        for question in message.questions().filter(Question::is_of_internet) {
            let requested = self.records_for(&question);
            if requested != Records::NONE {
                is_unicast &= question.class & TOP_BIT != 0;
            }
            records = records.with(requested);
        }
        for known in message.answers() {
            records = records.without(self.known_records(&known));
        }
        match records {
            Records::NONE => Reaction::Nothing,
            _ if from.port() != GROUP.port() => Reaction::ToLegacyQuerier(records),
            _ if is_unicast => Reaction::ToQuerier(records),
            _ => Reaction::ToAll(records),
        }
    }

    /// Returns the records that answer a question.
    fn records_for(&self, question: &Question<'_>) -> Records {
        let Question { name, kind, .. } = *question;
        let matches = |wanted: Kind| kind == wanted || kind == Kind::ANY;
        let mut records = Records::NONE;
        if (matches(Kind::A) || matches(Kind::AAAA)) && self.is_host(name) {
            records = Records::HOST;
        }
        if matches(Kind::PTR) {
            if name.is_of(&[KINDS]) {
                records = records.with(Records::KINDS);
            }
            records = records.with(self.services_named(name, LIST));
        }
        if matches(Kind::SRV) || matches(Kind::TXT) {
            records = records.with(self.services_named(name, INSTANCE));
        }
        records
    }

    /// Returns the records that need not be sent if the querier already has `record`. Returns no records if the time to
    /// live of `record` is less than half of the time to live that the responder sends.
    fn known_records(&self, record: &Record<'_>) -> Records {
        if record.is(Kind::PTR) && record.ttl >= SERVICE_TTL / 2 {
            let listed = self.services_named(record.name, LIST);
            return listed.and(self.services_named(record.target(0), INSTANCE));
        }
        let is_all = record.is(Kind::A)
            && record.ttl >= HOST_TTL / 2
            && self.v6.is_none()
            && self.v4.is_some_and(|v4| record.bytes() == v4.octets());
        if is_all && self.is_host(record.name) { Records::HOST } else { Records::NONE }
    }

    /// Returns the services that have this name. `from` is [`INSTANCE`] for an instance name, such as
    /// `pump-7._http._tcp.local`, or [`LIST`] for the name of a list of services, such as `_http._tcp.local`.
    #[inline(never)]
    fn services_named(&self, name: Name<'_>, from: usize) -> Records {
        let mut records = Records::NONE;
        for (number, service) in (0..u8::MAX).zip(self.services) {
            if self.is_named(name, service, from) {
                records = records.with(Records::service(number));
            }
        }
        records
    }

    fn is_named(&self, name: Name<'_>, service: &Service, from: usize) -> bool {
        let texts = [self.label(), service.kind.as_bytes(), DOMAIN];
        name.is_of(texts.get(from..).unwrap_or_default())
    }

    #[inline(never)]
    fn is_host(&self, name: Name<'_>) -> bool {
        name.is_of(&[self.label(), DOMAIN])
    }
}

/// The instance name of a service consists of all three texts in [`Responder::is_named`]: the label, the kind and the
/// domain.
const INSTANCE: usize = 0;
/// The name of the list that contains a service consists of the kind and the domain, without the label.
const LIST: usize = 1;
