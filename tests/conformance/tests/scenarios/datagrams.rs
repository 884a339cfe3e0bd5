//! Datagrams: received, answered, refused; and sockets that are closed.

use std::net::SocketAddr;
use std::rc::Rc;

use picoevent::{FullError, SendError, SetupError, UdpEvent, UdpRings, UdpSocket};
use picoevent_conformance::{Sizes, Stage, UDP};

/// Makes a stage with a UDP socket that is bound. Returns the stage, the socket and its address.
fn bound<S: Stage>() -> (S, UdpSocket, SocketAddr) {
    let mut stage = S::new(Sizes::default());
    let address = stage.free_address();
    let (base, app) = stage.parts();
    let socket = app.bind(base, address).unwrap();
    stage.step();
    let address = stage.udp_address_of(socket);
    (stage, socket, address)
}

/// Returns how many bytes of a ring a datagram needs in addition to its data.
const fn head(peer: SocketAddr) -> usize {
    if peer.is_ipv6() { UdpRings::HEAD } else { 9 }
}

/// Runs the loop until a peer has received `wanted` datagrams. Returns all that it has received.
fn received<S: Stage>(stage: &mut S, host: usize, wanted: usize) -> Vec<Vec<u8>> {
    let mut datagrams = stage.datagrams(host);
    assert!(stage.until(|stage| {
        datagrams.extend(stage.datagrams(host));
        datagrams.len() >= wanted
    }));
    datagrams
}

fn a_datagram_is_received_and_answered<S: Stage>() {
    let (mut stage, _, address) = bound::<S>();
    let (peer, host) = stage.bind_host();
    stage.app().udp_reaction = Rc::new(move |_, udp, event| {
        assert_eq!(event, UdpEvent::Readable);
        udp.send_to(b"an answer", peer).unwrap();
    });
    stage.send_datagram(host, address, b"a question");
    stage.expect(["udp 0 read a question"]);
    assert_eq!(received(&mut stage, host, 1), [b"an answer"]);
    stage.send_datagram(host, address, b"");
    stage.expect(["udp 0 read "]);
}

fn datagrams_stay_apart_and_in_order<S: Stage>() {
    let (mut stage, _, address) = bound::<S>();
    let (_, host) = stage.bind_host();
    for text in ["a", "bc", "", "d"] {
        stage.send_datagram(host, address, text.as_bytes());
    }
    stage.expect(["udp 0 read a", "udp 0 read bc", "udp 0 read ", "udp 0 read d"]);
}

fn a_datagram_longer_than_the_ring_is_cut<S: Stage>() {
    let (mut stage, _, address) = bound::<S>();
    let (_, host) = stage.bind_host();
    stage.send_datagram(host, address, &[b'x'; 400]);
    let kept = "x".repeat(256 - head(address));
    stage.expect([format!("udp 0 read {kept}, cut").as_str()]);
}

fn what_finds_no_room_waits_and_is_not_lost<S: Stage>() {
    let (mut stage, _, address) = bound::<S>();
    let (_, host) = stage.bind_host();
    stage.app().takes = false;
    for number in b"0123" {
        stage.send_datagram(host, address, &[*number; 100]);
    }
    stage.step();
    stage.step();
    let mut found = Vec::new();
    assert!(stage.until(|stage| {
        while let Some(datagram) = stage.udp(0).peek() {
            found.push(datagram.data[0]);
            stage.udp(0).consume();
        }
        found.len() == 4
    }));
    assert_eq!(found, b"0123");
    let dropped = stage.udp(0).dropped();
    assert_eq!((dropped.input, dropped.output), (0, 0));
}

fn writable_follows_a_datagram_that_found_no_room<S: Stage>() {
    let (mut stage, ..) = bound::<S>();
    let (peer, host) = stage.bind_host();
    let mut udp = stage.udp(0);
    udp.send_to(&[b'1'; 100], peer).unwrap();
    udp.send_to(&[b'2'; 100], peer).unwrap();
    assert_eq!(udp.send_to(&[b'3'; 100], peer), Err(SendError::Full));
    stage.expect(["udp 0 Writable"]);
    stage.udp(0).send_to(&[b'3'; 100], peer).unwrap();
    let found = received(&mut stage, host, 3);
    assert_eq!(found, [[b'1'; 100], [b'2'; 100], [b'3'; 100]]);
    stage.expect([]);
}

