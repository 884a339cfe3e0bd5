//! Binding, using and closing a socket.

use picoevent::{Counts, End, Priority, Run, StaleError};

use super::*;

#[test]
fn a_socket_knows_its_address_once_it_is_bound() {
    let mut storage = TestStorage::new();
    let mut base = Base::new(&mut storage);
    let socket = bind(&mut base);
    assert_eq!(base.udp_address_of(socket), Some(addr("0.0.0.0:7000")));
    assert_eq!(base.udp(socket).unwrap().local_addr(), None);
    base.bound(socket, addr(LOCAL));
    let mut udp = base.udp(socket).unwrap();
    assert_eq!((udp.local_addr(), udp.peer_addr(), udp.id()), (Some(addr(LOCAL)), None, socket));
    assert_eq!((udp.user(), udp.set_user(7).user()), (0, 7));
}

#[test]
fn a_socket_that_cannot_be_bound_reports_it_and_sends_nothing_more() {
    let mut storage = TestStorage::new();
    let (mut base, mut app) = (Base::new(&mut storage), App::default());
    let socket = bind(&mut base);
    base.udp(socket).unwrap().send_to(b"a", addr(PEER)).unwrap();
    let _ = actions(&mut base);
    base.bind_failed(socket, UdpError::InUse);
    run(&mut base, &mut app);
    assert_eq!(app.events(), [UdpEvent::Failed(UdpError::InUse)]);
    let mut udp = base.udp(socket).unwrap();
    assert_eq!(udp.send_to(b"a", addr(PEER)), Err(SendError::Closed));
    assert_eq!(udp.dropped(), Dropped { input: 0, output: 1 });
    assert!(!udp.has_room(0, addr(PEER)));
    base.begin(Run::DEFAULT);
    assert_eq!(base.wait(), Wait::Ended(End::Empty), "it keeps no loop going");
    base.udp(socket).unwrap().close();
    assert_eq!(actions(&mut base), [Action::Udp(socket, UdpAction::Unbind)]);
    assert_eq!(base.counts(), Counts::default());
}

#[test]
fn a_closed_socket_is_stale_sends_its_queue_and_runs_no_callback() {
    let mut storage = TestStorage::new();
    let (mut base, mut app) = (Base::new(&mut storage), App::default());
    let socket = bound(&mut base);
    base.received_from(socket, addr(PEER), b"lost");
    let mut udp = base.udp(socket).unwrap();
    udp.send_to(b"last", addr(PEER)).unwrap();
    udp.close();
    assert_eq!((udp.peek(), udp.local_addr(), udp.user()), (None, None, 0));
    assert_eq!(udp.send_to(b"", addr(PEER)), Err(SendError::Closed));
    assert_eq!(base.udp(socket).err(), Some(StaleError));
    assert_eq!(base.udp_sockets().count(), 0);
    assert_eq!(base.next_action(), Some(Action::Udp(socket, UdpAction::SendTo)));
    assert_eq!(base.udp_request(socket), Some(UdpRequest::Send(addr(PEER), b"last")));
    assert!(base.received_from(socket, addr(PEER), b"late"), "it is discarded");
    assert!(!base.has_udp_room(socket, 1));
    base.udp_done(socket, Err(UdpError::Unreachable));
    base.udp_failed(socket, UdpError::Refused);
    base.bind_failed(socket, UdpError::InUse);
    assert_eq!(actions(&mut base), [Action::Udp(socket, UdpAction::Unbind)]);
    base.udp_done(socket, Ok(()));
    base.bound(socket, addr(LOCAL));
    base.bind_failed(socket, UdpError::InUse);
    base.input_dropped(socket);
    assert_eq!(base.udp_request(socket), None);
    run(&mut base, &mut app);
    assert_eq!(app.events(), []);
}

#[test]
fn no_datagram_waits_for_room_after_its_socket_is_closed() {
    let mut storage = TestStorage::new();
    let mut base = Base::new(&mut storage);
    for waits_before in [true, false] {
        let socket = bound(&mut base);
        assert!(base.received_from(socket, addr(PEER), &[1; 50]));
        assert!(!waits_before || !base.has_udp_room(socket, 50));
        base.udp(socket).unwrap().send_to(b"last", addr(PEER)).unwrap();
        base.udp(socket).unwrap().close();
        assert!(!base.has_udp_room(socket, 50));
        let send = Action::Udp(socket, UdpAction::SendTo);
        assert_eq!(actions(&mut base), [send, Action::Udp(socket, UdpAction::Unbind)]);
    }
}

