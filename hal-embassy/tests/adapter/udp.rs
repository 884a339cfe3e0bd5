//! UDP sockets of the base on UDP sockets of the stack: datagrams that are received, sent and dropped.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use picoevent::{
    Cx, Dropped, EventBase, EventMut, Run, SendError, Storage, UdpError, UdpEvent, UdpMut,
    UdpRings, UdpSocket,
};
use picoevent_embassy::{Adapter, Config, Sockets, UdpSockets};
use picoevent_sim_support::net::{Cable as _, End};

use crate::world::app::SIGNAL;
use crate::world::{DEVICE, PEER, World, address};

const PORT: u16 = 9037;
/// Room for two datagrams of a hundred bytes in each ring.
const RINGS: UdpRings = UdpRings::new(250, 250);

type Command = Box<dyn FnOnce(&mut App, &mut Cx<'_, App>)>;

#[derive(Default)]
struct Seen {
    commands: VecDeque<Command>,
    received: Vec<Vec<u8>>,
    events: Vec<UdpEvent>,
}

struct App {
    seen: Rc<RefCell<Seen>>,
    reads_input: bool,
}

impl App {
    fn run_command(&mut self, event: &mut EventMut<'_, '_, Self>) {
        let command = self.seen.borrow_mut().commands.pop_front();
        if let Some(command) = command {
            command(self, event);
        }
    }

    fn bind(&self, cx: &mut Cx<'_, Self>, port: u16) -> UdpSocket {
        cx.bind((Ipv4Addr::UNSPECIFIED, port).into(), RINGS, Self::handle_event)
            .expect("there is room")
    }

    /// Records the event, and sends back the datagrams that it reads.
    fn handle_event(&mut self, udp: &mut UdpMut<'_, '_, Self>, event: UdpEvent) {
        self.seen.borrow_mut().events.push(event);
        while self.reads_input
            && let Some(datagram) = udp.peek()
        {
            let (from, data) = (datagram.from, datagram.data.to_vec());
            if udp.send_to(&data, from) == Err(SendError::Full) {
                return;
            }
            udp.consume();
            self.seen.borrow_mut().received.push(data);
        }
    }
}

struct Scene {
    world: World,
    seen: Rc<RefCell<Seen>>,
    /// The peer's socket, on port 5000.
    peer: crate::world::PeerSocket,
}

/// Makes a device with three UDP sockets. Each socket has room in the stack for four datagrams of 512 bytes in total.
fn scene() -> Scene {
    let seen = Rc::<RefCell<Seen>>::default();
    let app_seen = seen.clone();
    let mut world = World::of::<8, _>(address(DEVICE), async move |stack, trigger| {
        let mut storage = Box::new(Storage::<App, 1, 0, 2_000, 0, 0, 0, 4>::new());
        let mut base = EventBase::new(&mut storage);
        base.on_signal(SIGNAL, App::run_command).expect("there is room");
        let mut app = App { seen: app_seen, reads_input: true };
        let mut sockets = Sockets::<1, 64, 64>::new();
        let mut udp = Box::new(UdpSockets::<3, 512, 512>::new());
        let triggers = [trigger];
        let adapter = Adapter::new(stack, &mut sockets, &triggers, Config::SERVER);
        let mut adapter = adapter.with_udp(&mut udp);
        let end = adapter.run(&mut base, &mut app, Run::DEFAULT).await;
        adapter.close(&mut base).await;
        end
    });
    let peer = world.peer.bind(5000);
    world.settle();
    Scene { world, seen, peer }
}

impl Scene {
    fn command<R: 'static>(
        &mut self,
        command: impl FnOnce(&mut App, &mut Cx<'_, App>) -> R + 'static,
    ) -> R {
        let slot = Rc::new(RefCell::new(None));
        let result = slot.clone();
        self.seen
            .borrow_mut()
            .commands
            .push_back(Box::new(move |app, cx| drop(result.replace(Some(command(app, cx))))));
        self.world.trigger.raise();
        self.world.settle();
        slot.take().expect("the loop has run the command")
    }

    fn with<R: 'static>(
        &mut self,
        socket: UdpSocket,
        work: impl FnOnce(&mut UdpMut<'_, '_, App>) -> R + 'static,
    ) -> R {
        self.command(move |_, cx| work(&mut cx.udp(socket).expect("it is open")))
    }

    fn bind(&mut self, port: u16) -> UdpSocket {
        self.command(move |app, cx| app.bind(cx, port))
    }

    fn send(&mut self, data: &[u8]) {
        self.world.peer.send_to(self.peer, (DEVICE, PORT), data);
    }

    /// Returns the datagrams that the peer has received from the device's port.
    fn answers(&mut self) -> Vec<Vec<u8>> {
        let datagrams = self.world.peer.datagrams(self.peer);
        assert!(datagrams.iter().all(|(port, _)| *port == PORT), "{datagrams:?}");
        datagrams.into_iter().map(|(_, data)| data).collect()
    }

    fn failures(&self) -> Vec<UdpError> {
        let events = &self.seen.borrow().events;
        let failures = events.iter().filter_map(|event| match event {
            UdpEvent::Failed(error) => Some(*error),
            _ => None,
        });
        failures.collect()
    }

    fn dropped(&mut self, socket: UdpSocket) -> Dropped {
        self.with(socket, |udp| udp.dropped())
    }
}

