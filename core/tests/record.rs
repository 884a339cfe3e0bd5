//! Recordings: the reports to a base are recorded, stored, dumped as text, and replayed.
#![cfg(feature = "record")]

mod clock;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::task::Poll;
use std::time::Duration;

use picoevent::record::{
    Called, Entries, Entry, Keep, Record, Recording, Replay, ReplayError, Replayed,
};
use picoevent::{
    Action, Backend, ConnEnd, ConnError, ConnMut, Cx, DispatchLimit, End, EventBase, EventFlags,
    EventMut, Instant, Listener, Mode, Pool, Priority, Protocol, Run, Signal, Storage,
};

use clock::Clock;

/// An application that echoes received bytes and counts the ticks of a timer. If `changed` is set, the application
/// sends another answer.
#[derive(Default)]
struct App {
    received: Vec<u8>,
    ticks: u32,
    errors: Vec<ConnError>,
    changed: bool,
    panics_at: u32,
}

impl App {
    fn start(cx: &mut Cx<Self>) -> Listener {
        cx.on_signal(Signal::INT, |_, event| event.exit_after(Duration::from_secs(2))).unwrap();
        cx.every(Duration::from_secs(1), Self::tick).unwrap();
        let pool = cx.add_pool(Pool::rest().rings(8, 16).exchanging()).unwrap();
        cx.listen::<Echo>(address(), pool).unwrap()
    }

    fn tick(&mut self, _: &mut EventMut<Self>) {
        self.ticks += 1;
        assert!(self.ticks != self.panics_at, "the planted bug");
    }
}

/// Echoes once, and closes when the echo is sent.
struct Echo;

impl Protocol<App> for Echo {
    fn readable(app: &mut App, conn: &mut ConnMut<App>) {
        let mut bytes = [0; 16];
        let amount = conn.read(&mut bytes);
        app.received.extend(&bytes[..amount]);
        let answer = if app.changed { &b"other"[..] } else { &bytes[..amount] };
        conn.write(answer).unwrap();
    }

    fn writable(_: &mut App, conn: &mut ConnMut<App>) {
        conn.close();
    }

    fn eof(_: &mut App, conn: &mut ConnMut<App>) {
        conn.abort();
    }

    fn ended(app: &mut App, _: &mut ConnMut<App>, end: ConnEnd) {
        if let ConnEnd::Failed(error) = end {
            app.errors.push(error);
        }
    }
}

fn address() -> SocketAddr {
    "[::]:9995".parse().unwrap()
}

type Memory = Storage<App, 4, 2, 64, 1, 1, 2>;

/// A back end whose wait ends at the time `wakes`. After the wait it calls `report` once.
struct Script<F> {
    now: Instant,
    wakes: Instant,
    report: Option<F>,
}

impl<F: FnOnce(&mut EventBase<App>)> Backend<App> for Script<F> {
    type Error = Infallible;

    fn now(&mut self) -> Instant {
        self.now
    }

    fn act(&mut self, _: Action, _: &mut EventBase<App>) -> Result<(), Infallible> {
        Ok(())
    }

    fn wait(&mut self, _: Instant, _: &mut EventBase<App>) -> Poll<Result<(), Infallible>> {
        self.now = self.wakes;
        Poll::Ready(Ok(()))
    }

    fn report(&mut self, base: &mut EventBase<App>) {
        if let Some(report) = self.report.take() {
            report(base);
        }
    }
}

/// Runs one iteration. The wait ends at `second` seconds, and then `report` is called.
fn iterate(
    base: &mut EventBase<App>,
    app: &mut App,
    second: u64,
    report: impl FnOnce(&mut EventBase<App>),
) -> Option<End> {
    let wakes = Instant::from_micros(second * 1_000_000);
    let mut script = Script { now: base.now(), wakes, report: Some(report) };
    let Poll::Ready(Ok(end)) = base.iterate(app, &mut script) else { panic!("the wait is over") };
    end
}

