//! Runs the targets of the fuzzers on seeds (valid inputs), and on seeds with random changes.

mod targets;

use proptest::prelude::*;

const HEAD: [&[u8]; 4] = [
    b"\x07GET /a/b/c?a=12 HTTP/1.1\r\nHost: a\r\nX-Kept: x\r\n\r\n",
    b"\xffPOST /fits HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na=bOPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    b"\x01GET http://a/ HTTP/1.0\r\nConnection: keep-alive\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"\x20PUT /body HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab",
];
const CHUNKS: [&[u8]; 3] = [
    b"\x015\r\nhello\r\n1;a=\"b;c\"\r\n!\r\n0\r\n\r\n",
    b"\x030\r\nX: y\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"\x50000A\r\n0123456789\r\n0;x\r\n\r\n",
];
const MULTIPART: [&[u8]; 3] = [
    b"\x05--xx\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--xx--\r\n",
    b"\x01--xx\r\nContent-Disposition: form-data; name=\"f\"; filename=\"g\"\r\n\r\n\r\n--x\r\n--xx\r\n\
      Content-Disposition: form-data; name=\"h\"\r\n\r\n\r\n--xx--",
    b"\x40--xx--",
];
const FRAMES: [&[u8]; 4] = [
    b"\x01\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\x89\x80\x00\x00\x00\x00\x88\x82\x00\x00\x00\x00\x03\xe8",
    b"\x02\x01\x82\x00\x00\x00\x00\xc3\xa9\x89\x81\x01\x02\x03\x04\x05\x80\x80\x00\x00\x00\x00",
    b"\x03\x82\xfe\x00\x80\x01\x02\x03\x04",
    b"\xff\x88\x80\x00\x00\x00\x00\x81\x80\x00\x00\x00\x00",
];

/// Returns a seed with up to three random changes.
fn mutated(seeds: &'static [&'static [u8]]) -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        any::<u8>().prop_map(|byte| vec![byte]),
        Just(Vec::new()),
        Just(b"\r\n".to_vec()),
        Just(b"--xx".to_vec()),
        Just(b"0\r\n".to_vec()),
        Just(vec![b'x'; 300]),
    ];
    let edit = (any::<prop::sample::Index>(), part, 0..4_usize);
    let edits = proptest::collection::vec(edit, 0..4);
    (prop::sample::select(seeds), edits).prop_map(|(seed, edits)| {
        let mut bytes = seed.to_vec();
        for (at, with, without) in edits {
            let at = at.index(bytes.len() + 1);
            let end = (at + without).min(bytes.len());
            bytes.splice(at..end, with);
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn heads(bytes in mutated(&HEAD)) {
        targets::head(&bytes);
    }

    #[test]
    fn chunks(bytes in mutated(&CHUNKS)) {
        targets::chunks(&bytes);
    }

    #[test]
    fn multipart(bytes in mutated(&MULTIPART)) {
        targets::multipart(&bytes);
    }

    #[test]
    fn frames(bytes in mutated(&FRAMES)) {
        targets::frames(&bytes);
    }
}
