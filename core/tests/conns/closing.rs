//! The steps of a close: the output is sent, then our stream ends, then the peer's stream ends. Each step has a time
//! limit.

use std::task::Poll;
use std::time::Duration;

use picoevent::{
    Action, Backend, Conn, ConnError, ConnEvent, Direction, End, EventBase, FIN_WAIT, Instant,
    LINGER, Run, Wait,
};

use crate::{
    App, Base, CLOSED, actions, at, base, connect, drain, feed, listener, ms, open, peer,
    try_connect, with_conn,
};

/// Returns a closed connection that lingers: the peer has acknowledged the end of our stream, but has not ended its own
/// stream yet.
fn lingering(base: &mut Base) -> Conn {
    let mut app = App::default();
    let conn = connect(base);
    base.connected(conn);
    base.dispatch(&mut app);
    actions(base);
    base.conn(conn).unwrap().close();
    assert_eq!(actions(base), [Action::Receive(conn), Action::End(conn)]);
    base.delivered(conn);
    assert!(base.is_lingering(conn));
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [ConnEvent::Opened, CLOSED]);
    conn
}

#[test]
fn a_connection_that_cannot_deliver_its_output_is_reset() {
    let (mut base, mut app, conn) = with_conn();
    base.conn(conn).unwrap().write(b"unread").unwrap();
    base.advance(at(5));
    base.conn(conn).unwrap().close();
    actions(&mut base);
    let limit = at(5).after(LINGER);
    assert_eq!(base.deadline(), Some(limit));
    base.advance(limit);
    base.dispatch(&mut app);
    assert_eq!(actions(&mut base), [Action::Reset(conn)]);
    assert_eq!(base.counts().conns, 0);
}

#[test]
fn a_peer_that_does_not_acknowledge_our_end_is_reset() {
    let (mut base, mut app, conn) = with_conn();
    base.conn(conn).unwrap().close();
    actions(&mut base);
    base.advance(at(0).after(LINGER));
    base.dispatch(&mut app);
    assert_eq!(actions(&mut base), [Action::Reset(conn)]);
}

#[test]
fn a_peer_that_never_ends_its_stream_is_waited_for_until_the_limit() {
    let (mut base, mut app) = (base(), App::default());
    let conn = lingering(&mut base);
    let limit = at(0).after(FIN_WAIT);
    assert_eq!(base.deadline(), Some(limit));
    base.advance(limit);
    base.dispatch(&mut app);
    assert_eq!(actions(&mut base), [Action::Close(conn)]);
    assert_eq!((app.calls(), base.counts().conns), (vec![], 0));
}

#[test]
fn the_limits_can_be_set() {
    let (mut base, mut app) = (base(), App::default());
    base.set_close_limits(ms(30), Duration::ZERO);
    let conn = open(&mut base, &mut app);
    base.conn(conn).unwrap().close();
    assert_eq!(base.deadline(), Some(at(30)));
    actions(&mut base);
    base.delivered(conn);
    assert_eq!(base.deadline(), Some(at(1)), "one millisecond is the least");
}

#[test]
fn input_for_a_closed_connection_is_discarded_one_ring_in_each_iteration() {
    let (mut base, mut app) = (base(), App::default());
    let conn = lingering(&mut base);
    for _ in 0..3 {
        assert_eq!(feed(&mut base, conn, b"abcdefgh"), 4);
        assert!(base.input(conn).is_none());
        assert_eq!(actions(&mut base), [Action::Receive(conn)]);
    }
    base.peer_finished(conn);
    assert!(base.input(conn).is_none(), "nothing comes after the end");
    assert_eq!(actions(&mut base), [Action::Close(conn)]);
    base.dispatch(&mut app);
    assert_eq!(app.calls(), []);
}

#[test]
fn a_new_connection_gets_the_slot_of_the_oldest_lingering_connection() {
    let mut base = base();
    let listener = listener(&mut base);
    let old = lingering(&mut base);
    base.advance(at(1));
    let newer = lingering(&mut base);
    assert!(base.has_room(listener));
    let next = connect(&mut base);
    assert_eq!(next.index(), old.index());
    assert!(!base.has_room(listener), "one in each iteration");
    assert!(try_connect(&mut base).is_err());
    assert_eq!(actions(&mut base), [Action::Close(old), Action::Connect(next)]);
    assert!(base.has_room(listener));
    let accepted = base.accepted(listener, peer()).unwrap();
    assert_eq!(actions(&mut base), [Action::Close(newer)]);
    base.peer_finished(newer);
    base.peer_finished(old);
    assert!(base.conn(next).is_ok() && base.conn(accepted).is_ok());
}

#[test]
fn a_back_end_that_needs_a_socket_gets_that_of_the_oldest_lingering_connection() {
    let mut base = base();
    let (old, newer) = (lingering(&mut base), lingering(&mut base));
    assert_eq!((base.end_lingering(), base.counts().conns), (Some(old), 1));
    assert_eq!((base.end_lingering(), base.counts().conns), (Some(newer), 0));
    assert_eq!(base.end_lingering(), None);
    assert_eq!((actions(&mut base), base.wait()), (vec![], Wait::Ended(End::Empty)));
}