fn peer() -> SocketAddr {
    (PEER, 5000).into()
}

#[test]
fn datagrams_of_every_length_of_a_frame_are_answered() {
    let mut scene = scene();
    let socket = scene.bind(PORT);
    let local = scene.with(socket, |udp| udp.local_addr());
    assert_eq!(local, Some((Ipv4Addr::UNSPECIFIED, PORT).into()));
    for length in (0..=241).chain([242, 500, 512]) {
        let data: Vec<u8> = (0..length).map(|at| (at + length) as u8).collect();
        scene.send(&data);
        scene.world.settle();
        // A datagram that is longer than the ring is truncated.
        assert_eq!(scene.answers(), [data[..data.len().min(241)].to_vec()], "{length}");
    }
    assert_eq!(scene.failures(), []);
}

#[test]
fn datagrams_that_do_not_fit_the_ring_wait_in_the_stack() {
    let mut scene = scene();
    let socket = scene.bind(PORT);
    scene.command(|app, _| app.reads_input = false);
    let datagrams: Vec<Vec<u8>> = (0..4).map(|number| vec![number; 100]).collect();
    for data in &datagrams {
        scene.send(data);
    }
    scene.world.pass(Duration::from_secs(10));
    assert_eq!(scene.answers(), Vec::<Vec<u8>>::new());
    // The callback does not run again for datagrams that were left in the ring; so the application reads these
    // datagrams here.
    scene.command(move |app, cx| {
        app.reads_input = true;
        let mut udp = cx.udp(socket).expect("it is open");
        app.handle_event(&mut udp, UdpEvent::Readable);
    });
    assert_eq!(scene.answers(), datagrams);
    assert_eq!(scene.dropped(socket), Dropped::default());
}

#[test]
fn a_flood_loses_only_the_datagrams_that_do_not_fit() {
    let mut scene = scene();
    scene.bind(PORT);
    for round in 0..50_u8 {
        // Sixty datagrams at once, for a stack that holds four.
        (0..60).for_each(|number| scene.send(&[round, number]));
        scene.world.settle();
        let answers = scene.answers();
        assert!(!answers.is_empty(), "some are answered");
        assert!(answers.iter().all(|data| data.len() == 2 && data[0] == round), "none is altered");
        assert!(answers.is_sorted(), "in order");
    }
    scene.send(b"and now?");
    scene.world.settle();
    assert_eq!(scene.answers(), [b"and now?"]);
}

