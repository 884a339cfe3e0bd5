//! The device: an application, its base, the adapter and the stack, in memory of a chosen size.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;

use embassy_net::{
    Config, ConfigV6, Ipv4Cidr, Ipv6Cidr, Stack, StackResources, StaticConfigV4, StaticConfigV6,
};
use picoevent::memory::StaticSlot;
use picoevent::{Counts, End, EventBase, Instant, Pool, Run, Storage, Trigger};
use picoevent_embassy::{Adapter, Sockets, UdpSockets};

use crate::world::choices::random::mix;
use crate::world::device::clock;
use crate::world::device::controller::Nic;
use crate::world::device::executor::{Running, with_tasks};
use crate::world::device::probe::Probe;
use crate::world::device::program::Program;
use crate::world::device::shared::Shared;
use crate::world::network::address;

/// A device's memory: the [`Storage`] of its base and the [`Sockets`] of its pool.
pub struct Size<A> {
    /// The pool that the application gets for its clients.
    clients: Pool,
    run: RunDevice<A>,
    /// Like `run`, with a stack that has room for the DHCP socket.
    run_leased: RunDevice<A>,
    /// The size of a connection's input ring, in bytes.
    pub(crate) input: usize,
    /// The size of a connection's output ring, in bytes.
    pub(crate) output: usize,
    pub(crate) sockets: usize,
    /// The number of slots for static byte slices.
    statics: usize,
}

