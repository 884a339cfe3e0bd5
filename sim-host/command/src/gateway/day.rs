//! A test case in which the gateway runs for a day. During this day, its broker goes offline and comes back many times.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use fastrand::Rng;
use gateway::Gateway;
use picoevent_sim::world::{Choices, Server, Service, Session, TestCase};

use super::online::{Samples, case};
use crate::servers::broker;

/// The time during which the broker goes offline and comes back.
const DAY: Duration = Duration::from_secs(24 * 3_600);
/// The time after the day within which the gateway must be online. It is longer than the broker's last time offline
/// plus the time until the gateway has reconnected.
const BACK_WITHIN: Duration = Duration::from_secs(1_200);
/// The broker stays online for less than `MAX_ONLINE` seconds, and offline for less than `MAX_OFFLINE` seconds.
const MAX_ONLINE: u64 = 1_800;
const MAX_OFFLINE: u64 = 600;

/// The number of complete days without a failure, in all simulations of this process.
static DAYS: AtomicU32 = AtomicU32::new(0);

/// Returns the number of simulations of [`gateway_day`] that have lasted the whole day. In the other simulations, the
/// gateway was interrupted earlier.
pub fn days() -> u32 {
    DAYS.load(Ordering::Relaxed)
}

/// Returns the test case that runs the gateway for a day. A simulation takes minutes, so the command does not list this
/// test case.
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
    /// The time at which the broker next goes offline, and the time at which the broker then comes back.
    offline_at: Duration,
    online_at: Duration,
    /// The broker may forget the client's session when the connection ends.
    forgets: bool,
    /// The number of times that the broker went offline.
    outages: u32,
    /// The time of the last event of this broker.
    now: Duration,
}

impl Day {
    fn new(choices: &mut Choices<'_>) -> Self {
        let rng = Rng::with_seed(choices.up_to(u64::from(u32::MAX)));
        let samples = Samples::new(choices);
        let (offline_at, online_at, now) =
            (Duration::from_secs(60), Duration::ZERO, Duration::ZERO);
        Self { samples, rng, offline_at, online_at, forgets: false, outages: 0, now }
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
            "in a day the broker went offline {} times; {next} samples, {lost} of them not \
             published",
            self.outages
        );
        match self.outages > 50 && next > 500_000 && lost < next / 2 {
            true => {
                DAYS.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
            false => {
                Err(format!("{next} samples, {lost} not published, offline {} times", self.outages))
            }
        }
    }

    fn is_offline(&self, now: Duration) -> bool {
        now < self.online_at
    }
}

impl Service for Day {
    fn connecting(&mut self, at: Duration) -> Result<(), String> {
        self.samples.connecting(at)
    }

    fn opened(&mut self, session: &mut Session) -> Result<(), String> {
        if self.is_offline(session.now()) {
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
        let offline_at = self.samples.host.has_client().then_some(self.offline_at);
        self.samples.wakes_at().into_iter().chain(offline_at).min()
    }

    fn poll(&mut self, session: &mut Session) -> Result<(), String> {
        let now = session.now();
        if now < self.offline_at {
            return self.samples.poll(session);
        }
        self.outages += 1;
        self.online_at = now + Duration::from_secs(self.rng.u64(1..MAX_OFFLINE));
        self.offline_at = self.online_at + Duration::from_secs(self.rng.u64(10..MAX_ONLINE));
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
