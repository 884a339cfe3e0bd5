//! Received datagrams.

use super::*;

#[test]
fn a_datagram_arrives_with_its_sender_and_its_bytes() {
    let mut storage = TestStorage::new();
    let (mut base, mut app) = (Base::new(&mut storage), App::default());
    let socket = bound(&mut base);
    assert!(base.received_from(socket, addr(PEER), b"one"));
    assert!(base.received_from(socket, addr("[2001:db8::7%3]:1"), b""));
    app.react = Some(App::receive_one);
    run(&mut base, &mut app);
    assert_eq!(app.events(), [UdpEvent::Readable; 2], "once more, since there was another");
    let expected =
        [(addr(PEER), b"one".to_vec(), false), (addr("[2001:db8::7%3]:1"), vec![], false)];
    assert_eq!(app.received, expected);
    assert_eq!(base.udp(socket).unwrap().peek(), None);
    assert!(!base.udp(socket).unwrap().consume());
}

#[test]
fn a_callback_that_receives_nothing_is_not_called_again_for_the_same_datagram() {
    let mut storage = TestStorage::new();
    let (mut base, mut app) = (Base::new(&mut storage), App::default());
    let socket = bound(&mut base);
    base.received_from(socket, addr(PEER), b"one");
    run(&mut base, &mut app);
    assert_eq!(app.events(), [UdpEvent::Readable]);
    base.received_from(socket, addr(PEER), b"two");
    run(&mut base, &mut app);
    assert_eq!(app.events(), [UdpEvent::Readable]);
    assert_eq!(base.udp(socket).unwrap().peek().unwrap().data, b"one");
}

#[test]
fn a_callback_that_receives_everything_is_not_called_again() {
    let mut storage = TestStorage::new();
    let (mut base, mut app) = (Base::new(&mut storage), App::default());
    let socket = bound(&mut base);
    app.react = Some(|_, udp, _| while udp.consume() {});
    base.received_from(socket, addr(PEER), b"one");
    base.received_from(socket, addr(PEER), b"two");
    run(&mut base, &mut app);
    assert_eq!(app.events(), [UdpEvent::Readable]);
}

#[test]
fn a_datagram_longer_than_the_ring_or_the_buffer_is_cut_and_marked() {
    let mut storage = TestStorage::new();
    let (mut base, mut app) = (Base::new(&mut storage), App::default());
    let socket = bound(&mut base);
    // The ring has 64 bytes. The header of a record in the ring, with the sender's address, takes 9 of these bytes.
    for (length, kept, truncated) in
        [(54, 54, false), (55, 55, false), (56, 55, true), (65_535, 55, true)]
    {
        let data: Vec<u8> = (0..length).map(|at| at as u8).collect();
        assert!(base.received_from(socket, addr(PEER), &data), "{length}");
        app.react = Some(App::receive_one);
        run(&mut base, &mut app);
        assert_eq!(app.received.pop(), Some((addr(PEER), data[..kept].to_vec(), truncated)));
    }
    base.received_from(socket, addr(PEER), b"12345");
    let mut short = [0; 3];
    let received = base.udp(socket).unwrap().receive_from(&mut short).unwrap();
    assert_eq!((received.len, received.truncated, &short), (3, true, b"123"));
    assert_eq!(base.udp(socket).unwrap().peek(), None, "the rest of it is gone");
}

#[test]
fn a_datagram_without_room_waits_in_the_back_end_or_is_counted_as_dropped() {
    let mut storage = TestStorage::new();
    let (mut base, mut app) = (Base::new(&mut storage), App::default());
    let socket = bound(&mut base);
    assert!(base.received_from(socket, addr(PEER), &[1; 30]));
    assert!(base.has_udp_room(socket, 0));
    assert!(!base.received_from(socket, addr(PEER), &[2; 30]), "it would be the 78th byte");
    assert!(!base.has_udp_room(socket, 30));
    base.input_dropped(socket);
    assert_eq!(base.udp(socket).unwrap().dropped(), Dropped { input: 1, output: 0 });
    assert_eq!(actions(&mut base), []);
    app.react = Some(App::receive_one);
    base.dispatch(&mut app);
    assert_eq!(
        actions(&mut base),
        [Action::Udp(socket, UdpAction::ReceiveFrom)],
        "there may be room now"
    );
    assert!(base.received_from(socket, addr(PEER), &[2; 30]));
    run(&mut base, &mut app);
    assert_eq!(app.received.len(), 2);
    assert_eq!(actions(&mut base), [], "nothing waits any more");
}

#[test]
fn the_shortest_and_the_longest_datagrams_arrive() {
    let mut storage = Box::new(Storage::<App, 0, 0, 70_000, 0, 0, 0, 1>::new());
    let (mut base, mut app) = (EventBase::new(&mut storage), App::default());
    let rings = UdpRings::new(69_000, UdpRings::LEAST);
    let socket = base.bind(addr("0.0.0.0:1"), rings, App::called).unwrap();
    let _ = actions(&mut base);
    let bytes: Vec<u8> = (0..=u16::MAX).map(|at| (at % 251) as u8).collect();
    for length in (0..500).chain((500..65_400).step_by(331)).chain(65_500..=65_535) {
        assert!(base.received_from(socket, addr(PEER), &bytes[..length]));
        let mut udp = base.udp(socket).unwrap();
        let datagram = udp.peek().unwrap();
        let kept = length.min(65_507);
        assert_eq!((datagram.data.len(), datagram.truncated), (kept, kept < length));
        assert_eq!(datagram.data.last(), bytes[..kept].last());
        assert!(udp.consume());
    }
    run(&mut base, &mut app);
    assert_eq!(app.events(), [], "what was due has gone");
}

#[test]
fn a_connected_socket_receives_from_its_peer_only() {
    let mut storage = TestStorage::new();
    let (mut base, mut app) = (Base::new(&mut storage), App::default());
    let socket = bound(&mut base);
    base.received_from(socket, addr("192.0.2.8:9000"), b"before");
    base.udp(socket).unwrap().connect(addr(PEER)).unwrap();
    assert_eq!(base.udp(socket).unwrap().peer_addr(), Some(addr(PEER)));
    assert!(base.received_from(socket, addr("192.0.2.8:9000"), b"other"), "it is discarded");
    assert!(base.received_from(socket, addr("192.0.2.7:9001"), b"other"));
    assert!(base.received_from(socket, addr(PEER), b"peer"));
    app.react = Some(App::receive_one);
    run(&mut base, &mut app);
    let received: Vec<_> = app.received.iter().map(|(_, data, _)| &data[..]).collect();
    assert_eq!(received, [&b"before"[..], b"peer"]);
    assert_eq!(base.udp(socket).unwrap().dropped(), Dropped::default());
}
