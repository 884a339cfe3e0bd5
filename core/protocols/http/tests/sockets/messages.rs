//! A client and a server that exchange messages.

use picoevent_http::{Http, ReplyError, Socket, SocketCalls};

use crate::memory::End;
use crate::memory::frames::{close, decode_frames, frame};
use crate::wire::{Pair, Wire};
use crate::{App, Live, Page, ServerApp};

fn with<T>(wire: &mut Wire, work: impl FnOnce(&mut Socket<App>) -> T) -> Option<T> {
    let done = SocketCalls::<Live>::with(&mut wire.app, &mut wire.base, |_, socket| work(socket));
    wire.run();
    done
}

fn each(pair: &mut Pair, mut work: impl FnMut(&mut Socket<ServerApp>)) {
    let server = &mut pair.server;
    Http::<Page>::each_socket(&mut server.app, &mut server.base, "/live", |_, socket| work(socket));
    server.run();
}

#[test]
fn messages_are_sent_in_both_directions() {
    for segment_size in [1, 3, usize::MAX] {
        let mut pair = Pair::opened();
        assert_eq!(pair.client.app.endpoint.protocol, Some("chat"));
        assert_eq!(pair.server.app.endpoint.protocol, Some("chat"));
        pair.segment_size = segment_size;
        with(&mut pair.client, |socket| {
            socket.send_text("one").unwrap();
            socket.send_fmt(format_args!("{}+{}", 1, "two")).unwrap();
            socket.send_binary(&[0; 200], true).unwrap();
            socket.send_text_part(b"t\xc3", false).unwrap();
            assert_eq!(socket.send_binary(b"", true), Err(ReplyError::NotNow));
            socket.send_text_part(b"\xa9", true).unwrap();
        })
        .unwrap();
        each(&mut pair, |socket| {
            socket.send_text("three").unwrap();
            socket.send_text("").unwrap();
        });
        pair.run();
        assert_eq!(
            pair.server.app.endpoint.received(),
            ["text one", "text 1+two", "200 bytes", "text t\u{e9}"]
        );
        assert_eq!(pair.client.app.endpoint.received(), ["text three", "text "]);
    }
}

#[test]
fn a_message_longer_than_every_ring_is_echoed() {
    for (input, output) in [(256, 512), (251, 330), (4_096, 400)] {
        let mut pair = Pair::new(input, output);
        pair.client.open().unwrap();
        pair.run();
        pair.server.app.endpoint.echoes = true;
        let mut left: &[u8] = &[b'x'; 20_000];
        while !left.is_empty() {
            let amount = with(&mut pair.client, |socket| {
                let amount = socket.room().min(left.len());
                socket.send_text_part(&left[..amount], amount == left.len()).unwrap();
                amount
            });
            left = &left[amount.unwrap()..];
            pair.run();
        }
        assert_eq!(pair.client.app.endpoint.received(), ["open", "text of 20000"]);
        assert_eq!(pair.server.app.endpoint.received(), ["open", "text of 20000"]);
        assert!(pair.client.app.endpoint.parts > 20 && pair.server.app.endpoint.parts > 4);
    }
}

