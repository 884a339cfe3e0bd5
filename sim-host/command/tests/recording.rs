//! Tests of recordings of the examples. The recordings are made on real sockets and in simulations. They are replayed,
//! or refused.

use std::cell::RefCell;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::{fs, thread};

use hello_world::Hello;
use log::{LevelFilter, Log, Metadata};
use picoevent::record::{Entry, Keep, Record, Recording};
use picoevent::{ConnMut, Cx, End, EventBase, Pool, Protocol, Signal, Storage, Trigger};
use picoevent_mio::Live;
use picoevent_sim::recording::{Recorded, RecordingFile};
use picoevent_sim::world::{AnyTestCase, Simulator, TestCase};
use picoevent_sim_command::{echo, hello_world};

thread_local! {
    /// The log lines of applications that run on this thread, or on a thread that shares this list.
    static LINES: RefCell<Arc<Mutex<Vec<String>>>> = RefCell::default();
}

struct Lines;

impl Log for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let lines = LINES.with_borrow(Arc::clone);
        lines.lock().unwrap().push(record.args().to_string());
    }

    fn flush(&self) {}
}

/// Runs `work`. Returns the result of `work`, and the lines that were logged on this thread while it ran.
fn with_log<T>(work: impl FnOnce() -> T) -> (T, Vec<String>) {
    // All tests set the same logger. Only the first call succeeds, and the errors of the other calls are ignored.
    let _ = log::set_logger(&Lines);
    log::set_max_level(LevelFilter::Info);
    LINES.set(Arc::default());
    let done = work();
    let lines = LINES.with_borrow(|lines| lines.lock().unwrap().clone());
    (done, lines)
}

/// Stores a recording in memory while the recording is made.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn recorder(&self) -> RecordingFile {
        RecordingFile::new(self.clone()).unwrap()
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// The clients' pool. It has all connections and all ring memory of the storage.
const CLIENTS: Pool = Pool::rest().rings(64, 64);