#[test]
fn a_datagram_to_a_neighbour_that_does_not_answer_is_dropped_after_three_seconds() {
    let mut scene = scene();
    let socket = scene.bind(PORT);
    scene.with(socket, |udp| {
        udp.send_to(b"nobody", (Ipv4Addr::new(10, 0, 0, 77), 5000).into()).unwrap();
        udp.send_to(b"you", peer()).unwrap();
    });
    scene.world.pass(Duration::from_millis(2_900));
    assert_eq!((scene.answers(), scene.failures()), (vec![], vec![]));
    // A datagram that arrives before the three seconds have passed is delivered after them.
    scene.send(b"hello?");
    scene.world.pass(Duration::from_millis(200));
    assert_eq!(scene.failures(), [UdpError::Unreachable]);
    // The stack sends one request for a hardware address per second.
    scene.world.pass(Duration::from_secs(1));
    assert_eq!(scene.answers(), [&b"you"[..], b"hello?"]);
    assert_eq!(scene.dropped(socket), Dropped { input: 0, output: 1 });
}

#[test]
fn without_a_link_an_address_or_a_route_datagrams_are_dropped() {
    let mut scene = scene();
    let socket = scene.bind(PORT);
    scene.world.plug(false);
    scene.with(socket, |udp| udp.send_to(b"a", peer()).unwrap());
    scene.world.plug(true);
    scene.world.set_address(None);
    scene.with(socket, |udp| udp.send_to(b"b", peer()).unwrap());
    scene.world.set_address(Some(DEVICE));
    scene.with(socket, |udp| udp.send_to(b"c", (Ipv4Addr::new(8, 8, 8, 8), 53).into()).unwrap());
    scene.with(socket, |udp| udp.send_to(b"d", peer()).unwrap());
    assert_eq!(scene.failures(), [UdpError::Unreachable; 3]);
    assert_eq!(scene.answers(), [b"d"]);
    assert_eq!(scene.dropped(socket), Dropped { input: 0, output: 3 });
}

#[test]
fn a_broadcast_needs_permission() {
    let mut scene = scene();
    let socket = scene.bind(PORT);
    let all = [[255, 255, 255, 255], [10, 0, 0, 255]].map(|ip| SocketAddr::from((ip, 5000)));
    scene.with(socket, move |udp| all.map(|to| udp.send_to(b"a", to).unwrap()));
    assert_eq!(scene.failures(), [UdpError::Denied], "the last of two counts");
    scene.with(socket, move |udp| {
        udp.set_broadcast(true).unwrap();
        all.iter().for_each(|to| udp.send_to(b"b", *to).unwrap());
        udp.set_broadcast(false).unwrap();
    });
    scene.with(socket, move |udp| udp.send_to(b"c", all[0]).unwrap());
    assert_eq!(scene.answers(), [b"b", b"b"]);
    assert_eq!(scene.dropped(socket), Dropped { input: 0, output: 3 });
}

#[test]
fn two_sockets_cannot_share_a_port_and_port_zero_means_a_free_port() {
    let mut scene = scene();
    let first = scene.bind(PORT);
    let second = scene.bind(PORT);
    assert_eq!(scene.failures(), [UdpError::InUse]);
    scene.with(second, |udp| udp.close());
    let others = [scene.bind(0), scene.bind(0)];
    let ports = others
        .map(|socket| scene.with(socket, |udp| udp.local_addr().expect("it is bound").port()));
    assert!(ports[0] != ports[1] && !ports.contains(&0) && !ports.contains(&PORT));
    scene.bind(1);
    assert_eq!(scene.failures()[1..], [UdpError::NoSocket], "the stack has three");
    scene.with(first, |udp| udp.close());
    scene.bind(PORT);
    assert_eq!(scene.failures().len(), 2, "what is closed can be bound again");
}

#[test]
fn an_address_that_is_not_ours_is_refused() {
    let mut scene = scene();
    scene.command(|_, cx| {
        cx.bind((PEER, PORT).into(), RINGS, App::handle_event).unwrap();
        cx.bind((DEVICE, PORT).into(), RINGS, App::handle_event).unwrap();
        cx.bind("[::1]:7".parse().unwrap(), RINGS, App::handle_event).unwrap();
    });
    let v6 = if cfg!(feature = "proto-ipv6") { UdpError::NotOurs } else { UdpError::Invalid };
    assert_eq!(scene.failures(), [UdpError::NotOurs, v6]);
}