#[test]
fn a_half_closed_connection_does_not_linger() {
    let (mut base, _, conn) = with_conn();
    base.conn(conn).unwrap().enable(Direction::Read).finish();
    assert_eq!(actions(&mut base), [Action::Receive(conn), Action::End(conn)]);
    base.delivered(conn);
    assert!(!base.is_lingering(conn) && base.end_lingering().is_none());
    base.conn(conn).unwrap().close();
    assert!(base.is_lingering(conn));
    assert_eq!(actions(&mut base), [Action::Receive(conn)]);
    assert_eq!(base.deadline(), Some(at(0).after(FIN_WAIT)));
}

#[test]
fn a_connect_that_is_closed_with_output_delivers_it_and_one_without_is_reset() {
    let (mut base, mut app) = (base(), App::default());
    let (with_output, without_output) = (connect(&mut base), connect(&mut base));
    actions(&mut base);
    base.conn(with_output).unwrap().write(b"x").unwrap();
    base.conn(with_output).unwrap().close();
    base.conn(without_output).unwrap().close();
    let requested = actions(&mut base);
    assert!(
        requested.contains(&Action::Reset(without_output))
            && requested.contains(&Action::Send(with_output))
    );
    base.connected(with_output);
    assert_eq!(actions(&mut base), [Action::Send(with_output)]);
    assert_eq!(drain(&mut base, with_output, 9), b"x");
    assert_eq!(actions(&mut base), [Action::End(with_output)]);
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [CLOSED, CLOSED]);
}

#[test]
fn a_report_of_delivery_that_was_not_requested_is_ignored() {
    let (mut base, _, conn) = with_conn();
    base.delivered(conn);
    base.conn(conn).unwrap().write(b"x").unwrap();
    base.conn(conn).unwrap().close();
    base.delivered(conn);
    base.peer_finished(conn);
    assert!(!base.is_lingering(conn));
    assert_eq!(actions(&mut base), [Action::Send(conn)]);
}

#[test]
fn closing_everything_leaves_no_listener_and_no_connection() {
    let (mut base, mut app, conn) = with_conn();
    let connect = connect(&mut base);
    actions(&mut base);
    base.close_all();
    let requested = actions(&mut base);
    assert!(requested.contains(&Action::End(conn)) && requested.contains(&Action::Reset(connect)));
    assert_eq!((base.listeners().count(), base.conns().count()), (0, 0));
    base.failed(conn, ConnError::Reset);
    base.dispatch(&mut app);
    assert_eq!((app.calls(), actions(&mut base)), (vec![CLOSED, CLOSED], vec![]));
    assert_eq!(base.wait(), Wait::Ended(End::Empty));
}

/// A back end whose peers send without end: each `Receive` fills the ring. Each wait takes a millisecond.
struct Flood {
    now: Instant,
    /// The number of actions since the last wait.
    actions: u32,
}

/// The error when the loop carries out actions and does not check for new events.
#[derive(Debug, PartialEq, Eq)]
struct Stuck;

impl Backend<App> for Flood {
    type Error = Stuck;

    fn now(&mut self) -> Instant {
        self.now
    }

    fn act(&mut self, action: Action, base: &mut EventBase<'_, App>) -> Result<(), Stuck> {
        if let Action::Receive(conn) = action {
            assert_eq!(feed(base, conn, b"abcd"), 4);
        }
        self.actions += 1;
        if self.actions < 20_000 { Ok(()) } else { Err(Stuck) }
    }

    fn wait(&mut self, until: Instant, _: &mut EventBase<'_, App>) -> Poll<Result<(), Stuck>> {
        assert!(until <= self.now, "there is input to discard");
        (self.now, self.actions) = (self.now.after(ms(1)), 0);
        Poll::Ready(Ok(()))
    }
}

#[test]
fn a_peer_that_sends_without_end_to_a_closed_connection_does_not_stop_the_loop() {
    let (mut base, mut app, conn) = with_conn();
    base.conn(conn).unwrap().close();
    base.after(ms(5), |app: &mut App, _| app.calls.push(ConnEvent::Alarm)).unwrap();
    let mut flood = Flood { now: at(0), actions: 0 };
    base.begin(Run::DEFAULT);
    for _ in 0..5 {
        assert_eq!(base.iterate(&mut app, &mut flood), Poll::Ready(Ok(None)));
    }
    assert_eq!((app.calls(), base.now()), (vec![CLOSED, ConnEvent::Alarm], at(5)));
}

#[test]
fn a_peer_that_sends_without_end_does_not_prolong_a_drain() {
    let (mut base, _, _) = with_conn();
    base.set_close_limits(ms(30), ms(30));
    base.close_all();
    let mut flood = Flood { now: at(0), actions: 0 };
    assert_eq!(base.drain(&mut flood), Poll::Ready(Ok(())));
    assert_eq!(flood.now, at(30), "the limit holds");
}
