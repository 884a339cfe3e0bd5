//! Bytes through connections: sockets, pairs, and connections above filters.
//!
//! libevent's tests send 8,333 bytes through buffers that grow. Here the bytes pass through rings of 100 bytes.

use picoevent::{Conn, ConnEnd, ConnError, ConnEvent, Direction, Run, Settings, SetupError};

use super::network::{App, Ends, Flip, RING, Recorder, Scene, play};
use super::script::ms;

const CLOSED: ConnEvent = ConnEvent::Ended(ConnEnd::Closed);
const REFUSED: ConnEvent = ConnEvent::Ended(ConnEnd::Failed(ConnError::Refused));

fn many_bytes() -> Vec<u8> {
    (0..8_333).map(|at| (at % 251) as u8).collect()
}

/// One connection sends, its peer receives everything, and `Writable` is reported to the sender when all is sent.
fn send_one_way(scene: &mut Scene<'_, '_>, ends: Ends) {
    let [one, other] = scene.ends(ends);
    let mut sender = scene.base.conn(one).unwrap();
    assert!([Direction::Read, Direction::Write].map(|way| sender.is_enabled(way)) == [true; 2]);
    let bytes = many_bytes();
    assert!(sender.write(&bytes).is_err(), "what does not fit is not taken");
    scene.send(one, &bytes);
    assert_eq!(scene.run(Run::DEFAULT), None);
    assert!(scene.app.received(other) == bytes, "{} bytes", scene.app.received(other).len());
    assert_eq!(scene.app.events(one).last(), Some(&ConnEvent::Writable));
    assert_eq!(scene.base.conn(one).unwrap().output_len(), 0);
    assert!(scene.app.received(one).is_empty());
    assert!(!scene.app.events(other).contains(&ConnEvent::Writable), "it has sent nothing");
}

#[test]
fn bufferevent() {
    play(|mut scene| {
        send_one_way(&mut scene, Ends::Sockets);
        let (_, one) = scene.app.accepted[0];
        assert_eq!(scene.base.conn(one).unwrap().partner(), None);
    });
}

/// In libevent the partner gets no event when a connection of a pair is freed. Here the partner gets
/// the end of the stream.
#[test]
fn bufferevent_pair() {
    play(|mut scene| {
        send_one_way(&mut scene, Ends::Pair);
        let [one, other] = scene.ends(Ends::Pair);
        assert_eq!(scene.base.conn(one).unwrap().partner(), Some(other));
        assert_eq!(scene.base.conn(other).unwrap().partner(), Some(one));
        scene.base.conn(one).unwrap().close();
        assert_eq!(scene.run(Run::DEFAULT), None);
        assert_eq!(scene.app.events(one), [ConnEvent::Opened, CLOSED]);
        assert_eq!(scene.app.events(other), [ConnEvent::Opened, ConnEvent::Eof]);
    });
}

/// The loop sends output without a flush. Sending all output does not end the stream.
fn nothing_to_flush(ends: Ends) {
    play(|mut scene| {
        let [one, other] = scene.ends(ends);
        scene.base.conn(one).unwrap().write(b"flushed").unwrap();
        assert_eq!(scene.run(Run::DEFAULT), None);
        assert_eq!(scene.app.received(other), b"flushed");
        assert!(!scene.app.events(other).contains(&ConnEvent::Eof));
    });
}

/// libevent's flush with `BEV_FINISHED` corresponds to [`finish`](picoevent::ConnMut::finish), also for a connection
/// with a socket.
fn flush_is_finish(ends: Ends) {
    play(|mut scene| {
        let [one, other] = scene.ends(ends);
        scene.base.conn(one).unwrap().write(b"the last").unwrap();
        scene.base.conn(one).unwrap().finish();
        assert_eq!(scene.run(Run::DEFAULT), None);
        assert_eq!(scene.app.received(other), b"the last");
        let expected = [ConnEvent::Opened, ConnEvent::Readable, ConnEvent::Eof];
        assert_eq!(scene.app.events(other), expected, "once, and behind the bytes");
        // The other direction is still open.
        scene.base.conn(other).unwrap().write(b"an answer").unwrap();
        assert_eq!(scene.run(Run::DEFAULT), None);
        assert_eq!(scene.app.received(one), b"an answer");
        assert!(!scene.app.events(one).contains(&ConnEvent::Eof));
    });
}

#[test]
fn bufferevent_flush_normal() {
    nothing_to_flush(Ends::Sockets);
}

#[test]
fn bufferevent_flush_flush() {
    nothing_to_flush(Ends::Filters);
}

#[test]
fn bufferevent_flush_finished() {
    flush_is_finish(Ends::Sockets);
    flush_is_finish(Ends::Filters);
}

#[test]
fn bufferevent_pair_flush_normal() {
    nothing_to_flush(Ends::Pair);
}

