//! A small world under virtual time: one device that runs the loop on embassy-net, one cable, and
//! one peer that is a plain smoltcp interface.
//!
//! Time stands still unless [`World::pass`] moves it; it then jumps from one deadline to the next.
//! A world belongs to its thread, so tests run side by side.

#![allow(dead_code, reason = "each test file uses its part")]

pub mod app;
mod cable;
mod clock;
mod peer;
mod task;

use std::cell::RefCell;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::Duration;

use embassy_net::{Config as NetConfig, Ipv4Cidr, Stack, StackResources, StaticConfigV4};
use picoevent::{Cx, End, EventBase, Signal, Storage, Trigger};
use picoevent_embassy::{Config, Sockets, run};

use app::{App, Seen};
pub use cable::{Cable, Segment};
pub use peer::{Call, Peer};
use task::Task;

pub const DEVICE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
pub const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
pub const PORT: u16 = 9995;

pub struct World {
    pub cable: Rc<RefCell<Cable>>,
    pub peer: Peer,
    pub stack: Stack<'static>,
    /// What the application was called with.
    pub seen: Rc<RefCell<Seen>>,
    pub runner: Task<()>,
    pub device: Task<End>,
    trigger: &'static Trigger,
}

/// The address the device has, unless a test gives it another.
pub fn address(address: Ipv4Addr) -> NetConfig {
    NetConfig::ipv4_static(static_address(address))
}

pub fn static_address(address: Ipv4Addr) -> StaticConfigV4 {
    StaticConfigV4 {
        address: Ipv4Cidr::new(address, 24),
        gateway: None,
        dns_servers: Default::default(),
    }
}

impl World {
    /// A device with four connections in the base and eight sockets.
    pub fn new() -> Self {
        Self::with::<4, 8>(Config::default(), address(DEVICE))
    }

    pub fn with<const CONNS: usize, const SOCKETS: usize>(config: Config, net: NetConfig) -> Self {
        Self::sized::<CONNS, SOCKETS, 256, 256, 512, 512>(config, net)
    }

    /// A device of any size: rings of `INPUT` and `OUTPUT` bytes, sockets of `RX` and `TX`.
    pub fn sized<
        const CONNS: usize,
        const SOCKETS: usize,
        const INPUT: usize,
        const OUTPUT: usize,
        const RX: usize,
        const TX: usize,
    >(
        config: Config,
        net: NetConfig,
    ) -> Self {
        clock::reset();
        let cable = Rc::new(RefCell::new(Cable::new()));
        let resources = Box::leak(Box::new(StackResources::<SOCKETS>::new()));
        let (stack, runner) = embassy_net::new(cable::End(cable.clone()), net, resources, 0x5eed);
        let runner = Box::leak(Box::new(runner));
        let trigger: &'static Trigger = Box::leak(Box::new(Trigger::new(Signal::USR1)));
        let seen = Rc::new(RefCell::new(Seen::default()));
        let mut app = App::new(seen.clone());
        let device = async move {
            let mut storage = Box::new(Storage::<App, 8, CONNS, INPUT, OUTPUT, 3>::new());
            let mut base = EventBase::new(&mut storage);
            base.on_signal(Signal::USR1, App::commanded).expect("there is room");
            let mut sockets = Box::new(Sockets::<SOCKETS, RX, TX>::new());
            run(stack, &mut sockets, &[trigger], &mut base, &mut app, config).await
        };
        let mut world = Self {
            peer: Peer::new(&cable),
            cable,
            stack,
            seen,
            runner: Task::new(async move { runner.run().await }),
            device: Task::new(device),
            trigger,
        };
        world.settle();
        world
    }

    /// Lets the application do something, in a callback of the loop, and everything that follows.
    pub fn command(&mut self, command: impl FnOnce(&mut App, &mut Cx<'_, App>) + 'static) {
        self.seen.borrow_mut().commands.push_back(Box::new(command));
        self.trigger.raise();
        self.settle();
    }

    pub fn raise(&self) {
        self.trigger.raise();
    }

    /// Lets everything happen that can happen without time passing.
    pub fn settle(&mut self) {
        for _ in 0..10_000 {
            let worked = self.runner.work() | self.device.work();
            if !(worked | self.peer.poll(clock::now())) {
                return;
            }
        }
        panic!("the world does not come to rest");
    }

    /// Lets time pass, with everything that happens meanwhile.
    pub fn pass(&mut self, duration: Duration) {
        let end = clock::now() + duration.as_micros() as u64;
        self.settle();
        loop {
            let next = clock::next().into_iter().chain(self.peer.poll_at(clock::now())).min();
            match next.filter(|next| *next <= end) {
                Some(next) => clock::set(next.max(clock::now())),
                None => break,
            }
            self.settle();
        }
        clock::set(end);
        self.settle();
    }

    pub fn now(&self) -> u64 {
        clock::now()
    }

    /// A call of the peer to the device's port.
    pub fn call(&mut self) -> Call {
        let call = self.peer.call(DEVICE, PORT);
        self.settle();
        call
    }

    /// The segments the device has sent.
    pub fn sent(&self) -> Vec<Segment> {
        self.cable.borrow().segments.iter().filter(|s| s.source.0 != PEER).cloned().collect()
    }
}