fn a_datagram_that_never_fits_is_refused<S: Stage>() {
    let (mut stage, ..) = bound::<S>();
    let (peer, _) = stage.bind_host();
    let most = 256 - head(peer);
    let refused = stage.udp(0).send_to(&[0; 248], peer);
    assert_eq!(refused, Err(SendError::TooLong { most }));
    stage.expect([]);
}

fn a_connected_socket_receives_from_its_peer_only<S: Stage>() {
    let (mut stage, _, address) = bound::<S>();
    let ((peer, host), (_, other)) = (stage.bind_host(), stage.bind_host());
    let mut udp = stage.udp(0);
    udp.connect(peer).unwrap();
    udp.send(b"hello").unwrap();
    assert_eq!(received(&mut stage, host, 1), [b"hello"]);
    stage.send_datagram(other, address, b"from another");
    stage.send_datagram(host, address, b"from the peer");
    stage.expect(["udp 0 read from the peer"]);
}

fn an_address_in_use_is_refused<S: Stage>() {
    let (mut stage, socket, _) = bound::<S>();
    let address = stage.udp(0).local_addr().unwrap();
    let (base, app) = stage.parts();
    app.bind(base, address).unwrap();
    stage.expect(["udp 1 Failed(InUse)"]);
    let (peer, _) = stage.bind_host();
    assert_eq!(stage.udp(1).send_to(b"", peer), Err(SendError::Closed));
    stage.base().udp(socket).unwrap().close();
    stage.udp(1).close();
    stage.step();
    let (base, app) = stage.parts();
    app.bind(base, address).unwrap();
    stage.expect([]);
}

fn a_socket_may_be_closed_in_each_of_its_callbacks<S: Stage>() {
    let close = Rc::new(|_: &mut _, udp: &mut picoevent::UdpMut<'_, '_, _>, _| udp.close());
    let (mut stage, socket, address) = bound::<S>();
    let (_, host) = stage.bind_host();
    stage.app().udp_reaction = close.clone();
    stage.send_datagram(host, address, b"a");
    stage.send_datagram(host, address, b"b");
    stage.expect(["udp 0 read a"]);
    assert!(stage.base().udp(socket).is_err());
    assert!(stage.until(|stage| stage.base().counts().udp == 0));

    let (mut stage, ..) = bound::<S>();
    let (peer, _) = stage.bind_host();
    stage.app().udp_reaction = close.clone();
    let mut udp = stage.udp(0);
    udp.send_to(&[0; 200], peer).unwrap();
    udp.send_to(&[0; 200], peer).unwrap_err();
    stage.expect(["udp 0 Writable"]);
    assert!(stage.until(|stage| stage.base().counts().udp == 0));

    let (mut stage, ..) = bound::<S>();
    stage.app().udp_reaction = close;
    let taken = stage.udp(0).local_addr().unwrap();
    let (base, app) = stage.parts();
    app.bind(base, taken).unwrap();
    stage.expect(["udp 1 Failed(InUse)"]);
    assert!(stage.until(|stage| stage.base().counts().udp == 1));
}

fn a_full_table_refuses_and_a_closed_socket_makes_room<S: Stage>() {
    let (mut stage, socket, _) = bound::<S>();
    for _ in 1..UDP {
        let address = stage.free_address();
        let (base, app) = stage.parts();
        app.bind(base, address).unwrap();
    }
    let address = stage.free_address();
    let (base, app) = stage.parts();
    assert_eq!(app.bind(base, address), Err(SetupError::Full(FullError::Udp)));
    base.udp(socket).unwrap().close();
    stage.step();
    let (base, app) = stage.parts();
    app.bind(base, address).unwrap();
    stage.expect([]);
}

fn what_is_sent_just_before_the_close_arrives<S: Stage>() {
    let (mut stage, ..) = bound::<S>();
    let (peer, host) = stage.bind_host();
    let mut udp = stage.udp(0);
    udp.send_to(b"a", peer).unwrap();
    udp.send_to(b"b", peer).unwrap();
    udp.close();
    assert_eq!(received(&mut stage, host, 2), [b"a", b"b"]);
}

on_every_stage! {
    a_datagram_is_received_and_answered,
    datagrams_stay_apart_and_in_order,
    a_datagram_longer_than_the_ring_is_cut,
    what_finds_no_room_waits_and_is_not_lost,
    writable_follows_a_datagram_that_found_no_room,
    a_datagram_that_never_fits_is_refused,
    a_connected_socket_receives_from_its_peer_only,
    an_address_in_use_is_refused,
    a_socket_may_be_closed_in_each_of_its_callbacks,
    a_full_table_refuses_and_a_closed_socket_makes_room,
    what_is_sent_just_before_the_close_arrives,
}
