//! Messages of the network time protocol (RFC 5905, section 7.3).

use crate::client::SyncError;

/// The port of time servers.
#[cfg(feature = "names")]
pub(crate) const PORT: u16 = 123;

/// The length of a message in bytes.
pub(crate) const LENGTH: usize = 48;

/// The first byte of a request: version 4, from a client.
const REQUEST: u8 = 4 << 3 | 3;

/// The seconds from 1900 to 1970.
const UNIX_EPOCH: u64 = 2_208_988_800;

/// The maximum root distance of a server: one second, as a fixed-point number with 16 fractional bits (RFC 4330,
/// section 5: "a sane value").
const MAX_DISTANCE: u32 = 1 << 16;

/// The nonce of a request. The answer must contain the same nonce.
pub(crate) type Nonce = [u8; 8];

/// Returns a request. The request contains a random nonce instead of the client's time, so this time stays private.
pub(crate) fn request(nonce: Nonce) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    if let Some(first) = bytes.first_mut() {
        *first = REQUEST;
    }
    if let Some(target) = bytes.last_chunk_mut() {
        *target = nonce;
    }
    bytes
}

/// A time from a server, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Time {
    /// The time at which the answer was sent, since 1970.
    pub(crate) sent: u64,
    /// The time between the server's receipt of the request and its answer.
    pub(crate) processing: u64,
    /// The maximum error of the server's time.
    pub(crate) distance: u64,
}

/// Reads an answer. Returns `None` if the message is not the answer to the request with this nonce.
///
/// # Errors
/// Returns the reason why the server has not sent a time.
#[inline(never)]
pub(crate) fn read(bytes: &[u8], nonce: Nonce) -> Option<Result<Time, SyncError>> {
    let bytes: &[u8; LENGTH] = bytes.first_chunk()?;
    let [first, stratum, ..] = *bytes;
    let (leap, version, mode) = (first >> 6, first >> 3 & 7, first & 7);
    // A broadcast or a reflected request is not an answer. An answer has version 4, like the request, or version 3.
    let is_answer = mode == 4 && matches!(version, 3 | 4);
    let [a, b, c, d, e, f, g, h] = nonce;
    let repeated = [[a, b, c, d], [e, f, g, h]].map(u32::from_be_bytes);
    if !is_answer || [word(bytes, 24), word(bytes, 28)] != repeated {
        return None;
    }
    if stratum == 0 {
        return Some(Err(match &word(bytes, 12).to_be_bytes() {
            b"RATE" => SyncError::TooOften,
            b"DENY" | b"RSTR" => SyncError::Refused,
            _ => SyncError::Unsynchronized,
        }));
    }
    // The distance is in seconds, as a fixed-point number with 16 fractional bits.
    let distance = (word(bytes, 4) / 2).saturating_add(word(bytes, 8));
    let (received, sent) = (micros(bytes, 32), micros(bytes, 40));
    // An answer is wrong if its transmit timestamp is earlier than its receive timestamp.
    if leap == 3 || stratum >= 16 || distance >= MAX_DISTANCE || received == 0 || received > sent {
        return Some(Err(SyncError::Unsynchronized));
    }
    let distance = u64::from(distance).wrapping_mul(1_000_000) >> 16;
    Some(Ok(Time { sent, processing: sent.wrapping_sub(received), distance }))
}

/// Returns the 32-bit number at an offset.
#[inline(never)]
fn word(bytes: &[u8; LENGTH], offset: usize) -> u32 {
    let word = bytes.get(offset..).and_then(|bytes| bytes.first_chunk());
    word.map_or(0, |word| u32::from_be_bytes(*word))
}

