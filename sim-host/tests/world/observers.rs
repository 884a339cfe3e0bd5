//! Tests of captures and timelines. Each test writes a file and parses it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use picoevent_sim::observers::{Capture, Trace};
use picoevent_sim::world::{AnyTestCase, Choice, Observer, Simulator};
use serde_json::Value;

use crate::lines::lines;

/// Two clients on a cable that loses frames, flips bits of frames, and goes down.
const FAULTS: &str = "\
setup more-clients 0 1
setup faults 0 3
fault kind 0 loss
fault severity 0 300
fault life-us 0 3000000
fault kind 1 corruption
fault severity 1 200
fault life-us 1 3000000
fault kind 2 link-down
fault start-us 2 500000
fault life-us 2 1000000
to-device lost 3 1
to-device lost 5 1
to-device flipped 2 200
to-peer lost 1 1
";

fn run_observed(observer: impl Observer + 'static) {
    let (_, choice_log) = Choice::read_all(FAULTS).unwrap();
    let mut simulator = Simulator::new();
    simulator.take_choices(&choice_log);
    simulator.observe(Box::new(observer));
    lines(false).run(&mut simulator);
}

/// A packet of a capture.
#[derive(Debug, Default)]
struct Packet {
    interface: u32,
    micros: u64,
    bytes: Vec<u8>,
    comments: Vec<String>,
    flags: u32,
}

/// Parses a capture. Returns the names of the interfaces, and the packets.
fn read(file: &[u8]) -> (Vec<String>, Vec<Packet>) {
    let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
    let (mut at, mut names, mut packets) = (0, Vec::new(), Vec::new());
    while at < file.len() {
        let length = word(at + 4) as usize;
        assert_eq!(length % 4, 0);
        assert_eq!(word(at + length - 4) as usize, length, "the length is at both ends");
        let end = at + length - 4;
        match word(at) {
            0x0a0d_0d0a => assert_eq!((at, word(at + 8)), (0, 0x1a2b_3c4d)),
            1 => {
                assert_eq!(word(at + 8), 1, "it is Ethernet");
                let options = options(&file[at + 16..end]);
                names.push(String::from_utf8(options[0].1.clone()).unwrap());
            }
            6 => {
                let captured = word(at + 20) as usize;
                assert_eq!(word(at + 24) as usize, captured);
                let mut packet = Packet {
                    interface: word(at + 8),
                    micros: u64::from(word(at + 12)) << 32 | u64::from(word(at + 16)),
                    bytes: file[at + 28..at + 28 + captured].to_vec(),
                    ..Packet::default()
                };
                for (code, value) in options(&file[at + 28 + captured.next_multiple_of(4)..end]) {
                    match code {
                        1 => packet.comments.push(String::from_utf8(value).unwrap()),
                        2 => packet.flags = u32::from_le_bytes(value.try_into().unwrap()),
                        other => panic!("option {other}"),
                    }
                }
                packets.push(packet);
            }
            other => panic!("block {other:#x}"),
        }
        at += length;
    }
    (names, packets)
}

fn options(mut bytes: &[u8]) -> Vec<(u16, Vec<u8>)> {
    let mut options = Vec::new();
    loop {
        let half = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        let (code, length) = (half(0), usize::from(half(2)));
        if code == 0 {
            assert_eq!((length, bytes.len()), (0, 4), "the end comes last");
            return options;
        }
        options.push((code, bytes[4..4 + length].to_vec()));
        bytes = &bytes[4 + length.next_multiple_of(4)..];
    }
}

#[test]
fn a_capture_has_every_frame_and_what_happened_to_it() {
    let capture = Rc::new(RefCell::new(Capture::new("a cable with faults")));
    run_observed(capture.clone());
    let (names, packets) = read(&capture.borrow().file());
    assert_eq!(names, ["to-device", "to-peers"]);
    assert!(packets.len() > 20);
    assert!(packets.is_sorted_by_key(|packet| packet.micros));
    for packet in &packets {
        assert_eq!(packet.flags, packet.interface + 1, "inbound is to the device");
        let device = [2, 0, 0, 0, 0, 2];
        let from = if packet.interface == 1 { &packet.bytes[6..12] } else { &packet.bytes[..6] };
        assert!(from == device || from == [0xff; 6], "{packet:?}");
    }
    let comments: Vec<_> = packets.iter().flat_map(|packet| &packet.comments).collect();
    for wanted in [
        "dropped by chance",
        "dropped, the link is down",
        "a bit is flipped",
        "loss of 30 %, both ways begins",
        "the faults are over",
        "client 1 is served",
    ] {
        assert!(comments.iter().any(|comment| comment.contains(wanted)), "{wanted}: {comments:#?}");
    }
}

#[test]
fn a_timeline_has_slices_that_nest_and_arrows_with_two_ends() {
    let trace = Rc::new(RefCell::new(Trace::new()));
    run_observed(trace.clone());
    let file: Value = serde_json::from_str(&trace.borrow_mut().file()).unwrap();
    let events = file["traceEvents"].as_array().unwrap();
    let names: Vec<_> = events.iter().filter_map(|event| event["args"]["name"].as_str()).collect();
    for track in ["device", "listener 0", "conn 0", "network", "client 1", "fault 2"] {
        assert!(names.contains(&track), "{track} is not in {names:?}");
    }
    // Converts times to nanoseconds, so that they can be compared exactly.
    let nanos = |value: &Value| (value.as_f64().unwrap() * 1e3).round() as u64;
    let (mut last, mut open) = (0, HashMap::<_, Vec<(u64, String)>>::new());
    let (mut begun, mut ended) = (HashMap::new(), HashMap::new());
    for event in events.iter().filter(|event| event["ph"] != "M") {
        let at = nanos(&event["ts"]);
        assert!(at >= last, "{event} is earlier than the event before it");
        last = at;
        let name = event["name"].as_str().unwrap();
        match event["ph"].as_str().unwrap() {
            "X" => {
                let ends = at + nanos(&event["dur"]);
                let track = open.entry((event["pid"].as_u64(), event["tid"].as_u64())).or_default();
                track.retain(|(end, _)| *end > at);
                let within = track.iter().find(|(end, _)| *end < ends);
                assert!(within.is_none(), "{name} ends after {within:?}");
                track.push((ends, name.to_owned()));
            }
            "s" => assert!(begun.insert(event["id"].as_u64(), at).is_none(), "{event}"),
            "f" => assert!(ended.insert(event["id"].as_u64(), at).is_none(), "{event}"),
            "i" => {}
            other => panic!("{other}"),
        }
    }
    assert!(begun.len() > 20);
    assert_eq!(begun.len(), ended.len());
    assert!(begun.iter().all(|(id, sent)| ended.get(id).is_some_and(|arrived| sent < arrived)));
    let slice = |wanted: &str| {
        let mut slices = events.iter().filter(|event| event["ph"] == "X");
        slices.any(|event| event["name"].as_str().is_some_and(|name| name.contains(wanted)))
    };
    for wanted in ["listens on 0.0.0.0", "with 10.0.0.1:", "loss of 30 %", "dropped by chance"] {
        assert!(slice(wanted), "{wanted}");
    }
    // The application's functions are shown by name.
    assert!(slice("opened") && slice("is served"), "{names:?}");
}
