//! A server made for testing filters: an echo behind a filter that changes every byte, and marks the end.

use std::net::SocketAddr;
use std::time::Duration;

use picoevent::{
    Conn, ConnError, ConnMut, Cx, Filter, Pool, PoolId, Protocol, SetupError, Signal, Storage,
};
use picoevent_sim::world::{Choices, Script, Size, Sockets, TestCase};

const PORT: u16 = 9994;
/// What every byte is changed by, in each direction.
const VEIL: u8 = 0x2a;
/// The last byte that a client gets.
const MARK: u8 = b'.';

/// The application.
#[derive(Default)]
pub struct Veiled {
    inner: Option<PoolId>,
    /// Connections that were given the mark.
    marked: Vec<Conn>,
}

const PLENTY: Pool = Pool::new(4).rings(512, 512);
const LITTLE: Pool = Pool::new(2).rings(8, 16);
const UNEVEN: Pool = Pool::new(3).rings(100, 9);

/// Returns a size for these clients: each has a connection with a socket, and one in memory above the filter.
macro_rules! size {
    ($clients:expr, $sockets:expr) => {
        Size::of(
            $clients,
            Storage::<Veiled, 1, { 2 * $clients.conns() }, { 2 * $clients.bytes() }, 1, 2>::new,
            $sockets,
        )
    };
}

const SIZES: [Size<Veiled>; 3] = [
    size!(PLENTY, Sockets::<6, 1024, 1024>::new),
    size!(LITTLE, Sockets::<3, 64, 64>::new),
    size!(UNEVEN, Sockets::<4, 128, 128>::new),
];

/// An echo server behind a filter.
pub fn veil() -> TestCase<Veiled> {
    TestCase::with_app("veil", PORT, Veiled::default, Veiled::start).sizes(&SIZES).client(client)
}

impl Veiled {
    fn start(
        &mut self,
        cx: &mut Cx<'_, Self>,
        address: SocketAddr,
        clients: Pool,
    ) -> Result<(), SetupError> {
        cx.on_signal(Signal::INT, |_, event| event.exit())?;
        let [outer, inner] = cx.add_pools([clients, clients.in_memory()])?;
        self.inner = Some(inner);
        cx.listen::<Outer>(address, outer).map(drop)
    }
}

struct Outer;

impl Protocol<Veiled> for Outer {
    fn opened(app: &mut Veiled, conn: &mut ConnMut<'_, '_, Veiled>) {
        let filtered = app.inner.map(|inner| conn.filter::<Veil, Inner>(inner));
        if !matches!(filtered, Some(Ok(_))) {
            conn.abort();
        }
    }

    fn readable(_: &mut Veiled, _: &mut ConnMut<'_, '_, Veiled>) {}
}

struct Veil;

fn change(from: &[u8], to: &mut [u8]) -> Result<(usize, usize), ConnError> {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = from ^ VEIL);
    let amount = from.len().min(to.len());
    Ok((amount, amount))
}

impl Filter<Veiled> for Veil {
    fn input(
        _: &mut Veiled,
        _: Conn,
        from: &[u8],
        to: &mut [u8],
    ) -> Result<(usize, usize), ConnError> {
        change(from, to)
    }

    fn output(
        _: &mut Veiled,
        _: Conn,
        from: &[u8],
        to: &mut [u8],
    ) -> Result<(usize, usize), ConnError> {
        change(from, to)
    }

    fn finish(app: &mut Veiled, above: Conn, to: &mut [u8]) -> Result<usize, ConnError> {
        let Some(first) = to.first_mut().filter(|_| !app.marked.contains(&above)) else {
            return Ok(0);
        };
        *first = MARK;
        app.marked.push(above);
        Ok(1)
    }

    fn ended(app: &mut Veiled, above: Conn) {
        app.marked.retain(|marked| *marked != above);
    }
}

/// Sends back what it receives.
struct Inner;

const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

impl Protocol<Veiled> for Inner {
    const IDLE: Option<Duration> = Some(IDLE_TIMEOUT);
    const STALL: Option<Duration> = Some(IDLE_TIMEOUT);

    fn readable(_: &mut Veiled, conn: &mut ConnMut<'_, '_, Veiled>) {
        let _ = conn.transfer(conn.id());
    }
}

/// A client whose bytes come back as they are, since they were changed twice, with the mark behind them.
fn client(choices: &mut Choices<'_>) -> Script {
    let length = 1 + choices.up_to(1_500) as usize;
    let first = 17 * u64::from(choices.client());
    let bytes: Vec<u8> = (first..).map(|number| (number % 239) as u8).take(length).collect();
    let (early, late) = bytes.split_at(choices.up_to(length as u64) as usize);
    let script = Script::new().send(early).expect(early).send(late).finish();
    script.expect(late).expect(&[MARK]).expect_end()
}
