//! Two simulated boards that want the same name. Each board runs the event loop and a network stack. The boards are on
//! one network segment, in virtual time. Frames are lost and duplicated.

#[path = "../../../../../hal-embassy/tests/adapter/world/clock.rs"]
mod clock;
#[path = "../../../../../hal-embassy/tests/adapter/world/task.rs"]
#[expect(dead_code, reason = "no test here counts how often a task is woken")]
mod task;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::task::Waker;
use std::time::Duration;

use embassy_net::{Config as NetConfig, Ipv4Cidr, StackResources, StaticConfigV4};
use fastrand::Rng;
use picoevent::{Cx, EventBase, EventMut, Run, Storage};
use picoevent_dns::mdns::{self, HasMdns, Responder, Service};
use picoevent_embassy::{Adapter, Config, Sockets, UdpSockets};
use picoevent_sim_support::net::{Cable, DeviceEnd, End};

use task::Task;

const SERVICES: &[Service] = &[Service { kind: "_http._tcp", port: 80, text: &["path=/"] }];

/// A network segment with two boards. Each board receives the frames that the other board sends, except lost frames.
struct Segment {
    to: [VecDeque<Vec<u8>>; 2],
    wakers: [Option<Waker>; 2],
    rng: Rng,
    /// Of a thousand frames, this number of frames is lost, and the same number is duplicated.
    faults: u32,
    lost: u32,
}

/// The connection of a board to the segment.
struct Port<const NUMBER: usize>(Rc<RefCell<Segment>>);

impl<const NUMBER: usize> Cable for Port<NUMBER> {
    const DEVICE: [u8; 6] = [2, 0, 0, 0, 0, NUMBER as u8 + 1];

    fn take(&mut self, _: End) -> Option<Vec<u8>> {
        self.0.borrow_mut().to[NUMBER].pop_front()
    }

    fn send(&mut self, _: End, frame: Vec<u8>) {
        let segment = &mut *self.0.borrow_mut();
        let random = segment.rng.u32(0..1_000);
        if random < segment.faults {
            segment.lost += 1;
            return;
        }
        let other = 1 - NUMBER;
        if random < 2 * segment.faults {
            segment.to[other].push_back(frame.clone());
        }
        segment.to[other].push_back(frame);
        segment.wakers[other].take().into_iter().for_each(Waker::wake);
    }

    fn is_up(&self) -> bool {
        true
    }

    fn set_waker(&mut self, waker: &Waker) {
        self.0.borrow_mut().wakers[NUMBER] = Some(waker.clone());
    }
}

/// The application of a board.
struct Board {
    responder: Responder,
    /// The names that the board has had.
    names: Rc<RefCell<Vec<String>>>,
}

impl Board {
    fn announce(&mut self, event: &mut EventMut<Self>) {
        mdns::announce(self, event, "pump", SERVICES).expect("the storage is large enough");
    }
}

impl HasMdns for Board {
    fn mdns(&mut self) -> &mut Responder {
        &mut self.responder
    }

    fn named(&mut self, _: &mut Cx<Self>) {
        let name = self.responder.name().expect("the board has a name");
        self.names.borrow_mut().push(name.to_owned());
    }
}

/// A running board.
struct Running {
    names: Rc<RefCell<Vec<String>>>,
    network: Task<()>,
    loop_: Task<picoevent::End>,
}

impl Running {
    fn new<const NUMBER: usize>(segment: &Rc<RefCell<Segment>>, starts_after: Duration) -> Self {
        let seed = segment.borrow_mut().rng.u64(..);
        let address = Ipv4Addr::new(10, 0, 0, NUMBER as u8 + 1);
        let net = NetConfig::ipv4_static(StaticConfigV4 {
            address: Ipv4Cidr::new(address, 24),
            gateway: None,
            dns_servers: Default::default(),
        });
        let resources = Box::leak(Box::new(StackResources::<4>::new()));
        let port = Rc::new(RefCell::new(Port::<NUMBER>(segment.clone())));
        let (stack, runner) = embassy_net::new(DeviceEnd(port), net, resources, seed);
        let runner = Box::leak(Box::new(runner));
        let names = Rc::<RefCell<Vec<String>>>::default();
        let reported = names.clone();
        let device = async move {
            let mut storage = Box::new(Storage::<Board, 2, 0, 8_192, 0, 0, 0, 1>::new());
            let mut base = EventBase::new(&mut storage);
            base.seed(&[seed.to_le_bytes(); 4].concat().try_into().expect("32 bytes"));
            let mut app = Board { responder: Responder::new(), names: reported };
            app.responder.set_addresses(&[address.into()]);
            base.after(starts_after, Board::announce).expect("the storage is large enough");
            let mut sockets = Sockets::<1, 64, 64>::new();
            let mut udp = Box::new(UdpSockets::<1, 1_024, 1_024>::new());
            let adapter = Adapter::new(stack, &mut sockets, &[], Config::SERVER);
            adapter.with_udp(&mut udp).run(&mut base, &mut app, Run::DEFAULT).await
        };
        let network = Task::new(async move { runner.run().await });
        Self { names, network, loop_: Task::new(device) }
    }

    fn work(&mut self) -> bool {
        self.network.poll_if_woken() | self.loop_.poll_if_woken()
    }

    fn name(&self) -> String {
        self.names.borrow().last().expect("the board has a name").clone()
    }
}

/// Advances the virtual time by `duration`, from one wake-up time of the boards to the next.
fn advance(boards: &mut [Running; 2], duration: Duration) {
    let end = clock::now() + duration.as_micros() as u64;
    loop {
        while boards.iter_mut().fold(false, |worked, board| board.work() | worked) {}
        match clock::next().filter(|next| *next <= end) {
            Some(next) => clock::set(next.max(clock::now())),
            None => break,
        }
    }
    clock::set(end);
}

/// Starts two boards. Returns their names, the number of times that a board got a name, and the number of lost frames.
fn run_boards(seed: u64, faults: u32) -> ([String; 2], usize, u32) {
    clock::reset();
    let mut rng = Rng::with_seed(seed);
    // The boards start at the same time, or the second board starts later.
    let after = [0, rng.u64(0..2_000) * u64::from(rng.bool())].map(Duration::from_millis);
    let to = Default::default();
    let segment = Segment { to, wakers: [None, None], rng: rng.fork(), faults, lost: 0 };
    let segment = Rc::new(RefCell::new(segment));
    let mut boards = [Running::new::<0>(&segment, after[0]), Running::new::<1>(&segment, after[1])];
    advance(&mut boards, Duration::from_secs(60));
    let final_names = boards.each_ref().map(Running::name);
    let times = boards.iter().map(|board| board.names.borrow().len()).sum();
    advance(&mut boards, Duration::from_secs(600));
    assert_eq!(boards.each_ref().map(Running::name), final_names, "names stay, seed {seed}");
    (final_names, times, segment.borrow().lost)
}

#[test]
fn two_boards_that_want_one_name_get_different_names() {
    for seed in 0..100 {
        let (mut names, times, _) = run_boards(seed, 0);
        names.sort();
        assert_eq!((names, times), (["pump", "pump-2"].map(String::from), 2), "seed {seed}");
    }
}

#[test]
fn names_are_different_although_frames_are_lost_and_duplicated() {
    let mut all_lost = 0;
    for seed in 0..300 {
        let ([one, other], _, lost) = run_boards(seed, 100);
        assert_ne!(one, other, "seed {seed}");
        assert!(one.starts_with("pump") && other.starts_with("pump"), "{one}, {other}");
        all_lost += lost;
    }
    assert!(all_lost > 300, "{all_lost}");
}
