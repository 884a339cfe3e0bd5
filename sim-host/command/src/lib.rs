//! The test cases that the command can run: the examples, and the applications `caller`, `prober` and `publisher`,
//! which exist only for tests.

use echo::Echo;
use hello_world::Hello;
use picoevent_sim::world::{Choices, Script, TestCase};

mod caller;
mod chat;
mod device;
mod filtered;
mod gateway;
mod prober;
mod proxy;
mod publisher;
mod servers;
mod udp_time;

pub use caller::{Caller, caller};
pub use chat::chat;
pub use device::device;
pub use filtered::{Filtered, echo_filtered};
pub use gateway::{days, gateway, gateway_day, gateway_online, gateway_v6};
pub use prober::{Prober, prober};
pub use proxy::proxy;
pub use publisher::{Publisher, publisher, publisher_3};
pub use udp_time::udp_time;

/// Returns the test case of libevent's hello-world.
pub fn hello_world() -> TestCase<Hello> {
    hello("hello-world")
}

/// Returns the test case of hello-world with IPv4 and IPv6 addresses.
pub fn hello_world_v6() -> TestCase<Hello> {
    hello("hello-world-v6").over_ipv6()
}

fn hello(name: &str) -> TestCase<Hello> {
    let greeting = b"Hello, World!\n";
    TestCase::new(name, hello_world::PORT, Hello::default, Hello::start)
        .min_output_ring(greeting.len())
        .client(move |_| Script::new().expect(greeting).expect_end())
        .client(move |_| Script::new().send(b"Good day").expect(greeting).expect_end())
        .client(move |_| Script::new().finish().expect(greeting).expect_end())
}

/// Returns the test case of the echo server: every byte must come back.
pub fn echo() -> TestCase<Echo> {
    TestCase::new("echo", echo::PORT, Echo::new, Echo::start).client(there_and_back)
}

fn there_and_back(choices: &mut Choices<'_>) -> Script {
    echoed(choices, <[u8]>::to_vec, &[])
}

/// Returns the script of a client that receives what it sends. `on_the_wire` encodes bytes for the wire. The device
/// sends the bytes `behind` after the last echoed byte.
fn echoed(choices: &mut Choices<'_>, on_the_wire: fn(&[u8]) -> Vec<u8>, behind: &[u8]) -> Script {
    let length = 1 + choices.up_to(1_500) as usize;
    let first = 31 * u64::from(choices.client());
    let bytes: Vec<u8> = (first..).map(|number| (number % 251) as u8).take(length).collect();
    let (early, late) = bytes.split_at(choices.up_to(length as u64) as usize);
    let (early, late) = (on_the_wire(early), on_the_wire(late));
    let script = Script::new().send(&early).expect(&early).send(&late);
    let script = match choices.up_to(1) {
        0 => script.expect(&late).finish(),
        _ => script.finish().expect(&late),
    };
    let script = if behind.is_empty() { script } else { script.expect(behind) };
    script.expect_end()
}
