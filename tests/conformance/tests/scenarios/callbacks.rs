//! An application that ends its connection, or another connection, in a callback. After that, only the end of
//! the connection is reported.

use std::time::Duration;

use picoevent::{ConnEnd, ConnError, ConnEvent, Direction};
use picoevent_conformance::{Ending, Sizes, Stage};

/// How a connection is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Close,
    Abort,
}

/// Makes a stage whose application ends a connection in one of its callbacks.
fn ending_at<S: Stage>(at: ConnEvent, how: How) -> S {
    let mut stage = S::new(Sizes::default());
    stage.react(move |_, conn, event| {
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
    stage
}

/// Checks how the connection ends for its peer. A closed connection ends in order. An aborted connection is reset,
/// unless the peer has ended its stream before.
fn expect_ending<S: Stage>(stage: &mut S, call: usize, at: ConnEvent, how: How) {
    if how == How::Abort && at != ConnEvent::Eof {
        stage.expect_reset(call);
    } else {
        stage.expect_heard(call, "hello", Some(Ending::End));
    }
    stage.expect_conns(0);
    stage.expect([]);
}

/// Returns the callback that reports the end of the connection to the application.
fn ended(how: How) -> &'static str {
    match how {
        How::Close => "0 Ended(Closed)",
        How::Abort => "0 Ended(Aborted)",
    }
}

/// Ends an accepted connection in each of its callbacks, one after another.
fn in_each_callback_of_a_server<S: Stage>(how: How) {
    for at in [ConnEvent::Opened, ConnEvent::Writable, ConnEvent::Readable, ConnEvent::Eof] {
        let mut stage: S = ending_at(at, how);
        let (_, address) = stage.listen();
        let call = stage.call(address);
        match at {
            ConnEvent::Opened => stage.expect(["0 accepted", ended(how)]),
            ConnEvent::Writable => stage.expect(["0 accepted", "0 written", ended(how)]),
            _ => stage.expect(["0 accepted", "0 written"]),
        }
        if at == ConnEvent::Readable {
            stage.send(call, b"input");
            stage.expect(["0 read input", ended(how)]);
        } else if at == ConnEvent::Eof {
            stage.send(call, b"input");
            stage.expect(["0 read input"]);
            stage.finish(call);
            stage.expect(["0 Eof", ended(how)]);
        }
        expect_ending(&mut stage, call, at, how);
        stage.end();
    }
}

fn a_server_may_close_in_each_callback<S: Stage>() {
    in_each_callback_of_a_server::<S>(How::Close);
}

fn a_server_may_abort_in_each_callback<S: Stage>() {
    in_each_callback_of_a_server::<S>(How::Abort);
}

fn a_connection_may_be_ended_when_it_is_connected<S: Stage>() {
    for how in [How::Close, How::Abort] {
        let at = ConnEvent::Opened;
        let mut stage: S = ending_at(at, how);
        let (address, host) = stage.host();
        stage.connect(address);
        stage.expect(["0 Opened", ended(how)]);
        expect_ending(&mut stage, host, at, how);
        stage.end();
    }
}

fn a_connection_may_be_ended_when_it_times_out<S: Stage>() {
    for how in [How::Close, How::Abort] {
        let at = ConnEvent::Timeout(Direction::Read);
        let mut stage: S = ending_at(at, how);
        let (_, address) = stage.listen();
        let call = stage.call(address);
        stage.expect(["0 accepted", "0 written"]);
        stage.conn(0).set_timeouts(Some(Duration::from_millis(30)), None);
        stage.expect(["0 Timeout(Read)", ended(how)]);
        expect_ending(&mut stage, call, at, how);
        stage.end();
    }
}

/// The connection has already ended in this callback, so a close or an abort changes nothing.
fn a_connection_may_be_ended_when_it_has_failed<S: Stage>() {
    const FAILED: ConnEvent = ConnEvent::Ended(ConnEnd::Failed(ConnError::Reset));
    for how in [How::Close, How::Abort] {
        let mut stage: S = ending_at(FAILED, how);
        let (_, address) = stage.listen();
        let call = stage.call(address);
        stage.expect(["0 accepted", "0 written"]);
        stage.reset(call);
        stage.expect(["0 Ended(Failed(Reset))"]);
        assert_eq!(stage.base().counts().conns, 0);
        stage.end();
    }
}

/// Both connections have input. Which of them is called first depends on the back end.
fn a_connection_aborted_in_the_callback_of_another_is_called_for_its_end_only<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let (_, address) = stage.listen();
    let calls = ["0 accepted", "1 accepted"].map(|accepted| {
        let call = stage.call(address);
        stage.expect([accepted]);
        call
    });
    stage.react(|app, conn, event| {
        if event == ConnEvent::Readable {
            let this = conn.id();
            for other in app.conns.iter().filter(|other| **other != this) {
                conn.cx().conn(*other).unwrap().abort();
            }
        }
    });
    calls.iter().for_each(|call| stage.send(*call, b"stop"));
    stage.expect_conns(1);
    let first = usize::from(stage.app().log[0] == "1 read stop");
    let ended = format!("{} Ended(Aborted)", 1 - first);
    stage.expect([format!("{first} read stop").as_str(), ended.as_str()]);
    stage.expect_reset(calls[1 - first]);
    stage.expect_heard(calls[first], "", None);
    stage.end();
}

fn a_slot_that_is_free_after_a_callback_serves_the_next_client<S: Stage>() {
    let mut stage: S = ending_at(ConnEvent::Readable, How::Abort);
    let (_, address) = stage.listen();
    for number in 0..9 {
        let call = stage.call(address);
        stage.expect(
            [format!("{number} accepted"), format!("{number} written")]
                .each_ref()
                .map(String::as_str),
        );
        stage.send(call, b"next");
        let ended = format!("{number} Ended(Aborted)");
        stage.expect([format!("{number} read next").as_str(), ended.as_str()]);
        stage.expect_reset(call);
    }
    stage.end();
}

on_every_stage! {
    a_server_may_close_in_each_callback,
    a_server_may_abort_in_each_callback,
    a_connection_may_be_ended_when_it_is_connected,
    a_connection_may_be_ended_when_it_times_out,
    a_connection_may_be_ended_when_it_has_failed,
    a_connection_aborted_in_the_callback_of_another_is_called_for_its_end_only,
    a_slot_that_is_free_after_a_callback_serves_the_next_client,
}
