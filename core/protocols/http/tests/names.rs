//! Tests of the client with names of servers. The resolver looks up the names.

use std::net::SocketAddr;
use std::time::Duration;

use picoevent::{ConnMut, Cx, EventBase, Instant, Pool, Storage};
use picoevent_dns::wire::{Kind, Message, Section, Writer, flag};
use picoevent_dns::{HasResolver, Resolver, ResolverMut};
use picoevent_http::{
    ByName, CallError, Caller, Calls, Client, ClientRequest, Method, Response, Status,
};
use picoevent_scripted::{Datagram, Network, Reply, reply};

struct App {
    names: Resolver<App, 1, 4>,
    http: Client,
    outcomes: Vec<Result<u16, CallError>>,
}

impl HasResolver for App {
    fn resolver(&mut self) -> ResolverMut<'_, Self> {
        self.names.as_mut()
    }
}

impl App {
    /// Connects like `picoevent_http::by_name`. That function is available only with the feature `names`.
    fn connect(&mut self, conn: &mut ConnMut<Self>, name: &str, port: u16) -> bool {
        picoevent_dns::connect_again(self, conn, Duration::ZERO, name, port).is_ok()
    }
}

struct Fetch;

impl Caller<App> for Fetch {
    const BY_NAME: Option<ByName<App>> = Some(App::connect);
    type Client = Client;

    fn client(app: &mut App) -> &mut Client {
        &mut app.http
    }

    fn part(_: &mut App, response: &mut Response<App>) {
        response.take(usize::MAX);
    }

    fn done(app: &mut App, _: &mut Cx<App>, outcome: Result<Status, CallError>) {
        app.outcomes.push(outcome.map(Status::code));
    }
}

/// Returns the answers of a name server that knows two names.
fn names(query: &Datagram) -> Vec<Reply> {
    let message = Message::parse(&query.bytes).unwrap();
    let question = message.questions().next().unwrap();
    let labels = question.name.labels().map(|label| String::from_utf8(label.to_vec()).unwrap());
    let name = labels.collect::<Vec<_>>().join(".");
    let number =
        ["pump.example", "other.example"].iter().position(|known| name.eq_ignore_ascii_case(known));
    let mut buffer = [0; 200];
    let code = if number.is_some() { 0 } else { 3 };
    let mut writer = Writer::new(&mut buffer, message.id(), flag::RESPONSE | code);
    writer.question(&name, question.kind, 1);
    if let Some(number) = number.filter(|_| question.kind == Kind::A) {
        writer.record(Section::Answer, &name, Kind::A, 60, |writer| {
            writer.bytes(&[192, 0, 2, 80 + number as u8]);
        });
    }
    reply(query, writer.finish().unwrap().to_vec())
}

#[test]
fn a_request_by_name_is_made_and_redirected_to_another_name() {
    let mut storage = Storage::<App, 4, 1, 6_000, 0, 1, 0, 2>::new();
    let mut base = EventBase::new(&mut storage);
    base.seed(&[1; 32]);
    let pool = base.add_pool(Pool::new(1).rings(512, 512)).unwrap();
    let mut app = App { names: Resolver::new(), http: Client::new(), outcomes: Vec::new() };
    app.names.set_servers(&["192.0.2.53:53".parse().unwrap()]);
    let mut network = Network::new(names);
    network.tcp = Some(Box::new(|received| {
        let received = String::from_utf8_lossy(received);
        match received.as_ref() {
            "GET /a HTTP/1.1\r\nHost: pump.example:8080\r\n\r\n" => (
                b"HTTP/1.1 302 Found\r\nLocation: http://other.example/b\r\nContent-Length: 0\r\n\r\n"
                    .to_vec(),
                false,
            ),
            "GET /b HTTP/1.1\r\nHost: other.example\r\n\r\n" => {
                (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_vec(), false)
            }
            _ => (Vec::new(), true),
        }
    }));
    let request = ClientRequest::named(Method::Get, "pump.example:8080", "/a");
    Calls::<Fetch>::request(&mut app, &mut base, pool, &request).unwrap();
    network.run(&mut base, &mut app, Instant::MAX);
    assert_eq!(app.outcomes, [Ok(200)]);
    let to = |text: &str| text.parse::<SocketAddr>().unwrap();
    assert_eq!(network.connects, [to("192.0.2.80:8080"), to("192.0.2.81:80")]);

    // The next name does not exist.
    let request = ClientRequest::named(Method::Get, "nobody.example", "/");
    Calls::<Fetch>::request(&mut app, &mut base, pool, &request).unwrap();
    network.run(&mut base, &mut app, Instant::MAX);
    let unknown = CallError::Lost(Some(picoevent::ConnError::NotFound));
    assert_eq!(app.outcomes, [Ok(200), Err(unknown)]);
}