/// Runs the application as a device would run it, with a recording.
fn field(recording: &'static dyn Record, app: &mut App) {
    let mut storage = Memory::new();
    let mut base = EventBase::new(&mut storage);
    base.record_to(recording);
    let listener = App::start(&mut base);
    base.begin(Run::DEFAULT);
    let peer = |port| SocketAddr::from(([192, 0, 2, 1], port));
    iterate(&mut base, app, 1, |base| _ = base.accepted(listener, peer(5000)).unwrap());
    let conn = base.accepted(listener, "[fe80::1%3]:4000".parse().unwrap()).unwrap();
    iterate(&mut base, app, 2, |_| {});
    iterate(&mut base, app, 3, |base| {
        let (room, _) = base.input(conn).unwrap();
        room[..5].copy_from_slice(b"hello");
        base.received(conn, 5);
    });
    iterate(&mut base, app, 4, |base| base.sent(conn, 5));
    iterate(&mut base, app, 5, |base| {
        base.delivered(conn);
        base.peer_finished(conn);
    });
    iterate(&mut base, app, 6, |base| {
        assert!(base.accepted(listener, peer(5001)).is_ok());
        base.raised(Signal::INT, 2);
    });
    iterate(&mut base, app, 8, |_| {});
    assert_eq!(iterate(&mut base, app, 8, |_| {}), Some(End::Exit));
}

/// Returns the bytes of a dumped recording.
fn bytes<const BYTES: usize>(recording: &Recording<BYTES>) -> Vec<u8> {
    let mut bytes = Vec::new();
    recording.dump(|line| {
        if let Some(data) = line.strip_prefix("picoevent-recorded ") {
            let hex = data.split(' ').nth(1).unwrap();
            let digits = (0..hex.len()).step_by(2).map(|at| &hex[at..at + 2]);
            bytes.extend(digits.map(|byte| u8::from_str_radix(byte, 16).unwrap()));
        }
    });
    bytes
}

fn again<'r>(recorded: &'r [u8], app: &mut App) -> Result<Option<End>, ReplayError<'r>> {
    let mut storage = Memory::new();
    let mut base = EventBase::new(&mut storage);
    App::start(&mut base);
    Replay::new(recorded)?.finish(&mut base, app)
}

#[test]
fn a_replay_repeats_the_recorded_run() {
    static RECORDING: Recording<1024> = Recording::new(Keep::First);
    let (mut app, mut second) = (App::default(), App::default());
    field(&RECORDING, &mut app);
    assert_eq!(again(&bytes(&RECORDING), &mut second), Ok(Some(End::Exit)));
    assert_eq!((second.received, second.ticks), (app.received, app.ticks));
    assert_eq!(second.ticks, 7);
}

#[test]
fn the_first_difference_is_reported_with_its_iteration() {
    static RECORDING: Recording<1024> = Recording::new(Keep::First);
    field(&RECORDING, &mut App::default());
    let mut changed = App { changed: true, ..App::default() };
    let bytes = bytes(&RECORDING);
    let Err(ReplayError::Difference(difference)) = again(&bytes, &mut changed) else {
        panic!("it is another application");
    };
    assert_eq!(difference.iteration, 4);
    let text = difference.to_string();
    assert!(
        text.starts_with("iteration 4: the recording has \"conn 1.1 sent 5 bytes (sum "),
        "{text}"
    );
    assert!(text.contains("now it is \"conn 1.1 sent 5 bytes (sum "), "{text}");
}

#[test]
fn a_callback_that_panics_is_the_last_entry_and_panics_again() {
    static RECORDING: Recording<1024> = Recording::new(Keep::First);
    let buggy = || App { panics_at: 4, ..App::default() };
    std::panic::catch_unwind(|| field(&RECORDING, &mut buggy())).unwrap_err();
    let bytes = bytes(&RECORDING);
    let last = Entries::of(&bytes).last().unwrap().unwrap();
    assert!(matches!(last, (4, Entry::Call(Called::Event(_)))), "{last:?}");
    let mut app = buggy();
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| again(&bytes, &mut app).is_ok()))
        .unwrap_err();
    assert_eq!(app.ticks, 4);
    // `App::default()` does not panic at the fourth tick. So the replay with this application continues to the end of
    // the recording.
    assert_eq!(again(&bytes, &mut App::default()), Ok(None));
}

