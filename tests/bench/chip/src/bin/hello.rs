//! hello-world on picoevent over embassy-net: measures a served connection.
//!
//! The server is measured twice: with one socket for each of its four connections, and with sixteen sockets as on the
//! boards. With sixteen sockets, clients can connect while other connections are being closed.

#![no_std]
#![no_main]

use core::net::{Ipv4Addr, SocketAddr};

use embassy_net::{Stack, StackResources};
use hello_world::{Hello, PORT};
use picoevent::{EventBase, Pool, Signal, Storage, Trigger};
use picoevent_bench_chip::client::Memory;
use picoevent_bench_chip::executor::Executor;
use picoevent_bench_chip::greeting::{self, Tasks};
use picoevent_bench_chip::meter::Report;
use picoevent_bench_chip::network;
use picoevent_bench_chip::wire::Wire;
use picoevent_embassy::{Config, Sockets, run};
use static_cell::{ConstStaticCell, StaticCell};

const POOL: Pool = Pool::new(4).rings(32, 64);

type BaseStorage = Storage<Hello, 4, { POOL.conns() }, { POOL.bytes() }>;

static INTERRUPT: Trigger = Trigger::new(Signal::INT);
static WIRES: [ConstStaticCell<Wire>; 2] = [const { ConstStaticCell::new(Wire::new()) }; 2];
static CLIENTS: [ConstStaticCell<Memory>; 2] = [const { ConstStaticCell::new(Memory::new()) }; 2];
static STORAGES: [ConstStaticCell<BaseStorage>; 2] =
    [const { ConstStaticCell::new(Storage::new()) }; 2];
static RESOURCES: StaticCell<StackResources<5>> = StaticCell::new();
static SOCKETS: ConstStaticCell<Sockets<4, 128, 128>> = ConstStaticCell::new(Sockets::new());
static MORE_RESOURCES: StaticCell<StackResources<17>> = StaticCell::new();
static MORE_SOCKETS: ConstStaticCell<Sockets<16, 128, 128>> = ConstStaticCell::new(Sockets::new());

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut report = Report::start("");
    let mut tasks = Tasks(Executor::take());
    let [wire, more_wire] = &WIRES;
    let [storage, more_storage] = &STORAGES;
    let [memory, more_memory] = &CLIENTS;

    let wire = &*wire.take();
    let resources = RESOURCES.init_with(StackResources::new);
    let stack = network::start(tasks.0.spawner(), wire, resources);
    let task = serve(stack, SOCKETS.take(), storage.take());
    tasks.0.spawner().spawn(task.expect("spawned once"));
    let names = ["hello, 4 sockets", "frames of hello, 4 sockets"];
    greeting::report(&mut report, names, &mut tasks, wire, memory.take());

    let wire = &*more_wire.take();
    let resources = MORE_RESOURCES.init_with(StackResources::new);
    let stack = network::start(tasks.0.spawner(), wire, resources);
    let task = serve_more(stack, MORE_SOCKETS.take(), more_storage.take());
    tasks.0.spawner().spawn(task.expect("spawned once"));
    let names = ["hello, 16 sockets", "frames of hello, 16 sockets"];
    greeting::report(&mut report, names, &mut tasks, wire, more_memory.take());
    report.end()
}

#[embassy_executor::task]
async fn serve(
    stack: Stack<'static>,
    sockets: &'static mut Sockets<4, 128, 128>,
    storage: &'static mut BaseStorage,
) {
    serve_hello(stack, sockets, storage).await;
}

#[embassy_executor::task]
async fn serve_more(
    stack: Stack<'static>,
    sockets: &'static mut Sockets<16, 128, 128>,
    storage: &'static mut BaseStorage,
) {
    serve_hello(stack, sockets, storage).await;
}

/// Runs hello-world as on a board.
async fn serve_hello<const SOCKETS: usize>(
    stack: Stack<'static>,
    sockets: &mut Sockets<SOCKETS, 128, 128>,
    storage: &mut BaseStorage,
) {
    let mut base = EventBase::new(storage);
    let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT));
    Hello::start(&mut base, address, POOL).expect("the storage has room");
    let mut hello = Hello::default();
    run(stack, sockets, &[&INTERRUPT], &mut base, &mut hello, Config::default()).await;
    panic!("nothing ends the loop");
}
