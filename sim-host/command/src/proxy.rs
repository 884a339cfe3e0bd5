//! The example `proxy` in the simulator: clients, and a server that does what the clients request.

use std::collections::HashMap;

use picoevent::{Pool, Storage};
use picoevent_sim::world::{
    Choices, Script, Server, ServerFaultKind, Service, Session, Size, Sockets, TestCase,
    server_address,
};
use proxy::{PORT, Proxy, pools};

/// The maximum number of clients at once.
const SLOTS: u16 = 4;
type App = Proxy<{ SLOTS as usize }>;

const PLENTY: [Pool; 2] = pools(SLOTS, 512);
const LITTLE: [Pool; 2] = pools(SLOTS, 8);
const ONE: [Pool; 2] = pools(1, 64);

type Memory<const CONNS: usize, const BYTES: usize> = Storage<App, 1, CONNS, BYTES, 1, 2>;

/// Makes a [`Size`] of a device with these pools. The first pool is for the clients. The simulator passes this pool to
/// the start function of the application.
macro_rules! size {
    ($pools:expr, $sockets:expr) => {
        Size::of(
            $pools[0],
            Memory::<{ Pool::all_conns(&$pools) }, { Pool::all_bytes(&$pools) }>::new,
            $sockets,
        )
    };
}

/// Devices with long rings, with short rings, and for a single client. Each device has a socket for each connection,
/// and one more socket for the listener.
const SIZES: [Size<App>; 3] = [
    size!(PLENTY, Sockets::<9, 512, 512>::new),
    size!(LITTLE, Sockets::<9, 64, 64>::new),
    size!(ONE, Sockets::<3, 256, 16>::new),
];

/// The port of the server.
const SERVER_PORT: u16 = 7080;

/// Returns the test case of the proxy with its server.
pub fn proxy() -> TestCase<App> {
    TestCase::with_app(
        "proxy",
        PORT,
        || Proxy::new(server_address(SERVER_PORT)),
        |app, cx, address, clients| app.start(cx, address, [clients; 2]),
    )
    .sizes(&SIZES)
    .relays()
    .keeps_silent_clients()
    .client(echoed)
    .client(downloads)
    // A proxy cannot report to its client that a server has ended too early, so this server fault is
    // left out.
    .server(Server::new(SERVER_PORT, |_| Upstream::default()).without(ServerFaultKind::EndsEarly))
    .invariant(|_, cx| match cx.conns().count() {
        0..=8 => Ok(()),
        many => Err(format!("there are {many} connections")),
    })
}

fn bytes(first: u64, length: u64) -> Vec<u8> {
    (first..).map(|number| b'a' + (number % 23) as u8).take(length as usize).collect()
}

/// Returns the script of a client whose bytes are echoed. The client ends its stream before or after its bytes have
/// come back.
fn echoed(choices: &mut Choices<'_>) -> Script {
    let text = bytes(7 * u64::from(choices.client()), 1 + choices.up_to(1_500));
    let (early, late) = text.split_at(choices.up_to(text.len() as u64) as usize);
    let script = Script::new().send(b"E").send(early).expect(early).send(late);
    match choices.up_to(1) {
        0 => script.expect(late).finish().expect_end(),
        _ => script.finish().expect(late).expect_end(),
    }
}

/// Returns the script of a client that receives bytes until the server ends its stream. Then the client sends more
/// bytes, and ends its own stream.
fn downloads(choices: &mut Choices<'_>) -> Script {
    let (length, more) = (choices.up_to(1_500), choices.up_to(600));
    let script = Script::new().send(format!("T{length} {more}\n").as_bytes());
    script.expect(&bytes(3, length)).expect_end().send(&bytes(5, more)).finish()
}

/// The program of the server. The first byte that the server receives on a connection selects what the server does.
/// After `E`, the server echoes all bytes. After a line such as `T30 7`, the server sends 30 bytes, ends its stream,
/// and expects 7 bytes from the client.
#[derive(Default)]
struct Upstream {
    /// The jobs of the connections, by the numbers of the connections.
    jobs: HashMap<u32, Job>,
}

#[derive(Clone, Copy)]
enum Job {
    Echo,
    /// The number of bytes received, and the number of bytes expected.
    Download {
        received: u64,
        expected: u64,
    },
}

impl Upstream {
    /// Begins the job of a connection. Returns `None` if more bytes must arrive first.
    fn begin(session: &mut Session) -> Result<Option<Job>, String> {
        if session.input().first() == Some(&b'E') {
            session.consume(1);
            return Ok(Some(Job::Echo));
        }
        let Some(line) = session.read_line() else { return Ok(None) };
        let words = line.strip_prefix('T').and_then(|line| line.split_once(' '));
        let numbers = words.and_then(|(one, two)| Some((one.parse().ok()?, two.parse().ok()?)));
        let (length, expected) = numbers.ok_or_else(|| format!("{line:?} came first"))?;
        session.write(&bytes(3, length));
        session.close();
        Ok(Some(Job::Download { received: 0, expected }))
    }
}

impl Service for Upstream {
    fn received(&mut self, session: &mut Session) -> Result<(), String> {
        let number = session.number();
        let job = match self.jobs.get(&number) {
            Some(job) => *job,
            None => match Self::begin(session)? {
                Some(job) => job,
                None => return Ok(()),
            },
        };
        let input = session.input().to_vec();
        session.consume(input.len());
        let job = match job {
            Job::Echo => {
                session.write(&input);
                job
            }
            Job::Download { received, expected } => {
                let now = received + input.len() as u64;
                if now > expected || input != bytes(5 + received, now - received) {
                    return Err(format!(
                        "bytes {received} to {now} of {expected} differ from those that were sent"
                    ));
                }
                Job::Download { received: now, expected }
            }
        };
        self.jobs.insert(number, job);
        Ok(())
    }

    fn finished(&mut self, session: &mut Session) -> Result<(), String> {
        session.close();
        match self.jobs.get(&session.number()) {
            Some(Job::Download { received, expected }) if received != expected => {
                Err(format!("the end came after {received} of {expected} bytes"))
            }
            _ => Ok(()),
        }
    }

    fn ended(&mut self, session: &mut Session) {
        self.jobs.remove(&session.number());
    }
}