#[test]
fn datagrams_sent_just_before_the_close_arrive() {
    let mut scene = scene();
    // The peer's hardware address is not known yet.
    scene.command(|app, cx| {
        let socket = app.bind(cx, PORT);
        let mut udp = cx.udp(socket).unwrap();
        [b"a", b"b", b"c"].iter().for_each(|data| udp.send_to(*data, peer()).unwrap());
        udp.close();
    });
    assert_eq!(scene.answers(), [b"a", b"b", b"c"]);
    // Now the peer's hardware address is known. The socket is closed before the stack has sent `f`.
    let socket = scene.bind(PORT);
    scene.with(socket, |udp| {
        [b"d", b"e"].iter().for_each(|data| udp.send_to(*data, peer()).unwrap());
    });
    scene.with(socket, |udp| {
        udp.send_to(b"f", peer()).unwrap();
        udp.close();
    });
    assert_eq!(scene.answers(), [b"d", b"e", b"f"]);
}

#[test]
fn the_end_of_the_loop_waits_for_unsent_datagrams() {
    let mut scene = scene();
    let socket = scene.bind(PORT);
    scene.with(socket, |udp| {
        udp.send_to(b"last", peer()).unwrap();
        udp.cx().exit();
    });
    assert!(scene.world.device.output.is_some());
    assert_eq!(scene.answers(), [b"last"]);
}

#[test]
fn a_closed_socket_that_cannot_send_is_freed() {
    let mut scene = scene();
    let socket = scene.bind(PORT);
    scene.with(socket, |udp| {
        udp.send_to(b"nobody", (Ipv4Addr::new(10, 0, 0, 77), 5000).into()).unwrap();
        udp.cx().exit();
    });
    scene.world.pass(Duration::from_secs(2));
    assert!(scene.world.device.output.is_none());
    scene.world.pass(Duration::from_secs(2));
    assert!(scene.world.device.output.is_some());
}

#[test]
fn a_datagram_that_fits_no_frame_or_no_buffer_is_dropped() {
    let mut scene = scene();
    let rings = UdpRings::new(64, 1_600);
    let socket = scene.command(move |_, cx| {
        cx.bind((DEVICE, PORT).into(), rings, App::handle_event).expect("there is room")
    });
    scene.with(socket, |udp| udp.send_to(&[0; 1_473], peer()).unwrap());
    scene.with(socket, |udp| udp.send_to(&[0; 513], peer()).unwrap());
    scene.with(socket, |udp| udp.send_to(&[0; 512], peer()).unwrap());
    assert_eq!(scene.failures(), [UdpError::TooLong; 2]);
    assert_eq!(scene.answers(), [vec![0; 512]]);
}

#[test]
fn a_connected_socket_receives_only_from_its_peer() {
    let mut scene = scene();
    let socket = scene.bind(PORT);
    scene.with(socket, |udp| {
        udp.connect(peer()).unwrap();
        udp.send(b"to you").unwrap();
    });
    let other = scene.world.peer.bind(5001);
    scene.world.peer.send_to(other, (DEVICE, PORT), b"other");
    scene.send(b"peer");
    scene.world.settle();
    assert_eq!(scene.answers(), [&b"to you"[..], b"peer"]);
    assert_eq!(scene.seen.borrow().received, [b"peer"]);
    assert_eq!(scene.world.peer.datagrams(other), []);
}

#[test]
fn a_datagram_with_a_wrong_checksum_or_length_is_dropped() {
    let mut scene = scene();
    scene.bind(PORT);
    // The device answers the peer, so the device and the peer know each other's hardware address.
    scene.send(b"good");
    scene.world.settle();
    assert_eq!(scene.answers(), [b"good"]);
    let good = frame(b"data");
    for bad in [
        changed(&good, 40, |sum| sum ^ 1),
        changed(&good, 45, |data| data ^ 0x80),
        changed(&good, 39, |length| length + 1),
        changed(&good, 39, |_| 7),
        changed(&good, 38, |_| 0xff),
        changed(&good, 17, |length| length + 9),
        changed(&good, 24, |sum| sum ^ 1),
    ] {
        scene.world.cable.borrow_mut().send(End::Peer, bad);
        scene.world.settle();
        assert_eq!(scene.answers(), Vec::<Vec<u8>>::new());
    }
    for length in 0..good.len() {
        scene.world.cable.borrow_mut().send(End::Peer, good[..length].to_vec());
        scene.world.settle();
    }
    assert_eq!(scene.answers(), Vec::<Vec<u8>>::new());
    scene.world.cable.borrow_mut().send(End::Peer, good);
    scene.world.settle();
    assert_eq!(scene.answers(), [b"data"]);
}

