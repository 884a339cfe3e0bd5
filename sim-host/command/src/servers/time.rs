//! A time server, and checks of the device's clock. While there are faults, the server sends a wrong time, sends
//! nothing, or refuses to answer.

use std::cell::Cell;
use std::time::Duration;

use fastrand::Rng;
use picoevent_peers::ntp::{self, AnswerError};
use picoevent_sim::world::{Choices, UdpReply, UdpServer};
use picoevent_sntp::WallTime;

/// The port of the server.
pub(crate) const PORT: u16 = 123;

/// The Unix time in seconds at which the seconds of NTP wrap around: the start of a new era.
const NEW_ERA: u64 = 2_085_978_496;

/// The longest time between the sending of an answer and its use, plus a margin, in microseconds.
const LATE: u64 = 20_000_000;

thread_local! {
    /// The time of day in the server's last answer, in microseconds, or `u64::MAX` after the device's clock was set to
    /// a wrong time.
    static LAST_ANSWER: Cell<u64> = const { Cell::new(0) };
    /// The time to which the device's clock was set.
    static SET: Cell<Option<WallTime>> = const { Cell::new(None) };
}

/// A time server. Its time of day is near the start of a new era.
pub(crate) struct Time {
    start: u64,
    rng: Rng,
    /// The number of requests in a thousand that the server does not answer, or answers with a wrong time. After a
    /// wrong time, the server may also send the right time.
    wrong_per_mille: u32,
}

impl Time {
    pub(crate) fn new(choices: &mut Choices<'_>) -> Self {
        let start = (NEW_ERA - choices.up_to(90)) * 1_000_000;
        let wrong_per_mille = choices.up_to(900) as u32;
        Self { start, wrong_per_mille, rng: Rng::with_seed(choices.up_to(u64::from(u32::MAX))) }
    }
}

impl UdpServer for Time {
    fn received(&mut self, at: Duration, bytes: &[u8], quiet: bool) -> Vec<UdpReply> {
        if bytes.len() != 48 {
            return Vec::new();
        }
        let time = self.start + at.as_micros() as u64;
        LAST_ANSWER.set(time);
        let right_answer = ntp::answer(bytes, time, time);
        let mut wrong = ntp::answer(bytes, time - 1_000_000_000_000, time - 1_000_000_000_000);
        let answers = match self.rng.u32(..1_000) < self.wrong_per_mille && !quiet {
            false => vec![right_answer],
            true => match self.rng.usize(..AnswerError::ALL.len() + 1).checked_sub(1) {
                // The server sends nothing.
                None => Vec::new(),
                // After a kiss code the device waits for hours, so the clock would not be set in time.
                Some(index) if AnswerError::ALL[index] == AnswerError::KissOfDeath => Vec::new(),
                Some(index) => {
                    AnswerError::ALL[index].apply(&mut wrong);
                    if self.rng.bool() { vec![wrong] } else { vec![wrong, right_answer] }
                }
            },
        };
        let reply = |bytes| UdpReply { after: Duration::ZERO, from_other_port: false, bytes };
        answers.into_iter().map(reply).collect()
    }
}

/// Clears the times of the previous simulation.
pub(crate) fn forget() {
    LAST_ANSWER.set(0);
    SET.set(None);
}

/// Records that the clock of the device was set. Checks the new time.
pub(crate) fn set(time: WallTime) {
    SET.set(Some(time));
    if is_wrong(time) {
        LAST_ANSWER.set(u64::MAX);
    }
}

fn is_wrong(time: WallTime) -> bool {
    let error = time.error().as_micros() as u64;
    time.unix_micros().abs_diff(LAST_ANSWER.get()) > error.saturating_add(LATE)
}

/// Returns whether the clock was set.
pub(crate) fn is_set() -> bool {
    SET.get().is_some()
}

/// Checks the time to which the clock was set.
///
/// # Errors
/// The time is wrong.
pub(crate) fn check() -> Result<(), String> {
    match (LAST_ANSWER.get(), SET.get()) {
        (u64::MAX, Some(time)) => Err(format!("the clock was set to {}", time.iso())),
        _ => Ok(()),
    }
}
