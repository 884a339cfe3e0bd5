//! The cases of Autobahn's WebSocket test suite, with the numbers of the suite, for an echo server and an echo client.
//!
//! The suite has no cases 8 and 11. Cases 12 and 13 are left out: they test compression, and the library does not
//! support compression. The payloads of case 9 are at most 128 KiB, shorter than in the suite. Longer payloads would
//! test nothing more: the library does not store a payload, it only counts the bytes.

use std::ops::Range;

use crate::memory::TestBench;
use crate::memory::frames::{Frame, close, decode_frames, frame};
use crate::wire::Wire;
use crate::{Page, ServerApp};

/// The role that is tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Server,
    Client,
}

/// How the sent bytes are divided into segments.
#[derive(Clone, Copy, Debug)]
enum Cut {
    Whole,
    Frames,
    Octets,
    Chops(usize),
}

/// The result of a case: the whole messages and the control frames that the tested side has sent, and the close code.
#[derive(Debug, PartialEq, Eq)]
struct Received {
    frames: Vec<Frame>,
    /// The close code. `None` means that the WebSocket is still open. In this case the test closes the WebSocket with
    /// 1000.
    closed: Option<u16>,
}

/// The side of the connection that is tested. The test acts as the other side.
enum Tested {
    Server(Box<TestBench<ServerApp, Page>>),
    Client(Box<Wire>),
}

impl Tested {
    fn new(role: Role) -> Self {
        match role {
            Role::Server => {
                let mut bench = TestBench::new(ServerApp::default(), 256, 512, 0);
                bench.app.endpoint.echoes = true;
                let client = bench.connect();
                let handshake = "GET /live HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\
                     Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                     Sec-WebSocket-Version: 13\r\n\r\n";
                bench.send(client, handshake.as_bytes());
                assert!(bench.clients[client].received().starts_with("HTTP/1.1 101 "));
                Self::Server(Box::new(bench))
            }
            Role::Client => {
                let mut wire = Wire::opened();
                wire.app.endpoint.echoes = true;
                Self::Client(Box::new(wire))
            }
        }
    }

    /// Encodes frames for the tested side.
    fn bytes(&self, frames: &[Frame]) -> Vec<Vec<u8>> {
        let masked = |(number, frame): (usize, &Frame)| match self {
            Self::Server(_) => frame.bytes(Some([number as u8, 0x37, 0xfa, 0x21])),
            Self::Client(_) => frame.bytes(None),
        };
        frames.iter().enumerate().map(masked).collect()
    }

    fn send(&mut self, bytes: &[u8]) {
        match self {
            Self::Server(bench) => bench.send(0, bytes),
            Self::Client(wire) => wire.answer(bytes),
        }
    }

    fn send_frames(&mut self, frames: &[Frame], cut: Cut) {
        let frames = self.bytes(frames);
        match cut {
            Cut::Whole => self.send(&frames.concat()),
            Cut::Frames => frames.iter().for_each(|frame| self.send(frame)),
            Cut::Octets => frames.concat().chunks(1).for_each(|octet| self.send(octet)),
            Cut::Chops(size) => frames.concat().chunks(size).for_each(|chop| self.send(chop)),
        }
    }

    /// Returns the frames that the tested side has sent since the last call. Fragments are joined.
    fn received(&mut self) -> Received {
        let (bytes, is_client) = match self {
            Self::Server(bench) => (std::mem::take(&mut bench.clients[0].received), false),
            Self::Client(wire) => (std::mem::take(&mut wire.sent), true),
        };
        let (mut frames, mut message) = (Vec::new(), None::<Frame>);
        for Frame(first, data) in decode_frames(&bytes, is_client).0 {
            if first & 8 != 0 {
                frames.push(Frame(first, data));
                continue;
            }
            let begun = message.get_or_insert_with(|| frame(first | 0x80, ""));
            begun.1.extend(data);
            if first & 0x80 != 0 {
                frames.extend(message.take());
            }
        }
        let closed = match self {
            Self::Server(bench) => {
                let last = bench
                    .app
                    .endpoint
                    .received
                    .last()
                    .and_then(|last| last.strip_prefix("closed "));
                last.map(|code| code.parse().unwrap())
            }
            Self::Client(wire) => wire.app.ended.last().map(|ended| ended.unwrap()),
        };
        Received { frames, closed }
    }
}

