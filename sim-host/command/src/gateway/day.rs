//! A day of the gateway. Its broker goes offline and comes back many times.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use fastrand::Rng;
use gateway::Gateway;
use picoevent_sim::world::{Choices, Server, Service, Session, TestCase};

use super::online::{Samples, case};
use crate::servers::broker;

/// The time during which the broker goes offline and comes back.
const DAY: Duration = Duration::from_secs(24 * 3_600);
/// Longer than the broker's last time offline plus the time until the gateway has reconnected.
const BACK_WITHIN: Duration = Duration::from_secs(1_200);
/// The longest times for which the broker is online, and offline, in seconds.
const MOST_THERE: u64 = 1_800;
const MOST_AWAY: u64 = 600;

/// The number of complete days without a failure, in all simulations of this process.
static DAYS: AtomicU32 = AtomicU32::new(0);

/// Returns the number of simulations of [`gateway_day`] that have lasted the whole day. In the other simulations, the
/// gateway was interrupted earlier.
pub fn days() -> u32 {
    DAYS.load(Ordering::Relaxed)
}

/// The gateway for a day: a simulation that takes some minutes, so it is not in the default list.
pub fn gateway_day() -> TestCase<Gateway> {
    let broker = Server::new(broker::PORT, Day::new)
        .always(|app: &Gateway, day: &Day| match day.samples.missing <= app.unpublished() {
            true => Ok(()),
            false => Err(format!("{} samples are missing", day.samples.missing)),
        })
        .in_the_end(DAY + BACK_WITHIN, |app: &Gateway, day| day.check(app));
    case("gateway-day").server(broker)
}

/// A broker that is offline at times.
struct Day {
    samples: Samples,
    rng: Rng,
    /// The times at which it next goes offline and comes back.
    goes_at: Duration,
    back_at: Duration,
    /// It may forget sessions while it is offline.
    forgets: bool,
    /// The number of times it went offline.
    times: u32,
    /// The time of the last event of this broker.
    now: Duration,
}

impl Day {
    fn new(choices: &mut Choices<'_>) -> Self {
        let rng = Rng::with_seed(choices.up_to(u64::from(u32::MAX)));
        let samples = Samples::new(choices);
        let (goes_at, back_at, now) = (Duration::from_secs(60), Duration::ZERO, Duration::ZERO);
        Self { samples, rng, goes_at, back_at, forgets: false, times: 0, now }
    }

    /// Checks, after the day, that the gateway is online, that the broker went offline many times, and that more than
    /// half of the samples of the day were published.
    fn check(&self, app: &Gateway) -> Result<(), String> {
        if self.now < DAY {
            return Err("the day is not over".to_owned());
        }
        if self.samples.host.broker.retained("gateway-1/state") != Some(b"online") {
            return Err("it is not online".to_owned());
        }
        let (next, lost) = (self.samples.next, app.unpublished());
        eprintln!(
            "in a day the broker has gone {} times; {next} samples, {lost} of them not published",
            self.times
        );
        match self.times > 50 && next > 500_000 && lost < next / 2 {
            true => {
                DAYS.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
            false => {
                Err(format!("{next} samples, {lost} not published, gone {} times", self.times))
            }
        }
    }

    fn is_away(&self, now: Duration) -> bool {
        now < self.back_at
    }
}

impl Service for Day {
    fn called(&mut self, at: Duration) -> Result<(), String> {
        self.samples.called(at)
    }

    fn opened(&mut self, session: &mut Session) -> Result<(), String> {
        if self.is_away(session.now()) {
            session.reset();
            return Ok(());
        }
        self.samples.opened(session)
    }

    fn received(&mut self, session: &mut Session) -> Result<(), String> {
        self.now = session.now();
        self.samples.received(session)
    }

    fn wakes_at(&self) -> Option<Duration> {
        let goes_at = self.samples.host.has_client().then_some(self.goes_at);
        self.samples.wakes_at().into_iter().chain(goes_at).min()
    }

    fn going_on(&mut self, session: &mut Session) -> Result<(), String> {
        let now = session.now();
        if now < self.goes_at {
            return self.samples.going_on(session);
        }
        self.times += 1;
        self.back_at = now + Duration::from_secs(self.rng.u64(1..MOST_AWAY));
        self.goes_at = self.back_at + Duration::from_secs(self.rng.u64(10..MOST_THERE));
        match self.rng.bool() {
            true => session.reset(),
            false => session.close(),
        }
        self.forgets = self.rng.bool();
        Ok(())
    }

    fn ended(&mut self, session: &mut Session) {
        self.samples.ended(session);
        if std::mem::take(&mut self.forgets) {
            self.samples.restarted();
        }
    }

    fn restarted(&mut self) {
        self.samples.restarted();
    }
}
