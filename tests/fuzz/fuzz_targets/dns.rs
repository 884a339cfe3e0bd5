//! `cargo fuzz run dns`: parses byte strings from libFuzzer as DNS messages.

#![no_main]

use libfuzzer_sys::fuzz_target;
use picoevent_dns::wire::{Message, Section, Writer, flag};

fuzz_target!(|bytes: &[u8]| {
    let Ok(message) = Message::parse(bytes) else { return };
    for question in message.questions() {
        assert!(question.name.labels().count() <= 127);
        let names = message.answers().map(|record| record.name);
        for name in names {
            let has_same_length = question.name.labels().count() == name.labels().count();
            assert!(question.name != name || has_same_length);
        }
    }
    let records = message.answers().chain(message.authorities()).chain(message.additional());
    for record in records {
        let length: usize = record.name.labels().map(|label| label.len() + 1).sum();
        assert!(length < 255, "a name has at most 255 bytes");
        assert!(record.bytes().len() <= bytes.len());
        let _ = record.data();
    }
    // If no label of an answer's name contains a dot, the answer is written again and compared.
    let mut buffer = vec![0; 4 * bytes.len() + 64];
    for record in message.answers() {
        let labels: Vec<_> = record.name.labels().collect();
        let is_text = |label: &&[u8]| !label.contains(&b'.');
        if !labels.iter().all(is_text) {
            continue;
        }
        let mut writer = Writer::new(&mut buffer, 7, flag::RESPONSE);
        let data = record.bytes();
        writer.record_of(Section::Answer, &labels, record.kind, 3, record.ttl, |writer| {
            writer.bytes(data);
        });
        let written = writer.finish().expect("the buffer has room");
        let read = Message::parse(written).expect("the message is valid").answers().next();
        let read = read.expect("the message has a record");
        assert!(read.name.labels().eq(labels.iter().copied()) && read.bytes() == data);
    }
});
