//! The echo server above two filters, and clients that use the encoding of these filters.
//!
//! ```text
//!   echo's connection   abc
//!   Triple              aaabbbccc   and a mark at the end
//!   Xor                 each byte with some bits flipped
//!   socket
//! ```

use echo::Mirror;
use picoevent::{
    Conn, ConnError, ConnMut, Cx, EventMut, Filter, Pool, PoolId, Protocol, SetupError, Signal,
    Storage,
};
use picoevent_sim::world::{Choices, Script, Size, Sockets, TestCase};
use std::net::SocketAddr;

use crate::echoed;

/// The application.
#[derive(Default)]
pub struct Filtered {
    /// The pool of the connections above filters.
    inner: Option<PoolId>,
}

/// The end mark, which is sent after the last byte.
const MARK: &[u8; 3] = b"###";

/// Devices with different amounts of memory and sockets, as in [`Size::standard`]. For each client, a device has room
/// for three connections: one connection with a socket, and one connection in memory for each of the two filters. No
/// ring is shorter than the encoding of one byte.
const SIZES: [Size<Filtered>; 6] = [
    Size::of(
        Pool::new(4).rings(512, 512),
        Storage::<_, 8, 12, 12_288, 1, 2>::new,
        Sockets::<6, 1024, 1024>::new,
    ),
    Size::of(
        Pool::new(1).rings(64, 64),
        Storage::<_, 8, 3, 384, 1, 2>::new,
        Sockets::<2, 256, 256>::new,
    ),
    Size::of(
        Pool::new(2).rings(8, 16),
        Storage::<_, 8, 6, 144, 1, 2>::new,
        Sockets::<3, 64, 64>::new,
    ),
    Size::of(
        Pool::new(3).rings(3, 3),
        Storage::<_, 8, 9, 54, 1, 2>::new,
        Sockets::<4, 128, 128>::new,
    ),
    Size::of(
        Pool::new(1).rings(16, 32),
        Storage::<_, 8, 3, 144, 1, 2>::new,
        Sockets::<1, 64, 64>::new,
    ),
    Size::of(
        Pool::new(2).rings(128, 24),
        Storage::<_, 8, 6, 912, 1, 2>::new,
        Sockets::<2, 16, 8>::new,
    ),
];

/// Returns the test case of the echo server above two filters. Every byte must come back. After the last byte, the end
/// mark `###` must arrive.
pub fn echo_filtered() -> TestCase<Filtered> {
    TestCase::with_app("echo-filtered", echo::PORT, Filtered::default, Filtered::start)
        .sizes(&SIZES)
        .client(there_and_back)
}

fn there_and_back(choices: &mut Choices<'_>) -> Script {
    echoed(choices, |bytes| flipped(&tripled(bytes)), &flipped(MARK))
}

impl Filtered {
    fn start(
        &mut self,
        cx: &mut Cx<Self>,
        address: SocketAddr,
        clients: Pool,
    ) -> Result<(), SetupError> {
        cx.on_signal(Signal::INT, Self::interrupted)?;
        let (input, output) = clients.ring_sizes();
        let above = 2 * clients.conns() as u16;
        self.inner = Some(cx.add_pool(Pool::new(above).rings(input, output).in_memory())?);
        let clients = cx.add_pool(clients)?;
        cx.listen::<Below>(address, clients).map(drop)
    }

    fn interrupted(&mut self, event: &mut EventMut<Self>) {
        event.exit();
    }
}

/// A connection with a socket, below both filters.
struct Below;

impl Protocol<Filtered> for Below {
    fn opened(app: &mut Filtered, conn: &mut ConnMut<Filtered>) {
        if put_above(app, conn).is_none() {
            conn.abort();
        }
    }

    fn readable(_: &mut Filtered, _: &mut ConnMut<Filtered>) {
        unreachable!("the filter has the input");
    }
}

fn put_above(app: &Filtered, conn: &mut ConnMut<Filtered>) -> Option<Conn> {
    let middle = conn.filter::<Xor, Below>(app.inner?).ok()?;
    conn.cx().conn(middle).ok()?.filter::<Triple, Mirror>(app.inner?).ok()
}

type Moved = Result<(usize, usize), ConnError>;

/// A filter that flips some bits of each byte.
struct Xor;

const BITS: u8 = 0x5a;

fn flip(from: &[u8], to: &mut [u8]) -> Moved {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = from ^ BITS);
    let amount = from.len().min(to.len());
    Ok((amount, amount))
}

impl Filter<Filtered> for Xor {
    fn input(_: &mut Filtered, _: Conn, from: &[u8], to: &mut [u8]) -> Moved {
        flip(from, to)
    }

    fn output(_: &mut Filtered, _: Conn, from: &[u8], to: &mut [u8]) -> Moved {
        flip(from, to)
    }
}

/// A filter that sends each byte three times.
struct Triple;

impl Filter<Filtered> for Triple {
    fn input(_: &mut Filtered, _: Conn, from: &[u8], to: &mut [u8]) -> Moved {
        let (threes, _) = from.as_chunks();
        for (to, [one, two, three]) in to.iter_mut().zip(threes) {
            if one != two || two != three {
                return Err(ConnError::Filter);
            }
            *to = *one;
        }
        let amount = threes.len().min(to.len());
        Ok((3 * amount, amount))
    }

    fn output(_: &mut Filtered, _: Conn, from: &[u8], to: &mut [u8]) -> Moved {
        let (threes, _) = to.as_chunks_mut();
        let amount = from.len().min(threes.len());
        threes.iter_mut().zip(from).for_each(|(three, from)| *three = [*from; 3]);
        Ok((amount, 3 * amount))
    }

    fn finish(_: &mut Filtered, _: Conn, to: &mut [u8]) -> Moved {
        let Some(to) = to.first_chunk_mut() else { return Ok((0, MARK.len())) };
        *to = *MARK;
        Ok((MARK.len(), 0))
    }
}

fn flipped(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| byte ^ BITS).collect()
}

fn tripled(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| [*byte; 3]).collect()
}
