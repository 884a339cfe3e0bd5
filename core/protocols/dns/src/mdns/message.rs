//! What the responder says.

use super::{MESSAGE, Records, Responder, Service};
use crate::wire::{Kind, Section, Writer, flag};

/// For how long others may keep the addresses of a host, in seconds (RFC 6762, 10).
pub(super) const HOST_TTL: u32 = 120;

/// For how long others may keep that there is a service.
pub(super) const SERVICE_TTL: u32 = 4_500;

/// The most seconds that an asker may keep an answer who knows nothing of multicast DNS (RFC 6762, 6.7).
const LEGACY_TTL: u32 = 10;

/// In a question: an answer to the asker alone is wanted. In a record: it replaces all others of its kind.
pub(super) const TOP_BIT: u16 = 0x8000;

/// The list of kinds of services (RFC 6763, 9).
pub(super) const KINDS: &str = "_services._dns-sd._udp.local";

/// The domain of the network at hand.
pub(super) const DOMAIN: &str = "local";

/// To whom an answer goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum To<'q> {
    /// To all, or to an asker who knows multicast DNS.
    Neighbours,
    /// To all: the records are not ours any more.
    Goodbye,
    /// To an asker who only knows DNS: the number and the questions are repeated.
    Asker(u16, (u16, &'q [u8])),
}

impl Responder {
    /// Writes a question for our name, with what we would say it means.
    pub(super) fn probe<'b>(&self, buffer: &'b mut [u8; MESSAGE]) -> Option<&'b [u8]> {
        let mut writer = Writer::new(buffer, 0, 0);
        writer.question_for(&[self.label(), DOMAIN], Kind::ANY, 1 | TOP_BIT);
        for service in self.services {
            writer.question_for(&[self.label(), service.kind, DOMAIN], Kind::ANY, 1 | TOP_BIT);
        }
        self.write_host(&mut writer, Section::Authority, 1, HOST_TTL);
        for service in self.services {
            self.write_place(&mut writer, Section::Authority, 1, HOST_TTL, service);
        }
        writer.finish()
    }

    /// Writes records as an answer.
    pub(super) fn answer<'b>(
        &self,
        records: Records,
        to: To<'_>,
        buffer: &'b mut [u8; MESSAGE],
    ) -> Option<&'b [u8]> {
        let (id, questions) = match to {
            To::Asker(id, questions) => (id, questions),
            To::Neighbours | To::Goodbye => (0, (0, &[][..])),
        };
        let ttl = |ttl: u32| match to {
            To::Neighbours => ttl,
            To::Goodbye => 0,
            To::Asker(..) => ttl.min(LEGACY_TTL),
        };
        // Who only knows DNS would not understand the bit.
        let class = if questions.0 == 0 { 1 | TOP_BIT } else { 1 };
        let mut writer = Writer::new(buffer, id, flag::RESPONSE | flag::AUTHORITATIVE);
        writer.questions_of(questions);
        if records.has(Records::HOST) {
            self.write_host(&mut writer, Section::Answer, class, ttl(HOST_TTL));
        }
        for (number, service) in (0..self.services.len()).zip(self.services) {
            if records.has(Records::KINDS) {
                let kind = &[service.kind, DOMAIN];
                writer.record_of(
                    Section::Answer,
                    &[KINDS],
                    Kind::PTR,
                    1,
                    ttl(SERVICE_TTL),
                    |writer| {
                        writer.name_of(kind);
                    },
                );
            }
            if records.has(Records::service(number)) {
                self.write_service(&mut writer, ttl(SERVICE_TTL), service);
            }
        }
        // What an asker wants to know next: where a service is, and the addresses of its host.
        for (number, service) in (0..self.services.len()).zip(self.services) {
            if records.has(Records::service(number)) {
                self.write_place(&mut writer, Section::Additional, class, ttl(HOST_TTL), service);
                self.write_text(&mut writer, class, ttl(SERVICE_TTL), service);
            }
        }
        if !records.has(Records::HOST) && records.without(Records::KINDS) != Records::NONE {
            self.write_host(&mut writer, Section::Additional, class, ttl(HOST_TTL));
        }
        writer.finish()
    }

    /// Writes the addresses.
    fn write_host(&self, writer: &mut Writer<'_>, section: Section, class: u16, ttl: u32) {
        let name = &[self.label(), DOMAIN];
        if let Some(address) = self.v4 {
            writer.record_of(section, name, Kind::A, class, ttl, |writer| {
                writer.bytes(&address.octets());
            });
        }
        if let Some(address) = self.v6 {
            writer.record_of(section, name, Kind::AAAA, class, ttl, |writer| {
                writer.bytes(&address.octets());
            });
        }
    }

    /// Writes that there is a service. Other hosts have such a record too, so it replaces none.
    fn write_service(&self, writer: &mut Writer<'_>, ttl: u32, service: &Service) {
        let instance = &[self.label(), service.kind, DOMAIN];
        let kind = &[service.kind, DOMAIN];
        writer
            .record_of(Section::Answer, kind, Kind::PTR, 1, ttl, |writer| writer.name_of(instance));
    }

    /// Writes where a service is.
    fn write_place(
        &self,
        writer: &mut Writer<'_>,
        section: Section,
        class: u16,
        ttl: u32,
        service: &Service,
    ) {
        let instance = &[self.label(), service.kind, DOMAIN];
        writer.record_of(section, instance, Kind::SRV, class, ttl, |writer| {
            writer.bytes(&[0; 4]);
            writer.number(service.port);
            writer.name_of(&[self.label(), DOMAIN]);
        });
    }

    /// Writes more about a service.
    fn write_text(&self, writer: &mut Writer<'_>, class: u16, ttl: u32, service: &Service) {
        let instance = &[self.label(), service.kind, DOMAIN];
        writer.record_of(Section::Additional, instance, Kind::TXT, class, ttl, |writer| {
            if service.text.is_empty() {
                // There is one text at least (RFC 6763, 6.1).
                writer.bytes(&[0]);
            }
            for text in service.text {
                let text = text.as_bytes().get(..255).unwrap_or(text.as_bytes());
                writer.bytes(&[text.len() as u8]);
                writer.bytes(text);
            }
        });
    }
}