#[test]
fn the_first_bytes_are_kept_until_there_is_no_room() {
    static WHOLE: Recording<1024> = Recording::new(Keep::First);
    static SHORT: Recording<100> = Recording::new(Keep::First);
    field(&WHOLE, &mut App::default());
    field(&SHORT, &mut App::default());
    let (whole, short) = (bytes(&WHOLE), bytes(&SHORT));
    assert!(short.len() <= 100 && whole.starts_with(&short));
    assert_eq!(again(&short, &mut App::default()), Ok(None));
    let mut end = String::new();
    SHORT.dump(|line| end = line.to_owned());
    let words: Vec<_> = end.split(' ').collect();
    assert_eq!(words[..3], ["picoevent-recorded-end", &short.len().to_string(), "0"]);
    assert_ne!(words[3], "0");
}

#[test]
fn the_last_iterations_are_kept_whole_and_cannot_be_replayed() {
    static WHOLE: Recording<1024> = Recording::new(Keep::First);
    static LAST: Recording<100> = Recording::new(Keep::Last);
    field(&WHOLE, &mut App::default());
    field(&LAST, &mut App::default());
    let (whole, last) = (bytes(&WHOLE), bytes(&LAST));
    assert!(!last.is_empty() && last.len() <= 100 && whole.ends_with(&last));
    assert_eq!(Entries::of(&last).next(), Some(Ok((1, Entry::Prepare))));
    assert_eq!(again(&last, &mut App::default()), Err(ReplayError::NotFromTheStart));
}

/// Records a run with room for `BYTES` bytes. Checks that the stored entries are the last entries of the whole run,
/// that their iterations have the same numbers as in the whole run, and that each missing entry is counted.
fn check_the_last<const BYTES: usize>() {
    let whole: &Recording<1024> = Box::leak(Box::new(Recording::new(Keep::First)));
    let last: &Recording<BYTES> = Box::leak(Box::new(Recording::new(Keep::Last)));
    field(whole, &mut App::default());
    field(last, &mut App::default());
    let mut end = String::new();
    last.dump(|line| end = line.to_owned());
    let numbers: Vec<u32> = end.split(' ').skip(2).map_while(|word| word.parse().ok()).collect();
    let (whole, last) = (bytes(whole), bytes(last));
    let whole: Vec<_> = Entries::of(&whole).map(Result::unwrap).collect();
    let last: Vec<_> = Entries::of(&last).map(Result::unwrap).collect();
    let last: Vec<_> =
        last.iter().map(|(iteration, entry)| (iteration + numbers[0], *entry)).collect();
    let (missing, kept) = whole.split_at(whole.len() - last.len());
    assert_eq!(last, kept, "with {BYTES} bytes");
    let cut = missing.iter().filter(|(iteration, _)| *iteration == numbers[0] + 1).count();
    assert_eq!(numbers[1] as usize, cut, "with {BYTES} bytes: {end}");
}

#[test]
fn the_last_iterations_keep_their_numbers_and_missing_entries_are_counted() {
    check_the_last::<1>();
    check_the_last::<4>();
    check_the_last::<10>();
    check_the_last::<20>();
    check_the_last::<30>();
    check_the_last::<40>();
    check_the_last::<50>();
    check_the_last::<100>();
    check_the_last::<1024>();
}

