//! Scenarios in which the application ends a connection in a callback of the same or of another connection. After the
//! application has ended a connection, the only callback of this connection is the callback for its end.

use std::time::Duration;

use picoevent::{ConnEnd, ConnError, ConnEvent, Direction};
use picoevent_conformance::{Ending, Harness, Sizes};

/// How a connection is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Close,
    Abort,
}

/// Makes a harness whose application ends a connection in one of its callbacks.
fn ending_at<S: Harness>(at: ConnEvent, how: How) -> S {
    let mut harness = S::new(Sizes::default());
    harness.react(move |_, conn, event| {
        if event == ConnEvent::Opened {
            conn.write(b"hello").unwrap();
        }
        if event == at {
            match how {
                How::Close => conn.close(),
                How::Abort => conn.abort(),
            }
        }
    });
    harness
}

/// Checks how the connection ends for its peer. If the application closes the connection, the peer receives all output
/// and then an end of stream. If the application aborts the connection, the peer receives a reset, unless the peer has
/// already ended its stream.
fn expect_ending<S: Harness>(harness: &mut S, peer: usize, at: ConnEvent, how: How) {
    if how == How::Abort && at != ConnEvent::Eof {
        harness.expect_reset(peer);
    } else {
        harness.expect_received(peer, "hello", Some(Ending::End));
    }
    harness.expect_conns(0);
    harness.expect([]);
}

/// Returns the callback that reports the end of the connection to the application.
fn ended(how: How) -> &'static str {
    match how {
        How::Close => "0 Ended(Closed)",
        How::Abort => "0 Ended(Aborted)",
    }
}

/// For each callback of an accepted connection, runs a harness that ends the connection in this callback.
fn in_each_callback_of_a_server<S: Harness>(how: How) {
    for at in [ConnEvent::Opened, ConnEvent::Writable, ConnEvent::Readable, ConnEvent::Eof] {
        let mut harness: S = ending_at(at, how);
        let (_, address) = harness.listen();
        let peer = harness.connect_peer(address);
        match at {
            ConnEvent::Opened => harness.expect(["0 accepted", ended(how)]),
            ConnEvent::Writable => harness.expect(["0 accepted", "0 written", ended(how)]),
            _ => harness.expect(["0 accepted", "0 written"]),
        }
        if at == ConnEvent::Readable {
            harness.send(peer, b"input");
            harness.expect(["0 read input", ended(how)]);
        } else if at == ConnEvent::Eof {
            harness.send(peer, b"input");
            harness.expect(["0 read input"]);
            harness.finish(peer);
            harness.expect(["0 Eof", ended(how)]);
        }
        expect_ending(&mut harness, peer, at, how);
        harness.end();
    }
}

fn a_server_may_close_in_each_callback<S: Harness>() {
    in_each_callback_of_a_server::<S>(How::Close);
}

fn a_server_may_abort_in_each_callback<S: Harness>() {
    in_each_callback_of_a_server::<S>(How::Abort);
}

fn a_connection_may_be_ended_when_it_is_connected<S: Harness>() {
    for how in [How::Close, How::Abort] {
        let at = ConnEvent::Opened;
        let mut harness: S = ending_at(at, how);
        let (address, host) = harness.listening_peer();
        harness.connect(address);
        harness.expect(["0 Opened", ended(how)]);
        expect_ending(&mut harness, host, at, how);
        harness.end();
    }
}

fn a_connection_may_be_ended_when_it_times_out<S: Harness>() {
    for how in [How::Close, How::Abort] {
        let at = ConnEvent::Timeout(Direction::Read);
        let mut harness: S = ending_at(at, how);
        let (_, address) = harness.listen();
        let peer = harness.connect_peer(address);
        harness.expect(["0 accepted", "0 written"]);
        harness.conn(0).set_timeouts(Some(Duration::from_millis(30)), None);
        harness.expect(["0 Timeout(Read)", ended(how)]);
        expect_ending(&mut harness, peer, at, how);
        harness.end();
    }
}

/// The connection has already ended in this callback, so a close or an abort changes nothing.
fn a_connection_may_be_ended_when_it_has_failed<S: Harness>() {
    const FAILED: ConnEvent = ConnEvent::Ended(ConnEnd::Failed(ConnError::Reset));
    for how in [How::Close, How::Abort] {
        let mut harness: S = ending_at(FAILED, how);
        let (_, address) = harness.listen();
        let peer = harness.connect_peer(address);
        harness.expect(["0 accepted", "0 written"]);
        harness.reset(peer);
        harness.expect(["0 Ended(Failed(Reset))"]);
        assert_eq!(harness.base().counts().conns, 0);
        harness.end();
    }
}

/// Both connections have input. The order of their callbacks depends on the back end.
fn a_connection_aborted_in_the_callback_of_another_is_called_for_its_end_only<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    let (_, address) = harness.listen();
    let peers = ["0 accepted", "1 accepted"].map(|accepted| {
        let peer = harness.connect_peer(address);
        harness.expect([accepted]);
        peer
    });
    harness.react(|app, conn, event| {
        if event == ConnEvent::Readable {
            let this = conn.id();
            for other in app.conns.iter().filter(|other| **other != this) {
                conn.cx().conn(*other).unwrap().abort();
            }
        }
    });
    peers.iter().for_each(|peer| harness.send(*peer, b"stop"));
    harness.expect_conns(1);
    let first = usize::from(harness.app().log[0] == "1 read stop");
    let ended = format!("{} Ended(Aborted)", 1 - first);
    harness.expect([format!("{first} read stop").as_str(), ended.as_str()]);
    harness.expect_reset(peers[1 - first]);
    harness.expect_received(peers[first], "", None);
    harness.end();
}

fn a_slot_that_is_free_after_a_callback_serves_the_next_client<S: Harness>() {
    let mut harness: S = ending_at(ConnEvent::Readable, How::Abort);
    let (_, address) = harness.listen();
    for number in 0..9 {
        let peer = harness.connect_peer(address);
        harness.expect(
            [format!("{number} accepted"), format!("{number} written")]
                .each_ref()
                .map(String::as_str),
        );
        harness.send(peer, b"next");
        let ended = format!("{number} Ended(Aborted)");
        harness.expect([format!("{number} read next").as_str(), ended.as_str()]);
        harness.expect_reset(peer);
    }
    harness.end();
}

on_every_back_end! {
    a_server_may_close_in_each_callback,
    a_server_may_abort_in_each_callback,
    a_connection_may_be_ended_when_it_is_connected,
    a_connection_may_be_ended_when_it_times_out,
    a_connection_may_be_ended_when_it_has_failed,
    a_connection_aborted_in_the_callback_of_another_is_called_for_its_end_only,
    a_slot_that_is_free_after_a_callback_serves_the_next_client,
}
