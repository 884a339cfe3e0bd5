//! Sockets that are reserved for a connection that reconnects.

use std::net::SocketAddr;
use std::time::Duration;

use picoevent::{ConnEnd, ConnMut, Cx, Pool, Protocol, SetupError, Signal, Storage};
use picoevent_sim::world::{Script, Size, Sockets, TestCase, server_address};

const GREETING: &[u8] = b"Good day\n";
const PORT: u16 = 7003;
const SERVER: u16 = 7103;

const ONE: Pool = Pool::new(1).rings(16, 16);

/// A server with two listeners, which greets its clients, and with an uplink. Each of the three has its own pool.
#[derive(Default)]
struct Greeter {}

fn start<const SECOND: u16>(
    _: &mut Greeter,
    cx: &mut Cx<'_, Greeter>,
    address: SocketAddr,
    clients: Pool,
) -> Result<(), SetupError> {
    cx.on_signal(Signal::INT, |_, event| event.exit())?;
    let second = Pool::new(SECOND).rings(16, 16);
    let [first, second, uplink] = cx.add_pools([clients, second, ONE])?;
    cx.listen::<Greets>(address, first)?;
    cx.listen::<Greets>(SocketAddr::new(address.ip(), address.port() + 1), second)?;
    cx.connect::<Uplink>(server_address(SERVER), uplink)?;
    Ok(())
}

struct Greets;

impl Protocol<Greeter> for Greets {
    fn opened(_: &mut Greeter, conn: &mut ConnMut<'_, '_, Greeter>) {
        let _ = conn.write(GREETING);
        conn.close();
    }

    fn readable(_: &mut Greeter, _: &mut ConnMut<'_, '_, Greeter>) {}
}

/// Connects, closes the connection after two seconds, and connects again after seven seconds.
struct Uplink;

impl Protocol<Greeter> for Uplink {
    fn opened(_: &mut Greeter, conn: &mut ConnMut<'_, '_, Greeter>) {
        conn.alarm_after(Duration::from_secs(2));
    }

    fn readable(_: &mut Greeter, _: &mut ConnMut<'_, '_, Greeter>) {}

    fn alarm(_: &mut Greeter, conn: &mut ConnMut<'_, '_, Greeter>) {
        conn.close();
    }

    fn ended(_: &mut Greeter, conn: &mut ConnMut<'_, '_, Greeter>, _: ConnEnd) {
        let _ = conn.connect_after(Duration::from_secs(7), server_address(SERVER));
    }
}

fn greeting() -> Script {
    Script::new().expect(GREETING).expect_end()
}

#[test]
fn no_listener_takes_the_sockets_of_another_pool_while_an_uplink_rests() {
    type Memory = Storage<Greeter, 4, 8, 256, 2, 3>;
    let ten = Size::of(ONE, Memory::new, Sockets::<10, 64, 64>::new);
    let nine = Size::of(ONE, Memory::new, Sockets::<9, 64, 64>::new);
    for size in [nine, ten] {
        TestCase::with_app("uplink", PORT, Greeter::default, start::<6>)
            .sizes(&[size])
            .client(|_| greeting())
            .client_at(PORT + 1, |_| greeting())
            .check(0..300);
    }
}
