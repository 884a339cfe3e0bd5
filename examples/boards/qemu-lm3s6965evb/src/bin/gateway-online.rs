//! The gateway with DNS, SNTP and MQTT, on the LM3S6965 evaluation board, under QEMU.

#![no_std]
#![no_main]

use core::net::{Ipv4Addr, SocketAddr};

use board::{BROKER_PORT, COLLECTOR_PORT, HOST, TIME_SERVER};
use embassy_net::{Stack, StackResources};
use gateway::{
    BUTTON, CONSOLE_PORT, DISCOVERY_PORT, Gateway, Host, Memory, PAGE, STATUS_PORT, Settings,
    Setup, TimeServer, UDP_SOCKETS, temperature,
};
use picoevent::{EventBase, Run, Signal, Trigger};
use picoevent_embassy::{Adapter, Config, Sockets, UdpSockets};
use static_cell::{ConstStaticCell, StaticCell};

static INTERRUPT: Trigger = Trigger::new(Signal::INT);
static PRESSED: Trigger = Trigger::new(BUTTON);
/// One socket for each connection of the pools, one for each listener, and the UDP sockets. One entry stays unused: the
/// address is static, so there is no DHCP socket.
static RESOURCES: StaticCell<StackResources<20>> = StaticCell::new();
static SOCKETS: ConstStaticCell<Sockets<14, 128, 256>> = ConstStaticCell::new(Sockets::new());
static UDP: ConstStaticCell<UdpSockets<UDP_SOCKETS, 600, 600>> =
    ConstStaticCell::new(UdpSockets::new());
static MEMORY: ConstStaticCell<Memory> = ConstStaticCell::new(Memory::new());
static GATEWAY: StaticCell<Gateway> = StaticCell::new();

#[board::entry]
fn main() -> ! {
    board::on_button(|| PRESSED.raise());
    let app = state();
    let resources = RESOURCES.init_with(StackResources::new);
    board::run(
        resources,
        || INTERRUPT.raise(),
        |spawner, stack| {
            spawner.spawn(serve(stack, app).expect("spawned once"));
        },
    )
}

/// Makes the application's state. The state is made on the stack, which takes ten kilobytes, and then moved to its
/// static. If this function were inlined into `serve`, these bytes would stay in use while the loop runs, and the stack
/// would nearly overflow.
#[inline(never)]
fn state() -> &'static mut Gateway {
    let setup = Setup { name: "gateway", sensor: temperature, collector: None };
    GATEWAY.init_with(|| Gateway::new(setup))
}

#[embassy_executor::task]
async fn serve(stack: Stack<'static>, app: &'static mut Gateway) {
    app.set_online(Settings {
        collector: Some(Host { name: HOST, port: COLLECTOR_PORT }),
        broker: Some(Host { name: HOST, port: BROKER_PORT }),
        time_server: Some(TimeServer::At(TIME_SERVER)),
        clock_is_set: |time| board::set_clock(time.unix_micros()),
        services: Some(PAGE),
        ..Settings::NONE
    });
    let mut base = EventBase::new(MEMORY.take());
    base.seed(&board::weak_seed());
    let at = |port| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    app.start(&mut base, at(CONSOLE_PORT), at(STATUS_PORT), at(DISCOVERY_PORT))
        .expect("the memory is made for it");
    defmt::info!("listening on ports {} and {}", CONSOLE_PORT, STATUS_PORT);
    let triggers = [&INTERRUPT, &PRESSED];
    let adapter = Adapter::new(stack, SOCKETS.take(), &triggers, Config::default());
    let mut adapter = adapter.with_udp(UDP.take());
    adapter.run(&mut base, app, Run::DEFAULT).await;
    adapter.close(&mut base).await;
    defmt::info!("done");
    board::exit(0)
}