#[test]
fn bufferevent_pair_flush_flush() {
    nothing_to_flush(Ends::PairFilters);
}

#[test]
fn bufferevent_pair_flush_finished() {
    flush_is_finish(Ends::Pair);
}

#[test]
fn bufferevent_pair_flush() {
    flush_is_finish(Ends::Pair);
    flush_is_finish(Ends::PairFilters);
}

#[test]
fn bufferevent_filters() {
    play(|mut scene| {
        send_one_way(&mut scene, Ends::Filters);
    });
}

#[test]
fn bufferevent_pair_filters() {
    play(|mut scene| {
        send_one_way(&mut scene, Ends::PairFilters);
    });
}

static RECEIVER: Settings = Settings::new().input_marks(10, 20);
static SENDER: Settings = Settings::new().output_marks(30, usize::MAX);

/// `Readable` is reported when the input ring holds 10 to 20 bytes, and `Writable` when at most 30 bytes of output are
/// unsent. At the end of the stream, the `Eof` callback reads the input that is below the low mark.
fn marks_hold(ends: Ends) {
    play(|mut scene| {
        let [one, other] = scene.ends(ends);
        scene.base.conn(one).unwrap().set_settings(&SENDER).unwrap();
        scene.base.conn(other).unwrap().set_settings(&RECEIVER).unwrap();
        let bytes: Vec<u8> = many_bytes().into_iter().cycle().take(65_001).collect();
        scene.app.levels.clear();
        scene.send(one, &bytes);
        assert_eq!(scene.run(Run::DEFAULT), None);
        let levels = |conn, wanted| {
            let of = scene
                .app
                .levels
                .iter()
                .filter(move |(of, event, _)| (*of, *event) == (conn, wanted));
            of.map(|(.., level)| *level)
        };
        assert!(levels(other, ConnEvent::Readable).all(|[input, _]| (10..=20).contains(&input)));
        assert!(levels(one, ConnEvent::Writable).all(|[_, output]| output <= 30));
        assert!(levels(one, ConnEvent::Writable).any(|[_, output]| output > 0));
        assert!(scene.app.received(other).len() > 65_001 - 10);
        assert_eq!(scene.base.conn(one).unwrap().output_len(), 0);
        scene.base.conn(one).unwrap().finish();
        assert_eq!(scene.run(Run::DEFAULT), None);
        assert!(scene.app.received(other) == bytes);
    });
}

#[test]
fn bufferevent_watermarks() {
    marks_hold(Ends::Sockets);
}

#[test]
fn bufferevent_pair_watermarks() {
    marks_hold(Ends::Pair);
}

/// Makes two connections that are each other's peers. The second connection has a low mark of ten bytes. This
/// connection has received three bytes and consumes none of them.
fn three_of_ten(test: impl Fn(&mut Scene<'_, '_>, Conn)) {
    for ends in [Ends::Sockets, Ends::Pair] {
        play(|mut scene| {
            let [one, other] = scene.ends(ends);
            scene.base.conn(other).unwrap().set_settings(&RECEIVER).unwrap();
            scene.app.unread = vec![other];
            scene.send(one, b"abc");
            assert_eq!(scene.run(Run::DEFAULT), None);
            scene.app.calls.clear();
            test(&mut scene, other);
        });
    }
}

/// A request for a callback (libevent's `bufferevent_trigger`) respects the low mark, and causes one call.
#[test]
fn bufferevent_trigger() {
    three_of_ten(|scene, conn| {
        scene.base.conn(conn).unwrap().read_again();
        assert_eq!(scene.run(Run::DEFAULT), None);
        assert_eq!(scene.app.events(conn), [], "there is too little input");
        scene.base.conn(conn).unwrap().write_again();
        assert_eq!(scene.run(Run::DEFAULT), None);
        assert_eq!(scene.app.events(conn), [ConnEvent::Writable]);
        scene.base.conn(conn).unwrap().set_settings(&SENDER).unwrap();
        assert_eq!(scene.run(Run::DEFAULT), None);
        scene.app.calls.clear();
        scene.base.conn(conn).unwrap().read_again().read_again();
        assert_eq!(scene.run(Run::DEFAULT), None);
        assert_eq!(scene.app.events(conn), [ConnEvent::Readable]);
    });
}

/// No callback runs inside a method call.
#[test]
fn bufferevent_trigger_defer() {
    three_of_ten(|scene, conn| {
        scene.base.conn(conn).unwrap().wait_for_input(1).write_again();
        assert_eq!(scene.app.events(conn), []);
        assert_eq!(scene.run(Run::DEFAULT), None);
        assert_eq!(scene.app.events(conn), [ConnEvent::Readable, ConnEvent::Writable]);
    });
}

