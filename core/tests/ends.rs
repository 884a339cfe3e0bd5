//! Closed and failed connections whose `ended` callback has not run yet.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::task::Poll;

use picoevent::{
    Action, Backend, Conn, ConnEnd, ConnError, ConnEvent, ConnMut, EventBase, Instant, Pool,
    PoolId, Settings, Storage,
};

/// The events of all connections.
type App = Vec<(Conn, ConnEvent)>;

const PEER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 7);
const PLAIN: &Settings = &Settings::new();
const CLOSED: ConnEvent = ConnEvent::Ended(ConnEnd::Closed);

fn record(app: &mut App, conn: &mut ConnMut<'_, '_, App>, event: ConnEvent) {
    app.push((conn.id(), event));
    conn.close();
}

/// Makes the pool and three open connections. Their `opened` callbacks have not run yet.
fn open(base: &mut EventBase<'_, App>) -> (PoolId, [Conn; 3]) {
    let pool = base.add_pool(Pool::rest()).unwrap();
    let conns = [(); 3].map(|()| base.connect_with(PEER, pool, PLAIN, record).unwrap());
    while base.next_action().is_some() {}
    conns.iter().for_each(|conn| base.connected(*conn));
    (pool, conns)
}

/// A back end that reports each end of stream as delivered at once. In these tests the loop must not wait, so `wait`
/// panics.
struct Delivers;

impl Backend<App> for Delivers {
    type Error = Infallible;

    fn now(&mut self) -> Instant {
        Instant::ZERO
    }

    fn act(&mut self, action: Action, base: &mut EventBase<'_, App>) -> Result<(), Infallible> {
        if let Action::End(conn) = action {
            base.delivered(conn);
        }
        Ok(())
    }

    fn wait(&mut self, _: Instant, _: &mut EventBase<'_, App>) -> Poll<Result<(), Infallible>> {
        panic!("there is nothing to wait for")
    }
}

#[test]
fn connections_that_linger_before_their_end_is_reported_are_evicted_in_order_after_it() {
    let (mut storage, mut app) = (Storage::<App, 0, 3, 3072>::new(), App::new());
    let mut base = EventBase::new(&mut storage);
    let (_, conns) = open(&mut base);
    base.dispatch(&mut app);
    base.settle(&mut Delivers).unwrap();
    assert!(conns.iter().all(|conn| base.is_lingering(*conn)));
    base.dispatch(&mut app);
    let opened = conns.map(|conn| (conn, ConnEvent::Opened));
    let ended = conns.map(|conn| (conn, CLOSED));
    assert_eq!(app, [opened, ended].concat());
    assert!(conns.iter().all(|conn| base.is_lingering(*conn)));
    let given_up = [(); 4].map(|()| base.end_lingering());
    assert_eq!(given_up, [Some(conns[0]), Some(conns[1]), Some(conns[2]), None]);
    assert_eq!(base.counts().conns, 0);
}

#[test]
fn a_lingering_connection_can_be_evicted_before_its_end_is_reported() {
    let (mut storage, mut app) = (Storage::<App, 0, 3, 3072>::new(), App::new());
    let mut base = EventBase::new(&mut storage);
    let (pool, conns) = open(&mut base);
    base.dispatch(&mut app);
    assert_eq!(base.end_lingering(), None, "nothing is delivered yet");
    base.settle(&mut Delivers).unwrap();
    let given_up = [(); 4].map(|()| base.end_lingering());
    assert_eq!(given_up, [Some(conns[0]), Some(conns[1]), Some(conns[2]), None]);
    assert!(base.outgoing_with(pool, PLAIN, record).is_err(), "their end is still to be reported");
    app.clear();
    base.dispatch(&mut app);
    assert_eq!(app, conns.map(|conn| (conn, CLOSED)));
    while base.next_action().is_some() {}
    assert_eq!(base.counts().conns, 0);
}

#[test]
fn drain_does_not_wait_for_delivered_or_failed_connections_whose_end_is_not_reported() {
    let mut storage = Storage::<App, 0, 3, 3072>::new();
    let mut base = EventBase::new(&mut storage);
    let (_, conns) = open(&mut base);
    base.failed(conns[1], ConnError::Reset);
    base.close_all();
    assert_eq!(base.drain(&mut Delivers), Poll::Ready(Ok(())));
    let given_up = [(); 3].map(|()| base.end_lingering());
    assert_eq!(given_up, [Some(conns[0]), Some(conns[2]), None]);
}
