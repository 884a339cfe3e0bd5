//! A small network under virtual time: one device that runs the loop on embassy-net, one cable, and
//! one peer that is a plain smoltcp interface.
//!
//! Time advances only in [`World::pass`], which jumps from one deadline to the next. Each test has its own clock and
//! network, so tests run in parallel.

pub mod app;
mod cable;
pub mod clock;
mod peer;
mod task;

use std::cell::{Cell, RefCell};
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::Duration;

use embassy_net::{Config as NetConfig, ConfigV4, Ipv4Cidr, Stack, StackResources, StaticConfigV4};
use picoevent::{
    Conn, ConnEnd, ConnError, ConnEvent, ConnMut, Cx, End, EventBase, Listener, Pool, Run, Storage,
    Trigger,
};
use picoevent_embassy::{Adapter, Config, Sockets};

use app::{App, Seen};
pub use cable::Cable;
pub use peer::{Peer, PeerSocket};
pub use picoevent_sim_support::net::{DeviceEnd as CableEnd, Segment};
use smoltcp::socket::tcp::State;
pub use task::Task;

pub const DEVICE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
pub const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
pub const PORT: u16 = 9995;

pub struct World {
    pub cable: Rc<RefCell<Cable>>,
    pub peer: Peer,
    pub stack: Stack<'static>,
    /// The recorded events of the application.
    pub seen: Rc<RefCell<Seen>>,
    pub runner: Task<()>,
    pub device: Task<End>,
    pub trigger: &'static Trigger,
}

/// Returns the device's network configuration with this address.
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

/// The number of bytes for the rings of all connections in the largest test.
const BYTES: usize = 65_536;

/// Returns the event of a connection that has failed.
pub const fn failed(error: ConnError) -> ConnEvent {
    ConnEvent::Ended(ConnEnd::Failed(error))
}

/// Advances the time while a callback works.
pub fn spend_time(duration: Duration) {
    clock::set(clock::now() + duration.as_micros() as u64);
}

impl World {
    /// Makes a device with four connections in the base and eight sockets.
    pub fn new() -> Self {
        Self::with::<4, 8>(Config::default(), address(DEVICE))
    }

    pub fn with<const CONNS: usize, const SOCKETS: usize>(config: Config, net: NetConfig) -> Self {
        Self::sized::<CONNS, SOCKETS, 256, 256, 512, 512>(config, net)
    }

