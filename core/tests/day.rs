//! Timers over a whole day, clock jumps, and the end of the clock's range.

mod clock;

use std::task::Poll;
use std::time::Duration;

use picoevent::{End, Event, EventBase, EventFlags, EventMut, Instant, Mode, Storage, Wait};

use clock::Clock;

const TIMERS: usize = 1_000;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The period of each timer, and the number of times that the timer has fired.
struct Day {
    periods: Vec<Duration>,
    fired: Vec<u32>,
}

impl Day {
    /// Makes periods from ten seconds to one hour, with a resolution of one microsecond. Every tenth
    /// period is one minute.
    fn new() -> Self {
        let mut random = 0x9E37_79B9_7F4A_7C15_u64;
        let periods = (0..TIMERS).map(|timer| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let micros = 10_000_000 + random % (3_590 * 1_000_000);
            Duration::from_micros(if timer % 10 == 0 { 60_000_000 } else { micros })
        });
        Self { periods: periods.collect(), fired: vec![0; TIMERS] }
    }

    /// The timer's callback, which must run exactly at its next deadline.
    fn expire(&mut self, event: &mut EventMut<Self>) {
        let timer = event.user() as usize;
        self.fired[timer] += 1;
        let due = Instant::ZERO.after(self.periods[timer] * self.fired[timer]);
        assert_eq!((event.now(), event.what()), (due, EventFlags::TIMEOUT), "timer {timer}");
    }
}

/// Runs the loop with an exact clock.
fn run<A>(base: &mut EventBase<A>, app: &mut A) -> End {
    let mut clock = Clock::at(base.now());
    loop {
        if let Poll::Ready(Ok(Some(end))) = base.iterate(app, &mut clock) {
            return end;
        }
    }
}

#[test]
fn a_thousand_timers_keep_their_periods_for_a_day() {
    let mut storage = Box::new(Storage::<Day, TIMERS, 0, 0>::new());
    let mut base = EventBase::new(&mut storage);
    let mut day = Day::new();
    for (timer, period) in day.periods.iter().enumerate() {
        let event = base.new_timer(Mode::Persist, Day::expire).unwrap();
        let mut event = base.event(event).unwrap();
        event.set_user(timer as u32);
        event.add(Some(*period)).unwrap();
    }
    base.exit_after(DAY);
    assert_eq!(run(&mut base, &mut day), End::Exit);
    assert_eq!(base.now(), Instant::ZERO.after(DAY));
    let expected: Vec<_> =
        day.periods.iter().map(|period| (DAY.as_micros() / period.as_micros()) as u32).collect();
    assert_eq!(day.fired, expected, "no period is lost and none comes twice");
    assert!(expected.iter().sum::<u32>() > 100_000);
}

/// The data words of the events that were called, in order.
#[derive(Default)]
struct Calls(Vec<u32>);

impl Calls {
    fn record(&mut self, event: &mut EventMut<Self>) {
        let user = event.user();
        self.0.push(user);
    }

    fn take(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.0)
    }
}

fn timer(base: &mut EventBase<Calls>, mode: Mode, user: u32, delay: Duration) -> Event {
    let event = base.new_timer(mode, Calls::record).unwrap();
    base.event(event).unwrap().set_user(user).add(Some(delay)).unwrap();
    event
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn after_a_jump_everything_due_fires_once() {
    let mut storage = Box::new(Storage::<Calls, 8, 0, 0>::new());
    let (mut base, mut app) = (EventBase::new(&mut storage), Calls::default());
    timer(&mut base, Mode::Persist, 1, SECOND);
    timer(&mut base, Mode::Persist, 2, 7 * SECOND);
    timer(&mut base, Mode::OneShot, 3, 3600 * SECOND);
    timer(&mut base, Mode::OneShot, 4, 2 * DAY);
    let jumped = Instant::ZERO.after(DAY);
    base.advance(jumped);
    base.dispatch(&mut app);
    assert_eq!(app.take(), [1, 2, 3], "no burst for what was missed");
    assert_eq!(base.deadline(), Some(jumped.after(SECOND)), "and the periods go on from here");
    base.advance(jumped);
    base.dispatch(&mut app);
    assert_eq!(app.take(), []);
}

#[test]
fn a_clock_that_goes_back_is_ignored() {
    let mut storage = Box::new(Storage::<Calls, 8, 0, 0>::new());
    let (mut base, mut app) = (EventBase::new(&mut storage), Calls::default());
    timer(&mut base, Mode::Persist, 1, SECOND);
    let ahead = Instant::ZERO.after(10 * SECOND);
    base.advance(ahead);
    base.dispatch(&mut app);
    for back in [Instant::ZERO, Instant::ZERO.after(9 * SECOND)] {
        base.advance(back);
        base.dispatch(&mut app);
        assert_eq!(base.now(), ahead);
    }
    assert_eq!((app.take(), base.deadline()), (vec![1], Some(ahead.after(SECOND))));
}

/// A deadline beyond the end of the clock is set to the end. At the end all timers with that deadline are due, in the
/// order in which they were armed. A persistent timer cannot get a later deadline, so it is due once in each pass,
/// like a timer with an interval of zero.
#[test]
fn at_the_end_of_the_clock_all_timers_are_due() {
    let mut storage = Box::new(Storage::<Calls, 8, 0, 0>::new());
    let (mut base, mut app) = (EventBase::new(&mut storage), Calls::default());
    let close = Instant::from_micros(u64::MAX - 5_000_000);
    base.advance(close);
    timer(&mut base, Mode::OneShot, 1, Duration::MAX);
    timer(&mut base, Mode::Persist, 2, 3 * SECOND);
    timer(&mut base, Mode::OneShot, 3, 6 * SECOND);
    base.exit_after(Duration::MAX);
    assert_eq!(base.wait(), Wait::Until(close.after(3 * SECOND)));
    base.advance(close.after(3 * SECOND));
    base.dispatch(&mut app);
    assert_eq!(app.take(), [2]);
    assert_eq!(base.wait(), Wait::Until(Instant::MAX));
    base.advance(Instant::from_micros(u64::MAX - 1));
    base.dispatch(&mut app);
    assert_eq!(app.take(), [], "not even here is anything early");
    base.advance(Instant::MAX);
    base.dispatch(&mut app);
    assert_eq!(app.take(), [1, 3, 2]);
    assert_eq!(base.wait(), Wait::Ended(End::Exit));
    for _ in 0..3 {
        assert_eq!(base.wait(), Wait::Not);
        base.advance(Instant::MAX);
        base.dispatch(&mut app);
        assert_eq!(app.take(), [2]);
    }
}
