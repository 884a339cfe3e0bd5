//! The greeting server, written by hand on embassy-net's sockets, with one task for each socket. This program measures
//! a served connection without picoevent.
//!
//! The server behaves like hello-world and has buffers of the same size. It sends the greeting and ends its stream.
//! Then it discards the client's input until the client ends its stream, for two seconds at most. If a client has
//! vanished, a timeout resets the connection.

#![no_std]
#![no_main]

use embassy_net::tcp::TcpSocket;
use embassy_net::{Stack, StackResources};
use embassy_time::{Duration, with_timeout};
use picoevent_bench_chip::client::Memory;
use picoevent_bench_chip::executor::Executor;
use picoevent_bench_chip::greeting::{self, GREETING, PORT, Tasks};
use picoevent_bench_chip::meter::Report;
use picoevent_bench_chip::network;
use picoevent_bench_chip::wire::Wire;
use static_cell::{ConstStaticCell, StaticCell};

/// A socket's buffers for input and output. They have the same size as in the program `hello`.
type Buffers = [[u8; 128]; 2];

static WIRES: [ConstStaticCell<Wire>; 2] = [const { ConstStaticCell::new(Wire::new()) }; 2];
static CLIENTS: [ConstStaticCell<Memory>; 2] = [const { ConstStaticCell::new(Memory::new()) }; 2];
static RESOURCES: StaticCell<StackResources<5>> = StaticCell::new();
static BUFFERS: ConstStaticCell<[Buffers; 4]> = ConstStaticCell::new([[[0; 128]; 2]; 4]);
static MORE_RESOURCES: StaticCell<StackResources<17>> = StaticCell::new();
static MORE_BUFFERS: ConstStaticCell<[Buffers; 16]> = ConstStaticCell::new([[[0; 128]; 2]; 16]);

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut report = Report::start("");
    let mut tasks = Tasks(Executor::take());
    let [wire, more_wire] = &WIRES;
    let [memory, more_memory] = &CLIENTS;

    let wire = &*wire.take();
    let resources = RESOURCES.init_with(StackResources::new);
    let stack = network::start(tasks.0.spawner(), wire, resources);
    for buffers in BUFFERS.take() {
        tasks.0.spawner().spawn(greet(stack, buffers).expect("the pool has room"));
    }
    let names = ["hello by hand, 4 tasks", "frames of hello by hand, 4 tasks"];
    greeting::report(&mut report, names, &mut tasks, wire, memory.take());

    let wire = &*more_wire.take();
    let resources = MORE_RESOURCES.init_with(StackResources::new);
    let stack = network::start(tasks.0.spawner(), wire, resources);
    for buffers in MORE_BUFFERS.take() {
        tasks.0.spawner().spawn(greet(stack, buffers).expect("the pool has room"));
    }
    let names = ["hello by hand, 16 tasks", "frames of hello by hand, 16 tasks"];
    greeting::report(&mut report, names, &mut tasks, wire, more_memory.take());
    report.end()
}

#[embassy_executor::task(pool_size = 20)]
async fn greet(stack: Stack<'static>, buffers: &'static mut Buffers) {
    let [input, output] = buffers;
    let mut socket = TcpSocket::new(stack, input, output);
    socket.set_timeout(Some(Duration::from_secs(60)));
    socket.set_keep_alive(Some(Duration::from_secs(20)));
    loop {
        if socket.accept(PORT).await.is_err() || send_greeting(&mut socket).await.is_err() {
            socket.abort();
            // The reset is sent when `flush` returns.
            let _ = socket.flush().await;
        }
    }
}

/// Sends the greeting, and closes the connection.
async fn send_greeting(socket: &mut TcpSocket<'_>) -> Result<(), embassy_net::tcp::Error> {
    let mut left = GREETING;
    while !left.is_empty() {
        let written = socket.write(left).await?;
        left = &left[written..];
    }
    socket.close();
    socket.flush().await?;
    let mut discarded = [0; 32];
    let end = async {
        while socket.read(&mut discarded).await? > 0 {}
        Ok(())
    };
    with_timeout(Duration::from_secs(2), end)
        .await
        .unwrap_or(Err(embassy_net::tcp::Error::ConnectionReset))
}