type RunDevice<A> = fn(
    &Program<A>,
    (Pool, usize),
    &Shared,
    &[&'static Trigger],
    u64,
    bool,
    Judge<'_>,
) -> Result<(), String>;

/// Runs the simulation. After the application has started, this function is called with the device.
pub(crate) type Judge<'j> = &'j mut dyn FnMut(Device<'_>);

/// The device, as seen by the simulation.
pub(crate) struct Device<'d> {
    pub(crate) tasks: &'d Running<'d>,
    pub(crate) stack: Stack<'d>,
    /// The device gets its address from the DHCP server.
    pub(crate) leased: bool,
    /// The number of TCP sockets of the device.
    pub(crate) sockets: usize,
    /// The objects in use after the application has started.
    pub(crate) baseline: Counts,
    /// How the device's loop ended, or `None` while it runs.
    pub(crate) end: &'d std::cell::Cell<Option<End>>,
}

impl<A> Clone for Size<A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A> Copy for Size<A> {}

impl<A: 'static> Size<A> {
    /// Returns the size of a device with this storage and these sockets. If you use the same types as the board's
    /// program, the simulation shows whether the board has enough memory. The application is started with the pool
    /// `clients`.
    ///
    /// ```
    /// use picoevent::{Pool, Storage};
    /// use picoevent_sim::world::{Size, Sockets};
    /// # struct App;
    ///
    /// const CLIENTS: Pool = Pool::new(4).rings(512, 512);
    ///
    /// type Memory = Storage<App, 8, { CLIENTS.conns() }, { CLIENTS.bytes() }>;
    ///
    /// const BOARD: Size<App> = Size::of(CLIENTS, Memory::new, Sockets::<8, 512, 512>::new);
    /// # let _ = BOARD;
    /// ```
    pub const fn of<
        const EVENTS: usize,
        const CONNS: usize,
        const BYTES: usize,
        const LISTENERS: usize,
        const POOLS: usize,
        const SOURCES: usize,
        const SOCKETS: usize,
        const RX: usize,
        const TX: usize,
    >(
        clients: Pool,
        _: fn() -> Storage<A, EVENTS, CONNS, BYTES, LISTENERS, POOLS, SOURCES>,
        _: fn() -> Sockets<SOCKETS, RX, TX>,
    ) -> Self {
        let (input, output) = clients.ring_sizes();
        Self {
            clients,
            run: run_device::<
                A,
                SOCKETS,
                EVENTS,
                CONNS,
                BYTES,
                LISTENERS,
                POOLS,
                SOURCES,
                0,
                SOCKETS,
                RX,
                TX,
                0,
                0,
                0,
                1,
            >,
            run_leased: run_device::<
                A,
                ROOM,
                EVENTS,
                CONNS,
                BYTES,
                LISTENERS,
                POOLS,
                SOURCES,
                0,
                SOCKETS,
                RX,
                TX,
                0,
                0,
                0,
                1,
            >,
            input,
            output,
            sockets: SOCKETS,
            statics: 0,
        }
    }

    /// Gives the device's base slots for static byte slices, as
    /// [`Cx::set_static_slots`](picoevent::Cx::set_static_slots) does.
    ///
    /// # Panics
    /// If `slots` is more than 16.
    #[must_use]
    pub const fn statics(self, slots: usize) -> Self {
        assert!(slots <= MOST_STATICS, "there are too many slots for static bytes");
        Self { statics: slots, ..self }
    }

    /// Like [`of`](Self::of), but the device also has UDP sockets. The total number of TCP and UDP sockets is at most
    /// 23. The stack has room for one more socket, which DHCP uses.
    ///
    /// ```
    /// use picoevent::{Pool, Storage, UdpRings};
    /// use picoevent_sim::world::{Size, Sockets, UdpSockets};
    /// # struct App;
    ///
    /// const RINGS: UdpRings = UdpRings::new(256, 256);
    ///
    /// type Memory = Storage<App, 1, 0, { RINGS.bytes() }, 0, 0, 0, 1>;
    ///
    /// const BOARD: Size<App> = Size::with_udp(
    ///     Pool::rest(),
    ///     Memory::new,
    ///     Sockets::<0, 0, 0>::new,
    ///     UdpSockets::<1, 256, 128>::new,
    /// );
    /// # let _ = BOARD;
    /// ```
    pub const fn with_udp<
        const EVENTS: usize,
        const CONNS: usize,
        const BYTES: usize,
        const LISTENERS: usize,
        const POOLS: usize,
        const SOURCES: usize,
        const UDP: usize,
        const SOCKETS: usize,
        const RX: usize,
        const TX: usize,
        const UDP_SOCKETS: usize,
        const UDP_RX: usize,
        const UDP_TX: usize,
        const PACKETS: usize,
    >(
        clients: Pool,
        _: fn() -> Storage<A, EVENTS, CONNS, BYTES, LISTENERS, POOLS, SOURCES, UDP>,
        _: fn() -> Sockets<SOCKETS, RX, TX>,
        _: fn() -> UdpSockets<UDP_SOCKETS, UDP_RX, UDP_TX, PACKETS>,
    ) -> Self {
        assert!(SOCKETS + UDP_SOCKETS < ROOM_WITH_UDP, "there are too many sockets");
        let (input, output) = clients.ring_sizes();
        let run = run_device::<
            A,
            ROOM_WITH_UDP,
            EVENTS,
            CONNS,
            BYTES,
            LISTENERS,
            POOLS,
            SOURCES,
            UDP,
            SOCKETS,
            RX,
            TX,
            UDP_SOCKETS,
            UDP_RX,
            UDP_TX,
            PACKETS,
        >;
        Self { clients, run, run_leased: run, input, output, sockets: SOCKETS, statics: 0 }
    }

    /// Returns the default sizes of a device, with these numbers of events and listeners. The first size is large
    /// enough for all uses. Each other size has few connections, small rings (at least eight bytes), few sockets, or
    /// small windows.
    pub const fn standard<const EVENTS: usize, const LISTENERS: usize>() -> [Self; 6] {
        const fn clients(input: usize, output: usize) -> Pool {
            Pool::rest().rings(input, output)
        }
        [
            Self::of(
                clients(512, 512),
                Storage::<A, EVENTS, 4, 4096, LISTENERS>::new,
                Sockets::<6, 1024, 1024>::new,
            ),
            Self::of(
                clients(64, 64),
                Storage::<A, EVENTS, 1, 128, LISTENERS>::new,
                Sockets::<2, 256, 256>::new,
            ),
            Self::of(
                clients(8, 16),
                Storage::<A, EVENTS, 2, 48, LISTENERS>::new,
                Sockets::<3, 64, 64>::new,
            ),
            Self::of(
                clients(8, 8),
                Storage::<A, EVENTS, 3, 48, LISTENERS>::new,
                Sockets::<4, 128, 128>::new,
            ),
            Self::of(
                clients(16, 32),
                Storage::<A, EVENTS, 1, 48, LISTENERS>::new,
                Sockets::<1, 64, 64>::new,
            ),
            Self::of(
                clients(128, 24),
                Storage::<A, EVENTS, 2, 304, LISTENERS>::new,
                Sockets::<2, 16, 8>::new,
            ),
        ]
    }

    /// Returns whether the device may get its address from DHCP, which needs a socket.
    pub(crate) const fn may_lease(&self) -> bool {
        self.sockets < ROOM
    }

    /// Runs a program on a device of this size. `judge` runs the simulation.
    ///
    /// # Errors
    /// The reason why the application cannot start.
    pub(crate) fn run(
        &self,
        program: &Program<A>,
        shared: &Shared,
        triggers: &[&'static Trigger],
        seed: u64,
        leased: bool,
        judge: Judge<'_>,
    ) -> Result<(), String> {
        let leased = leased && self.may_lease();
        let run = if leased { self.run_leased } else { self.run };
        run(program, (self.clients, self.statics), shared, triggers, seed, leased, judge)
    }
}

/// The number of sockets for which a stack with DHCP has room. DHCP uses one of them. So a device with this many
/// sockets of its own, or more, has a static address in every simulation.
const ROOM: usize = 17;
/// The number of sockets for which a stack with UDP sockets has room, in every simulation.
const ROOM_WITH_UDP: usize = 24;

/// The maximum number of slots for static byte slices.
const MOST_STATICS: usize = 16;

/// Returns the stack's configuration for a static address.
pub(crate) fn at(address: Ipv4Addr) -> StaticConfigV4 {
    StaticConfigV4 {
        address: Ipv4Cidr::new(address, 24),
        gateway: None,
        dns_servers: Default::default(),
    }
}

/// Returns the seed of the device's random bytes, made from the seed of the stack's numbers. If the seed is 0, the
/// number 1 is used. Mixing 0 gives 0, and a base treats a seed of 32 zero bytes as no seed.
fn seed_bytes(seed: u64) -> [u8; 32] {
    let mut bytes = [0; 32];
    let mut number = seed.max(1);
    for part in bytes.as_chunks_mut().0 {
        number = mix(number);
        *part = number.to_le_bytes();
    }
    bytes
}

fn run_device<
    A: 'static,
    const ROOM: usize,
    const EVENTS: usize,
    const CONNS: usize,
    const BYTES: usize,
    const LISTENERS: usize,
    const POOLS: usize,
    const SOURCES: usize,
    const UDP: usize,
    const SOCKETS: usize,
    const RX: usize,
    const TX: usize,
    const UDP_SOCKETS: usize,
    const UDP_RX: usize,
    const UDP_TX: usize,
    const PACKETS: usize,
>(
    program: &Program<A>,
    (clients, statics): (Pool, usize),
    shared: &Shared,
    triggers: &[&'static Trigger],
    seed: u64,
    leased: bool,
    judge: Judge<'_>,
) -> Result<(), String> {
    let mut resources = StackResources::<ROOM>::new();
    let mut config = match leased {
        true => Config::dhcpv4(Default::default()),
        false => Config::ipv4_static(at(address::DEVICE)),
    };
    let mut any_address = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    if program.has_ipv6 {
        any_address = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
        config.ipv6 = ConfigV6::Static(StaticConfigV6 {
            address: Ipv6Cidr::new(address::DEVICE_V6, 64),
            gateway: None,
            dns_servers: Default::default(),
        });
    }
    let (stack, mut runner) = embassy_net::new(Nic(&shared.ether), config, &mut resources, seed);
    let mut storage = Storage::<A, EVENTS, CONNS, BYTES, LISTENERS, POOLS, SOURCES, UDP>::new();
    let mut sockets = Sockets::<SOCKETS, RX, TX>::new();
    let mut udp = UdpSockets::<UDP_SOCKETS, UDP_RX, UDP_TX, PACKETS>::new();
    let mut static_slots = [StaticSlot::new(); MOST_STATICS];
    let mut base = EventBase::new(&mut storage);
    if let Some(slots) = static_slots.get_mut(..statics).filter(|slots| !slots.is_empty()) {
        base.set_static_slots(slots).map_err(|error| error.to_string())?;
    }
    // In half of the simulations, the loop's time starts at the time of the device's clock, which may be large. In the
    // other simulations, the loop's time starts at zero.
    if seed.is_multiple_of(2) {
        base.advance(Instant::from_micros(clock::device_now()));
    }
    if let Some(recorder) = &shared.recorder {
        base.record_to(&**recorder);
    }
    base.seed(&seed_bytes(seed));
    let mut app = (program.make)();
    let address = SocketAddr::new(any_address, program.port);
    if let Err(error) = (program.start)(&mut app, &mut base, address, clients) {
        let sizes = base.sizes();
        return Err(format!(
            "the application cannot start: {error}; the device has room for {sizes}"
        ));
    }
    let baseline = base.counts();
    let mut probe = Probe {
        ether: &shared.ether,
        seen: &shared.seen,
        programs: &shared.programs,
        invariants: &program.invariants,
        servers: &program.servers,
    };
    let end = std::cell::Cell::new(None);
    let serve = pin!(async {
        let adapter = Adapter::new(stack, &mut sockets, triggers, program.config);
        let mut adapter = adapter.with_udp(&mut udp);
        let ended = adapter.run_observed(&mut base, &mut app, Run::DEFAULT, &mut probe).await;
        adapter.close(&mut base).await;
        end.set(Some(ended));
    });
    let network = pin!(async { runner.run().await });
    with_tasks([network, serve], |tasks| {
        judge(Device { tasks, stack, leased, sockets: SOCKETS, baseline, end: &end });
    });
    Ok(())
}