    /// Makes a device of any size: rings of `INPUT` and `OUTPUT` bytes, sockets with buffers of `RX` and `TX` bytes.
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
        let mut world = Self::unsettled::<CONNS, SOCKETS, INPUT, OUTPUT, RX, TX>(config, net);
        world.settle();
        world
    }

    /// Makes a device of any size. Neither the stack nor the loop has run yet.
    pub fn unsettled<
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
        Self::with_mode::<CONNS, SOCKETS, INPUT, OUTPUT, RX, TX>(config, net, Run::DEFAULT)
    }

    /// Makes a device whose loop runs in another mode.
    pub fn in_mode(run: Run) -> Self {
        let (config, net) = (Config::default(), address(DEVICE));
        let mut world = Self::with_mode::<4, 8, 256, 256, 512, 512>(config, net, run);
        world.settle();
        world
    }

    fn with_mode<
        const CONNS: usize,
        const SOCKETS: usize,
        const INPUT: usize,
        const OUTPUT: usize,
        const RX: usize,
        const TX: usize,
    >(
        config: Config,
        net: NetConfig,
        run: Run,
    ) -> Self {
        let seen = Rc::new(RefCell::new(Seen::default()));
        let app_seen = seen.clone();
        let device = async move |stack, trigger| {
            let mut storage = Box::new(Storage::<App, 8, CONNS, BYTES, 3>::new());
            let mut base = EventBase::new(&mut storage);
            let pool = base.add_pool(Pool::new(CONNS as u16).rings(INPUT, OUTPUT));
            let mut app = App::new(app_seen, pool.expect("there is room"));
            base.on_signal(app::SIGNAL, App::run_command).expect("there is room");
            let mut sockets = Box::new(Sockets::<SOCKETS, RX, TX>::new());
            let triggers = [trigger];
            let mut adapter = Adapter::new(stack, &mut sockets, &triggers, config);
            let end = adapter.run(&mut base, &mut app, run).await;
            adapter.close(&mut base).await;
            end
        };
        let world = Self::of::<SOCKETS, _>(net, device);
        Self { seen, ..world }
    }

    /// Makes a device that runs the future of `device`. Neither the stack nor the future has run yet. The device's
    /// stack has room for `SOCKETS` sockets.
    pub fn of<const SOCKETS: usize, F: Future<Output = End> + 'static>(
        net: NetConfig,
        device: impl FnOnce(Stack<'static>, &'static Trigger) -> F,
    ) -> Self {
        clock::reset();
        let cable = Rc::new(RefCell::new(Cable::new()));
        let resources = Box::leak(Box::new(StackResources::<SOCKETS>::new()));
        let (stack, runner) = embassy_net::new(CableEnd(cable.clone()), net, resources, 0x5eed);
        let runner = Box::leak(Box::new(runner));
        let trigger: &'static Trigger = Box::leak(Box::new(Trigger::new(app::SIGNAL)));
        let device = device(stack, trigger);
        Self {
            peer: Peer::new(&cable),
            cable,
            stack,
            seen: Rc::default(),
            runner: Task::new(async move { runner.run().await }),
            device: Task::new(device),
            trigger,
        }
    }

    /// Runs a command of the application in a callback of the loop. Then runs everything that can happen before time
    /// advances. Returns the command's result.
    pub fn command<R: 'static>(
        &mut self,
        command: impl FnOnce(&mut App, &mut Cx<'_, App>) -> R + 'static,
    ) -> R {
        let slot = Rc::new(Cell::new(None));
        let result = slot.clone();
        self.queue_command(move |app, cx| result.set(Some(command(app, cx))));
        self.settle();
        slot.take().expect("the loop has run the command")
    }

    /// Queues a command of the application, which runs in the loop's next iteration.
    pub fn queue_command(&mut self, command: impl FnOnce(&mut App, &mut Cx<'_, App>) + 'static) {
        self.seen.borrow_mut().commands.push_back(Box::new(command));
        self.trigger.raise();
    }

    /// Runs `work` on a connection that the application holds.
    pub fn with_conn<R: 'static>(
        &mut self,
        conn: Conn,
        work: impl FnOnce(&mut ConnMut<'_, '_, App>) -> R + 'static,
    ) -> R {
        self.command(move |_, cx| work(&mut cx.conn(conn).expect("it is held")))
    }

    /// Makes the application listen on a port.
    pub fn listen(&mut self, port: u16) -> Listener {
        self.command(move |app, cx| app.listen(cx, &format!("0.0.0.0:{port}")))
    }

    /// Makes the application connect to the peer.
    pub fn connect(&mut self, port: u16) -> Conn {
        self.command(move |app, cx| app.connect(cx, (PEER, port).into()))
    }

    /// Runs everything that can happen before time advances.
    pub fn settle(&mut self) {
        for _ in 0..10_000 {
            let was_polled = self.runner.poll_if_woken() | self.device.poll_if_woken();
            if !(was_polled | self.peer.poll(clock::now())) {
                return;
            }
        }
        panic!("the simulation does not become idle");
    }

    /// Lets the peer send its frames, and keeps the device busy for a while. Then runs everything, the loop before the
    /// network, as embassy-executor does if the loop's task was woken last.
    pub fn be_busy(&mut self, duration: Duration) {
        self.peer.poll(clock::now());
        clock::set(clock::now() + duration.as_micros() as u64);
        for _ in 0..10_000 {
            let was_polled = self.device.poll_if_woken() | self.runner.poll_if_woken();
            if !(was_polled | self.peer.poll(clock::now())) {
                return;
            }
        }
        panic!("the simulation does not become idle");
    }

    /// Runs the network but not the loop.
    pub fn settle_network(&mut self) {
        for _ in 0..10_000 {
            if !(self.runner.poll_if_woken() | self.peer.poll(clock::now())) {
                return;
            }
        }
        panic!("the network does not become idle");
    }

    /// Lets time pass, and runs everything that happens meanwhile.
    pub fn pass(&mut self, duration: Duration) {
        let end = clock::now() + duration.as_micros() as u64;
        self.settle();
        for jump in 0.. {
            assert!(jump < 1_000_000, "time does not advance");
            let next = clock::next().into_iter().chain(self.peer.poll_at(clock::now())).min();
            match next.filter(|next| *next <= end) {
                Some(next) => clock::set(next.max(clock::now())),
                None => break,
            }
            self.settle();
        }
        clock::set(end.max(clock::now()));
        self.settle();
    }

    pub fn now(&self) -> u64 {
        clock::now()
    }

    /// Returns the time of the next wake of a task of the device, if nothing else happens.
    pub fn next_wake(&self) -> Option<u64> {
        clock::next()
    }

    /// Connects the peer to the device's port.
    pub fn connect_client(&mut self) -> PeerSocket {
        self.connect_clients(1)[0]
    }

    /// Connects the peer `amount` times at once.
    pub fn connect_clients(&mut self, amount: usize) -> Vec<PeerSocket> {
        self.connect_clients_to(PORT, amount)
    }

    pub fn connect_clients_to(&mut self, port: u16, amount: usize) -> Vec<PeerSocket> {
        let clients = (0..amount).map(|_| self.peer.connect(DEVICE, port)).collect();
        self.settle();
        clients
    }

    /// Returns how many of the peer's connections are established.
    pub fn established(&mut self, clients: &[PeerSocket]) -> usize {
        clients.iter().filter(|client| self.peer.state(**client) == State::Established).count()
    }

    /// Returns everything that the peer can receive before time advances.
    pub fn receive_at(&mut self, socket: PeerSocket) -> Vec<u8> {
        let mut data = Vec::new();
        loop {
            let part = self.peer.receive(socket);
            if part.is_empty() {
                return data;
            }
            data.extend(part);
            self.settle();
        }
    }

    /// Returns the accepted connections, the oldest first.
    pub fn accepted(&self) -> Vec<Conn> {
        self.seen.borrow().accepted.clone()
    }

    /// Returns the events of the connection, apart from its data.
    pub fn events(&self, conn: Conn) -> Vec<ConnEvent> {
        self.seen.borrow().events_of(conn)
    }

    /// Returns the bytes that the application received on the connection.
    pub fn received(&self, conn: Conn) -> Vec<u8> {
        self.seen.borrow().data(conn).to_vec()
    }

    /// Returns the segments that the device has sent.
    pub fn sent(&self) -> Vec<Segment> {
        self.cable.borrow().segments.iter().filter(|s| s.source.0 != PEER).cloned().collect()
    }

    /// Returns the number of resets that the device has sent.
    pub fn resets(&self) -> usize {
        self.sent().iter().filter(|segment| segment.rst).count()
    }

    /// Sets which segments are lost from now on.
    pub fn lose(&self, lose: impl FnMut(&Segment) -> bool + 'static) {
        self.cable.borrow_mut().lose = Box::new(lose);
    }

    /// Plugs the cable in or unplugs it.
    pub fn plug(&mut self, plugged: bool) {
        self.cable.borrow_mut().plug(plugged);
        self.settle();
    }

    /// Gives the device another address, or none.
    pub fn set_address(&mut self, address: Option<Ipv4Addr>) {
        let config = match address {
            Some(address) => ConfigV4::Static(static_address(address)),
            None => ConfigV4::None,
        };
        self.stack.set_config_v4(config);
        self.settle();
    }
}