/// Checks a case in both roles.
fn check(id: &str, sent: &[Frame], cut: Cut, wanted: &[Frame], closed: Option<u16>) {
    for role in [Role::Server, Role::Client] {
        let mut tested = Tested::new(role);
        tested.send_frames(sent, cut);
        let received = tested.received();
        let mut wanted = wanted.to_vec();
        let sent_code = closed.filter(|code| *code != 1005);
        match closed {
            Some(1005) => wanted.push(frame(0x88, "")),
            _ => wanted.extend(sent_code.map(|code| close(code, b""))),
        }
        let is_same = received.frames == wanted && received.closed == closed;
        assert!(is_same, "case {id}, {role:?}: {:.400}", format!("{received:?}, not {wanted:?}"));
        if closed.is_none() {
            tested.send_frames(&[close(1000, b"")], Cut::Whole);
            let received = tested.received();
            let in_order = Received { frames: vec![close(1000, b"")], closed: Some(1000) };
            assert_eq!(received, in_order, "case {id}, {role:?}");
        }
    }
}

/// Checks a case in which all frames come back.
fn echoes(id: &str, sent: &[Frame], cut: Cut) {
    check(id, sent, cut, sent, None);
}

fn text(data: impl AsRef<[u8]>) -> Frame {
    frame(0x81, data)
}

/// Divides data into the fragments of a message.
fn fragments(first: u8, data: &[u8], size: usize) -> Vec<Frame> {
    let mut frames: Vec<_> = data.chunks(size.max(1)).map(|fragment| frame(0, fragment)).collect();
    frames[0].0 |= first;
    frames.last_mut().unwrap().0 |= 0x80;
    frames
}

#[test]
fn case_1_framing() {
    for (section, first) in [(1, 0x81), (2, 0x82)] {
        for (number, length) in (1..).zip([0, 125, 126, 127, 128, 65_535, 65_536, 65_536]) {
            let cut = if number == 8 { Cut::Chops(997) } else { Cut::Whole };
            let id = format!("1.{section}.{number}");
            echoes(&id, &[frame(first, vec![b'*'; length])], cut);
        }
    }
}

#[test]
fn case_2_pings() {
    let pong = |data: &[u8]| frame(0x8a, data);
    let ping = |data: &[u8]| frame(0x89, data);
    let binary = b"\0\xff\xfe\xfd\xfc\xfb\0\xff";
    for (id, data, cut) in [
        ("2.1", &b""[..], Cut::Whole),
        ("2.2", b"Hello, world!", Cut::Whole),
        ("2.3", binary, Cut::Whole),
        ("2.4", &[0xfe; 125], Cut::Whole),
        ("2.6", &[0xfe; 125], Cut::Octets),
    ] {
        check(id, &[ping(data)], cut, &[pong(data)], None);
    }
    check("2.5", &[ping(&[0xfe; 126])], Cut::Whole, &[], Some(1002));
    check("2.7", &[pong(b"")], Cut::Whole, &[], None);
    check("2.8", &[pong(b"unsolicited")], Cut::Whole, &[], None);
    check("2.9", &[pong(b"unsolicited"), ping(b"ping")], Cut::Whole, &[pong(b"ping")], None);
    let data: Vec<_> = (0..10).map(|number| format!("payload-{number}")).collect();
    let pings: Vec<_> = data.iter().map(|data| ping(data.as_bytes())).collect();
    let pongs: Vec<_> = data.iter().map(|data| pong(data.as_bytes())).collect();
    check("2.10", &pings, Cut::Whole, &pongs, None);
    check("2.11", &pings, Cut::Octets, &pongs, None);
}

