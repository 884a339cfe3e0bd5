//! Random bytes: a base without a seed returns an error, equal seeds give equal bytes, and a replay gives the recorded
//! bytes.

use picoevent::{EventBase, Storage, UnseededError};

type TestStorage = Storage<(), 1, 0, 0, 0>;

fn random_bytes(base: &mut EventBase<'_, ()>) -> [u8; 100] {
    let mut bytes = [0; 100];
    base.random(&mut bytes).unwrap();
    bytes
}

#[test]
fn without_a_seed_random_fails_and_writes_nothing() {
    let mut storage = TestStorage::new();
    let mut base = EventBase::new(&mut storage);
    let mut bytes = [0xa5; 8];
    assert_eq!(base.random(&mut bytes), Err(UnseededError));
    assert_eq!((base.random_u32(), bytes), (Err(UnseededError), [0xa5; 8]));
    base.seed(&[0; 32]);
    assert!(!base.is_seeded(), "zeros are no seed");
    assert_eq!(base.random(&mut bytes), Err(UnseededError));
}

#[test]
fn the_same_seed_generates_the_same_bytes_and_another_seed_other_bytes() {
    let mut storages = [const { TestStorage::new() }; 3];
    let [first, again, other] = storages.each_mut().map(|storage| {
        let mut base = EventBase::new(storage);
        base.seed(&[1; 32]);
        base
    });
    let (mut first, mut again, mut other) = (first, again, other);
    assert_eq!(random_bytes(&mut first), random_bytes(&mut again));
    assert_ne!(
        random_bytes(&mut first),
        random_bytes(&mut other),
        "the second answer is not the first"
    );
    // Only the first seed is used.
    again.seed(&[2; 32]);
    let second = random_bytes(&mut again);
    assert_eq!(random_bytes(&mut other), second);
}

#[test]
fn a_seed_that_differs_in_one_bit_gives_other_bytes() {
    let bytes_of = |bit: usize| {
        let mut storage = TestStorage::new();
        let mut base = EventBase::new(&mut storage);
        let mut seed = [7; 32];
        seed[bit / 8] ^= 1 << (bit % 8);
        base.seed(&seed);
        random_bytes(&mut base)
    };
    let all: std::collections::HashSet<_> = (0..256).map(bytes_of).collect();
    assert_eq!(all.len(), 256);
}

#[test]
fn every_bit_is_set_about_as_often_as_not() {
    let mut storage = TestStorage::new();
    let mut base = EventBase::new(&mut storage);
    base.seed(&[3; 32]);
    let mut counts = [0; 32];
    for _ in 0..10_000 {
        let number = base.random_u32().unwrap();
        (0..32).for_each(|bit| counts[bit] += number >> bit & 1);
    }
    // The bounds are ten standard deviations from the mean.
    assert!(counts.iter().all(|count| (4_500..5_500).contains(count)), "{counts:?}");
}

#[cfg(feature = "record")]
mod recorded {
    use std::sync::Mutex;

    use picoevent::record::{Entry, Record, Replay};
    use picoevent::{Cx, EventFlags, Mode, Run};

    use super::*;

    struct Kept(Mutex<Vec<u8>>);

    impl Record for Kept {
        fn record(&self, entry: &Entry<'_>) {
            entry.encode(|part| self.0.lock().unwrap().extend(part));
        }
    }

    /// An application that requests one random number at its start and one in a callback.
    #[derive(Default, PartialEq, Debug)]
    struct App(Vec<u32>);

    impl App {
        fn start(&mut self, cx: &mut Cx<Self>) {
            self.0.extend(cx.random_u32().ok());
            let event = cx.new_timer(Mode::Persist, |app: &mut Self, event| {
                app.0.extend(event.random_u32().ok());
            });
            cx.event(event.unwrap()).unwrap().activate(EventFlags::TIMEOUT);
        }
    }

    type AppStorage = Storage<App, 1, 0, 0, 0>;

    /// Runs the application. The base gets its seed before or after the recording begins. Returns the recording.
    fn field(seeded_first: bool, app: &mut App) -> Vec<u8> {
        let kept = Kept(Mutex::default());
        let mut storage = AppStorage::new();
        let mut base = EventBase::new(&mut storage);
        if seeded_first {
            base.seed(&[5; 32]);
            // The recording begins after this request. So the recording must store the state that the generator has
            // after this request.
            base.random_u32().unwrap();
        }
        base.record_to(&kept);
        base.seed(&[5; 32]);
        app.start(&mut base);
        base.begin(Run::DEFAULT);
        base.dispatch(app);
        kept.0.into_inner().unwrap()
    }

    #[test]
    fn a_replay_generates_the_same_random_bytes() {
        for seeded_first in [false, true] {
            let mut app = App::default();
            let bytes = field(seeded_first, &mut app);
            assert_eq!(app.0.len(), 2);
            let mut again = App::default();
            let mut storage = AppStorage::new();
            let mut base = EventBase::new(&mut storage);
            let mut replay = Replay::new(&bytes).unwrap();
            replay.prepare(&mut base);
            again.start(&mut base);
            replay.finish(&mut base, &mut again).unwrap();
            assert_eq!(again, app);
        }
    }

    #[test]
    fn a_recording_without_a_seed_leaves_the_base_without_one() {
        let kept = Kept(Mutex::default());
        let mut storage = AppStorage::new();
        EventBase::new(&mut storage).record_to(&kept);
        let bytes = kept.0.into_inner().unwrap();
        let mut base = EventBase::new(&mut storage);
        Replay::new(&bytes).unwrap().prepare(&mut base);
        assert!(!base.is_seeded());
    }
}
