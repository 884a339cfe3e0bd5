//! A server on all addresses of the device. It sends `own` to a client that has connected to one of the device's
//! addresses, and `no` to every other client.

use std::net::SocketAddr;

use picoevent::{ConnMut, Cx, Listener, Pool, Protocol, SetupError, Signal};
use picoevent_sim::world::{Script, TestCase};

struct App;

struct Greeting;

impl Protocol<App> for Greeting {
    fn opened(_: &mut App, conn: &mut ConnMut<'_, '_, App>) {
        let local = conn.local_addr().expect("a client has connected to it");
        let own = conn.cx().network().addresses().iter().any(|own| own.ip == local.ip());
        let _ = writeln!(conn, "{} port {}", if own { "own" } else { "no" }, local.port());
        conn.close();
    }

    fn readable(_: &mut App, _: &mut ConnMut<'_, '_, App>) {}
}

fn start(cx: &mut Cx<'_, App>, address: SocketAddr, clients: Pool) -> Result<Listener, SetupError> {
    assert!(address.ip().is_unspecified());
    cx.on_signal(Signal::INT, |_, event| event.exit())?;
    let clients = cx.add_pool(clients)?;
    cx.listen::<Greeting>(address, clients)
}

#[test]
fn a_device_knows_to_which_of_its_addresses_a_client_has_connected() {
    let case = || {
        let script = || Script::new().expect(b"own port 7000\n").expect_end().finish();
        TestCase::new("greeting", 7000, || App, start).min_output_ring(16).client(move |_| script())
    };
    let tally = case().check(0..100);
    assert!(tally.served >= 100, "{tally:?}");
    let tally = case().over_ipv6().check(0..100);
    assert!(tally.served >= 100, "{tally:?}");
}
