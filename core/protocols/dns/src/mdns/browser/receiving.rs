//! Reads the messages that the browser receives.

use core::net::{Ipv4Addr, Ipv6Addr};

use picoevent::Instant;

use super::{ADDRESS, BrowserMut, FoundService, LISTED, Lifetime, Pending, SRV, State, TEXT};
use crate::mdns::GROUP;
use crate::mdns::message::DOMAIN;
use crate::mdns::text::Text;
use crate::questions::after;
use crate::wire::{Kind, Message, Name, Record, flag};

/// The longest time to keep a record, in seconds: one day.
const MAX_TTL: u32 = 86_400;

impl Lifetime {
    /// Restarts the record's lifetime. A record with a time to live of zero is kept for one more second (RFC 6762,
    /// section 10.1).
    fn renew(&mut self, ttl: u32, now: Instant) {
        let seconds = ttl.min(MAX_TTL);
        self.seconds = seconds;
        self.until = after(now, seconds.max(1));
        // Send a question after 80 % of the time to live, and then after each further 5 % (RFC 6762, section 5.2).
        self.next_question =
            if ttl == 0 { Instant::MAX } else { after(now, (seconds / 5).wrapping_mul(4)) };
    }

    pub(super) fn schedule_next_question(&mut self, now: Instant) {
        self.next_question = after(now, (self.seconds / 20).max(1));
    }
}

impl BrowserMut<'_> {
    /// Handles a message.
    #[inline(never)]
    pub(super) fn handle_message(&mut self, bytes: &[u8], port: u16, now: Instant) {
        let Ok(message) = Message::parse(bytes) else { return };
        let is_answer = message.flags() & (flag::RESPONSE | flag::OPERATION) == flag::RESPONSE;
        if !is_answer || port != GROUP.port() || self.query.timer.is_none() {
            return;
        }
        // Whether there is a new service, or a change of a service whose records are not complete.
        let mut has_changed = false;
        for record in records(&message).filter(|record| record.is(Kind::PTR)) {
            let list = [self.query.kind.as_bytes(), DOMAIN];
            if let Some((instance, domain)) = record.target(0).split_first()
                && record.name.is_of(&list)
                && domain.is_of(&list)
                && let Ok(instance) = core::str::from_utf8(instance)
            {
                has_changed |= self.handle_listing(instance, record.ttl, now);
            }
        }
        let mut is_incomplete = false;
        let kind = self.query.kind.as_bytes();
        for service in self.services.iter_mut().filter(|service| service.state != State::Free) {
            let is_changed = service.handle_records(kind, &message, now);
            if service.state == State::Incomplete {
                is_incomplete = true;
                has_changed |= is_changed;
            }
        }
        // Request the missing records soon. After a message that changes nothing, the intervals between the questions
        // double further (RFC 6762, section 5.2).
        if is_incomplete && has_changed {
            self.query.next = self.query.next.min(after(now, 1));
            self.query.interval = 1;
        }
    }

    /// Handles a record that lists a service. A time to live of zero means that the service is no longer in the list.
    /// Returns whether the service is new.
    fn handle_listing(&mut self, instance: &str, ttl: u32, now: Instant) -> bool {
        let is_same = |service: &&mut FoundService| {
            service.state != State::Free
                && service.instance.as_bytes().eq_ignore_ascii_case(instance.as_bytes())
        };
        if let Some(service) = self.services.iter_mut().find(is_same) {
            service.renew(LISTED, ttl, now);
            return false;
        }
        // If there is no free entry, the service is ignored. The service can be found later: the next question does not
        // list the service as a known answer, so the host of the service sends this record again.
        let free = self.services.iter_mut().find(|service| service.state == State::Free);
        let Some(service) = free.filter(|_| ttl != 0) else { return false };
        *service = FoundService::FREE;
        service.state = State::Incomplete;
        // The label fits: there is room for the longest label.
        let _ = service.instance.push_str(instance);
        service.renew(LISTED, ttl, now);
        true
    }
}

impl FoundService {
    fn renew(&mut self, index: usize, ttl: u32, now: Instant) {
        if let Some(lifetime) = self.lifetimes.get_mut(index) {
            lifetime.renew(ttl, now);
        }
    }

    /// Returns whether a name is the name of this service.
    fn is_named(&self, name: Name<'_>, kind: &[u8]) -> bool {
        name.split_first().is_some_and(|(label, rest)| {
            label.eq_ignore_ascii_case(self.instance.as_bytes()) && rest.is_of(&[kind, DOMAIN])
        })
    }

