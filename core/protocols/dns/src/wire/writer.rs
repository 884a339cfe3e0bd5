//! Writes a message.

use super::name::without_dot;
use super::{HEADER, INTERNET, Kind};

/// A section of a message that contains records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The answers.
    Answer,
    /// The authority records.
    Authority,
    /// The additional records.
    Additional,
}

/// Writes a message into a buffer. If anything does not fit, [`finish`](Self::finish) returns
/// `None`.
///
/// ```
/// use picoevent_dns::wire::{Kind, Writer, flag};
///
/// let mut buffer = [0; 512];
/// let mut writer = Writer::new(&mut buffer, 7, flag::RECURSION_DESIRED);
/// writer.question("example.org", Kind::A, 1);
/// assert_eq!(writer.finish().map(|message| message.len()), Some(12 + 13 + 4));
/// ```
#[derive(Debug)]
pub struct Writer<'b> {
    buffer: &'b mut [u8],
    len: usize,
    is_full: bool,
}

impl<'b> Writer<'b> {
    /// Begins a message.
    pub fn new(buffer: &'b mut [u8], id: u16, flags: u16) -> Self {
        let mut writer = Self { buffer, len: 0, is_full: false };
        writer.number(id);
        writer.number(flags);
        writer.bytes(&[0; 8]);
        writer
    }

    /// Adds a question. All questions come before the first record.
    pub fn question(&mut self, name: &str, kind: Kind, class: u16) {
        self.question_for(&[name.as_bytes()], kind, class);
    }

    /// Like [`question`](Self::question), with a name that [`name_of`](Self::name_of) writes.
    #[inline(never)]
    pub fn question_for(&mut self, name: &[&[u8]], kind: Kind, class: u16) {
        self.name_of(name);
        self.end_question(kind, class);
    }

    /// Writes the part of a question after its name.
    pub(crate) fn end_question(&mut self, kind: Kind, class: u16) {
        self.number(kind.0);
        self.number(class);
        self.count(0);
    }

    /// Returns whether there is room for `bytes` more bytes.
    pub(crate) const fn has_room(&self, bytes: usize) -> bool {
        self.buffer.len().saturating_sub(self.len) >= bytes
    }

    /// Adds a record. Records must follow the order of the sections. `data` writes the record's
    /// data.
    pub fn record(
        &mut self,
        section: Section,
        name: &str,
        kind: Kind,
        ttl: u32,
        data: impl FnOnce(&mut Self),
    ) {
        self.record_of(section, &[name.as_bytes()], kind, INTERNET, ttl, data);
    }

    /// Like [`record`](Self::record), with a class, and with a name that [`name_of`](Self::name_of) writes.
    pub fn record_of(
        &mut self,
        section: Section,
        name: &[&[u8]],
        kind: Kind,
        class: u16,
        ttl: u32,
        data: impl FnOnce(&mut Self),
    ) {
        let length = self.begin_record(section, name, kind, class, ttl);
        data(self);
        self.end_record(length);
    }

    /// Writes the part of a record before its data. Returns the offset of the record's length field, for
    /// [`end_record`](Self::end_record).
    #[inline(never)]
    pub(crate) fn begin_record(
        &mut self,
        section: Section,
        name: &[&[u8]],
        kind: Kind,
        class: u16,
        ttl: u32,
    ) -> usize {
        self.name_of(name);
        self.number(kind.0);
        self.number(class);
        self.bytes(&ttl.to_be_bytes());
        let length = self.len;
        self.number(0);
        self.count(match section {
            Section::Answer => 1,
            Section::Authority => 2,
            Section::Additional => 3,
        });
        length
    }

    /// Ends a record: sets its length field.
    #[inline(never)]
    pub(crate) fn end_record(&mut self, length: usize) {
        let start = length.saturating_add(2);
        self.put(length, self.len.saturating_sub(start) as u16);
    }

    /// Repeats the questions of another message, given as their count and their bytes. Call this function directly
    /// after [`new`](Self::new). A pointer in a name contains an offset of the other message, so the questions must
    /// have the same offset in this message.
    pub fn questions_of(&mut self, (count, bytes): (u16, &[u8])) {
        self.bytes(bytes);
        self.put(4, count);
    }