/// libevent's flag `BEV_TRIG_IGNORE_WATERMARKS` ignores the low mark. Here `wait_for_input(1)` has this effect.
#[test]
fn bufferevent_trigger_postpone() {
    three_of_ten(|scene, conn| {
        scene.base.conn(conn).unwrap().wait_for_input(1);
        assert_eq!(scene.run(Run::DEFAULT), None);
        assert_eq!(scene.app.events(conn), [ConnEvent::Readable]);
    });
}

/// A callback may request that it is called again. The second call comes in the next pass. So the loop checks for new
/// events between the two calls.
#[test]
fn bufferevent_trigger_defer_postpone() {
    three_of_ten(|scene, conn| {
        scene.app.react = Some(|app, conn, event| {
            let calls = app.calls.len();
            if event == ConnEvent::Readable && calls < 5 {
                conn.wait_for_input(1);
            }
        });
        scene.base.conn(conn).unwrap().wait_for_input(1);
        scene.base.begin(Run::DEFAULT);
        let mut calls = vec![scene.app.calls.len()];
        for _ in 0..12 {
            let _ = scene.base.iterate(&mut scene.app, &mut scene.network);
            calls.push(scene.app.calls.len());
        }
        assert!(calls.windows(2).all(|two| two[1] - two[0] <= 1), "one in an iteration: {calls:?}");
        assert_eq!(scene.app.events(conn), [ConnEvent::Readable; 5]);
    });
}

/// Reading is disabled on the connection that sends.
fn send_without_reading(ends: Ends) {
    play(|mut scene| {
        let [one, other] = scene.ends(ends);
        scene.base.conn(one).unwrap().disable(Direction::Read);
        scene.base.conn(other).unwrap().write(b"unread").unwrap();
        scene.send(one, &many_bytes());
        assert_eq!(scene.run(Run::DEFAULT), None);
        assert!(scene.app.received(other) == many_bytes());
        assert_eq!(scene.app.events(one).iter().filter(|e| **e == ConnEvent::Readable).count(), 0);
        assert_eq!(scene.base.conn(one).unwrap().input_len(), 0, "the bytes wait below");
        scene.base.conn(one).unwrap().enable(Direction::Read);
        assert_eq!(scene.run(Run::DEFAULT), None);
        assert_eq!(scene.app.received(one), b"unread");
    });
}

#[test]
fn bufferevent_filters_disable() {
    send_without_reading(Ends::Filters);
}

#[test]
fn bufferevent_pair_filters_disable() {
    send_without_reading(Ends::PairFilters);
}

/// The input ring of the connection above the filter has room for only a part of the bytes below the filter. Each read
/// from this ring lets more bytes pass the filter, although the peer sends no more bytes.
#[test]
fn bufferevent_filter_data_stuck() {
    play(|mut scene| {
        let [one, other] = scene.ends(Ends::Pair);
        let top = scene.filter(other);
        scene.app.unread = vec![top];
        let flipped = [!b'x'; RING];
        scene.send(one, &[flipped; 3].concat());
        assert_eq!(scene.run(Run::DEFAULT), None);
        let mut received: Vec<u8> = Vec::new();
        while received.len() < 3 * RING {
            let mut view = scene.base.conn(top).unwrap();
            assert!(view.input_len() > 0, "stuck after {} bytes", received.len());
            let mut some = [0; 30];
            let amount = view.read(&mut some);
            received.extend(&some[..amount]);
            assert_eq!(scene.run(Run::DEFAULT), None);
        }
        assert_eq!(received, [b'x'; 3 * RING]);
    });
}

/// A connection above a filter ends together with the connection below, even if the connection below is not connected
/// yet. A filter cannot be put above a connection at rest, that is, an outgoing connection that has no socket and does
/// not connect now.
#[test]
fn bufferevent_socket_filter_inactive() {
    play(|mut scene| {
        let [sockets, memory] = scene.pools;
        let resting = scene.base.outgoing::<Recorder>(sockets).unwrap();
        let mut view = scene.base.conn(resting).unwrap();
        assert_eq!(view.filter::<Flip, Recorder>(memory), Err(SetupError::NotFiltered));
        view.abort();
        let (listener, address) = scene.listen();
        assert_eq!(scene.run(Run::DEFAULT), None);
        scene.base.listener(listener).unwrap().disable();
        let below = scene.connect(address);
        let top = scene.filter(below);
        assert_eq!(scene.run(Run::DEFAULT), None);
        assert_eq!(scene.app.events(top), [], "it does not connect");
        scene.base.conn(top).unwrap().abort();
        scene.run(Run::DEFAULT);
        assert!(scene.base.conn(below).is_err() && scene.base.conn(top).is_err());
        assert_eq!([sockets, memory].map(|pool| scene.base.conns_in_use(pool)), [0, 0]);
    });
}

