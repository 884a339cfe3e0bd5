//! The example `udp-time` in the simulator: clients that request the time with datagrams of any length.

use picoevent::{Pool, Storage};
use picoevent_sim::world::{Choices, Size, Sockets, TestCase, UdpSockets};
use udp_time::{PORT, RINGS, Time};

type Memory = Storage<Time, 1, 0, { RINGS.bytes() }, 0, 0, 0, 1>;

const NONE: fn() -> Sockets<0, 0, 0> = Sockets::new;

/// Three devices. The first device has the same UDP socket as the board. The socket of the second device has room for a
/// single datagram. The socket of the third device has room for many short datagrams, and the input ring has room for
/// all of them.
const SIZES: [Size<Time>; 3] = [
    Size::with_udp(Pool::rest(), Memory::new, NONE, UdpSockets::<1, 256, 128>::new),
    Size::with_udp(Pool::rest(), Memory::new, NONE, UdpSockets::<1, LONGEST, 20, 1>::new),
    Size::with_udp(Pool::rest(), Memory::new, NONE, UdpSockets::<1, LONGEST, 256, 8>::new),
];

/// The longest request in bytes. Every device has room for a request of this length.
const LONGEST: usize = 64;

/// Returns the test case of the time server.
pub fn udp_time() -> TestCase<Time> {
    // The answers are times in microseconds, so that they have different lengths.
    let make = || Time::new(|now| now.as_micros());
    TestCase::new("udp-time", PORT, make, |cx, address, _| Time::start(cx, address))
        .sizes(&SIZES)
        .udp_clients(PORT, questions, |_| Some("<digits>".to_owned()))
        .over_ipv6()
}

/// Makes requests of any length up to [`LONGEST`], including empty requests.
fn questions(choices: &mut Choices<'_>) -> Vec<Vec<u8>> {
    let count = 1 + choices.up_to(4);
    let letters = b"what time is it? ".iter().copied().cycle();
    let question = |length| letters.clone().take(length as usize).collect();
    (0..count).map(|_| question(choices.up_to(LONGEST as u64))).collect()
}
