//! Scenarios for UDP: datagrams are received, sent and refused, and sockets are closed.

use std::net::SocketAddr;
use std::rc::Rc;

use picoevent::{FullError, SendError, SetupError, UdpEvent, UdpRings, UdpSocket};
use picoevent_conformance::{Harness, Sizes, UDP};

/// Makes a harness with a bound UDP socket. Returns the harness, the socket and the address of the socket.
fn bound<S: Harness>() -> (S, UdpSocket, SocketAddr) {
    let mut harness = S::new(Sizes::default());
    let address = harness.free_address();
    let (base, app) = harness.parts();
    let socket = app.bind(base, address).unwrap();
    harness.step();
    let address = harness.udp_address_of(socket);
    (harness, socket, address)
}

/// Returns the number of bytes that a datagram takes in a ring in addition to its data.
const fn head(peer: SocketAddr) -> usize {
    if peer.is_ipv6() { UdpRings::HEAD } else { 9 }
}

/// Runs the loop until a peer has received at least `wanted` datagrams. Returns all datagrams that the peer has
/// received.
fn received<S: Harness>(harness: &mut S, host: usize, wanted: usize) -> Vec<Vec<u8>> {
    let mut datagrams = harness.datagrams(host);
    assert!(harness.until(|harness| {
        datagrams.extend(harness.datagrams(host));
        datagrams.len() >= wanted
    }));
    datagrams
}

fn a_datagram_is_received_and_answered<S: Harness>() {
    let (mut harness, _, address) = bound::<S>();
    let (peer, host) = harness.bind_peer_socket();
    harness.app().udp_reaction = Rc::new(move |_, udp, event| {
        assert_eq!(event, UdpEvent::Readable);
        udp.send_to(b"an answer", peer).unwrap();
    });
    harness.send_datagram(host, address, b"a question");
    harness.expect(["udp 0 read a question"]);
    assert_eq!(received(&mut harness, host, 1), [b"an answer"]);
    harness.send_datagram(host, address, b"");
    harness.expect(["udp 0 read "]);
}

fn datagrams_are_not_merged_and_keep_their_order<S: Harness>() {
    let (mut harness, _, address) = bound::<S>();
    let (_, host) = harness.bind_peer_socket();
    for text in ["a", "bc", "", "d"] {
        harness.send_datagram(host, address, text.as_bytes());
    }
    harness.expect(["udp 0 read a", "udp 0 read bc", "udp 0 read ", "udp 0 read d"]);
}

fn a_datagram_longer_than_the_ring_is_cut<S: Harness>() {
    let (mut harness, _, address) = bound::<S>();
    let (_, host) = harness.bind_peer_socket();
    harness.send_datagram(host, address, &[b'x'; 400]);
    let kept = "x".repeat(256 - head(address));
    harness.expect([format!("udp 0 read {kept}, cut").as_str()]);
}

fn datagrams_that_do_not_fit_wait_and_are_not_lost<S: Harness>() {
    let (mut harness, _, address) = bound::<S>();
    let (_, host) = harness.bind_peer_socket();
    harness.app().takes_input = false;
    for number in b"0123" {
        harness.send_datagram(host, address, &[*number; 100]);
    }
    harness.step();
    harness.step();
    let mut found = Vec::new();
    assert!(harness.until(|harness| {
        while let Some(datagram) = harness.udp(0).peek() {
            found.push(datagram.data[0]);
            harness.udp(0).consume();
        }
        found.len() == 4
    }));
    assert_eq!(found, b"0123");
    let dropped = harness.udp(0).dropped();
    assert_eq!((dropped.input, dropped.output), (0, 0));
}

fn writable_is_called_after_a_datagram_did_not_fit<S: Harness>() {
    let (mut harness, ..) = bound::<S>();
    let (peer, host) = harness.bind_peer_socket();
    let mut udp = harness.udp(0);
    udp.send_to(&[b'1'; 100], peer).unwrap();
    udp.send_to(&[b'2'; 100], peer).unwrap();
    assert_eq!(udp.send_to(&[b'3'; 100], peer), Err(SendError::Full));
    harness.expect(["udp 0 Writable"]);
    harness.udp(0).send_to(&[b'3'; 100], peer).unwrap();
    let found = received(&mut harness, host, 3);
    assert_eq!(found, [[b'1'; 100], [b'2'; 100], [b'3'; 100]]);
    harness.expect([]);
}

fn a_datagram_that_never_fits_is_refused<S: Harness>() {
    let (mut harness, ..) = bound::<S>();
    let (peer, _) = harness.bind_peer_socket();
    let most = 256 - head(peer);
    let refused = harness.udp(0).send_to(&[0; 248], peer);
    assert_eq!(refused, Err(SendError::TooLong { most }));
    harness.expect([]);
}