    /// Handles the records of a message about the service. Returns whether the service has changed.
    fn handle_records(&mut self, kind: &[u8], message: &Message<'_>, now: Instant) -> bool {
        let mut is_changed = false;
        for record in records(message) {
            let (is_srv, is_text) = (record.is(Kind::SRV), record.is(Kind::TXT));
            if !is_srv && !is_text || !self.is_named(record.name, kind) {
                continue;
            }
            if is_srv {
                self.renew(SRV, record.ttl, now);
            }
            if record.ttl != 0 {
                is_changed |=
                    if is_srv { self.set_srv(&record) } else { self.set_text(record.bytes()) };
            }
        }
        is_changed |= self.handle_addresses(message, now);
        let is_complete = !self.host.is_empty() && (self.v4.is_some() || self.v6.is_some());
        match self.state {
            State::Incomplete if is_complete => {
                (self.state, self.pending) = (State::Reported, Pending::Found);
            }
            State::Reported if is_changed && self.pending == Pending::None => {
                self.pending = Pending::Changed
            }
            _ => {}
        }
        is_changed
    }

    /// Sets the host and the port. Returns whether the host or the port has changed.
    fn set_srv(&mut self, record: &Record<'_>) -> bool {
        let Some(host) = local_host_name(record.target(6)) else { return false };
        let port = record.bytes().get(4..6).and_then(|port| port.first_chunk());
        let port = port.map_or(0, |port| u16::from_be_bytes(*port));
        let is_same_host = self.host.as_bytes().eq_ignore_ascii_case(host.as_bytes());
        let is_changed = port != self.port || !is_same_host;
        if !is_same_host {
            (self.v4, self.v6) = (None, None);
        }
        (self.port, self.host) = (port, host);
        is_changed
    }

    fn set_text(&mut self, bytes: &[u8]) -> bool {
        let mut text = Text::<TEXT>::new();
        let mut rest = bytes;
        while let Some(length) = rest.first() {
            let Some((entry, after)) =
                rest.split_at_checked(usize::from(*length).saturating_add(1))
            else {
                break;
            };
            if entry.len() > TEXT.saturating_sub(text.as_bytes().len()) {
                break;
            }
            // An empty text is left out.
            for byte in entry.iter().filter(|_| *length != 0) {
                text.push_byte(*byte);
            }
            rest = after;
        }
        let is_changed = text.as_bytes() != self.text.as_bytes();
        self.text = text;
        is_changed
    }

    /// Handles the addresses of the host. If the message has several addresses of a family, keeps the known address if
    /// the message contains the known address. If the message does not contain the known address, takes the first
    /// address of the message. Returns whether an address has changed.
    fn handle_addresses(&mut self, message: &Message<'_>, now: Instant) -> bool {
        if self.host.is_empty() {
            return false;
        }
        let known = (self.v4, self.v6);
        let (mut v4, mut v6, mut ttl) = (None, None, None);
        for record in
            records(message).filter(|record| record.name.is_of(&[self.host.as_bytes(), DOMAIN]))
        {
            let (mut received_v4, mut received_v6) = (None, None);
            if record.is(Kind::A) {
                received_v4 =
                    record.bytes().first_chunk::<4>().map(|octets| Ipv4Addr::from(*octets));
            } else if record.is(Kind::AAAA) {
                received_v6 =
                    record.bytes().first_chunk::<16>().map(|octets| Ipv6Addr::from(*octets));
            }
            if received_v4.is_none() && received_v6.is_none() {
                continue;
            }
            if record.ttl == 0 {
                // The host no longer has this address.
                self.v4 = self.v4.filter(|address| received_v4 != Some(*address));
                self.v6 = self.v6.filter(|address| received_v6 != Some(*address));
                continue;
            }
            v4 = choose_address(v4, received_v4, self.v4);
            v6 = choose_address(v6, received_v6, self.v6);
            ttl = Some(record.ttl);
        }
        (self.v4, self.v6) = (v4.or(self.v4), v6.or(self.v6));
        if known != (None, None) && (self.v4, self.v6) == (None, None) {
            // The host has lost its last address. The service keeps this address for one second. After this second, the
            // service is lost.
            ((self.v4, self.v6), ttl) = (known, Some(0));
        }
        if let Some(ttl) = ttl {
            self.renew(ADDRESS, ttl, now);
        }
        (self.v4, self.v6) != known
    }
}

/// Returns the address to use: the known address if it was received, otherwise the first address that was received.
fn choose_address<T: PartialEq>(
    chosen: Option<T>,
    received: Option<T>,
    known: Option<T>,
) -> Option<T> {
    if received.is_some() && received == known { received } else { chosen.or(received) }
}

/// Returns the records of an answer, including the additional records.
fn records<'m>(message: &Message<'m>) -> impl Iterator<Item = Record<'m>> + use<'m> {
    message.answers().chain(message.additional())
}

/// Returns a host name of the `.local` domain, without the domain. Returns `None` if the name is in another domain, is
/// not UTF-8, or is too long.
fn local_host_name(name: Name<'_>) -> Option<Text<{ super::LABEL }>> {
    let mut host = Text::new();
    let mut rest = name;
    while !rest.is_of(&[DOMAIN]) {
        let (label, after) = rest.split_first()?;
        let dot = if host.is_empty() { "" } else { "." };
        if !host.push_str(dot) || !host.push_str(core::str::from_utf8(label).ok()?) {
            return None;
        }
        rest = after;
    }
    (!host.is_empty()).then_some(host)
}
