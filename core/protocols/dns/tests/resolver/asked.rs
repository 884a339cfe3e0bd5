//! Questions as servers see them, and answers to them.

use picoevent_dns::wire::{Kind, Message, Section, Writer, flag};
use picoevent_scripted::Heard;

/// A question that was heard.
pub trait Asked {
    fn id(&self) -> u16;

    /// The name, with the case of its letters.
    fn name(&self) -> String;

    fn kind(&self) -> Kind;

    /// Begins an answer to this question.
    fn answer(&self, flags: u16, records: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
        let mut buffer = [0; 2_048];
        let mut writer = Writer::new(&mut buffer, self.id(), flag::RESPONSE | flags);
        writer.question(&self.name(), self.kind(), 1);
        records(&mut writer);
        writer.finish().unwrap().to_vec()
    }

    /// An answer with these addresses, if they are asked for.
    fn addresses(&self, ttl: u32, last: &[u8]) -> Vec<u8> {
        self.answer(0, |writer| {
            for last in last.iter().filter(|_| self.kind() == Kind::A) {
                writer.record(Section::Answer, &self.name(), Kind::A, ttl, |writer| {
                    writer.bytes(&[192, 0, 2, *last]);
                });
            }
        })
    }
}

impl Asked for Heard {
    fn id(&self) -> u16 {
        Message::parse(&self.bytes).unwrap().id()
    }

    fn name(&self) -> String {
        let question = Message::parse(&self.bytes).unwrap().questions().next().unwrap();
        let labels = question.name.labels().map(|label| String::from_utf8(label.to_vec()).unwrap());
        labels.collect::<Vec<_>>().join(".")
    }

    fn kind(&self) -> Kind {
        Message::parse(&self.bytes).unwrap().questions().next().unwrap().kind
    }
}
