//! Compares this crate's parser with the parsers of other crates. If this crate and another crate accept a message,
//! both must find the same addresses in it.

use std::net::IpAddr;

use domain::base::iana::Rtype;
use hickory_proto::op::Message as Theirs;
use hickory_proto::rr::RData;
use picoevent_dns::wire::{Data, Kind, Message, Section, Writer, flag};
use picoevent_scripted as _;

/// Returns the addresses of the answers, as this crate reads them.
fn our_addresses(bytes: &[u8]) -> Option<Vec<IpAddr>> {
    let answers = Message::parse(bytes).ok()?.answers();
    let addresses = answers.filter_map(|record| match record.data() {
        Data::A(address) => Some(address.into()),
        Data::Aaaa(address) => Some(address.into()),
        _ => None,
    });
    Some(addresses.collect())
}

fn hickory_addresses(bytes: &[u8]) -> Option<Vec<IpAddr>> {
    let message = Theirs::from_vec(bytes).ok()?;
    let of_internet =
        message.answers.iter().filter(|record| u16::from(record.dns_class) & 0x7FFF == 1);
    let addresses = of_internet.filter_map(|record| match &record.data {
        RData::A(address) => Some(IpAddr::from(address.0)),
        RData::AAAA(address) => Some(address.0.into()),
        _ => None,
    });
    Some(addresses.collect())
}

fn domain_addresses(bytes: &[u8]) -> Option<Vec<IpAddr>> {
    use domain::rdata::{A, Aaaa};
    let message = domain::base::Message::from_octets(bytes).ok()?;
    let mut addresses = Vec::new();
    for record in message.answer().ok()? {
        let record = record.ok()?;
        if record.class().to_int() & 0x7FFF != 1 {
            continue;
        }
        match record.rtype() {
            Rtype::A => addresses.push(record.to_record::<A>().ok()??.data().addr().into()),
            Rtype::AAAA => addresses.push(record.to_record::<Aaaa>().ok()??.data().addr().into()),
            _ => {}
        }
    }
    Some(addresses)
}

/// An answer with an alias and addresses of both families.
fn answer() -> Vec<u8> {
    let mut buffer = [0; 512];
    let mut writer = Writer::new(&mut buffer, 7, flag::RESPONSE);
    writer.question("www.example.org", Kind::A, 1);
    writer.record(Section::Answer, "www.example.org", Kind::CNAME, 60, |w| w.name("a.example.net"));
    writer.record(Section::Answer, "a.example.net", Kind::A, 60, |w| w.bytes(&[192, 0, 2, 1]));
    writer.record(Section::Answer, "a.example.net", Kind::AAAA, 60, |w| w.bytes(&[9; 16]));
    // The name of this record is a pointer to the name in the question.
    writer.bytes(&[0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 2]);
    let mut bytes = writer.finish().unwrap().to_vec();
    bytes[7] = 4;
    bytes
}

#[test]
fn parsers_that_accept_a_corrupted_message_find_the_same_addresses() {
    let mut random = fastrand::Rng::with_seed(3);
    let good = answer();
    let expected = our_addresses(&good).unwrap();
    assert_eq!(expected.len(), 3);
    assert_eq!(
        (hickory_addresses(&good), domain_addresses(&good)),
        (Some(expected.clone()), Some(expected))
    );
    let [mut accepted, mut with_hickory, mut with_domain] = [0_u32; 3];
    for _ in 0..200_000 {
        let mut bytes = good.clone();
        match random.u8(..10) {
            0 => bytes.truncate(random.usize(..good.len())),
            1 => bytes.insert(random.usize(..good.len()), random.u8(..)),
            _ => {}
        }
        for _ in 0..random.usize(..4) {
            let at = random.usize(..bytes.len().max(1));
            let byte = bytes.get_mut(at);
            byte.into_iter().for_each(|byte| *byte = random.u8(..));
        }
        let Some(ours) = our_addresses(&bytes) else { continue };
        accepted += 1;
        if let Some(theirs) = hickory_addresses(&bytes) {
            assert_eq!(ours, theirs, "hickory-proto finds other addresses in {bytes:?}");
            with_hickory += 1;
        }
        if let Some(theirs) = domain_addresses(&bytes) {
            assert_eq!(ours, theirs, "domain finds other addresses in {bytes:?}");
            with_domain += 1;
        }
    }
    assert!(
        accepted > 50_000 && with_hickory > 30_000 && with_domain > 30_000,
        "{accepted} accepted, also {with_hickory} by hickory-proto and {with_domain} by domain"
    );
}

#[test]
fn random_bytes_are_read_without_a_panic() {
    let mut random = fastrand::Rng::with_seed(5);
    for _ in 0..200_000 {
        let mut bytes = [0; 64];
        random.fill(&mut bytes);
        // The counts of records are small, so that some messages are complete.
        (4..12).for_each(|at| bytes[at] &= if at % 2 == 0 { 0 } else { 3 });
        let bytes = &bytes[..random.usize(..bytes.len())];
        if let Ok(message) = Message::parse(bytes) {
            let records =
                message.answers().chain(message.authorities()).chain(message.additional());
            records.for_each(|record| drop(format!("{record:?}")));
        }
    }
}