#[test]
fn a_callback_may_close_its_socket_and_others() {
    let mut storage = TestStorage::new();
    for event in [UdpEvent::Readable, UdpEvent::Writable, UdpEvent::Failed(UdpError::Refused)] {
        let (mut base, mut app) = (Base::new(&mut storage), App::default());
        let sockets = [bound(&mut base), bound(&mut base)];
        for socket in sockets {
            match event {
                UdpEvent::Readable => assert!(base.received_from(socket, addr(PEER), b"a")),
                UdpEvent::Writable => {
                    let mut udp = base.udp(socket).unwrap();
                    udp.send_to(&[0; 55], addr(PEER)).unwrap();
                    udp.send_to(b"b", addr(PEER)).unwrap_err();
                    base.udp_done(socket, Ok(()));
                }
                UdpEvent::Failed(error) => base.udp_failed(socket, error),
            }
        }
        app.react = Some(|_, udp, _| {
            for socket in udp.cx().udp_sockets().collect::<Vec<_>>() {
                udp.cx().udp(socket).unwrap().close();
            }
            assert!(!udp.consume());
        });
        run(&mut base, &mut app);
        assert_eq!(app.events(), [event], "the other is not called any more");
        assert_eq!(base.counts(), Counts::default());
    }
}

#[test]
fn bind_refuses_rings_that_do_not_fit() {
    let mut storage = TestStorage::new();
    let mut base = Base::new(&mut storage);
    let mut refused = |rings| base.bind(addr(LOCAL), rings, App::called).err();
    assert_eq!(refused(UdpRings::new(24, 64)), Some(SetupError::RingSize));
    assert_eq!(refused(UdpRings::new(64, 24)), Some(SetupError::RingSize));
    assert_eq!(refused(UdpRings::new(usize::MAX, 64)), Some(SetupError::RingSize));
    assert_eq!(refused(UdpRings::new(128, 129)), Some(SetupError::Bytes { left: 256 }));
    let sockets = [bind(&mut base), bind(&mut base)];
    let full = SetupError::Full(FullError::Udp);
    assert_eq!(base.bind(addr(LOCAL), RINGS, App::called), Err(full));
    assert_eq!(base.udp_sockets().collect::<Vec<_>>(), sockets);
    assert_eq!(base.counts().udp, 2);
}

#[test]
fn a_new_socket_reuses_the_rings_of_a_closed_one_with_the_same_sizes() {
    let mut storage = TestStorage::new();
    let mut base = Base::new(&mut storage);
    let mut socket = bind(&mut base);
    for _ in 0..5 {
        base.udp(socket).unwrap().close();
        let _ = actions(&mut base);
        let next = bind(&mut base);
        assert_eq!((next.index(), next == socket), (socket.index(), false));
        socket = next;
    }
    base.udp(socket).unwrap().close();
    let _ = actions(&mut base);
    let others = UdpRings::new(32, 64);
    let other = base.bind(addr(LOCAL), others, App::called).unwrap();
    assert_ne!(other.index(), socket.index(), "these rings are of other sizes");
    assert_eq!(base.bind(addr(LOCAL), others, App::called), Err(FullError::Udp.into()));
    assert_eq!(bind(&mut base).index(), socket.index());
}

#[test]
fn a_socket_keeps_the_loop_going_until_it_is_closed() {
    let mut storage = TestStorage::new();
    let mut base = Base::new(&mut storage);
    let socket = bound(&mut base);
    base.begin(Run::DEFAULT);
    assert_eq!(base.wait(), Wait::Forever);
    base.close_all();
    assert_eq!(actions(&mut base), [Action::Udp(socket, UdpAction::Unbind)]);
    assert_eq!(base.wait(), Wait::Ended(End::Empty));
}

#[test]
fn callbacks_run_by_priority() {
    let mut storage = TestStorage::new();
    let (mut base, mut app) = (Base::new(&mut storage), App::default());
    let (slow, quick) = (bound(&mut base), bound(&mut base));
    base.udp(quick).unwrap().set_priority(Priority::HIGHEST).unwrap();
    base.udp(slow).unwrap().on_event(|_, _, _| panic!("it is less urgent"));
    base.received_from(slow, addr(PEER), b"a");
    base.received_from(quick, addr(PEER), b"b");
    assert!(base.udp(quick).unwrap().set_priority(Priority::LOWEST).is_err(), "it is due");
    base.dispatch(&mut app);
    assert_eq!(app.events(), [UdpEvent::Readable]);
}
