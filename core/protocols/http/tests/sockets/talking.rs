//! A client and a server that exchange messages.

use picoevent_http::{Http, ReplyError, Socket, SocketCalls};

use crate::bench::End;
use crate::frames::{close, frame, take_apart};
use crate::wire::{Both, Wire};
use crate::{App, Host, Live, Page};

fn with<T>(wire: &mut Wire, work: impl FnOnce(&mut Socket<App>) -> T) -> Option<T> {
    let done = SocketCalls::<Live>::with(&mut wire.app, &mut wire.base, |_, socket| work(socket));
    wire.run();
    done
}

fn each(both: &mut Both, mut work: impl FnMut(&mut Socket<Host>)) {
    let desk = &mut both.desk;
    Http::<Page>::each_socket(&mut desk.app, &mut desk.base, "/live", |_, socket| work(socket));
    desk.run();
}

#[test]
fn messages_cross_in_both_directions() {
    for piece in [1, 3, usize::MAX] {
        let mut both = Both::opened();
        assert_eq!(both.wire.app.talk.protocol, Some("chat"));
        assert_eq!(both.desk.app.talk.protocol, Some("chat"));
        both.piece = piece;
        with(&mut both.wire, |socket| {
            socket.send_text("one").unwrap();
            socket.send_fmt(format_args!("{}+{}", 1, "two")).unwrap();
            socket.send_binary(&[0; 200], true).unwrap();
            socket.send_text_part(b"t\xc3", false).unwrap();
            assert_eq!(socket.send_binary(b"", true), Err(ReplyError::NotNow));
            socket.send_text_part(b"\xa9", true).unwrap();
        })
        .unwrap();
        each(&mut both, |socket| {
            socket.send_text("three").unwrap();
            socket.send_text("").unwrap();
        });
        both.run();
        assert_eq!(
            both.desk.app.talk.heard(),
            ["text one", "text 1+two", "200 bytes", "text t\u{e9}"]
        );
        assert_eq!(both.wire.app.talk.heard(), ["text three", "text "]);
    }
}

#[test]
fn a_message_longer_than_every_ring_goes_there_and_back() {
    for (input, output) in [(256, 512), (251, 330), (4_096, 400)] {
        let mut both = Both::new(input, output);
        both.wire.open().unwrap();
        both.run();
        both.desk.app.talk.echoes = true;
        let mut left: &[u8] = &[b'x'; 20_000];
        while !left.is_empty() {
            let amount = with(&mut both.wire, |socket| {
                let amount = socket.room().min(left.len());
                socket.send_text_part(&left[..amount], amount == left.len()).unwrap();
                amount
            });
            left = &left[amount.unwrap()..];
            both.run();
        }
        assert_eq!(both.wire.app.talk.heard(), ["open", "text of 20000"]);
        assert_eq!(both.desk.app.talk.heard(), ["open", "text of 20000"]);
        assert!(both.wire.app.talk.pieces > 20 && both.desk.app.talk.pieces > 4);
    }
}

#[test]
fn what_a_client_sends_is_masked_each_frame_with_a_key_of_its_own() {
    let mut wire = Wire::opened();
    with(&mut wire, |socket| {
        let room = socket.room();
        assert_eq!(room, 504);
        let refused = socket.send_binary(&[b'x'; 505], true);
        assert_eq!(refused, Err(ReplyError::TooLong));
        for length in [0, 1, 31, 32, 33, 64, 125, 126] {
            socket.send_binary(&[b'x'; 126][..length], true).unwrap();
        }
        assert_eq!(socket.send_binary(&[b'x'; 100], true), Err(ReplyError::Full));
    })
    .unwrap();
    wire.answer(&frame(0x89, "are you there").bytes(None));
    with(&mut wire, |socket| socket.send_fmt(format_args!("{:>40}", "text"))).unwrap().unwrap();
    with(&mut wire, |socket| socket.close(4000)).unwrap();
    let (frames, masks) = take_apart(&wire.sent, true);
    let mut expected: Vec<_> = [0, 1, 31, 32, 33, 64, 125, 126]
        .into_iter()
        .map(|length| frame(0x82, &[b'x'; 126][..length]))
        .collect();
    expected.push(frame(0x8a, "are you there"));
    expected.push(frame(0x81, format!("{:>40}", "text")));
    expected.push(close(4000, b""));
    assert_eq!(frames, expected);
    for (number, mask) in masks.iter().enumerate() {
        assert_ne!(*mask, [0; 4]);
        assert!(!masks[..number].contains(mask), "the key is new each time");
    }
    assert_eq!((wire.ended(), wire.end), (vec![Ok(4000)], Some(End::Finished)));
}

