//! Sent datagrams and other requests.

use std::net::IpAddr;

use super::*;

#[test]
fn requests_are_carried_out_in_the_order_they_were_made() {
    let mut storage = TestStorage::new();
    let mut base = Base::new(&mut storage);
    let socket = bind(&mut base);
    let group: IpAddr = "224.0.0.251".parse().unwrap();
    let mut udp = base.udp(socket).unwrap();
    udp.join_multicast(group).unwrap();
    udp.set_broadcast(true).unwrap();
    udp.send_to(b"a", addr(PEER)).unwrap();
    udp.connect(addr("192.0.2.9:9")).unwrap();
    udp.send(b"b").unwrap();
    assert_eq!(
        actions(&mut base),
        [Action::Udp(socket, UdpAction::Bind), Action::Udp(socket, UdpAction::SendTo)]
    );
    for expected in [
        UdpRequest::Join(group),
        UdpRequest::Broadcast(true),
        UdpRequest::Send(addr(PEER), b"a"),
        UdpRequest::Connect(addr("192.0.2.9:9")),
        UdpRequest::Send(addr("192.0.2.9:9"), b"b"),
    ] {
        assert_eq!(base.udp_request(socket), Some(expected));
        base.udp_done(socket, Ok(()));
    }
    assert_eq!(base.udp_request(socket), None);
    let mut udp = base.udp(socket).unwrap();
    udp.leave_multicast(group).unwrap();
    udp.set_broadcast(false).unwrap();
    assert_eq!(base.udp_request(socket), Some(UdpRequest::Leave(group)));
    base.udp_done(socket, Ok(()));
    assert_eq!(base.udp_request(socket), Some(UdpRequest::Broadcast(false)));
}

#[test]
fn a_datagram_is_queued_whole_or_not_at_all() {
    let mut storage = TestStorage::new();
    let (mut base, mut app) = (Base::new(&mut storage), App::default());
    let socket = bound(&mut base);
    let mut udp = base.udp(socket).unwrap();
    assert_eq!(udp.send_to(&[0; 56], addr(PEER)), Err(SendError::TooLong { most: 55 }));
    assert_eq!(udp.send_to(&[0; 56], addr("[::1]:1")), Err(SendError::TooLong { most: 39 }));
    udp.send_to(&[1; 40], addr(PEER)).unwrap();
    assert!(udp.has_room(6, addr(PEER)) && !udp.has_room(7, addr(PEER)));
    assert_eq!(udp.send_to(&[2; 7], addr(PEER)), Err(SendError::Full));
    run(&mut base, &mut app);
    assert_eq!(app.events(), []);
    assert_eq!(base.udp_request(socket), Some(UdpRequest::Send(addr(PEER), &[1; 40])));
    base.udp_done(socket, Ok(()));
    run(&mut base, &mut app);
    assert_eq!(app.events(), [UdpEvent::Writable], "once, when it would fit");
    assert_eq!(base.udp_request(socket), None);
    base.udp(socket).unwrap().send_to(&[2; 7], addr(PEER)).unwrap();
    base.udp_done(socket, Ok(()));
    run(&mut base, &mut app);
    assert_eq!(app.events(), []);
}

#[test]
fn writable_waits_until_the_refused_datagram_fits() {
    let mut storage = TestStorage::new();
    let (mut base, mut app) = (Base::new(&mut storage), App::default());
    let socket = bound(&mut base);
    let mut udp = base.udp(socket).unwrap();
    udp.send_to(&[1; 11], addr(PEER)).unwrap();
    udp.send_to(&[2; 11], addr(PEER)).unwrap();
    assert_eq!(udp.send_to(&[3; 40], addr(PEER)), Err(SendError::Full));
    base.udp_done(socket, Ok(()));
    run(&mut base, &mut app);
    assert_eq!(app.events(), []);
    base.udp_done(socket, Ok(()));
    run(&mut base, &mut app);
    assert_eq!(app.events(), [UdpEvent::Writable]);
}

#[test]
fn room_that_is_gone_again_is_not_reported() {
    let mut storage = TestStorage::new();
    let (mut base, mut app) = (Base::new(&mut storage), App::default());
    let socket = bound(&mut base);
    let mut udp = base.udp(socket).unwrap();
    udp.send_to(&[1; 55], addr(PEER)).unwrap();
    assert_eq!(udp.send_to(&[2; 20], addr(PEER)), Err(SendError::Full));
    base.udp_done(socket, Ok(()));
    base.udp(socket).unwrap().send_to(&[3; 55], addr(PEER)).unwrap();
    run(&mut base, &mut app);
    assert_eq!(app.events(), []);
    base.udp_done(socket, Ok(()));
    run(&mut base, &mut app);
    assert_eq!(app.events(), [UdpEvent::Writable]);
}

#[test]
fn addresses_that_no_datagram_can_be_sent_to_are_refused() {
    let mut storage = TestStorage::new();
    let mut base = Base::new(&mut storage);
    let socket = bound(&mut base);
    let mut udp = base.udp(socket).unwrap();
    for nowhere in ["192.0.2.7:0", "0.0.0.0:1", "[::]:1"] {
        assert_eq!(udp.send_to(b"", addr(nowhere)), Err(SendError::AddressInvalid));
        assert_eq!(udp.connect(addr(nowhere)), Err(SendError::AddressInvalid));
    }
    assert_eq!(udp.join_multicast(addr(PEER).ip()), Err(SendError::AddressInvalid));
    assert_eq!(udp.leave_multicast(addr(PEER).ip()), Err(SendError::AddressInvalid));
    assert_eq!(udp.send(b""), Err(SendError::NotConnected));
    assert_eq!(actions(&mut base), []);
}

#[test]
fn a_datagram_that_cannot_be_sent_is_counted_and_the_socket_continues() {
    let mut storage = TestStorage::new();
    let (mut base, mut app) = (Base::new(&mut storage), App::default());
    let socket = bound(&mut base);
    let mut udp = base.udp(socket).unwrap();
    udp.send_to(b"a", addr(PEER)).unwrap();
    udp.join_multicast("ff02::fb".parse().unwrap()).unwrap();
    udp.send_to(b"b", addr(PEER)).unwrap();
    base.udp_done(socket, Err(UdpError::Unreachable));
    run(&mut base, &mut app);
    base.udp_done(socket, Err(UdpError::Invalid));
    base.udp_failed(socket, UdpError::Refused);
    run(&mut base, &mut app);
    let failed = [UdpError::Unreachable, UdpError::Refused].map(UdpEvent::Failed);
    assert_eq!(app.events(), failed, "of two before the callback, the last");
    assert_eq!(base.udp_request(socket), Some(UdpRequest::Send(addr(PEER), b"b")));
    let dropped = Dropped { input: 0, output: 1 };
    assert_eq!(base.udp(socket).unwrap().dropped(), dropped, "a group is no datagram");
}