#[test]
fn case_3_reserved_bits() {
    let (hello, ping) = (text("Hello, world!"), frame(0x89, ""));
    let bad = |bits: u8, first: u8| frame(first | bits << 4, "Hello, world!");
    check("3.1", &[bad(1, 0x81)], Cut::Whole, &[], Some(1002));
    let three = [hello.clone(), bad(2, 0x81), ping.clone()];
    check("3.2", &three, Cut::Whole, std::slice::from_ref(&hello), Some(1002));
    let three = [hello.clone(), bad(3, 0x81), ping.clone()];
    check("3.3", &three, Cut::Frames, std::slice::from_ref(&hello), Some(1002));
    let three = [hello.clone(), bad(4, 0x81), ping];
    check("3.4", &three, Cut::Octets, &[hello], Some(1002));
    check("3.5", &[bad(5, 0x82)], Cut::Whole, &[], Some(1002));
    check("3.6", &[bad(6, 0x89)], Cut::Whole, &[], Some(1002));
    check("3.7", &[bad(7, 0x88)], Cut::Whole, &[], Some(1002));
}

#[test]
fn case_4_opcodes() {
    for (section, opcodes) in [(1, 3..8), (2, 11..16)] {
        for (number, opcode) in (1..).zip::<Range<u8>>(opcodes) {
            let id = format!("4.{section}.{number}");
            let data = if number % 2 == 0 { "reserved opcode payload" } else { "" };
            let bad = frame(0x80 | opcode, data);
            if number < 3 {
                check(&id, &[bad], Cut::Whole, &[], Some(1002));
                continue;
            }
            let cut = [Cut::Whole, Cut::Frames, Cut::Octets][number - 3];
            let sent = [text("Hello, world!"), bad, frame(0x89, "")];
            check(&id, &sent, cut, &[text("Hello, world!")], Some(1002));
        }
    }
}

#[test]
fn case_5_fragments() {
    let [begin, go_on, end] = [0x01, 0x00, 0x80].map(|first| move |data: &str| frame(first, data));
    let (ping, pong) = (frame(0x89, "ping"), frame(0x8a, "ping"));
    let joined = text("fragment1fragment2");
    check("5.1", &[frame(0x09, "fragment1"), end("fragment2")], Cut::Whole, &[], Some(1002));
    check("5.2", &[frame(0x0a, "fragment1"), end("fragment2")], Cut::Whole, &[], Some(1002));
    let two = [begin("fragment1"), end("fragment2")];
    let with_ping = [begin("fragment1"), ping.clone(), end("fragment2")];
    let nothing_begun = [end("non-continuation"), text("Hello, world!")];
    let nothing_begun_open = [go_on("non-continuation"), text("Hello, world!")];
    let cuts = [Cut::Whole, Cut::Frames, Cut::Octets];
    for (number, cut) in (0..).zip(cuts) {
        let id = |first: usize| format!("5.{}", first + number);
        check(&id(3), &two, cut, std::slice::from_ref(&joined), None);
        check(&id(6), &with_ping, cut, &[pong.clone(), joined.clone()], None);
        check(&id(9), &nothing_begun, cut, &[], Some(1002));
        check(&id(12), &nothing_begun_open, cut, &[], Some(1002));
    }
    let [first, second] = two;
    let sent = [first.clone(), second.clone(), go_on("fragment3"), text("fragment4")];
    check("5.15", &sent, Cut::Whole, &[joined], Some(1002));
    for (id, bad) in [("5.16", go_on("fragment1")), ("5.17", end("fragment1"))] {
        let three = [bad, begin("fragment2"), end("fragment3")];
        check(id, &[three.clone(), three].concat(), Cut::Whole, &[], Some(1002));
    }
    check("5.18", &[first, text("fragment2")], Cut::Whole, &[], Some(1002));
    let data = ["fragment1", "fragment2", "fragment3", "fragment4", "fragment5"];
    let sent = [
        vec![begin(data[0]), go_on(data[1]), ping.clone()],
        vec![go_on(data[2]), go_on(data[3]), ping, end(data[4])],
    ];
    let wanted = [pong.clone(), pong, text(data.concat())];
    // In the suite, case 5.19 has a pause in the middle.
    check("5.19", &sent.concat(), Cut::Frames, &wanted, None);
    check("5.20", &sent.concat(), Cut::Whole, &wanted, None);
}

/// Greek text.
const GREEK: &[u8] = "\u{3ba}\u{1f79}\u{3c3}\u{3bc}\u{3b5}".as_bytes();
/// Greek text, a code point that is too large, and more text.
const TOO_LARGE: [&[u8]; 3] = [GREEK, b"\xf4\x90\x80\x80", b"edited"];