#[test]
fn either_end_closes_and_both_are_told_once() {
    let mut both = Both::opened();
    with(&mut both.wire, |socket| {
        socket.close(4001);
        assert_eq!(socket.send_text("late"), Err(ReplyError::Ended));
    })
    .unwrap();
    both.run();
    assert_eq!(both.wire.ended(), [Ok(4001)]);
    assert_eq!(both.desk.app.talk.heard(), ["closed 4001"]);
    assert!(both.desk.app.http.is_empty() && !both.wire.app.http.is_busy());
    // The server closes the next WebSocket.
    both.wire.open().unwrap();
    both.run();
    each(&mut both, |socket| socket.close(1001));
    both.run();
    assert_eq!(both.wire.ended(), [Ok(1001)]);
    assert_eq!(both.desk.app.talk.heard(), ["open", "closed 1001"]);
    assert_eq!(both.wire.app.talk.heard(), ["open"], "the end is told elsewhere");
}

#[test]
fn a_lost_connection_is_reported_and_the_next_one_opened_at_once() {
    let mut wire = Wire::opened();
    wire.app.retries = 1;
    wire.reset();
    assert_eq!((wire.ended(), wire.connects.len()), (vec![Ok(1006)], 2));
    let request = wire.request();
    wire.answer(crate::wire::agree(&request).as_bytes());
    assert_eq!(wire.app.talk.heard(), ["open"]);
    wire.finish();
    assert_eq!(wire.ended(), [Ok(1006)]);
    // A WebSocket that is cancelled is reset.
    let mut wire = Wire::opened();
    assert!(SocketCalls::<Live>::cancel(&mut wire.app, &mut wire.base));
    wire.run();
    assert_eq!((wire.ended(), wire.end), (vec![Ok(1006)], Some(End::Reset)));
    // The next WebSocket is cancelled before it is open.
    wire.open().unwrap();
    assert!(SocketCalls::<Live>::cancel(&mut wire.app, &mut wire.base));
    wire.run();
    assert_eq!(wire.ended(), [Err(picoevent_http::CallError::Cancelled)]);
}

#[test]
fn a_silent_server_is_asked_and_then_given_up() {
    let mut wire = Wire::opened();
    wire.pass(30_000);
    assert_eq!(take_apart(&std::mem::take(&mut wire.sent), true).0, [frame(0x89, "")]);
    wire.answer(&frame(0x8a, "").bytes(None));
    wire.pass(30_000);
    wire.pass(30_000);
    assert_eq!(take_apart(&std::mem::take(&mut wire.sent), true).0, [frame(0x89, "")]);
    wire.pass(29_999);
    assert!(wire.ended().is_empty());
    wire.pass(1);
    assert_eq!((wire.ended(), wire.end), (vec![Ok(1006)], Some(End::Reset)));
}

#[test]
fn what_is_not_taken_stays_and_comes_again() {
    let mut wire = Wire::opened();
    wire.app.talk.is_busy = true;
    wire.answer(&[frame(0x81, "one").bytes(None), frame(0x81, "two").bytes(None)].concat());
    assert!(wire.app.talk.heard().is_empty());
    wire.app.talk.is_busy = false;
    with(&mut wire, |_| ()).unwrap();
    assert_eq!(wire.app.talk.heard(), ["text one", "text two"]);
}