/// libevent's test freezes the front of the input buffer, so that reading fails. Here reading fails because the
/// application has closed the connection.
#[test]
fn bufferevent_read_failed() {
    play(|mut scene| {
        for ends in [Ends::Sockets, Ends::Pair, Ends::Filters] {
            let [one, other] = scene.ends(ends);
            scene.app.unread = vec![one];
            scene.base.conn(other).unwrap().write(b"never read").unwrap();
            assert_eq!(scene.run(Run::DEFAULT), None);
            let mut view = scene.base.conn(one).unwrap();
            assert_eq!(view.input_len(), 10);
            view.close();
            assert_eq!((view.read(&mut [0; 4]), view.input_len()), (0, 0));
        }
    });
}

const TEXT: &[u8] = b"Now is the time for all good events to signal for the good of their protocol";

/// Two clients of one listener each get a text and the end of the stream.
fn two_clients_read_a_text() {
    play(|mut scene| {
        let (listener, address) = scene.listen();
        scene.app.react = Some(|_, conn, event| {
            if event == ConnEvent::Opened && conn.listener().is_some() {
                conn.write(
                    b"Now is the time for all good events to signal for the good of their protocol",
                )
                .unwrap();
                conn.close();
            }
            if event == ConnEvent::Eof {
                conn.close();
            }
        });
        let clients = [scene.connect(address), scene.connect(address)];
        assert_eq!(scene.run(Run::DEFAULT), None);
        let all = [ConnEvent::Opened, ConnEvent::Readable, ConnEvent::Eof, CLOSED];
        for client in clients {
            assert_eq!(scene.app.events(client), all);
            assert_eq!(scene.app.received(client), TEXT);
        }
        assert_eq!(scene.app.accepted.len(), 2);
        assert!(scene.app.accepted.iter().all(|accepted| accepted.0 == listener));
    });
}

#[test]
fn bufferevent_connect() {
    two_clients_read_a_text();
}

/// Here callbacks are always deferred: no callback runs inside a method call.
#[test]
fn bufferevent_connect_defer() {
    two_clients_read_a_text();
}

/// A refused connect is reported once, by the loop, and nothing else is reported.
fn refused(events: impl FnOnce(&App, Conn)) {
    play(|mut scene| {
        let conn = scene.connect("127.0.0.1:9".parse().unwrap());
        scene.base.conn(conn).unwrap().write(b"never sent").unwrap();
        assert_eq!(scene.app.calls, [], "no callback runs in a verb");
        assert_eq!(scene.run(Run::DEFAULT), Some(picoevent::End::Empty));
        events(&scene.app, conn);
    });
}

#[test]
fn bufferevent_connect_fail() {
    refused(|app, conn| assert_eq!(app.events(conn), [REFUSED]));
}

#[test]
fn bufferevent_connect_fail_eventcb() {
    refused(|app, conn| assert_eq!(app.calls, [(conn, REFUSED, 0)]));
}

#[test]
fn bufferevent_connect_fail_eventcb_defer() {
    refused(|app, _| assert_eq!(app.calls.len(), 1));
}

/// On the connection `idle`, only the read timeout expires, because there is no output to send. On the connection
/// `stalled`, whose peer does not read, both timeouts expire, each once.
fn each_direction_times_out_once(ends: Ends) {
    play(|mut scene| {
        let timeouts = [150, 100].map(|millis| Some(ms(millis)));
        let [idle, _] = scene.ends(ends);
        let [stalled, not_reading] = scene.ends(ends);
        // The peer must not read, so that output stays unsent. Above a filter, the rings below can take 300 bytes more.
        scene.base.conn(not_reading).unwrap().disable(Direction::Read);
        let began = scene.base.now().as_micros() / 1_000;
        for conn in [idle, stalled] {
            scene.base.conn(conn).unwrap().set_timeouts(timeouts[0], timeouts[1]);
        }
        scene.send(stalled, &[0; 10_000]);
        assert_eq!(scene.run(Run::DEFAULT), None);
        let after = |millis| began + millis;
        assert_eq!(scene.app.timeouts(idle), [(Direction::Read, after(150))]);
        let both = [(Direction::Write, after(100)), (Direction::Read, after(150))];
        assert_eq!(scene.app.timeouts(stalled), both);
        for conn in [idle, stalled] {
            assert!(!scene.base.conn(conn).unwrap().is_enabled(Direction::Read));
        }
        assert!(scene.base.conn(idle).unwrap().is_enabled(Direction::Write));
    });
}

#[test]
fn bufferevent_timeout() {
    each_direction_times_out_once(Ends::Sockets);
}

#[test]
fn bufferevent_timeout_pair() {
    each_direction_times_out_once(Ends::Pair);
}

#[test]
fn bufferevent_timeout_filter() {
    each_direction_times_out_once(Ends::Filters);
}

#[test]
fn bufferevent_timeout_filter_pair() {
    each_direction_times_out_once(Ends::PairFilters);
}
