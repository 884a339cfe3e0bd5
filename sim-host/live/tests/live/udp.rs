//! Tests of datagrams over the loopback device: the contents, order and lengths of datagrams, errors, multicast groups
//! and floods.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket as Peer};
use std::thread;

use picoevent::{
    Dropped, End, EventBase, SendError, UdpError, UdpEvent, UdpMut, UdpRings, UdpSocket,
};
use picoevent_mio::{Capacities, HeapStorage, Live};

use crate::support::{ANY_PORT, LIMIT};

const V6_ANY_PORT: &str = "[::1]:0";

#[derive(Default)]
struct App {
    received: Vec<(SocketAddr, Vec<u8>, bool)>,
    failed: Vec<UdpError>,
    /// The number of datagrams after which the loop ends.
    wanted: usize,
    answered: usize,
}

impl App {
    fn wanting(wanted: usize) -> Self {
        Self { wanted, ..Self::default() }
    }

    /// Stores the next received datagram. Ends the loop after an error, or when the wanted number of
    /// datagrams has arrived.
    fn keep(&mut self, udp: &mut UdpMut<Self>, event: UdpEvent) {
        if let UdpEvent::Failed(error) = event {
            self.failed.push(error);
            udp.cx().exit();
        }
        if let Some(datagram) = udp.peek() {
            self.received.push((datagram.from, datagram.data.to_vec(), datagram.truncated));
            udp.consume();
        }
        if self.received.len() == self.wanted {
            udp.cx().exit();
        }
    }

    /// Sends received datagrams back. Datagrams for which the output ring has no room stay in the input ring.
    fn echo(&mut self, udp: &mut UdpMut<Self>, event: UdpEvent) {
        if let UdpEvent::Failed(error) = event {
            self.failed.push(error);
        }
        while let Some(datagram) = udp.peek() {
            let (from, data) = (datagram.from, datagram.data.to_vec());
            match udp.send_to(&data, from) {
                Err(SendError::Full) => return,
                sent => sent.unwrap(),
            }
            udp.consume();
            self.answered += 1;
            if data == b"end" {
                udp.cx().exit();
            }
        }
    }
}