/// Runs an application on real sockets, and returns a recording of it. The clients run on another thread.
fn live<A>(
    app: &mut A,
    start: impl FnOnce(&mut Cx<'_, A>, SocketAddr) -> picoevent::Listener,
    trigger: &'static Trigger,
    clients: impl FnOnce(SocketAddr) + Send,
) -> String {
    let (shared, mut storage) = (Shared::default(), Storage::<A, 4, 8, 1024>::new());
    let recorder = shared.recorder();
    let mut base = EventBase::new(&mut storage);
    base.record_to(&recorder);
    let listener = start(&mut base, SocketAddr::from(([127, 0, 0, 1], 0)));
    let mut live = Live::new().unwrap();
    live.add_trigger(trigger);
    live.settle(&mut base).unwrap();
    let address = live.local_addr(listener).unwrap();
    thread::scope(|scope| {
        scope.spawn(move || {
            clients(address);
            trigger.raise();
        });
        assert_eq!(live.run(&mut base, app).unwrap(), End::Exit);
    });
    recorder.finish().unwrap();
    shared.text()
}

fn exchange(address: SocketAddr, words: &[u8]) -> Vec<u8> {
    let mut client = TcpStream::connect(address).unwrap();
    client.write_all(words).unwrap();
    let mut received = Vec::new();
    client.read_to_end(&mut received).unwrap();
    received
}

#[test]
fn hello_world_on_real_sockets_logs_the_same_in_the_replay() {
    static INTERRUPT: Trigger = Trigger::new(Signal::INT);
    let clients = |address| {
        for _ in 0..20 {
            assert_eq!(exchange(address, b""), b"Hello, World!\n");
        }
    };
    let start = |cx: &mut Cx<'_, Hello>, address| Hello::start(cx, address, CLIENTS).unwrap();
    let (log, first) = with_log(|| live(&mut Hello::default(), start, &INTERRUPT, clients));
    assert_eq!(first.iter().filter(|line| *line == "flushed answer").count(), 20);
    let recorded = Recorded::read(&log).unwrap();
    let again = || {
        let mut storage = Storage::<Hello, 4, 8, 1024>::new();
        let mut base = EventBase::new(&mut storage);
        Hello::start(&mut base, SocketAddr::from(([127, 0, 0, 1], 0)), CLIENTS).unwrap();
        recorded.replay(&mut base, &mut Hello::default())
    };
    let (end, second) = with_log(again);
    assert_eq!(end, Ok(Some(End::Exit)));
    assert_eq!(second, first);
    // The test case replays the recording in a storage of another size.
    assert_eq!(hello_world().replay_recording(&recorded), Ok(Some(End::Exit)));
}

/// Answers a line with the number of letters in the line. Panics if a line has more than nine letters.
#[derive(Default)]
struct Counter;

impl Counter {
    fn start(cx: &mut Cx<'_, Self>, address: SocketAddr, clients: Pool) -> picoevent::Listener {
        cx.on_signal(Signal::INT, |_, event| event.exit()).unwrap();
        let clients = cx.add_pool(clients).unwrap();
        cx.listen::<Self>(address, clients).unwrap()
    }
}

impl Protocol<Self> for Counter {
    fn readable(_: &mut Self, conn: &mut ConnMut<'_, '_, Self>) {
        let Some(letters) = conn.find(b"\n") else { return };
        assert!(letters < 10, "{letters} letters");
        conn.consume(usize::MAX);
        conn.write(&[b'0' + letters as u8]).unwrap();
    }

    fn writable(_: &mut Self, conn: &mut ConnMut<'_, '_, Self>) {
        conn.close();
    }
}

#[test]
fn a_panic_in_the_field_is_repeated_in_the_replay() {
    let (shared, mut storage) = (Shared::default(), Storage::<Counter, 4, 2, 256>::new());
    let recorder = shared.recorder();
    let field = std::panic::AssertUnwindSafe(|| {
        let mut base = EventBase::new(&mut storage);
        base.record_to(&recorder);
        let listener = Counter::start(&mut base, SocketAddr::from(([127, 0, 0, 1], 0)), CLIENTS);
        let mut live = Live::new().unwrap();
        live.settle(&mut base).unwrap();
        let address = live.local_addr(listener).unwrap();
        thread::scope(|scope| {
            scope.spawn(move || {
                assert_eq!(exchange(address, b"seven..\n"), b"7");
                let mut last = TcpStream::connect(address).unwrap();
                last.write_all(b"more than nine\n").unwrap();
            });
            let _ = live.run(&mut base, &mut Counter);
        });
    });
    let panic = std::panic::catch_unwind(field).unwrap_err();
    assert_eq!(panic.downcast_ref::<String>().unwrap(), "14 letters");
    drop(recorder);
    let recorded = Recorded::read(&shared.text()).unwrap();
    let case = TestCase::new("counter", 7, Counter::default, |cx, at, clients| {
        Ok(Counter::start(cx, at, clients))
    });
    let text = case.replay_recording(&recorded).unwrap_err();
    assert!(text.starts_with("the application panicked: 14 letters at "), "{text}");
    let lines: Vec<_> = recorded.lines().collect();
    assert!(lines.iter().any(|line| line.ends_with("bytes: \"more than nine\\n\"")), "{lines:?}");
    assert!(lines.last().unwrap().contains("callback of conn "), "{lines:?}");
}

#[test]
fn a_recording_of_a_simulation_is_replayed_without_the_simulator() {
    for seed in 0..60 {
        for case in [&hello_world() as &dyn AnyTestCase, &echo()] {
            let (shared, mut simulator) = (Shared::default(), Simulator::new());
            let recorder = Arc::new(shared.recorder());
            simulator.record_to(recorder.clone());
            simulator.take_seed(seed);
            assert!(case.run(&mut simulator).verdict.is_pass());
            recorder.finish().unwrap();
            let recorded = Recorded::read(&shared.text()).unwrap();
            let replayed = case.replay_recording(&recorded);
            assert_eq!(replayed, Ok(Some(End::Exit)), "{} seed {seed}", case.name());
        }
    }
}

fn sim(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_picoevent-sim")).args(arguments).output().unwrap()
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn the_command_records_reads_replays_and_refuses() {
    let path = folder("recording").join("seed-7.log");
    let file = path.to_str().unwrap();
    assert!(sim(&["run", "hello-world", "--seed", "7", "--record", file]).status.success());
    let replayed = sim(&["replay", "hello-world", file]);
    let text = String::from_utf8(replayed.stdout).unwrap();
    assert!(text.contains("Caught an interrupt signal"), "{text}");
    assert!(text.ends_with("the same as recorded; the loop ended: Exit\n"), "{text}");
    let read = String::from_utf8(sim(&["read", file]).stdout).unwrap();
    assert!(read.starts_with("     1  a base of "), "{read}");

    let refused = |log: &str, arguments: &[&str]| {
        fs::write(&path, log).unwrap();
        let output = sim(arguments);
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    let log = fs::read_to_string(&path).unwrap();
    let other = refused(&log, &["replay", "echo", file]);
    assert!(other.contains(": iteration ") && other.contains("now it is"), "{other}");
    let lines: Vec<_> = log.lines().collect();
    let cut_off = lines[..lines.len() / 2].join("\n");
    let text = refused(&cut_off, &["replay", "hello-world", file]);
    assert!(text.ends_with("it has no last line\n"), "{text}");
    assert!(sim(&["replay", "hello-world", file, "--cut-off"]).status.success());
    let garbled = log.replacen("picoevent-recorded 0 2", "picoevent-recorded 0 3", 1);
    let text = refused(&garbled, &["replay", "hello-world", file]);
    assert!(text.ends_with("line 2 of the recording is garbled\n"), "{text}");
    // This recording has room for only one of the two entries, so the first entry is dropped.
    let board = Recording::<1>::new(Keep::Last);
    [Entry::Prepare, Entry::Overdue].iter().for_each(|entry| board.record(entry));
    let mut last = String::new();
    board.dump(|line| last += &format!("{line}\n"));
    let text = refused(&last, &["replay", "hello-world", file]);
    assert!(text.contains("0 iterations and 1 calls of the next one were dropped, and "), "{text}");
    let read = String::from_utf8(sim(&["read", file]).stdout).unwrap();
    assert!(
        read.starts_with("        … 1 calls of this iteration that had no room\n     1  "),
        "{read}"
    );
    let text = refused("nothing\n", &["read", file]);
    assert!(text.ends_with("there is no recording in it\n"), "{text}");
}
