//! Writes the responder's messages.

use super::{MESSAGE, Records, Responder, Service};
use crate::wire::{Kind, Section, Writer, flag};

/// The time to live of a host's addresses, in seconds (RFC 6762, section 10).
pub(super) const HOST_TTL: u32 = 120;

/// The time to live of a service's records, in seconds.
pub(super) const SERVICE_TTL: u32 = 4_500;

/// The longest time to live in an answer to a legacy querier, in seconds (RFC 6762, section 6.7).
const LEGACY_TTL: u32 = 10;

/// The top bit of a class. In a question, the bit requests a unicast answer. In a record, the bit means that this
/// record replaces all other records of the same name and type (cache flush).
pub(super) const TOP_BIT: u16 = 0x8000;

/// The name of the list of service kinds (RFC 6763, section 9).
pub(super) const KINDS: &[u8] = b"_services._dns-sd._udp.local";

/// The domain of the local network.
pub(super) const DOMAIN: &[u8] = b"local";

/// A message to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outgoing<'q> {
    /// A probe for our name, with the records that we want to use.
    Probe,
    /// Records, to a querier that supports multicast DNS.
    Answer(Records),
    /// Records, to all hosts. The second set has the records that must be left out, because they were sent to all hosts
    /// a short time ago.
    ToAll(Records, Records),
    /// A goodbye: all our records, with a time to live of zero.
    Goodbye,
    /// An answer to a legacy querier. A legacy querier supports only unicast DNS. The answer repeats the ID and the
    /// questions of the query.
    Legacy(Records, u16, (u16, &'q [u8])),
}

/// A message that is being written.
struct MessageWriter<'r, 'b> {
    responder: &'r Responder,
    writer: Writer<'b>,
    section: Section,
    class: u16,
    /// The longest time to live of the records, in seconds.
    max_ttl: u32,
}

impl Responder {
    /// Writes a message. Returns the length of the message, or 0 if the message does not fit.
    #[inline(never)]
    pub(super) fn write(&self, outgoing: Outgoing<'_>, buffer: &mut [u8; MESSAGE]) -> usize {
        let flags = flag::RESPONSE | flag::AUTHORITATIVE;
        let (id, flags, questions, records, max_ttl) = match outgoing {
            Outgoing::Probe => (0, 0, (0, &[][..]), Records::NONE, u32::MAX),
            Outgoing::Answer(records) | Outgoing::ToAll(records, _) => {
                (0, flags, (0, &[][..]), records, u32::MAX)
            }
            Outgoing::Goodbye => (0, flags, (0, &[][..]), Records::ALL, 0),
            Outgoing::Legacy(records, id, questions) => (id, flags, questions, records, LEGACY_TTL),
        };
        // The cache-flush bit is not set in an answer to a legacy querier, because the querier does not know the bit.
        // The bit is not set in a probe either, because a probe must not replace other records.
        let class = if questions.0 != 0 || flags == 0 { 1 } else { 1 | TOP_BIT };
        let writer = Writer::new(buffer, id, flags);
        let mut out =
            MessageWriter { responder: self, writer, section: Section::Answer, class, max_ttl };
        if outgoing == Outgoing::Probe {
            out.probe();
        } else {
            out.writer.questions_of(questions);
            let left_out =
                if let Outgoing::ToAll(_, left_out) = outgoing { left_out } else { Records::NONE };
            out.answer(records, left_out);
        }
        out.writer.finish().map_or(0, <[u8]>::len)
    }
}

impl MessageWriter<'_, '_> {
    fn probe(&mut self) {
        let label = self.responder.label();
        self.writer.question_for(&[label, DOMAIN], Kind::ANY, 1 | TOP_BIT);
        for service in self.responder.services {
            let name = [label, service.kind.as_bytes(), DOMAIN];
            self.writer.question_for(&name, Kind::ANY, 1 | TOP_BIT);
        }
        self.section = Section::Authority;
        self.host();
        for service in self.responder.services {
            self.add_service(service);
        }
    }

    fn answer(&mut self, records: Records, left_out: Records) {
        if records.has(Records::HOST) {
            self.host();
        }
        let services = || (0..u8::MAX).zip(self.responder.services);
        for (number, service) in services() {
            let kind = service.kind.as_bytes();
            if records.has(Records::KINDS) {
                self.list(&[KINDS], &[kind, DOMAIN]);
            }
            if records.has(Records::service(number)) {
                self.list(&[kind, DOMAIN], &[self.responder.label(), kind, DOMAIN]);
            }
        }
        // The additional records are the records that a querier needs next: the host and port of a service, and the
        // addresses of the host.
        self.section = Section::Additional;
        for (number, service) in services() {
            if records.has(Records::service(number)) {
                self.add_service(service);
                self.text(service);
            }
        }
        if !records.with(left_out).has(Records::HOST) && records.has_service() {
            self.host();
        }
    }

    fn begin(&mut self, name: &[&[u8]], kind: Kind, class: u16, ttl: u32) -> usize {
        self.writer.begin_record(self.section, name, kind, class, ttl.min(self.max_ttl))
    }

    /// Writes the address records of the host.
    #[inline(never)]
    fn host(&mut self) {
        let name = &[self.responder.label(), DOMAIN];
        if let Some(address) = self.responder.v4 {
            let record = self.begin(name, Kind::A, self.class, HOST_TTL);
            self.writer.bytes(&address.octets());
            self.writer.end_record(record);
        }
        if let Some(address) = self.responder.v6 {
            let record = self.begin(name, Kind::AAAA, self.class, HOST_TTL);
            self.writer.bytes(&address.octets());
            self.writer.end_record(record);
        }
    }

    /// Writes a PTR record: it adds `name` to the list with the name `list`. Other hosts also have entries in this
    /// list. This record must not replace the entries of other hosts, so its cache-flush bit is not set.
    #[inline(never)]
    fn list(&mut self, list: &[&[u8]], name: &[&[u8]]) {
        let record = self.begin(list, Kind::PTR, 1, SERVICE_TTL);
        self.writer.name_of(name);
        self.writer.end_record(record);
    }

    /// Writes the SRV record of a service: its host and port.
    #[inline(never)]
    fn add_service(&mut self, service: &Service) {
        let label = self.responder.label();
        let name = &[label, service.kind.as_bytes(), DOMAIN];
        let record = self.begin(name, Kind::SRV, self.class, HOST_TTL);
        self.writer.bytes(&[0; 4]);
        self.writer.number(service.port);
        self.writer.name_of(&[label, DOMAIN]);
        self.writer.end_record(record);
    }

    /// Writes the TXT record of a service.
    fn text(&mut self, service: &Service) {
        let name = &[self.responder.label(), service.kind.as_bytes(), DOMAIN];
        let record = self.begin(name, Kind::TXT, self.class, SERVICE_TTL);
        if service.text.is_empty() {
            // A TXT record has at least one text (RFC 6763, section 6.1).
            self.writer.bytes(&[0]);
        }
        for text in service.text {
            let text = text.as_bytes().get(..255).unwrap_or(text.as_bytes());
            self.writer.bytes(&[text.len() as u8]);
            self.writer.bytes(text);
        }
        self.writer.end_record(record);
    }
}