#[test]
fn case_6_text() {
    let wide = "Hello-\u{b5}@\u{df}\u{f6}\u{e4}\u{fc}\u{e0}\u{e1}-UTF-8!!".as_bytes();
    echoes("6.1.1", &[text("")], Cut::Whole);
    let three = |data| [frame(0x01, ""), frame(0x00, data), frame(0x80, "")];
    check("6.1.2", &three(""), Cut::Whole, &[text("")], None);
    check("6.1.3", &three("middle"), Cut::Whole, &[text("middle")], None);
    echoes("6.2.1", &[text(wide)], Cut::Whole);
    check("6.2.2", &fragments(1, wide, 12), Cut::Whole, &[text(wide)], None);
    check("6.2.3", &fragments(1, wide, 1), Cut::Whole, &[text(wide)], None);
    check("6.2.4", &fragments(1, GREEK, 1), Cut::Whole, &[text(GREEK)], None);
    let surrogate = [GREEK, b"\xed\xa0\x80edited"].concat();
    check("6.3.1", &[text(&surrogate)], Cut::Whole, &[], Some(1007));
    check("6.3.2", &fragments(1, &surrogate, 1), Cut::Whole, &[], Some(1007));
}

#[test]
fn case_6_4_invalid_text_is_detected_at_once() {
    let [valid, wrong, rest] = TOO_LARGE;
    // The first byte of the wrong code point is valid, and the second byte is not. In 6.4.2 and 6.4.4, the first part
    // ends between these two bytes.
    for (ids, parts) in [
        (["6.4.1", "6.4.3"], [valid, wrong, rest]),
        (["6.4.2", "6.4.4"], [&[valid, &wrong[..1]].concat()[..], &wrong[1..2], &[]]),
    ] {
        let [first, second, third] = parts;
        let in_frames = [frame(0x01, first), frame(0x00, second), frame(0x80, third)];
        let whole = text(parts.concat());
        for role in [Role::Server, Role::Client] {
            for id in ids {
                let mut tested = Tested::new(role);
                let parts = match id {
                    "6.4.1" | "6.4.2" => tested.bytes(&in_frames),
                    _ => {
                        let bytes = tested.bytes(std::slice::from_ref(&whole)).concat();
                        let begin = bytes.len() - second.len() - third.len();
                        let end = begin + second.len();
                        [&bytes[..begin], &bytes[begin..end], &bytes[end..]]
                            .map(<[u8]>::to_vec)
                            .to_vec()
                    }
                };
                tested.send(&parts[0]);
                assert_eq!(tested.received().closed, None, "{id}, {role:?}: valid so far");
                tested.send(&parts[1]);
                assert_eq!(tested.received().closed, Some(1007), "{id}, {role:?}");
            }
        }
    }
}

