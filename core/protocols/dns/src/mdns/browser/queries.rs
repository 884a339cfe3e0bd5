//! The browser's questions and their times.

use picoevent::Instant;

use super::{ADDRESS, BrowserMut, FoundService, LISTED, Pending, SRV, State};
use crate::mdns::MESSAGE;
use crate::mdns::message::DOMAIN;
use crate::questions::after;
use crate::wire::{Kind, Section, Writer};

/// The longest interval between two questions for services, in seconds: one hour (RFC 6762, section
/// 5.2).
const MAX_INTERVAL: u32 = 3_600;

impl BrowserMut<'_> {
    /// Removes services whose records have expired, and writes the questions that must be sent now. Returns the length
    /// of the message, or 0 if there is nothing to send.
    #[inline(never)]
    pub(super) fn write_due_questions(
        &mut self,
        now: Instant,
        buffer: &mut [u8; MESSAGE],
    ) -> usize {
        let is_all = self.query.next <= now;
        let mut is_list = is_all;
        for service in self.services.iter_mut() {
            is_list |= service.expire(now) || service.is_due(LISTED, now);
        }
        let kind = self.query.kind.as_bytes();
        let list = [kind, DOMAIN];
        let mut writer = Writer::new(buffer, 0, 0);
        if is_list {
            writer.question_for(&list, Kind::PTR, 1);
        }
        let mut count = u16::from(is_list);
        for service in self.services.iter_mut().filter(|service| service.state != State::Free) {
            let (instance, host) = (service.instance.as_bytes(), service.host.as_bytes());
            let max_length = instance.len().max(host.len()).saturating_add(kind.len());
            let max_length = max_length.saturating_add(20).saturating_mul(2);
            if !writer.has_room(max_length) {
                break;
            }
            let is_incomplete = is_all && service.state == State::Incomplete;
            if service.is_due(SRV, now) || is_incomplete && host.is_empty() {
                for wanted in [Kind::SRV, Kind::TXT] {
                    writer.label_of(instance, &list);
                    writer.end_question(wanted, 1);
                }
                count = 1;
            } else if service.is_due(ADDRESS, now) || is_incomplete {
                for wanted in [Kind::A, Kind::AAAA] {
                    writer.question_for(&[host, DOMAIN], wanted, 1);
                }
                count = 1;
            }
            service.schedule_next_question(now);
        }
        if is_list {
            self.write_known(&mut writer, now);
        }
        if is_all {
            self.query.next = after(now, self.query.interval);
            self.query.interval = self.query.interval.saturating_mul(2).min(MAX_INTERVAL);
        }
        if count == 0 { 0 } else { writer.finish().map_or(0, <[u8]>::len) }
    }

    /// Writes the known answers that have more than half of their time to live left, so that other hosts do not send
    /// these answers again (RFC 6762, section 7.1).
    fn write_known(&self, writer: &mut Writer<'_>, now: Instant) {
        let list = [self.query.kind.as_bytes(), DOMAIN];
        for service in self.services.iter().filter(|service| service.state != State::Free) {
            let [listed, ..] = service.lifetimes;
            let instance = service.instance.as_bytes();
            let max_length = self.query.kind.len().saturating_mul(2).saturating_add(instance.len());
            let seconds_left = listed.until.as_micros().saturating_sub(now.as_micros());
            let seconds_left = (seconds_left / 1_000_000) as u32;
            if seconds_left <= listed.seconds / 2 || !writer.has_room(max_length.saturating_add(40))
            {
                continue;
            }
            let record = writer.begin_record(Section::Answer, &list, Kind::PTR, 1, seconds_left);
            writer.label_of(instance, &list);
            writer.end_record(record);
        }
    }

    /// Returns the time of the next question or expiry.
    pub(super) fn next_time(&self) -> Instant {
        let mut next = self.query.next;
        for service in self.services.iter().filter(|service| service.state != State::Free) {
            for lifetime in service.lifetimes {
                next = next.min(lifetime.until).min(lifetime.next_question);
            }
        }
        next
    }
}

impl FoundService {
    /// If one of the records has expired, removes the service: sets the event [`Pending::Lost`] if the service was
    /// reported to the application, and frees the entry at once if the service was not reported. Returns whether a
    /// record has expired.
    fn expire(&mut self, now: Instant) -> bool {
        let has_expired = self.lifetimes.iter().any(|lifetime| lifetime.until <= now);
        if !has_expired || self.state == State::Free {
            return false;
        }
        if self.state == State::Reported && self.pending != Pending::Found {
            self.pending = Pending::Lost;
        } else {
            *self = Self::FREE;
        }
        true
    }

    fn is_due(&self, index: usize, now: Instant) -> bool {
        let is_due =
            self.lifetimes.get(index).is_some_and(|lifetime| lifetime.next_question <= now);
        is_due && self.state != State::Free && self.pending != Pending::Lost
    }

    /// For each record whose question is due at the time `now`, schedules the following question.
    fn schedule_next_question(&mut self, now: Instant) {
        for lifetime in self.lifetimes.iter_mut().filter(|lifetime| lifetime.next_question <= now) {
            lifetime.schedule_next_question(now);
        }
    }
}