    /// Writes a name.
    pub fn name(&mut self, name: &str) {
        self.name_of(&[name.as_bytes()]);
    }

    /// Writes a name that consists of several texts, such as a label, a kind of service and a domain.
    #[inline(never)]
    pub fn name_of(&mut self, name: &[&[u8]]) {
        for text in name {
            let mut rest = without_dot(text);
            while !rest.is_empty() {
                let end = rest.iter().position(|byte| *byte == b'.').unwrap_or(rest.len());
                let (label, after) = rest.split_at_checked(end).unwrap_or_default();
                self.bytes(&[label.len() as u8]);
                self.bytes(label);
                rest = after.get(1..).unwrap_or_default();
            }
        }
        self.bytes(&[0]);
    }

    /// Writes a label with any bytes, followed by a name.
    pub(crate) fn label_of(&mut self, label: &[u8], name: &[&[u8]]) {
        self.bytes(&[label.len() as u8]);
        self.bytes(label);
        self.name_of(name);
    }

    /// Writes a 16-bit number.
    #[inline(never)]
    pub fn number(&mut self, number: u16) {
        self.bytes(&number.to_be_bytes());
    }

    /// Writes bytes.
    #[inline(never)]
    pub fn bytes(&mut self, bytes: &[u8]) {
        let room = self.buffer.get_mut(self.len..).and_then(|room| room.get_mut(..bytes.len()));
        match room {
            Some(room) => room.iter_mut().zip(bytes).for_each(|(target, byte)| *target = *byte),
            None => self.is_full = true,
        }
        self.len = self.len.saturating_add(bytes.len());
    }

    /// Returns the message, if it fits into the buffer.
    pub fn finish(self) -> Option<&'b [u8]> {
        match self.is_full {
            true => None,
            false => self.buffer.get(..self.len),
        }
    }

    /// Adds one to the count of a section.
    fn count(&mut self, section: usize) {
        let at = section.saturating_mul(2).saturating_add(4);
        let count = super::number(self.buffer, at).unwrap_or_default();
        self.put(at, count.saturating_add(1));
    }

    fn put(&mut self, at: usize, number: u16) {
        if let Some(target) = self.buffer.get_mut(at..).and_then(|rest| rest.first_chunk_mut()) {
            *target = number.to_be_bytes();
        }
    }
}

const _: () = assert!(HEADER == 12, "a header has an ID, flags and four counts");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Data, Message, flag};

    #[test]
    fn a_written_message_is_read_back() {
        let mut buffer = [0; 128];
        let mut writer = Writer::new(&mut buffer, 0xABCD, flag::RESPONSE | flag::AUTHORITATIVE);
        writer.question("Pump-7.local", Kind::ANY, 0x8001);
        writer.record(Section::Answer, "pump-7.local.", Kind::A, 120, |w| w.bytes(&[192, 0, 2, 7]));
        writer.record(Section::Additional, "_http._tcp.local", Kind::SRV, 9, |w| {
            w.bytes(&[0, 0, 0, 0]);
            w.number(80);
            w.name("pump-7.local");
        });
        let message = Message::parse(writer.finish().unwrap()).unwrap();
        assert_eq!((message.id(), message.flags()), (0xABCD, 0x8400));
        let question = message.questions().next().unwrap();
        assert!(question.name.is_exactly(b"Pump-7.local") && question.is_of_internet());
        let answer = message.answers().next().unwrap();
        assert_eq!((answer.data(), answer.ttl), (Data::A([192, 0, 2, 7].into()), 120));
        let Some(Data::Srv { port, target, .. }) = message.additional().next().map(|r| r.data())
        else {
            panic!("no service");
        };
        assert!(port == 80 && target.is("pump-7.local"));
    }

    #[test]
    fn a_buffer_that_is_too_short_gives_no_message() {
        for length in 0..29 {
            let mut buffer = [0; 29];
            let mut writer = Writer::new(&mut buffer[..length], 7, 0);
            writer.question("example.org", Kind::A, 1);
            assert_eq!(writer.finish(), None, "{length} bytes");
        }
        let mut buffer = [0; 29];
        let mut writer = Writer::new(&mut buffer, 7, 0);
        writer.question("example.org", Kind::A, 1);
        assert!(writer.finish().is_some());
    }
}
