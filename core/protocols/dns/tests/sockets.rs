//! The resolver on real sockets, with a server on the loopback device, over UDP and over TCP.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::thread;
use std::time::Duration;

use picoevent::{ConnEnd, ConnMut, Cx, EventBase, Pool, PoolId, Protocol};
use picoevent_dns::wire::{Kind, Message, Section, Writer, flag};
use picoevent_dns::{
    self as dns, Addresses, HasResolver, Lookup, LookupError, Resolver, ResolverMut,
};
use picoevent_mio::{Capacities, HeapStorage, Live};
use picoevent_scripted as _;

/// The time limit of a test. It is long enough for a busy host.
const LIMIT: Duration = Duration::from_secs(60);

#[derive(Default)]
struct App {
    names: Resolver<App, 2, 4>,
    answer: Option<Result<Vec<IpAddr>, LookupError>>,
    greeting: Vec<u8>,
}

impl HasResolver for App {
    fn resolver(&mut self) -> ResolverMut<'_, Self> {
        self.names.as_mut()
    }
}

impl App {
    fn found(&mut self, cx: &mut Cx<Self>, _: Lookup, answer: Result<Addresses, LookupError>) {
        self.answer = Some(answer.map(|addresses| addresses.iter().collect()));
        cx.exit();
    }
}

/// A connection by name. The server sends a greeting.
struct GreetingClient;

impl Protocol<App> for GreetingClient {
    fn readable(app: &mut App, conn: &mut ConnMut<App>) {
        let mut buffer = [0; 64];
        let length = conn.read(&mut buffer);
        app.greeting.extend(&buffer[..length]);
    }

    fn ended(_: &mut App, conn: &mut ConnMut<App>, _: ConnEnd) {
        conn.cx().exit();
    }
}

/// Runs an application until it exits. `start` begins its work.
fn run(server: SocketAddr, start: impl FnOnce(&mut App, &mut Cx<App>, PoolId)) -> App {
    let capacities =
        Capacities { events: 2, conns: 2, pools: 1, bytes: 8_192, udp: 2, ..Capacities::default() };
    let mut storage = HeapStorage::new(capacities).unwrap();
    let mut base = EventBase::over(storage.memory());
    let mut live = Live::new().unwrap();
    picoevent_mio::seed(&mut base).unwrap();
    base.after(LIMIT, |_, _| panic!("the loop has not ended within {LIMIT:?}")).unwrap();
    let pool = base.add_pool(Pool::new(2).rings(2_048, 512)).unwrap();
    let mut app = App::default();
    app.names.set_servers(&[server]);
    app.names.set_tcp_pool(pool);
    start(&mut app, &mut base, pool);
    live.run(&mut base, &mut app).unwrap();
    live.close(&mut base).unwrap();
    app
}

/// Answers with `127.0.0.1` for `local.example`, and with 40 addresses for `many.example`. An answer that is longer
/// than `max_length` bytes is truncated: it contains no addresses.
fn answer(question: &[u8], max_length: usize) -> Vec<u8> {
    let message = Message::parse(question).unwrap();
    let question = message.questions().next().unwrap();
    let labels: Vec<_> =
        question.name.labels().map(|label| str::from_utf8(label).unwrap()).collect();
    let name = labels.join(".");
    let addresses: u8 = match name.to_ascii_lowercase().as_str() {
        "local.example" => 1,
        "many.example" => 40,
        _ => 0,
    };
    let mut buffer = [0; 4_096];
    let write = |buffer: &mut [u8], flags: u16, addresses: u8| {
        let mut writer = Writer::new(buffer, message.id(), flag::RESPONSE | flags);
        writer.question(&name, question.kind, 1);
        for last in (1..=addresses).filter(|_| question.kind == Kind::A) {
            writer.record(Section::Answer, &name, Kind::A, 60, |w| w.bytes(&[127, 0, 0, last]));
        }
        writer.finish().unwrap().to_vec()
    };
    let status = if addresses == 0 { 3 } else { 0 };
    let complete = write(&mut buffer, status, addresses);
    if complete.len() <= max_length { complete } else { write(&mut buffer, flag::TRUNCATED, 0) }
}

/// Starts a server over UDP and TCP. Its threads end with the process.
fn server() -> SocketAddr {
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = tcp.local_addr().unwrap();
    let udp = UdpSocket::bind(address).unwrap();
    thread::spawn(move || {
        let mut question = [0; 512];
        while let Ok((length, from)) = udp.recv_from(&mut question) {
            udp.send_to(&answer(&question[..length], 512), from).unwrap();
        }
    });
    thread::spawn(move || {
        for stream in tcp.incoming() {
            let mut stream = stream.unwrap();
            let mut length = [0; 2];
            stream.read_exact(&mut length).unwrap();
            let mut question = vec![0; u16::from_be_bytes(length).into()];
            stream.read_exact(&mut question).unwrap();
            let answer = answer(&question, usize::MAX);
            stream.write_all(&(answer.len() as u16).to_be_bytes()).unwrap();
            // The answer is sent in parts, as over a slow network.
            for part in answer.chunks(100) {
                stream.write_all(part).unwrap();
            }
        }
    });
    address
}

#[test]
fn a_name_is_found_over_udp() {
    let app = run(server(), |app, cx, _| {
        dns::resolve(app, cx, "local.example", None, App::found).unwrap();
    });
    assert_eq!(app.answer, Some(Ok(vec![[127, 0, 0, 1].into()])));
}

#[test]
fn a_long_answer_is_found_over_tcp() {
    let app = run(server(), |app, cx, _| {
        dns::resolve(app, cx, "many.example", None, App::found).unwrap();
    });
    let found = app.answer.unwrap().unwrap();
    let expected: Vec<IpAddr> = (1..=8).map(|last| [127, 0, 0, last].into()).collect();
    assert_eq!(found, expected, "the first eight");
}

#[test]
fn a_missing_name_is_reported() {
    let app = run(server(), |app, cx, _| {
        dns::resolve(app, cx, "missing.example", None, App::found).unwrap();
    });
    assert_eq!(app.answer, Some(Err(LookupError::NoSuchName)));
}

#[test]
fn a_connection_opens_by_name() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || listener.accept().unwrap().0.write_all(b"hello").unwrap());
    let app = run(server(), |app, cx, pool| {
        dns::connect::<_, GreetingClient>(app, cx, "local.example", port, pool).unwrap();
    });
    assert_eq!(app.greeting, b"hello");
}