/// Returns a frame with a datagram from the peer's port 5000.
fn frame(data: &[u8]) -> Vec<u8> {
    let sum = |words: &[u8]| {
        let words = words
            .chunks(2)
            .map(|word| u32::from(word[0]) << 8 | u32::from(word.get(1).copied().unwrap_or(0)));
        let sum: u32 = words.sum();
        !((sum & 0xffff) + (sum >> 16)) as u16
    };
    let length = (8 + data.len()) as u16;
    let mut datagram = Vec::new();
    [5000, PORT, length, 0].iter().for_each(|word| datagram.extend(word.to_be_bytes()));
    datagram.extend(data);
    let mut pseudo = [PEER.octets(), DEVICE.octets()].concat();
    pseudo.extend([0, 17]);
    pseudo.extend(length.to_be_bytes());
    pseudo.extend(&datagram);
    datagram[6..8].copy_from_slice(&sum(&pseudo).to_be_bytes());
    let mut header = vec![0x45, 0];
    header.extend((20 + length).to_be_bytes());
    header.extend([0, 0, 0x40, 0, 64, 17, 0, 0]);
    header.extend([PEER.octets(), DEVICE.octets()].concat());
    let checksum = sum(&header);
    header[10..12].copy_from_slice(&checksum.to_be_bytes());
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];
    frame.extend(header);
    frame.extend(datagram);
    frame
}

fn changed(frame: &[u8], at: usize, change: impl Fn(u8) -> u8) -> Vec<u8> {
    let mut frame = frame.to_vec();
    frame[at] = change(frame[at]);
    frame
}

#[test]
fn an_idle_socket_causes_no_polls() {
    let mut scene = scene();
    scene.bind(PORT);
    scene.send(b"a");
    scene.world.pass(Duration::from_secs(60));
    let polls = scene.world.device.polls;
    scene.world.pass(Duration::from_secs(3_600));
    assert_eq!(scene.world.device.polls, polls);
    assert_eq!(scene.world.next_wake(), None);
}

#[cfg(feature = "multicast")]
#[test]
fn a_group_is_left_when_no_socket_has_joined_it() {
    let mut scene = scene();
    let group = Ipv4Addr::new(239, 1, 2, 3);
    let sockets = [scene.bind(PORT), scene.bind(PORT + 1)];
    for socket in sockets {
        scene.with(socket, move |udp| udp.join_multicast(group.into()).unwrap());
        scene.with(socket, move |udp| udp.join_multicast(group.into()).unwrap());
    }
    assert!(scene.world.stack.has_multicast_group(group));
    scene.world.peer.send_to(scene.peer, (group, PORT), b"all");
    scene.world.settle();
    assert_eq!(scene.answers(), [b"all"]);
    scene.with(sockets[0], move |udp| udp.leave_multicast(group.into()).unwrap());
    assert!(scene.world.stack.has_multicast_group(group));
    scene.with(sockets[1], |udp| udp.close());
    assert!(!scene.world.stack.has_multicast_group(group));
    assert_eq!(scene.failures(), []);
}

#[cfg(not(feature = "multicast"))]
#[test]
fn without_the_feature_multicast_no_group_can_be_joined() {
    let mut scene = scene();
    let socket = scene.bind(PORT);
    scene.with(socket, |udp| udp.join_multicast(Ipv4Addr::new(239, 1, 2, 3).into()).unwrap());
    assert_eq!(scene.failures(), [UdpError::Invalid]);
}