/// Returns the texts of cases 6.5 to 6.23. Rust's standard library decides which of the texts are valid.
fn texts() -> Vec<Vec<Vec<u8>>> {
    let of = |list: &[&[u8]]| list.iter().map(|text| text.to_vec()).collect::<Vec<_>>();
    let around = |middle: &str| format!("hello{middle}world").into_bytes();
    let continuations: Vec<u8> = (0x80..0xbf).collect();
    let lonely = |bytes: Range<u8>| bytes.flat_map(|byte| [byte, b' ']).collect::<Vec<_>>();
    let cut: [&[u8]; 10] = [
        b"\xc0",
        b"\xe0\x80",
        b"\xf0\x80\x80",
        b"\xf8\x80\x80\x80",
        b"\xfc\x80\x80\x80\x80",
        b"\xdf",
        b"\xef\xbf",
        b"\xf7\xbf\xbf",
        b"\xfb\xbf\xbf\xbf",
        b"\xfd\xbf\xbf\xbf\xbf",
    ];
    let surrogates: [[u8; 3]; 7] = [
        [0xed, 0xa0, 0x80],
        [0xed, 0xad, 0xbf],
        [0xed, 0xae, 0x80],
        [0xed, 0xaf, 0xbf],
        [0xed, 0xb0, 0x80],
        [0xed, 0xbe, 0x80],
        [0xed, 0xbf, 0xbf],
    ];
    let pairs = surrogates[..4].iter().flat_map(|high| {
        [[0xed, 0xb0, 0x80], [0xed, 0xbf, 0xbf]].map(|low| [&high[..], &low].concat())
    });
    // The last two code points of every plane.
    let planes = (0..17_u32).flat_map(|plane| [plane << 16 | 0xfffe, plane << 16 | 0xffff]);
    let no_characters = planes.map(|point| char::from_u32(point).unwrap().to_string().into_bytes());
    let specials =
        (0xfff9..=0xffff_u32).map(|point| char::from_u32(point).unwrap().to_string().into_bytes());
    vec![
        vec![
            around("\u{24}"),
            around("\u{a2}"),
            around("\u{20ac}"),
            around("\u{24b62}"),
            GREEK.to_vec(),
        ],
        (1..=GREEK.len()).map(|length| GREEK[..length].to_vec()).collect(),
        of(&[b"\0", b"\xc2\x80", b"\xe0\xa0\x80", b"\xf0\x90\x80\x80"]),
        of(&[b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80"]),
        of(&[b"\x7f", b"\xdf\xbf", b"\xef\xbf\xbf", b"\xf4\x8f\xbf\xbf"]),
        of(&[b"\xf7\xbf\xbf\xbf", b"\xfb\xbf\xbf\xbf\xbf", b"\xfd\xbf\xbf\xbf\xbf\xbf"]),
        of(&[
            b"\xed\x9f\xbf",
            b"\xee\x80\x80",
            b"\xef\xbf\xbd",
            b"\xf4\x8f\xbf\xbf",
            b"\xf4\x90\x80\x80",
        ]),
        [b"\x80".to_vec(), b"\xbf".to_vec()]
            .into_iter()
            .chain((2..7).map(|length| b"\x80\xbf\x80\xbf\x80\xbf"[..length].to_vec()))
            .chain([continuations])
            .collect(),
        vec![
            lonely(0xc0..0xdf),
            lonely(0xe0..0xef),
            lonely(0xf0..0xf7),
            lonely(0xf8..0xfb),
            lonely(0xfc..0xfd),
        ],
        of(&cut),
        vec![cut.concat()],
        of(&[b"\xfe", b"\xff", b"\xfe\xfe\xff\xff"]),
        of(&[
            b"\xc0\xaf",
            b"\xe0\x80\xaf",
            b"\xf0\x80\x80\xaf",
            b"\xf8\x80\x80\x80\xaf",
            b"\xfc\x80\x80\x80\x80\xaf",
        ]),
        of(&[
            b"\xc1\xbf",
            b"\xe0\x9f\xbf",
            b"\xf0\x8f\xbf\xbf",
            b"\xf8\x87\xbf\xbf\xbf",
            b"\xfc\x83\xbf\xbf\xbf\xbf",
        ]),
        of(&[
            b"\xc0\x80",
            b"\xe0\x80\x80",
            b"\xf0\x80\x80\x80",
            b"\xf8\x80\x80\x80\x80",
            b"\xfc\x80\x80\x80\x80\x80",
        ]),
        surrogates.iter().map(|one| one.to_vec()).collect(),
        pairs.collect(),
        no_characters.collect(),
        specials.collect(),
    ]
}

#[test]
fn cases_6_5_to_6_23_texts() {
    let (mut valid, mut wrong) = (0, 0);
    for (section, texts) in (5..).zip(texts()) {
        for (number, data) in (1..).zip(texts) {
            let id = format!("6.{section}.{number}");
            match std::str::from_utf8(&data) {
                Ok(_) => {
                    valid += 1;
                    echoes(&id, &[text(&data)], Cut::Whole);
                }
                Err(_) => {
                    wrong += 1;
                    check(&id, &[text(&data)], Cut::Whole, &[], Some(1007));
                }
            }
        }
    }
    assert_eq!((valid, wrong), (63, 69));
}

#[test]
fn case_7_the_end() {
    let (bye, hello) = (close(1000, b""), text("Hello World!"));
    check(
        "7.1.1",
        &[hello.clone(), bye.clone()],
        Cut::Whole,
        std::slice::from_ref(&hello),
        Some(1000),
    );
    check("7.1.2", &[bye.clone(), frame(0x88, "")], Cut::Whole, &[], Some(1000));
    check("7.1.3", &[bye.clone(), frame(0x89, "")], Cut::Whole, &[], Some(1000));
    check("7.1.4", &[bye.clone(), hello.clone()], Cut::Whole, &[], Some(1000));
    let sent = [frame(0x01, "fragment1"), bye.clone(), frame(0x80, "fragment2")];
    check("7.1.5", &sent, Cut::Whole, &[], Some(1000));
    let long = text(vec![b'*'; 256 << 10]);
    check("7.1.6", &[long.clone(), bye, frame(0x89, "")], Cut::Whole, &[long], Some(1000));
    check("7.3.1", &[frame(0x88, "")], Cut::Whole, &[], Some(1005));
    check("7.3.2", &[frame(0x88, "a")], Cut::Whole, &[], Some(1002));
    check("7.3.3", &[close(1000, b"")], Cut::Whole, &[], Some(1000));
    check("7.3.4", &[close(1000, b"Hello World!")], Cut::Whole, &[], Some(1000));
    check("7.3.5", &[close(1000, &[b'*'; 123])], Cut::Whole, &[], Some(1000));
    check("7.3.6", &[close(1000, &[b'*'; 124])], Cut::Whole, &[], Some(1002));
    let reason = [GREEK, b"\xed\xa0\x80edited"].concat();
    check("7.5.1", &[close(1000, &reason)], Cut::Whole, &[], Some(1007));
    let valid = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999];
    for (number, code) in (1..).zip(valid) {
        check(&format!("7.7.{number}"), &[close(code, b"")], Cut::Whole, &[], Some(code));
    }
    let invalid = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999];
    for (number, code) in (1..).zip(invalid) {
        check(&format!("7.9.{number}"), &[close(code, b"")], Cut::Whole, &[], Some(1002));
    }
    // The suite accepts any result here, because these codes have no defined meaning.
    check("7.13.1", &[close(5000, b"")], Cut::Whole, &[], Some(1002));
    let four_bytes = frame(0x88, 65_536_u32.to_be_bytes());
    check("7.13.2", &[four_bytes], Cut::Whole, &[], Some(1002));
}

