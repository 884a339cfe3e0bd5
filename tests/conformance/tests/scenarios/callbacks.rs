//! An application that ends its connection, or another, in a callback: nothing more is called.

use std::time::Duration;

use picoevent::{ConnError, ConnEvent, Direction};
use picoevent_conformance::{Ending, Seen, Sizes, Stage};

/// How a connection is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Close,
    Free,
}

/// Makes a stage whose application ends a connection in one of its callbacks.
fn ending_at<S: Stage>(at: Seen, how: How) -> S {
    let mut stage = S::new(Sizes::default());
    stage.react(move |_, cx, conn, seen| {
        let mut conn = cx.conn(conn).unwrap();
        if matches!(seen, Seen::Accepted | Seen::Event(ConnEvent::Connected)) {
            conn.write(b"hello").unwrap();
        }
        if seen == at {
            match how {
                How::Close => conn.close(),
                How::Free => conn.free(),
            }
        }
    });
    stage
}

/// A connection that was closed ends in order, and one that was freed is reset, unless the peer has ended
/// its stream before.
fn expect_ending<S: Stage>(stage: &mut S, call: usize, at: Seen, how: How) {
    if how == How::Free && at != Seen::Event(ConnEvent::Eof) {
        stage.expect_reset(call);
    } else {
        stage.expect_heard(call, "hello", Some(Ending::End));
    }
    stage.expect_conns(0);
    stage.expect([]);
}

/// Ends an accepted connection in each of its callbacks in turn.
fn in_each_callback_of_a_server<S: Stage>(how: How) {
    let callbacks = [Seen::Accepted, Seen::Write, Seen::Read, Seen::Event(ConnEvent::Eof)];
    for at in callbacks {
        let mut stage: S = ending_at(at, how);
        let (_, address) = stage.listen();
        let call = stage.call(address);
        for seen in callbacks {
            match seen {
                Seen::Accepted if at == seen => stage.expect(["0 accepted"]),
                Seen::Accepted => stage.expect(["0 accepted", "0 written"]),
                Seen::Write => {}
                Seen::Read => {
                    stage.send(call, b"input");
                    stage.expect(["0 read input"]);
                }
                Seen::Event(_) => {
                    stage.finish(call);
                    stage.expect(["0 Eof"]);
                }
            }
            if seen == at {
                break;
            }
        }
        expect_ending(&mut stage, call, at, how);
        stage.end();
    }
}

fn a_server_may_close_in_each_callback<S: Stage>() {
    in_each_callback_of_a_server::<S>(How::Close);
}

fn a_server_may_free_in_each_callback<S: Stage>() {
    in_each_callback_of_a_server::<S>(How::Free);
}

fn a_connection_may_be_ended_when_it_is_connected<S: Stage>() {
    for how in [How::Close, How::Free] {
        let at = Seen::Event(ConnEvent::Connected);
        let mut stage: S = ending_at(at, how);
        let (address, host) = stage.host();
        stage.connect(address);
        stage.expect(["0 Connected"]);
        expect_ending(&mut stage, host, at, how);
        stage.end();
    }
}

fn a_connection_may_be_ended_when_it_times_out<S: Stage>() {
    for how in [How::Close, How::Free] {
        let at = Seen::Event(ConnEvent::Timeout(Direction::Read));
        let mut stage: S = ending_at(at, how);
        let (_, address) = stage.listen();
        let call = stage.call(address);
        stage.expect(["0 accepted", "0 written"]);
        stage.conn(0).set_timeouts(Some(Duration::from_millis(30)), None);
        stage.expect(["0 Timeout(Read)"]);
        expect_ending(&mut stage, call, at, how);
        stage.end();
    }
}

fn a_connection_may_be_ended_when_it_has_failed<S: Stage>() {
    for how in [How::Close, How::Free] {
        let mut stage: S = ending_at(Seen::Event(ConnEvent::Failed(ConnError::Reset)), how);
        let (_, address) = stage.listen();
        let call = stage.call(address);
        stage.expect(["0 accepted", "0 written"]);
        stage.reset(call);
        stage.expect(["0 Failed(Reset)"]);
        assert_eq!(stage.base().counts().conns, 0);
        stage.end();
    }
}

/// Both have input by then. Which of two peers is heard first is up to the back end.
fn a_connection_freed_in_the_callback_of_another_is_not_called<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let (_, address) = stage.listen();
    let calls = ["0 accepted", "1 accepted"].map(|accepted| {
        let call = stage.call(address);
        stage.expect([accepted]);
        call
    });
    stage.react(|app, cx, conn, seen| {
        if seen == Seen::Read {
            for other in app.conns.iter().filter(|other| **other != conn) {
                cx.conn(*other).unwrap().free();
            }
        }
    });
    calls.iter().for_each(|call| stage.send(*call, b"stop"));
    stage.expect_conns(1);
    let first = usize::from(stage.app().log == ["1 read stop"]);
    stage.expect([format!("{first} read stop").as_str()]);
    stage.expect_reset(calls[1 - first]);
    stage.expect_heard(calls[first], "", None);
    stage.end();
}

fn a_slot_freed_in_a_callback_serves_the_next_client<S: Stage>() {
    let mut stage: S = ending_at(Seen::Read, How::Free);
    let (_, address) = stage.listen();
    for number in 0..9 {
        let call = stage.call(address);
        stage.expect(
            [format!("{number} accepted"), format!("{number} written")]
                .each_ref()
                .map(String::as_str),
        );
        stage.send(call, b"next");
        stage.expect([format!("{number} read next").as_str()]);
        stage.expect_reset(call);
    }
    stage.end();
}

on_every_stage! {
    a_server_may_close_in_each_callback,
    a_server_may_free_in_each_callback,
    a_connection_may_be_ended_when_it_is_connected,
    a_connection_may_be_ended_when_it_times_out,
    a_connection_may_be_ended_when_it_has_failed,
    a_connection_freed_in_the_callback_of_another_is_not_called,
    a_slot_freed_in_a_callback_serves_the_next_client,
}
