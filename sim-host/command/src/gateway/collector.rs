//! The collector: confirms the samples of the gateway's uplink, and checks that no sample is lost or wrong.

use std::time::Duration;

use gateway::Gateway;
use picoevent_sim::world::{Choices, Server, Service, Session};

use super::{COLLECTOR_PORT, sensor};

/// The minimum time between two connects. The first delay of the uplink's back-off varies at random, and is never
/// shorter than this time. Each connection without a confirmation doubles the minimum.
const SHORTEST_DELAY: Duration = Duration::from_millis(375);
/// The largest value of this minimum: three quarters of the longest delay.
const LONGEST_MINIMUM: Duration = Duration::from_millis(22_500);
/// The time after the last fault within which the uplink must be up. It is the longest delay of the uplink's back-off,
/// plus the time for a connect that has just begun.
const UP_WITHIN: Duration = Duration::from_secs(60);
/// The time after the last fault within which two heartbeats must arrive.
const BEATS_WITHIN: Duration = Duration::from_secs(120);

/// Returns the collector as a server that the gateway connects to. The gateway must know the collector's address within
/// `known_within` after the last fault.
pub(super) fn collector(known_within: Duration) -> Server<Gateway, Collector> {
    Server::new(COLLECTOR_PORT, Collector::new)
        .always(|app, collector: &Collector| collector.check_app(app))
        .in_the_end(known_within + UP_WITHIN, |_, collector| match collector.open.last() {
            Some(connection) if connection.last.is_some() => Ok(()),
            _ => Err("the uplink sends no samples".to_owned()),
        })
        .in_the_end(known_within + BEATS_WITHIN, |_, collector| match collector.open.last() {
            Some(connection) if connection.beats >= 2 => Ok(()),
            _ => Err("the uplink has no heart-beat".to_owned()),
        })
}

/// The program of the collector. It confirms samples, and keeps the received samples when it restarts.
pub(super) struct Collector {
    /// The collector sends a confirmation for each sample whose number is a multiple of this number.
    every: u32,
    /// The samples by number: their times, and whether they were confirmed.
    samples: Vec<Option<Sample>>,
    /// The number of confirmed samples.
    confirmed: usize,
    open: Vec<Connection>,
    last_connect: Option<Duration>,
    /// The number of connections since the last confirmation was sent. Connections on which nothing has arrived do not
    /// count, because the gateway may try again at once if its socket was given to another connect.
    unconfirmed: u32,
}

#[derive(Clone, Copy)]
struct Sample {
    micros: u64,
    forced: bool,
    confirmed: bool,
}

/// An open connection.
struct Connection {
    number: u32,
    /// The number of the last sample.
    last: Option<u32>,
    /// The number of the first sample that is not confirmed on this connection yet.
    next: u32,
    beats: u32,
}

impl Collector {
    fn new(choices: &mut Choices<'_>) -> Self {
        Self {
            every: 1 + choices.up_to(7) as u32,
            samples: Vec::new(),
            confirmed: 0,
            open: Vec::new(),
            last_connect: None,
            unconfirmed: 0,
        }
    }

    /// Checks that the gateway has discarded no unconfirmed sample, except samples that the gateway counts as lost.
    fn check_app(&self, app: &Gateway) -> Result<(), String> {
        let kept = app.unconfirmed();
        let is_confirmed = |sample: &&Option<Sample>| sample.is_some_and(|sample| sample.confirmed);
        let kept_ones = self.samples.get(kept.start as usize..).unwrap_or_default();
        let discarded = self.confirmed - kept_ones.iter().filter(is_confirmed).count();
        let missing = kept.start - discarded as u32;
        match missing <= app.lost() {
            true => Ok(()),
            false => Err(format!(
                "{missing} samples before sample {} were discarded without a confirmation, but the \
                 gateway counts {} lost samples",
                kept.start,
                app.lost()
            )),
        }
    }

    fn line(&mut self, line: &str, session: &mut Session) -> Result<(), String> {
        let wrong = || format!("{line:?} is neither a sample nor a heart-beat");
        let mut words = line.split(' ');
        let kind = words.next().ok_or_else(wrong)?;
        let number: u32 = words.next().and_then(|word| word.parse().ok()).ok_or_else(wrong)?;
        let connection = self.open.iter_mut().find(|open| open.number == session.number());
        let connection = connection.ok_or("a line arrived on a connection that is not open")?;
        self.unconfirmed += u32::from(connection.last.is_none() && connection.beats == 0);
        if kind == "H" {
            if number <= connection.beats || words.next().is_some() {
                return Err(format!("{line:?} came after {} heart-beats", connection.beats));
            }
            connection.beats = number;
            return Ok(());
        }
        let micros: u64 = words.next().and_then(|word| word.parse().ok()).ok_or_else(wrong)?;
        let value: i32 = words.next().and_then(|word| word.parse().ok()).ok_or_else(wrong)?;
        let forced = match (words.next(), words.next()) {
            (None, None) => false,
            (Some("F"), None) => true,
            _ => return Err(wrong()),
        };
        if kind != "S" || value != sensor(micros) {
            return Err(wrong());
        }
        if let Some(last) = connection.last.replace(number)
            && number <= last
        {
            return Err(format!("sample {number} came after sample {last} on one connection"));
        }
        let index = number as usize;
        if self.samples.len() <= index {
            self.samples.resize(index + 1, None);
        }
        let sample = Sample { micros, forced, confirmed: false };
        let known = self.samples[index].get_or_insert(sample);
        if (known.micros, known.forced) != (micros, forced) {
            return Err(format!("{line:?} was another sample before"));
        }
        if number.is_multiple_of(self.every) {
            session.write(format!("A {number}\n").as_bytes());
            self.unconfirmed = 0;
            let first = connection.next;
            connection.next = number + 1;
            for sample in self.samples[..=index].iter_mut().skip(first as usize).flatten() {
                self.confirmed += usize::from(!std::mem::replace(&mut sample.confirmed, true));
            }
        }
        Ok(())
    }
}

impl Service for Collector {
    fn connecting(&mut self, at: Duration) -> Result<(), String> {
        let before = self.last_connect.replace(at);
        let doubled = 2_u32.saturating_pow(self.unconfirmed.saturating_sub(1));
        let minimum = SHORTEST_DELAY.saturating_mul(doubled).min(LONGEST_MINIMUM);
        match before.map(|before| at.saturating_sub(before)) {
            Some(after) if after < minimum => {
                Err(format!("the device connected again after {} ms", after.as_millis()))
            }
            _ => Ok(()),
        }
    }

    fn opened(&mut self, session: &mut Session) -> Result<(), String> {
        self.open.push(Connection { number: session.number(), last: None, next: 0, beats: 0 });
        Ok(())
    }

    fn received(&mut self, session: &mut Session) -> Result<(), String> {
        while let Some(line) = session.read_line() {
            self.line(&line, session)?;
        }
        Ok(())
    }

    fn ended(&mut self, session: &mut Session) {
        self.open.retain(|connection| connection.number != session.number());
    }
}
