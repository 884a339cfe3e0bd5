//! A time server.

/// The seconds from 1900 to 1970.
const EPOCHS: u64 = 2_208_988_800;

/// Returns a time as an NTP timestamp, from microseconds since the beginning of 1970.
pub fn stamp(unix_micros: u64) -> [u8; 8] {
    let seconds = (unix_micros / 1_000_000 + EPOCHS) & 0xFFFF_FFFF;
    let fraction = (unix_micros % 1_000_000) * (1 << 32) / 1_000_000;
    ((seconds << 32) | fraction).to_be_bytes()
}

/// Returns the answer of a correct server to a request. The server has received the request at the time `received`, and
/// sends the answer at the time `sent`. Both times are in microseconds since the beginning of 1970.
///
/// # Panics
/// If the request is shorter than 48 bytes.
pub fn answer(question: &[u8], received: u64, sent: u64) -> Vec<u8> {
    let mut bytes = vec![0; 48];
    (bytes[0], bytes[1]) = (4 << 3 | 4, 1);
    bytes[24..32].copy_from_slice(&question[40..48]);
    bytes[32..40].copy_from_slice(&stamp(received));
    bytes[40..48].copy_from_slice(&stamp(sent));
    bytes
}

/// What a server does wrong with its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It does not repeat the timestamp of the request.
    Number,
    /// It has the mode of a request.
    Mode,
    /// It is too short.
    Length,
    /// It says that it does not know the time.
    Unsynchronized,
    /// It says that the client sends requests too often (a "kiss of death").
    TooOften,
    /// Its time of sending is before its time of receiving.
    Order,
}

impl Wrong {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Number, Self::Mode, Self::Length, Self::Unsynchronized, Self::TooOften, Self::Order];

    /// Makes an answer wrong.
    pub fn spoil(self, answer: &mut Vec<u8>) {
        match self {
            Self::Number => answer[24] ^= 1,
            Self::Mode => answer[0] = 4 << 3 | 3,
            Self::Length => answer.truncate(47),
            Self::Unsynchronized => answer[0] |= 3 << 6,
            Self::TooOften => {
                answer[1] = 0;
                answer[12..16].copy_from_slice(b"RATE");
            }
            Self::Order => answer[40..44].copy_from_slice(&[0x83, 0, 0, 0]),
        }
    }
}