fn a_connected_socket_receives_from_its_peer_only<S: Harness>() {
    let (mut harness, _, address) = bound::<S>();
    let ((peer, host), (_, other)) = (harness.bind_peer_socket(), harness.bind_peer_socket());
    let mut udp = harness.udp(0);
    udp.connect(peer).unwrap();
    udp.send(b"hello").unwrap();
    assert_eq!(received(&mut harness, host, 1), [b"hello"]);
    harness.send_datagram(other, address, b"from another");
    harness.send_datagram(host, address, b"from the peer");
    harness.expect(["udp 0 read from the peer"]);
}

fn an_address_in_use_is_refused<S: Harness>() {
    let (mut harness, socket, _) = bound::<S>();
    let address = harness.udp(0).local_addr().unwrap();
    let (base, app) = harness.parts();
    app.bind(base, address).unwrap();
    harness.expect(["udp 1 Failed(InUse)"]);
    let (peer, _) = harness.bind_peer_socket();
    assert_eq!(harness.udp(1).send_to(b"", peer), Err(SendError::Closed));
    harness.base().udp(socket).unwrap().close();
    harness.udp(1).close();
    harness.step();
    let (base, app) = harness.parts();
    app.bind(base, address).unwrap();
    harness.expect([]);
}

fn a_socket_may_be_closed_in_each_of_its_callbacks<S: Harness>() {
    let close = Rc::new(|_: &mut _, udp: &mut picoevent::UdpMut<'_, '_, _>, _| udp.close());
    let (mut harness, socket, address) = bound::<S>();
    let (_, host) = harness.bind_peer_socket();
    harness.app().udp_reaction = close.clone();
    harness.send_datagram(host, address, b"a");
    harness.send_datagram(host, address, b"b");
    harness.expect(["udp 0 read a"]);
    assert!(harness.base().udp(socket).is_err());
    assert!(harness.until(|harness| harness.base().counts().udp == 0));

    let (mut harness, ..) = bound::<S>();
    let (peer, _) = harness.bind_peer_socket();
    harness.app().udp_reaction = close.clone();
    let mut udp = harness.udp(0);
    udp.send_to(&[0; 200], peer).unwrap();
    udp.send_to(&[0; 200], peer).unwrap_err();
    harness.expect(["udp 0 Writable"]);
    assert!(harness.until(|harness| harness.base().counts().udp == 0));

    let (mut harness, ..) = bound::<S>();
    harness.app().udp_reaction = close;
    let taken = harness.udp(0).local_addr().unwrap();
    let (base, app) = harness.parts();
    app.bind(base, taken).unwrap();
    harness.expect(["udp 1 Failed(InUse)"]);
    assert!(harness.until(|harness| harness.base().counts().udp == 1));
}

fn a_full_table_refuses_and_a_closed_socket_makes_room<S: Harness>() {
    let (mut harness, socket, _) = bound::<S>();
    for _ in 1..UDP {
        let address = harness.free_address();
        let (base, app) = harness.parts();
        app.bind(base, address).unwrap();
    }
    let address = harness.free_address();
    let (base, app) = harness.parts();
    assert_eq!(app.bind(base, address), Err(SetupError::Full(FullError::Udp)));
    base.udp(socket).unwrap().close();
    harness.step();
    let (base, app) = harness.parts();
    app.bind(base, address).unwrap();
    harness.expect([]);
}

fn a_datagram_sent_just_before_the_close_arrives<S: Harness>() {
    let (mut harness, ..) = bound::<S>();
    let (peer, host) = harness.bind_peer_socket();
    let mut udp = harness.udp(0);
    udp.send_to(b"a", peer).unwrap();
    udp.send_to(b"b", peer).unwrap();
    udp.close();
    assert_eq!(received(&mut harness, host, 2), [b"a", b"b"]);
}

on_every_back_end! {
    a_datagram_is_received_and_answered,
    datagrams_are_not_merged_and_keep_their_order,
    a_datagram_longer_than_the_ring_is_cut,
    datagrams_that_do_not_fit_wait_and_are_not_lost,
    writable_is_called_after_a_datagram_did_not_fit,
    a_datagram_that_never_fits_is_refused,
    a_connected_socket_receives_from_its_peer_only,
    an_address_in_use_is_refused,
    a_socket_may_be_closed_in_each_of_its_callbacks,
    a_full_table_refuses_and_a_closed_socket_makes_room,
    a_datagram_sent_just_before_the_close_arrives,
}