/// Makes a base with room for two sockets with these rings, and calls `start` to prepare the base. Then runs the base's
/// loop with `app`.
fn run(
    rings: UdpRings,
    app: &mut App,
    start: impl FnOnce(&mut Live, &mut EventBase<'_, App>, &mut App),
) -> End {
    let bytes = 2 * rings.bytes();
    let capacities = Capacities { events: 1, bytes, udp: 2, ..Capacities::default() };
    let mut storage = HeapStorage::new(capacities).unwrap();
    let mut base = EventBase::over(storage.memory());
    let mut live = Live::new().unwrap();
    base.after(LIMIT, |_, _| panic!("the loop has not ended within {LIMIT:?}")).unwrap();
    start(&mut live, &mut base, app);
    let end = live.run(&mut base, app).unwrap();
    live.close(&mut base).unwrap();
    end
}

const SMALL: UdpRings = UdpRings::new(512, 512);

fn bind(
    live: &mut Live,
    base: &mut EventBase<'_, App>,
    address: SocketAddr,
    rings: UdpRings,
    call: picoevent::OnUdp<App>,
) -> (UdpSocket, SocketAddr) {
    let socket = base.bind(address, rings, call).unwrap();
    live.settle(base).unwrap();
    let bound = live.udp_local_addr(socket).unwrap();
    assert_eq!(base.udp(socket).unwrap().local_addr(), Some(bound));
    (socket, bound)
}

fn peer(address: SocketAddr) -> Peer {
    let peer = Peer::bind(address).unwrap();
    peer.set_read_timeout(Some(LIMIT)).unwrap();
    peer
}

/// Sends datagrams of these lengths, one after the other, to a socket that sends each datagram back. Compares each
/// answer with its datagram.
fn echoes(local: SocketAddr, rings: UdpRings, lengths: Vec<usize>) {
    let mut app = App::default();
    let mut client = None;
    run(rings, &mut app, |live, base, _| {
        let (_, server) = bind(live, base, local, rings, App::echo);
        client = Some(thread::spawn(move || {
            let peer = peer(local);
            peer.connect(server).unwrap();
            let mut answer = vec![0; 1 << 16];
            for length in lengths {
                let data: Vec<u8> = (0..length).map(|at| (at * 7 + length) as u8).collect();
                peer.send(&data).unwrap();
                let answered = peer.recv(&mut answer).unwrap();
                assert!(answer[..answered] == data, "{length} bytes came back as {answered}");
            }
            peer.send(b"end").unwrap();
            assert_eq!(peer.recv(&mut answer).unwrap(), 3);
        }));
    });
    client.unwrap().join().unwrap();
    assert_eq!(app.failed, []);
}

#[test]
fn datagrams_are_echoed_unchanged_over_ipv4_and_ipv6() {
    let rings = UdpRings::new(UdpRings::holding(1, 65_527), UdpRings::holding(1, 65_527));
    let lengths = (0..64).chain((64..65_400).step_by(4_001)).chain([65_506, 65_507]).collect();
    echoes(ANY_PORT, rings, lengths);
    echoes(V6_ANY_PORT.parse().unwrap(), rings, vec![0, 1, 1_472, 65_507, 65_527]);
}

#[test]
fn a_datagram_longer_than_the_ring_is_cut_and_marked() {
    let mut app = App::wanting(3);
    run(SMALL, &mut app, |live, base, _| {
        let (_, server) = bind(live, base, ANY_PORT, SMALL, App::keep);
        let peer = peer(ANY_PORT);
        for length in [503, 504, 9_000] {
            peer.send_to(&vec![7; length], server).unwrap();
        }
    });
    let lengths: Vec<_> = app.received.iter().map(|(_, data, cut)| (data.len(), *cut)).collect();
    assert_eq!(lengths, [(503, false), (503, true), (503, true)]);
}

#[test]
fn a_second_socket_cannot_have_the_same_address() {
    let mut app = App::default();
    run(SMALL, &mut app, |live, base, _| {
        let (_, server) = bind(live, base, ANY_PORT, SMALL, App::keep);
        let second = base.bind(server, SMALL, App::keep).unwrap();
        live.settle(base).unwrap();
        assert!(live.udp_local_addr(second).is_err());
    });
    assert_eq!(app.failed, [UdpError::InUse]);
}

#[test]
fn an_address_that_is_not_ours_is_refused() {
    let mut app = App::default();
    run(SMALL, &mut app, |live, base, _| {
        base.bind("192.0.2.1:0".parse().unwrap(), SMALL, App::keep).unwrap();
        live.settle(base).unwrap();
    });
    assert_eq!(app.failed, [UdpError::NotOurs]);
}

#[test]
fn a_connected_socket_reports_a_refused_datagram_and_still_works() {
    let mut app = App::default();
    let mut dropped = None;
    run(SMALL, &mut app, |live, base, app| {
        let (socket, _) = bind(live, base, ANY_PORT, SMALL, App::keep);
        // This peer occupies a port. It is connected to itself, so it does not receive the datagrams of other sockets.
        let occupied = peer(ANY_PORT);
        occupied.connect(occupied.local_addr().unwrap()).unwrap();
        let mut udp = base.udp(socket).unwrap();
        udp.connect(occupied.local_addr().unwrap()).unwrap();
        udp.send(b"is anybody there?").unwrap();
        live.run(base, app).unwrap();
        dropped = Some(base.udp(socket).unwrap().dropped());
        let peer = peer(ANY_PORT);
        let mut udp = base.udp(socket).unwrap();
        udp.connect(peer.local_addr().unwrap()).unwrap();
        udp.send(b"here").unwrap();
        live.settle(base).unwrap();
        let mut data = [0; 9];
        let (length, from) = peer.recv_from(&mut data).unwrap();
        assert_eq!(&data[..length], b"here");
        app.wanted = 1;
        peer.send_to(b"yes", from).unwrap();
    });
    assert_eq!(app.failed, [UdpError::Refused]);
    assert_eq!(dropped, Some(Dropped::default()), "it was sent");
    assert_eq!(app.received.len(), 1);
}

/// The system reports the IPv4 peer of an IPv6 socket with an IPv4-mapped address.
#[test]
fn an_ipv6_socket_receives_from_the_ipv4_peer_it_is_connected_to() {
    let mut app = App::wanting(1);
    let peer = peer(ANY_PORT);
    let address = peer.local_addr().unwrap();
    run(SMALL, &mut app, |live, base, _| {
        let (socket, bound) = bind(live, base, "[::]:0".parse().unwrap(), SMALL, App::keep);
        base.udp(socket).unwrap().connect(address).unwrap();
        live.settle(base).unwrap();
        peer.send_to(b"hello", (Ipv4Addr::LOCALHOST, bound.port())).unwrap();
    });
    assert_eq!(app.received, [(address, b"hello".to_vec(), false)]);
}

#[test]
fn a_broadcast_takes_permission() {
    let mut app = App::default();
    run(SMALL, &mut app, |live, base, app| {
        let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        let (socket, bound) = bind(live, base, any, SMALL, App::keep);
        let mut udp = base.udp(socket).unwrap();
        udp.send_to(b"all", (Ipv4Addr::new(127, 255, 255, 255), bound.port()).into()).unwrap();
        live.run(base, app).unwrap();
        let mut udp = base.udp(socket).unwrap();
        assert_eq!(udp.dropped(), Dropped { input: 0, output: 1 });
        udp.set_broadcast(true).unwrap();
        udp.send_to(b"all", (Ipv4Addr::new(127, 255, 255, 255), bound.port()).into()).unwrap();
        app.wanted = 1;
    });
    assert_eq!(app.failed, [UdpError::Denied]);
    assert_eq!(app.received.len(), 1, "the loopback device gives it back");
}

#[test]
fn a_datagram_sent_just_before_the_close_arrives() {
    let receiver = peer(ANY_PORT);
    let to = receiver.local_addr().unwrap();
    let mut app = App::default();
    run(SMALL, &mut app, |_, base, _| {
        let socket = base.bind(ANY_PORT, SMALL, App::keep).unwrap();
        let mut udp = base.udp(socket).unwrap();
        udp.send_to(b"last", to).unwrap();
        udp.close();
        base.exit();
    });
    let mut data = [0; 9];
    assert_eq!(receiver.recv(&mut data).unwrap(), 4);
}

/// As on a board, a second join of the same group, and leaving a group that the socket has not joined, change nothing.
#[test]
fn a_group_can_be_joined_and_left_twice() {
    let group = Ipv4Addr::new(239, 255, 77, 1);
    if peer(([0, 0, 0, 0], 0).into()).join_multicast_v4(&group, &Ipv4Addr::UNSPECIFIED).is_err() {
        eprintln!("skipped: this machine cannot join a group");
        return;
    }
    let mut app = App::wanting(1);
    run(SMALL, &mut app, |live, base, _| {
        let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        let (socket, bound) = bind(live, base, any, SMALL, App::keep);
        for _ in 0..2 {
            base.udp(socket).unwrap().join_multicast(group.into()).unwrap();
            live.settle(base).unwrap();
        }
        for _ in 0..2 {
            base.udp(socket).unwrap().leave_multicast(group.into()).unwrap();
            live.settle(base).unwrap();
        }
        let own = (Ipv4Addr::LOCALHOST, bound.port()).into();
        base.udp(socket).unwrap().send_to(b"the end", own).unwrap();
    });
    assert_eq!(app.failed, []);
}

/// Joins a group with a socket on an interface that the system chooses. On a host without a multicast route, no socket
/// can join a group, and the test does nothing.
#[test]
fn a_group_is_joined_and_left() {
    let group = Ipv4Addr::new(239, 255, 77, 1);
    if let Err(error) =
        peer(([0, 0, 0, 0], 0).into()).join_multicast_v4(&group, &Ipv4Addr::UNSPECIFIED)
    {
        eprintln!("skipped: this machine cannot join a group: {error}");
        return;
    }
    let mut app = App::wanting(1);
    run(SMALL, &mut app, |live, base, app| {
        let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        let (receiver, bound) = bind(live, base, any, SMALL, App::keep);
        let (sender, _) = bind(live, base, any, SMALL, App::keep);
        let to = SocketAddr::from((group, bound.port()));
        base.udp(receiver).unwrap().join_multicast(group.into()).unwrap();
        live.settle(base).unwrap();
        base.udp(sender).unwrap().send_to(b"joined", to).unwrap();
        live.run(base, app).unwrap();
        assert_eq!(app.received.pop().map(|(_, data, _)| data), Some(b"joined".to_vec()));
        base.udp(receiver).unwrap().leave_multicast(group.into()).unwrap();
        live.settle(base).unwrap();
        // After the socket has left the group, a datagram to the group does not arrive. A later datagram to the socket
        // arrives.
        let mut udp = base.udp(sender).unwrap();
        udp.send_to(b"left", to).unwrap();
        udp.send_to(b"direct", (Ipv4Addr::LOCALHOST, bound.port()).into()).unwrap();
    });
    assert_eq!(app.failed, []);
    assert_eq!(app.received.pop().map(|(_, data, _)| data), Some(b"direct".to_vec()));
    assert_eq!(app.received, []);
}

#[test]
fn a_group_that_cannot_be_joined_is_an_error_of_its_socket() {
    let mut app = App::default();
    run(SMALL, &mut app, |live, base, _| {
        // An IPv4 socket, and an IPv6 group.
        let (socket, _) = bind(live, base, ANY_PORT, SMALL, App::keep);
        let group: IpAddr = "ff02::fb".parse().unwrap();
        base.udp(socket).unwrap().join_multicast(group).unwrap();
    });
    assert_eq!(app.failed.len(), 1);
}

/// In a flood, datagrams that do not fit the ring wait in the back end and in the system. They arrive in order.
#[test]
fn a_flood_is_taken_as_fast_as_the_ring_allows() {
    const SENT: u32 = 200;
    let mut app = App::wanting(SENT as usize);
    run(SMALL, &mut app, |live, base, _| {
        let (_, server) = bind(live, base, ANY_PORT, SMALL, App::keep);
        let peer = peer(ANY_PORT);
        for number in 0..SENT {
            peer.send_to(&number.to_be_bytes(), server).unwrap();
        }
    });
    let numbers = app.received.iter().map(|(_, data, _)| data.clone());
    assert!(numbers.eq((0..SENT).map(|number| number.to_be_bytes().to_vec())));
}

/// Returns the datagram with this number. The length of the datagram also depends on the number.
fn numbered(number: u32) -> Vec<u8> {
    let mut data = number.to_be_bytes().to_vec();
    data.extend((0..number * 31 % 200).map(|at| (at ^ number) as u8));
    data
}

/// Twenty thousand datagrams: each comes back unchanged. The client waits for answers, so that only a few datagrams are
/// under way at any time and no buffer of the system overflows.
#[test]
fn twenty_thousand_datagrams_are_echoed_unaltered() {
    const SENT: u32 = 20_000;
    const UNDER_WAY: u32 = 32;
    let rings = UdpRings::new(8_192, 1_024);
    let mut app = App::default();
    let mut client = None;
    run(rings, &mut app, |live, base, _| {
        let (_, server) = bind(live, base, ANY_PORT, rings, App::echo);
        client = Some(thread::spawn(move || {
            let peer = peer(ANY_PORT);
            peer.connect(server).unwrap();
            let mut answer = [0; 512];
            for number in 0..SENT + UNDER_WAY {
                if number < SENT {
                    peer.send(&numbered(number)).unwrap();
                }
                if let Some(oldest) = number.checked_sub(UNDER_WAY) {
                    let length = peer.recv(&mut answer).unwrap();
                    assert_eq!(answer[..length], numbered(oldest), "in order, and as it was");
                }
            }
            peer.send(b"end").unwrap();
        }));
    });
    client.unwrap().join().unwrap();
    assert_eq!((app.answered, app.failed), (SENT as usize + 1, vec![]));
}

/// A flood of a million datagrams: each comes back unchanged, or is counted as dropped by the
/// system.
#[test]
#[ignore = "a flood for a person to watch: cargo test -p picoevent-mio --test live million -- --ignored"]
#[cfg(target_os = "linux")]
fn a_million_datagrams_are_echoed_or_counted_as_dropped() {
    const SENT: u32 = 1_000_000;
    /// After this time without an answer, no datagram is under way.
    const SILENCE: std::time::Duration = std::time::Duration::from_secs(2);
    let rings = UdpRings::new(65_536, 65_536);
    let mut app = App::default();
    let mut client = None;
    run(rings, &mut app, |live, base, _| {
        let (_, server) = bind(live, base, ANY_PORT, rings, App::echo);
        client = Some(thread::spawn(move || {
            let receiver = peer(ANY_PORT);
            receiver.connect(server).unwrap();
            receiver.set_read_timeout(Some(SILENCE)).unwrap();
            let sender = receiver.try_clone().unwrap();
            let flood = thread::spawn(move || {
                (0..SENT).for_each(|number| _ = sender.send(&numbered(number)).unwrap());
            });
            let (mut echoed, mut next) = (0, 0);
            let mut answer = [0; 512];
            while let Ok(length) = receiver.recv(&mut answer) {
                let number = u32::from_be_bytes(answer[..4].try_into().unwrap());
                assert_eq!(answer[..length], numbered(number), "none is altered or merged");
                assert!(number >= next, "none comes twice, or behind a later one");
                (echoed, next) = (echoed + 1, number + 1);
            }
            flood.join().unwrap();
            let dropped = dropped_at(server) + dropped_at(receiver.local_addr().unwrap());
            println!("{SENT} sent, {echoed} echoed, {dropped} dropped by the system");
            assert_eq!(echoed + dropped, SENT);
            receiver.send(b"end").unwrap();
        }));
    });
    client.unwrap().join().unwrap();
    assert_eq!(app.failed, []);
}

/// Returns how many datagrams to the socket at `address` the system has dropped because the socket's buffer was full.
#[cfg(target_os = "linux")]
fn dropped_at(address: SocketAddr) -> u32 {
    let SocketAddr::V4(address) = address else { panic!("{address} is not of IPv4") };
    let ip = u32::from_ne_bytes(address.ip().octets());
    let local = format!("{ip:08X}:{:04X}", address.port());
    let sockets = std::fs::read_to_string("/proc/net/udp").unwrap();
    let line = sockets.lines().find(|line| line.split_whitespace().nth(1) == Some(&local));
    line.and_then(|line| line.split_whitespace().last()?.parse().ok()).unwrap()
}