#[test]
fn an_entry_that_is_longer_than_the_recording_is_dropped_and_counted() {
    let recording = Recording::<8>::new(Keep::Last);
    let network = |length| Entry::Network(&[7; 9][..length]);
    for entry in [Entry::Passed, Entry::Prepare, network(9), Entry::Overdue, network(3)] {
        recording.record(&entry);
    }
    let mut end = String::new();
    recording.dump(|line| end = line.to_owned());
    assert!(end.starts_with("picoevent-recorded-end 6 1 2 "), "{end}");
    assert_eq!(Entries::of(&bytes(&recording)).next(), Some(Ok((1, Entry::Overdue))));
    // The next entry, `Passed`, ends the incomplete iteration, and the entries of this iteration are dropped. No entry
    // of the next iteration is missing, so the dump contains 0 missing entries.
    for entry in [Entry::Passed, Entry::Prepare, network(3)] {
        recording.record(&entry);
    }
    recording.dump(|line| end = line.to_owned());
    assert!(end.starts_with("picoevent-recorded-end 6 2 0 "), "{end}");
}

#[test]
fn a_garbled_recording_is_refused_before_anything_is_replayed() {
    static RECORDING: Recording<1024> = Recording::new(Keep::First);
    field(&RECORDING, &mut App::default());
    let whole = bytes(&RECORDING);
    let mut app = App::default();
    let mut garbled = whole.clone();
    // The last entry is the end of the loop. This entry has two bytes.
    let at = garbled.len() - 2;
    garbled[at] = 0xee;
    assert_eq!(again(&garbled, &mut app), Err(ReplayError::Garbled { at }));
    assert_eq!((app.ticks, app.received), (0, Vec::new()));
    // A replay returns a result for any bytes; it does not panic.
    for index in 0..whole.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut garbled = whole.clone();
            garbled[index] = value;
            let _ = again(&garbled, &mut App::default());
            let _ = again(&garbled[..index], &mut App::default());
        }
    }
}

#[test]
fn a_base_of_other_sizes_is_refused_and_one_of_the_recorded_sizes_can_be_made() {
    static RECORDING: Recording<1024> = Recording::new(Keep::First);
    field(&RECORDING, &mut App::default());
    let bytes = bytes(&RECORDING);
    let mut storage = Storage::<App, 8, 8, 1024, 2, 1, 2>::new();
    let mut base = EventBase::new(&mut storage);
    let mut replay = Replay::new(&bytes).unwrap();
    let refused = replay.run(&mut base, &mut App::default());
    assert!(matches!(refused, Err(ReplayError::OtherSizes { .. })), "{refused:?}");
    let mut base = EventBase::of_sizes((&mut storage).into(), replay.sizes()).unwrap();
    App::start(&mut base);
    let mut app = App::default();
    assert_eq!(replay.listens_on(), Some(address()));
    assert_eq!(replay.run(&mut base, &mut app), Ok(Replayed::Ended(End::Exit)));
    assert_eq!(replay.run(&mut base, &mut app), Ok(Replayed::Over));
    let mut small = Storage::<App, 1, 1, 16>::new();
    assert!(EventBase::of_sizes((&mut small).into(), replay.sizes()).is_none());
}

#[test]
fn times_between_callbacks_are_replayed() {
    static RECORDING: Recording<1024> = Recording::new(Keep::First);
    struct Busy(Vec<u64>);
    let call = |busy: &mut Busy, event: &mut EventMut<Busy>| {
        busy.0.push(event.now().as_micros());
    };
    let start = |base: &mut EventBase<Busy>| {
        let time = Some(Duration::from_millis(1));
        let limit = DispatchLimit { callbacks: None, time, priority: Priority::default() };
        base.set_dispatch_limit(Some(limit));
        for _ in 0..3 {
            let event = base.new_timer(Mode::OneShot, call).unwrap();
            base.event(event).unwrap().activate(EventFlags::READ);
        }
    };
    let mut storage = Storage::<Busy, 4, 0, 0>::new();
    let mut base = EventBase::new(&mut storage);
    base.record_to(&RECORDING);
    start(&mut base);
    let mut busy = Busy(Vec::new());
    let work = Duration::from_micros(100);
    assert!(base.iterate(&mut busy, &mut Clock { work, ..Clock::at(Instant::ZERO) }).is_ready());
    let bytes = bytes(&RECORDING);
    let mut storage = Storage::<Busy, 4, 0, 0>::new();
    let mut base = EventBase::new(&mut storage);
    start(&mut base);
    let mut again = Busy(Vec::new());
    assert_eq!(Replay::new(&bytes).unwrap().finish(&mut base, &mut again), Ok(None));
    assert_eq!(again.0, busy.0);
    assert_eq!(again.0, [0, 100, 200]);
}

