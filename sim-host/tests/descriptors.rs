//! The process runs out of descriptors. Its limit is the whole process's, so this test has one to
//! itself.

use std::fs::File;
use std::io::Read;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use log::{LevelFilter, Log, Metadata, Record};
use picoevent::{Conn, Cx, Event, EventBase, Storage, What};
use picoevent_sim::live::Live;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const CLIENTS: usize = 6;

/// Connections that there are descriptors for.
const DESCRIPTORS: usize = 2;

#[derive(Default)]
struct App {
    held: Vec<Conn>,
    most: usize,
    served: usize,
}

impl App {
    fn accepted(&mut self, _: &mut Cx<Self>, conn: Conn) {
        self.held.push(conn);
        self.most = self.most.max(self.held.len());
    }

    fn answer(&mut self, cx: &mut Cx<Self>, _: Event, _: What) {
        for conn in self.held.drain(..) {
            let mut conn = cx.conn(conn).unwrap();
            conn.write(b"at last").unwrap();
            conn.close();
            self.served += 1;
        }
        if self.served == CLIENTS {
            cx.exit();
        }
    }
}

/// Counts warnings: the listener gives one each time it pauses.
struct Warnings(AtomicUsize);

static WARNINGS: Warnings = Warnings(AtomicUsize::new(0));

impl Log for Warnings {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, _: &Record<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn flush(&self) {}
}

#[test]
fn out_of_descriptors_the_listener_pauses_and_resumes() {
    log::set_logger(&WARNINGS).unwrap();
    log::set_max_level(LevelFilter::Warn);
    let mut storage = Storage::<App, 2, 16>::new();
    let mut base = EventBase::new(&mut storage);
    let mut live = Live::new().unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = base.listen(address, App::accepted).unwrap();
    base.every(Duration::from_millis(50), App::answer).unwrap();
    base.after(Duration::from_secs(60), |_, _, _, _| panic!("not all clients were served"))
        .unwrap();
    live.settle(&mut base);
    let server = live.local_addr(listener).unwrap();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let mut client = TcpStream::connect(server).unwrap();
            thread::spawn(move || {
                let mut answer = Vec::new();
                client.read_to_end(&mut answer).unwrap();
                // The socket itself stays, or its descriptor would be one more for the server.
                client.shutdown(Shutdown::Write).unwrap();
                (answer, client)
            })
        })
        .collect();
    let _taken = leave_descriptors(DESCRIPTORS);

    let mut app = App::default();
    live.run(&mut base, &mut app).unwrap();

    for client in clients {
        assert_eq!(client.join().unwrap().0, b"at last");
    }
    assert_eq!(app.most, DESCRIPTORS);
    // Each descriptor that comes back is worth one try; a listener that spins tries thousands.
    let pauses = WARNINGS.0.load(Ordering::Relaxed);
    assert!((1..=4 * CLIENTS).contains(&pauses), "it paused {pauses} times");
}

/// Takes all descriptors of the process but so many.
fn leave_descriptors(left: usize) -> Vec<File> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(100), ..limit }).unwrap();
    let mut taken: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    taken.truncate(taken.len() - left);
    taken
}