#[test]
fn each_frame_of_a_client_is_masked_with_a_new_key() {
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
    let (frames, masks) = decode_frames(&wire.sent, true);
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
fn a_close_by_either_side_is_reported_once_to_each() {
    let mut pair = Pair::opened();
    with(&mut pair.client, |socket| {
        socket.close(4001);
        assert_eq!(socket.send_text("late"), Err(ReplyError::Ended));
    })
    .unwrap();
    pair.run();
    assert_eq!(pair.client.ended(), [Ok(4001)]);
    assert_eq!(pair.server.app.endpoint.received(), ["closed 4001"]);
    assert!(pair.server.app.http.is_empty() && !pair.client.app.http.is_busy());
    // The server closes the next WebSocket.
    pair.client.open().unwrap();
    pair.run();
    each(&mut pair, |socket| socket.close(1001));
    pair.run();
    assert_eq!(pair.client.ended(), [Ok(1001)]);
    assert_eq!(pair.server.app.endpoint.received(), ["open", "closed 1001"]);
    assert_eq!(pair.client.app.endpoint.received(), ["open"], "the end is reported to `ended`");
}

#[test]
fn a_lost_connection_is_reported_and_the_next_one_opened_at_once() {
    let mut wire = Wire::opened();
    wire.app.retries = 1;
    wire.reset();
    assert_eq!((wire.ended(), wire.connects.len()), (vec![Ok(1006)], 2));
    let request = wire.sent();
    wire.answer(crate::wire::agree(&request).as_bytes());
    assert_eq!(wire.app.endpoint.received(), ["open"]);
    wire.finish();
    assert_eq!(wire.ended(), [Ok(1006)]);
    // If an open WebSocket is cancelled, its connection is reset.
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
fn a_silent_server_is_pinged_and_then_reset() {
    let mut wire = Wire::opened();
    wire.wait_ms(30_000);
    assert_eq!(decode_frames(&std::mem::take(&mut wire.sent), true).0, [frame(0x89, "")]);
    wire.answer(&frame(0x8a, "").bytes(None));
    wire.wait_ms(30_000);
    wire.wait_ms(30_000);
    assert_eq!(decode_frames(&std::mem::take(&mut wire.sent), true).0, [frame(0x89, "")]);
    wire.wait_ms(29_999);
    assert!(wire.ended().is_empty());
    wire.wait_ms(1);
    assert_eq!((wire.ended(), wire.end), (vec![Ok(1006)], Some(End::Reset)));
}

#[test]
fn a_message_that_is_not_taken_is_reported_again() {
    let mut wire = Wire::opened();
    wire.app.endpoint.is_busy = true;
    wire.answer(&[frame(0x81, "one").bytes(None), frame(0x81, "two").bytes(None)].concat());
    assert!(wire.app.endpoint.received().is_empty());
    wire.app.endpoint.is_busy = false;
    with(&mut wire, |_| ()).unwrap();
    assert_eq!(wire.app.endpoint.received(), ["text one", "text two"]);
}

#[test]
fn the_end_of_the_stream_does_not_overtake_frames_that_wait() {
    let code = close(1000, b"").bytes(None);
    // The application has not taken a message.
    let mut wire = Wire::opened();
    wire.app.endpoint.is_busy = true;
    wire.answer(&[frame(0x81, "one").bytes(None), code.clone()].concat());
    wire.finish();
    assert!(wire.ended().is_empty());
    wire.app.endpoint.is_busy = false;
    with(&mut wire, |_| ()).unwrap();
    assert_eq!(wire.app.endpoint.received(), ["text one"]);
    assert_eq!((wire.ended(), wire.end), (vec![Ok(1000)], Some(End::Finished)));
    // If a message is never taken, the connection does not stay open without a limit.
    let mut wire = Wire::opened();
    wire.app.endpoint.is_busy = true;
    wire.answer(&[frame(0x81, "one").bytes(None), code].concat());
    wire.finish();
    wire.wait_ms(30_000);
    wire.wait_ms(30_000);
    wire.wait_ms(30_000);
    assert_eq!((wire.ended(), wire.end), (vec![Ok(1006)], Some(End::Reset)));
}

#[test]
fn a_ping_waits_until_its_pong_fits_into_the_output_ring() {
    let mut wire = Wire::opened();
    wire.is_blocked = true;
    with(&mut wire, |socket| socket.send_binary(&[7; 500], true)).unwrap().unwrap();
    wire.answer(&frame(0x89, "are you there").bytes(None));
    wire.is_blocked = false;
    wire.run();
    let (frames, _) = decode_frames(&wire.sent, true);
    assert_eq!(frames[1..], [frame(0x8a, "are you there")]);
}

#[test]
fn a_client_answers_a_message_when_the_output_ring_has_room_again() {
    let mut wire = Wire::opened();
    wire.is_blocked = true;
    with(&mut wire, |socket| socket.send_binary(&[7; 504], true)).unwrap().unwrap();
    wire.app.endpoint.echoes = true;
    wire.answer(&[frame(0x89, "one").bytes(None), frame(0x81, "two").bytes(None)].concat());
    assert!(wire.app.endpoint.received().is_empty());
    wire.is_blocked = false;
    wire.run();
    assert_eq!(wire.app.endpoint.received(), ["text two"]);
    let (frames, _) = decode_frames(&wire.sent, true);
    assert_eq!(frames[1..], [frame(0x8a, "one"), frame(0x81, "two")]);
}