#[test]
fn a_replay_compares_the_pools_that_were_added_before_the_recording() {
    static RECORDING: Recording<1024> = Recording::new(Keep::First);
    let pools = [8, 4].map(|size| Pool::new(1).rings(size, size));
    let mut storage = Storage::<App, 1, 2, 64, 1, 2>::new();
    let mut base = EventBase::new(&mut storage);
    base.add_pool(pools[0]).unwrap();
    base.record_to(&RECORDING);
    base.add_pool(pools[1]).unwrap();
    let bytes = bytes(&RECORDING);
    let mut replay = Replay::new(&bytes).unwrap();
    let mut storage = Storage::<App, 1, 2, 64, 1, 2>::new();
    let mut base = EventBase::new(&mut storage);
    for pool in pools {
        base.add_pool(pool).unwrap();
    }
    assert_eq!(replay.finish(&mut base, &mut App::default()), Ok(None));
}

#[test]
fn an_exit_at_the_start_is_replayed_if_the_recording_begins_at_a_later_time() {
    static RECORDING: Recording<1024> = Recording::new(Keep::First);
    let mut app = App::default();
    let mut storage = Memory::new();
    let mut base = EventBase::new(&mut storage);
    base.advance(Instant::from_micros(7));
    base.record_to(&RECORDING);
    App::start(&mut base);
    base.exit();
    base.begin(Run::DEFAULT);
    assert_eq!(iterate(&mut base, &mut app, 1, |_| {}), None);
    assert_eq!(iterate(&mut base, &mut app, 1, |_| {}), Some(End::Exit));
    let bytes = bytes(&RECORDING);
    let mut replay = Replay::new(&bytes).unwrap();
    let mut storage = Memory::new();
    let mut base = EventBase::new(&mut storage);
    replay.prepare(&mut base);
    App::start(&mut base);
    base.exit();
    assert_eq!(replay.finish(&mut base, &mut app), Ok(Some(End::Exit)));
}

/// Has an idle timeout of two seconds. When input arrives, sets a timer that expires at the same time.
struct Timed;

impl Protocol<App> for Timed {
    fn opened(_: &mut App, conn: &mut ConnMut<App>) {
        conn.set_timeouts(Some(Duration::from_secs(2)), None);
    }

    fn readable(_: &mut App, conn: &mut ConnMut<App>) {
        conn.consume(usize::MAX);
        conn.cx().after(Duration::from_secs(2), App::tick).unwrap();
    }
}

/// Two deadlines are equal. Whether the back end asks for the deadline decides which callback is called first.
#[test]
fn a_back_end_that_asks_for_the_deadline_is_replayed() {
    static RECORDING: Recording<1024> = Recording::new(Keep::First);
    let start = |base: &mut EventBase<App>| {
        let pool = base.add_pool(Pool::rest().rings(8, 8)).unwrap();
        base.listen::<Timed>(address(), pool).unwrap()
    };
    let mut app = App::default();
    let mut storage = Memory::new();
    let mut base = EventBase::new(&mut storage);
    base.record_to(&RECORDING);
    let listener = start(&mut base);
    let conn = base.accepted(listener, address()).unwrap();
    iterate(&mut base, &mut app, 0, |_| {});
    iterate(&mut base, &mut app, 1, |base| {
        base.received(conn, 1);
        assert_eq!(base.deadline(), Some(Instant::from_micros(3_000_000)));
    });
    iterate(&mut base, &mut app, 3, |_| {});
    assert_eq!(app.ticks, 1);
    let bytes = bytes(&RECORDING);
    let mut storage = Memory::new();
    let mut base = EventBase::new(&mut storage);
    start(&mut base);
    assert_eq!(Replay::new(&bytes).unwrap().finish(&mut base, &mut app), Ok(None));
}
