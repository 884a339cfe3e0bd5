//! A model of a time server: correct answers, and answers with errors.

/// The seconds from 1900 to 1970.
const SECONDS_FROM_1900_TO_1970: u64 = 2_208_988_800;

/// Returns a time as an NTP timestamp, from microseconds since the beginning of 1970.
pub fn timestamp(unix_micros: u64) -> [u8; 8] {
    let seconds = (unix_micros / 1_000_000 + SECONDS_FROM_1900_TO_1970) & 0xFFFF_FFFF;
    let fraction = (unix_micros % 1_000_000) * (1 << 32) / 1_000_000;
    ((seconds << 32) | fraction).to_be_bytes()
}

/// Returns the answer of a correct server to a request. The server has received the request at the time `received`, and
/// sends the answer at the time `sent`. Both times are in microseconds since the beginning of 1970.
///
/// # Panics
/// If the request is shorter than 48 bytes.
pub fn answer(request: &[u8], received: u64, sent: u64) -> Vec<u8> {
    let mut bytes = vec![0; 48];
    (bytes[0], bytes[1]) = (4 << 3 | 4, 1);
    bytes[24..32].copy_from_slice(&request[40..48]);
    bytes[32..40].copy_from_slice(&timestamp(received));
    bytes[40..48].copy_from_slice(&timestamp(sent));
    bytes
}

/// An error in the answer of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerError {
    /// The origin timestamp of the answer differs from the transmit timestamp of the request.
    Origin,
    /// The answer has the mode of a request.
    RequestMode,
    /// The answer is too short.
    TooShort,
    /// The answer reports that the server does not know the time.
    Unsynchronized,
    /// The answer reports that the client sends requests too often (a "kiss of death").
    KissOfDeath,
    /// The transmit timestamp of the answer is before its receive timestamp.
    SentBeforeReceived,
}

impl AnswerError {
    /// All errors.
    pub const ALL: [Self; 6] = [
        Self::Origin,
        Self::RequestMode,
        Self::TooShort,
        Self::Unsynchronized,
        Self::KissOfDeath,
        Self::SentBeforeReceived,
    ];

    /// Puts this error into a correct answer.
    pub fn apply(self, answer: &mut Vec<u8>) {
        match self {
            Self::Origin => answer[24] ^= 1,
            Self::RequestMode => answer[0] = 4 << 3 | 3,
            Self::TooShort => answer.truncate(47),
            Self::Unsynchronized => answer[0] |= 3 << 6,
            Self::KissOfDeath => {
                answer[1] = 0;
                answer[12..16].copy_from_slice(b"RATE");
            }
            Self::SentBeforeReceived => answer[40..44].copy_from_slice(&[0x83, 0, 0, 0]),
        }
    }
}
