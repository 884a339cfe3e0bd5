//! For any input, the server sends an answer or ends the connection.

use proptest::prelude::*;

use crate::memory::{End, TestBench};
use crate::{App, GET, Page};

const SEEDS: [&[u8]; 6] = [
    b"GET /hello?a=%41 HTTP/1.1\r\nHost: a\r\nUser-Agent: x\r\nConnection: keep-alive\r\n\r\n",
    b"PUT /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n",
    b"POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nname=b",
    b"GET /site/both.js HTTP/1.1\r\nHost: a\r\nRange: bytes=1-3\r\nIf-Range: \"00000007\"\r\nAccept-Encoding: gzip\r\n\r\n",
    b"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
      Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n\
      \x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\x89\x80\x00\x00\x00\x00\x88\x82\x00\x00\x00\x00\x03\xe8",
    b"GET /chunks HTTP/1.0\r\n\r\n",
];

/// Returns up to three inputs in a row. Each input is a seed or random bytes, with up to two random changes.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        4 => (0..SEEDS.len()).prop_map(|seed| SEEDS[seed].to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..300),
    ];
    let edit = (
        any::<prop::sample::Index>(),
        prop_oneof![
            Just(Vec::new()),
            Just(b"\r".to_vec()),
            Just(b"\r\n".to_vec()),
            Just(b" ".to_vec()),
            Just(b":".to_vec()),
            Just(b"Content-Length: 3\r\n".to_vec()),
            Just(b"x".repeat(300)),
            any::<u8>().prop_map(|byte| vec![byte]),
        ],
        0..3_usize,
    );
    let parts = proptest::collection::vec((part, proptest::collection::vec(edit, 0..3)), 1..4);
    parts.prop_map(|parts| {
        let mut all = Vec::new();
        for (mut bytes, edits) in parts {
            for (at, with, without) in edits {
                let at = at.index(bytes.len() + 1);
                let end = (at + without).min(bytes.len());
                bytes.splice(at..end, with);
            }
            all.extend(bytes);
        }
        all
    })
}

/// Sends bytes in segments of `segment_size` bytes. Returns the bytes that the client has received, the end of its
/// connection, and the application.
fn outcome(
    bytes: &[u8],
    segment_size: usize,
    rings: (usize, usize),
) -> (Vec<u8>, Option<End>, App) {
    let mut bench = TestBench::<App, Page>::new(App::default(), rings.0, rings.1, 1);
    let client = bench.connect();
    bytes.chunks(segment_size).for_each(|segment| bench.send(client, segment));
    bench.finish(client);
    (0..40).for_each(|_| bench.wait_ms(5_000));
    let client = &mut bench.clients[client];
    (std::mem::take(&mut client.received), client.end, bench.app)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_outcome_does_not_depend_on_the_segments(
        bytes in bytes(),
        segment_size in 1..60_usize,
    ) {
        let (received, end, app) = outcome(&bytes, usize::MAX, (256, 512));
        prop_assert!(end.is_some(), "the connection ends");
        prop_assert!(app.http.is_empty(), "its slot is free");
        prop_assert!(received.is_empty() || received.starts_with(b"HTTP/1.1 "));
        let (same, same_end, _) = outcome(&bytes, segment_size, (256, 512));
        prop_assert_eq!(String::from_utf8_lossy(&received), String::from_utf8_lossy(&same));
        prop_assert_eq!(end, same_end);
    }

    #[test]
    fn rings_of_any_size_work(bytes in bytes(), input in 1..300_usize, output in 320..600_usize) {
        let (_, end, app) = outcome(&bytes, usize::MAX, (input, output));
        prop_assert!(end.is_some() && app.http.is_empty());
    }
}

#[test]
fn the_seeds_are_accepted() {
    for seed in SEEDS {
        let (received, _, _) = outcome(&[seed, GET.as_bytes()].concat(), usize::MAX, (256, 512));
        let received = String::from_utf8_lossy(&received).into_owned();
        let is_fine = ["HTTP/1.1 1", "HTTP/1.1 2"].iter().any(|fine| received.starts_with(fine));
        assert!(is_fine, "{received}");
    }
}