/// The longest payload of case 9.
const MOST: usize = 128 << 10;

#[test]
fn case_9_sizes() {
    for (section, first) in [(1, 0x81), (2, 0x82)] {
        for (number, kib) in (1..).zip([64, 256, 1_024, 4_096, 8_192, 16_384]) {
            let length = MOST.min(kib << 10);
            echoes(
                &format!("9.{section}.{number}"),
                &[frame(first, vec![b'*'; length])],
                Cut::Whole,
            );
        }
    }
    let sizes = [64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1 << 20, 4 << 20];
    for (section, first) in [(3, 1), (4, 2)] {
        for (number, size) in (1..).zip(sizes) {
            let data = vec![b'*'; MOST];
            let sent = fragments(first, &data, size);
            let wanted = [frame(0x80 | first, &data)];
            check(&format!("9.{section}.{number}"), &sent, Cut::Whole, &wanted, None);
        }
    }
    for (section, first) in [(5, 0x81), (6, 0x82)] {
        for (number, size) in (1..).zip([64, 128, 256, 512, 1_024, 2_048]) {
            let sent = [frame(first, vec![b'*'; MOST / 2])];
            echoes(&format!("9.{section}.{number}"), &sent, Cut::Chops(size));
        }
    }
}

#[test]
fn case_9_many_messages() {
    for (section, first) in [(7, 0x81), (8, 0x82)] {
        for (number, length) in (1..).zip([0, 16, 64, 256, 1_024, 4_096]) {
            for role in [Role::Server, Role::Client] {
                let mut tested = Tested::new(role);
                let sent = [frame(first, vec![b'*'; length])];
                for at in 0..if length > 256 { 100 } else { 1_000 } {
                    tested.send_frames(&sent, Cut::Whole);
                    let received = tested.received();
                    assert_eq!(received.frames, sent, "case 9.{section}.{number}, {role:?}: {at}");
                }
            }
        }
    }
}

#[test]
fn case_10_fragments_of_one_size() {
    let data = vec![b'*'; 65_536];
    check("10.1.1", &fragments(1, &data, 1_300), Cut::Whole, &[text(&data)], None);
}
