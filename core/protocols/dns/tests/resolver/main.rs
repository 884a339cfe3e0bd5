//! The resolver on a loop in virtual time, with servers that answer, forge answers, fail or are
//! silent.

mod bad_input;
mod cache;
mod connecting;
mod forgeries;
mod local;
mod queries;
mod query;
mod tcp;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use picoevent::{Conn, ConnEnd, ConnMut, Cx, EventBase, Instant, Pool, PoolId, Protocol, Storage};
use picoevent_dns::{
    self as dns, Addresses, Family, HasResolver, Lookup, LookupError, ResolveError, Resolver,
    ResolverMut,
};

use picoevent_scripted::Network;

use query::Query;

/// Three look-ups at once, and four names of at most 32 bytes.
type Names = Resolver<App, 3, 4, 32>;

/// The application. It records its callbacks.
#[derive(Default)]
struct App {
    names: Names,
    /// The result of each look-up, and its time.
    ends: Vec<(Lookup, Result<Vec<IpAddr>, LookupError>, Instant)>,
    opened: Vec<Conn>,
    ended: Vec<(Conn, ConnEnd)>,
    /// Called when a look-up ends.
    react: Option<fn(&mut App, &mut Cx<App>, Lookup)>,
    /// Called when a connection ends.
    react_to_end: Option<fn(&mut App, &mut ConnMut<App>)>,
}

impl HasResolver for App {
    fn resolver(&mut self) -> ResolverMut<'_, Self> {
        self.names.as_mut()
    }
}

impl App {
    fn found(&mut self, cx: &mut Cx<Self>, lookup: Lookup, answer: Result<Addresses, LookupError>) {
        let answer = answer.map(|addresses| addresses.iter().collect());
        self.ends.push((lookup, answer, cx.now()));
        if let Some(react) = self.react {
            react(self, cx, lookup);
        }
    }

    /// The answers of all look-ups that have ended, in order.
    fn answers(&mut self) -> Vec<Result<Vec<IpAddr>, LookupError>> {
        self.ends.drain(..).map(|(_, answer, _)| answer).collect()
    }

    fn resolve(&mut self, cx: &mut Cx<Self>, name: &str) -> Result<Lookup, ResolveError> {
        dns::resolve(self, cx, name, Some(Family::V4), Self::found)
    }
}

/// A connection by name.
struct Uplink;

impl Protocol<App> for Uplink {
    fn opened(app: &mut App, conn: &mut ConnMut<App>) {
        app.opened.push(conn.id());
    }

    fn readable(_: &mut App, conn: &mut ConnMut<App>) {
        conn.consume(usize::MAX);
    }

    fn ended(app: &mut App, conn: &mut ConnMut<App>, end: ConnEnd) {
        app.ended.push((conn.id(), end));
        if let Some(react) = app.react_to_end {
            react(app, conn);
        }
    }
}

/// The storage of a test: two events, three connections, two pools and two UDP sockets.
type TestStorage = Storage<App, 2, 3, 8_192, 0, 2, 0, 2>;
type Base<'s> = EventBase<'s, App>;

const SERVER: &str = "192.0.2.53:53";
const SECOND_SERVER: &str = "192.0.2.54:53";

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn v4(last: u8) -> IpAddr {
    [192, 0, 2, last].into()
}

/// Runs a test on a base with a seed, with an application that has one server.
fn with_base(run: impl FnOnce(&mut Base<'_>, &mut App)) {
    let mut storage = Box::new(TestStorage::new());
    let mut base = EventBase::new(&mut storage);
    base.seed(&[7; 32]);
    let mut app = App::default();
    app.names.set_servers(&[addr(SERVER)]);
    run(&mut base, &mut app);
}

fn pool(base: &mut Base<'_>, input: usize) -> PoolId {
    base.add_pool(Pool::new(1).rings(input, 512)).unwrap()
}

/// Runs until nothing is left to do.
fn run(network: &mut Network, base: &mut Base<'_>, app: &mut App) {
    network.run(base, app, Instant::MAX);
}

fn seconds(seconds: u64) -> Instant {
    Instant::ZERO.after(Duration::from_secs(seconds))
}