/// Returns a timestamp as microseconds since 1970. If the top bit of the 32 bits of seconds is set, the seconds count
/// from 1900. If this bit is not set, the seconds count from 2036 (RFC 4330, section 3). Returns 0 for the timestamp
/// zero and for times before 1970.
#[inline(never)]
fn micros(bytes: &[u8; LENGTH], offset: usize) -> u64 {
    let (seconds, fraction) = (word(bytes, offset), word(bytes, offset.wrapping_add(4)));
    let era = if seconds >> 31 == 0 { 1 << 32 } else { 0 };
    let unix = u64::from(seconds).wrapping_add(era).saturating_sub(UNIX_EPOCH);
    if unix == 0 || seconds == 0 && fraction == 0 {
        return 0;
    }
    let fraction = u64::from(fraction).wrapping_mul(1_000_000) >> 32;
    unix.wrapping_mul(1_000_000).wrapping_add(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONCE: Nonce = *b"12345678";

    /// The seconds from 1900 to the beginning of 2026.
    const IN_2026: u32 = 3_976_214_400;

    /// Returns a server's answer, sent at 2026-01-01T00:00:00.75Z, a quarter of a second after the
    /// server received the request.
    fn answer() -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        bytes[0] = 4 << 3 | 4;
        bytes[1] = 2;
        bytes[4..8].copy_from_slice(&[0, 0, 0x40, 0]);
        bytes[8..12].copy_from_slice(&[0, 0, 0x20, 0]);
        bytes[24..32].copy_from_slice(&NONCE);
        for (at, fraction) in [(32, 0x8000_0000_u32), (40, 0xC000_0000)] {
            bytes[at..at + 4].copy_from_slice(&IN_2026.to_be_bytes());
            bytes[at + 4..at + 8].copy_from_slice(&fraction.to_be_bytes());
        }
        bytes
    }

    fn changed(at: usize, with: &[u8]) -> Option<Result<Time, SyncError>> {
        let mut bytes = answer();
        bytes[at..at + with.len()].copy_from_slice(with);
        read(&bytes, NONCE)
    }

    #[test]
    fn a_request_has_the_client_mode_and_contains_the_nonce() {
        let bytes = request(NONCE);
        assert_eq!((bytes[0], &bytes[1..40], &bytes[40..]), (0x23, &[0; 39][..], &NONCE[..]));
        assert_eq!(read(&bytes, NONCE), None, "a request is not an answer to itself");
    }

    #[test]
    fn an_answer_is_read() {
        let time = Ok(Time { sent: 1_767_225_600_750_000, processing: 250_000, distance: 250_000 });
        assert_eq!(read(&answer(), NONCE), Some(time));
        // Data after the message, such as extensions and signatures, is ignored.
        assert_eq!(read(&[&answer()[..], &[9; 20]].concat(), NONCE), Some(time));
        assert_eq!(changed(0, &[3 << 3 | 4]), Some(time), "version 3");
    }

    #[test]
    fn a_message_that_does_not_answer_the_request_is_ignored() {
        assert_eq!(read(&answer(), *b"12345679"), None);
        for first in [4 << 3 | 5, 4 << 3 | 3, 4 << 3 | 6, 2 << 3 | 4, 5 << 3 | 4] {
            assert_eq!(changed(0, &[first]), None, "{first:#x}");
        }
        for length in 0..LENGTH {
            assert_eq!(read(&answer()[..length], NONCE), None);
        }
    }

    #[test]
    fn the_answer_of_a_server_that_does_not_know_the_time_is_refused() {
        for (at, with) in [
            (0, [3 << 6 | 4 << 3 | 4].as_slice()),
            (1, &[16]),
            (1, &[0]),
            (40, &[0; 8]),
            (4, &[0, 2]),  // two seconds of delay
            (8, &[0, 1]),  // a second of dispersion
            (44, &[0x7F]), // the answer was sent before the request was received
        ] {
            assert_eq!(changed(at, with), Some(Err(SyncError::Unsynchronized)), "{at}");
        }
    }

    #[test]
    fn kiss_codes_are_read() {
        let kiss = |code: &[u8; 4]| {
            let mut bytes = answer();
            bytes[1] = 0;
            bytes[12..16].copy_from_slice(code);
            read(&bytes, NONCE)
        };
        assert_eq!(kiss(b"RATE"), Some(Err(SyncError::TooOften)));
        assert_eq!(kiss(b"DENY"), Some(Err(SyncError::Refused)));
        assert_eq!(kiss(b"RSTR"), Some(Err(SyncError::Refused)));
        assert_eq!(kiss(b"INIT"), Some(Err(SyncError::Unsynchronized)));
    }

    #[test]
    fn the_seconds_wrap_in_2036() {
        let of = |seconds: u32| {
            let mut bytes = [0; LENGTH];
            bytes[..4].copy_from_slice(&seconds.to_be_bytes());
            bytes[7] = 1;
            micros(&bytes, 0) / 1_000_000
        };
        assert_eq!(of(u32::MAX), 2_085_978_495);
        assert_eq!(of(0), 2_085_978_496, "2036-02-07T06:28:16Z");
        assert_eq!(of((1 << 31) - 1), 4_233_462_143, "2104");
        assert_eq!((of(UNIX_EPOCH as u32 + 1), of(UNIX_EPOCH as u32 - 1)), (1, 0), "1970");
    }
}
