//! Calls the functions of pairs of connections with filters. A string of bytes selects the calls. The test compares the
//! input on one side of a pair with the output on the other side.
//!
//! ```text
//!   top ── filter ── … ── one end of a pair ═══ the other end ── … ── filter ── top
//! ```
//!
//! Both sides get the same filters. The input function of a filter reverses its output function. So the top connection
//! of one side must read exactly what the top connection of the other side writes. Connections may be ended, disabled
//! or freed in any callback. The test checks that no byte is altered, and that an end of stream comes after all bytes.
//! The end of every connection and every filter must be reported once, and the loop must finally wait.

use std::collections::HashSet;
use std::task::Poll;

use picoevent::{
    Action, Backend, Conn, ConnEnd, ConnError, ConnEvent, ConnMut, Cx, Direction, End, EventBase,
    Filter, Instant, Pool, PoolId, Protocol, Run, Settings, Storage,
};

use crate::bytes::Bytes;

type Base<'s> = EventBase<'s, World>;
type FilterResult = Result<(usize, usize), ConnError>;

/// The number of connections in each pool.
const CONNS: usize = 6;

/// The ring sizes of both pools. The filter [`Triple`] writes three bytes for each byte, so it needs rings of at least
/// three bytes.
const RINGS: [[(usize, usize); 2]; 3] = [[(3, 4), (9, 3)], [(70, 80), (5, 5)], [(1, 1), (2, 70)]];

static SETTINGS: Settings = Settings::new();

/// The mark: two bytes that a tripling filter adds at the end of the stream. The two bytes differ. All other input of
/// the filter consists of groups of three equal bytes.
const MARK: [u8; 2] = [0, 1];

struct World {
    bytes: Bytes,
    pools: [PoolId; 2],
    /// Whether a ring is too short for the filter [`Triple`].
    is_short: bool,
    /// Sides 2n and 2n + 1 belong to the same pair.
    sides: Vec<Side>,
    /// Connections above a tripling filter that has received the mark of the other side.
    marked: HashSet<Conn>,
    /// The connections above filters to which the end was reported.
    ended: HashSet<Conn>,
    counter: u8,
}

/// One side of a pair: one of the two connections of the pair, and the connections above this side's filters.
#[derive(Default)]
struct Side {
    /// The connections, from the lowest to the top. The application writes to the top, and reads from the top.
    layers: Vec<Conn>,
    /// Layers above a tripling filter.
    tripled: Vec<Conn>,
    written: Vec<u8>,
    received: Vec<u8>,
    /// Whether the application has stopped writing.
    is_over: bool,
    /// Whether the application has ended a connection below a filter.
    is_cut: bool,
    is_open: bool,
    is_eof: bool,
    end: Option<ConnEnd>,
}

/// Runs a test case on a new base until no bytes are left.
///
/// # Panics
/// If the core does something that its documentation excludes.
pub fn run(bytes: &[u8]) {
    let mut bytes = Bytes::new(bytes);
    let rings = bytes.pick(RINGS);
    let mut storage = Storage::<World, 1, { 2 * CONNS }, { CONNS * 160 }, 1, 2>::new();
    let mut base = EventBase::new(&mut storage);
    let pools = rings.map(|(input, output)| {
        base.add_pool(Pool::new(CONNS as u16).rings(input, output).in_memory()).unwrap()
    });
    let mut world = World {
        bytes,
        pools,
        is_short: rings.iter().any(|(input, output)| *input.min(output) < 3),
        sides: Vec::new(),
        marked: HashSet::new(),
        ended: HashSet::new(),
        counter: 0,
    };
    let mut clock = Clock(Instant::ZERO);
    base.begin(Run::DEFAULT);
    while !world.bytes.is_empty() {
        match world.bytes.below(4) {
            0 | 1 => world.call_function(&mut base),
            2 => drop(iterate(&mut world, &mut base, &mut clock)),
            _ => run_until_wait(&mut world, &mut base, &mut clock),
        }
    }
    for side in 0..world.sides.len() {
        for conn in world.sides[side].layers.clone() {
            if let Ok(mut conn) = base.conn(conn) {
                conn.enable(Direction::Read).enable(Direction::Write);
            }
        }
        world.close(&mut base, side);
    }
    for _ in 0..100 {
        run_until_wait(&mut world, &mut base, &mut clock);
    }
    assert_eq!(base.counts().conns, 0, "some connections have not ended");
    for side in &world.sides {
        assert!(side.end.is_some(), "the end of {:?} was not reported", side.layers);
        let (_, filtered) = side.layers.split_first().unwrap();
        assert!(filtered.iter().all(|conn| world.ended.contains(conn)));
    }
}

/// Runs one iteration. Returns whether the loop continues without a wait.
fn iterate(world: &mut World, base: &mut Base<'_>, clock: &mut Clock) -> bool {
    let before = clock.0;
    match base.iterate(world, clock) {
        Poll::Ready(Ok(None)) => clock.0 == before,
        Poll::Ready(Ok(Some(end))) => {
            assert_eq!((end, base.counts().conns), (End::Empty, 0));
            base.begin(Run::DEFAULT);
            false
        }
        _ => false,
    }
}

/// Runs iterations until the loop waits. Each callback takes a byte of the test case. When no bytes are left, the
/// callbacks do nothing, so the loop must wait.
fn run_until_wait(world: &mut World, base: &mut Base<'_>, clock: &mut Clock) {
    let iterations = (0..5_000).take_while(|_| iterate(world, base, clock));
    assert!(iterations.count() < 5_000, "the loop never waits");
}

/// A back end that never reports anything. Its time jumps to each deadline.
struct Clock(Instant);

/// The error of a wait that would never end.
#[derive(Debug)]
struct Stuck;

impl Backend<World> for Clock {
    type Error = Stuck;

    fn now(&mut self) -> Instant {
        self.0
    }

    fn act(&mut self, action: Action, _: &mut Base<'_>) -> Result<(), Stuck> {
        panic!("connections in memory must not use the back end: {action:?}");
    }

    fn wait(&mut self, until: Instant, _: &mut Base<'_>) -> Poll<Result<(), Stuck>> {
        if until == Instant::MAX {
            return Poll::Ready(Err(Stuck));
        }
        self.0 = self.0.max(until);
        Poll::Ready(Ok(()))
    }
}

/// The functions of the core that the application calls.
impl World {
    fn call_function(&mut self, cx: &mut Cx<'_, Self>) {
        if self.bytes.is_empty() {
            return;
        }
        let verb = self.bytes.below(20);
        if self.sides.is_empty() || verb == 0 {
            return self.make_pair(cx);
        }
        let side = self.bytes.below(self.sides.len());
        match verb {
            1 => self.add_filter::<Flip>(cx, side, false),
            2 => self.add_filter::<Triple>(cx, side, true),
            3..=7 => self.write(cx, side),
            8..=12 => self.read(cx, side),
            13 => self.transfer(cx, side),
            14 | 15 => {
                let (conn, _) = self.layer(side);
                let direction = self.bytes.pick([Direction::Read, Direction::Write]);
                let enables = self.bytes.below(3) > 0;
                let Ok(mut conn) = cx.conn(conn) else { return };
                match enables {
                    true => conn.enable(direction),
                    false => conn.disable(direction),
                };
            }
            16 => {
                let (conn, is_top) = self.layer(side);
                if let Ok(mut conn) = cx.conn(conn) {
                    conn.finish();
                    self.sides[side].is_over |= is_top;
                    self.sides[side].is_cut |= !is_top;
                }
            }
            17 => self.close(cx, side),
            18 => {
                let (conn, is_top) = self.layer(side);
                if let Ok(mut conn) = cx.conn(conn) {
                    if self.bytes.coin() {
                        conn.abort()
                    } else {
                        conn.close()
                    }
                    self.sides[side].is_over |= is_top;
                    self.sides[side].is_cut |= !is_top;
                }
            }
            _ => {
                let top = self.top(side);
                let timeouts = [self.bytes.maybe_duration(), self.bytes.maybe_duration()];
                if let Ok(mut conn) = cx.conn(top) {
                    conn.set_timeouts(timeouts[0], timeouts[1]);
                }
            }
        }
    }

    fn make_pair(&mut self, cx: &mut Cx<'_, Self>) {
        let pools = [(); 2].map(|()| self.bytes.pick(self.pools));
        let Ok(pair) = cx.pair_with(pools.map(|pool| (pool, &SETTINGS, on_event as _))) else {
            let wanted = if pools[0] == pools[1] { 2 } else { 1 };
            return assert!(pools.iter().any(
                |pool| cx.conns_in_use(*pool) + wanted > CONNS || cx.counts().conns + 2 > CONNS
            ));
        };
        self.sides.extend(pair.map(|conn| Side { layers: vec![conn], ..Side::default() }));
    }

    /// Adds a filter to both sides of a pair if no bytes have been written yet.
    fn add_filter<F: Filter<Self>>(&mut self, cx: &mut Cx<'_, Self>, side: usize, triples: bool) {
        let sides = [side & !1, side | 1];
        let is_fresh = sides.iter().all(|side| {
            let side = &self.sides[*side];
            let is_used = side.is_over || side.is_cut || side.end.is_some();
            side.written.is_empty() && side.layers.len() < 4 && !is_used
        });
        let pool = self.bytes.pick(self.pools);
        if !is_fresh || cx.conns_in_use(pool) + 2 > CONNS || cx.counts().conns + 2 > CONNS {
            return;
        }
        for side in sides {
            let below = self.top(side);
            let above = cx.conn(below).unwrap().filter::<F, Top>(pool).unwrap();
            let again = cx.conn(below).unwrap().filter::<F, Top>(pool);
            assert!(again.is_err(), "a connection accepted a second filter");
            let side = &mut self.sides[side];
            side.layers.push(above);
            side.is_open = false;
            if triples {
                side.tripled.push(above);
            }
        }
    }

    fn top(&self, side: usize) -> Conn {
        *self.sides[side].layers.last().unwrap()
    }

    /// Chooses a layer of a side. Returns the connection of this layer, and whether the layer is the top.
    fn layer(&mut self, side: usize) -> (Conn, bool) {
        let layers = &self.sides[side].layers;
        let at = self.bytes.below(layers.len());
        (layers[at], at + 1 == layers.len())
    }

    fn write(&mut self, cx: &mut Cx<'_, Self>, side: usize) {
        let top = self.top(side);
        let amount = self.bytes.below(100);
        let data: Vec<u8> = (0..amount).map(|at| self.counter.wrapping_add(at as u8)).collect();
        if let Ok(mut conn) = cx.conn(top) {
            let written = conn.write_some(&data);
            self.counter = self.counter.wrapping_add(written as u8);
            self.sides[side].written.extend(&data[..written]);
        }
    }

    fn read(&mut self, cx: &mut Cx<'_, Self>, side: usize) {
        let top = self.top(side);
        let mut buffer = vec![0; self.bytes.below(100)];
        if let Ok(mut conn) = cx.conn(top) {
            let amount = conn.read(&mut buffer);
            self.receive(side, &buffer[..amount]);
        }
    }

    fn receive(&mut self, side: usize, data: &[u8]) {
        self.sides[side].received.extend(data);
        let (received, written) = (&self.sides[side].received, &self.sides[side ^ 1].written);
        assert!(written.starts_with(received), "wrong bytes: {received:?} of {written:?}");
    }

    /// Moves input of one side to the output of a chosen side.
    fn transfer(&mut self, cx: &mut Cx<'_, Self>, from: usize) {
        let to = self.bytes.below(self.sides.len());
        let (source, target) = (self.top(from), self.top(to));
        let Ok(mut conn) = cx.conn(source) else { return };
        let (first, second) = conn.peek();
        let held = [first, second].concat();
        if let Ok(amount) = conn.transfer(target) {
            self.sides[to].written.extend(&held[..amount]);
            self.receive(from, &held[..amount]);
        }
    }

    fn close(&mut self, cx: &mut Cx<'_, Self>, side: usize) {
        let top = self.top(side);
        if let Ok(mut conn) = cx.conn(top) {
            conn.close();
            self.sides[side].is_over = true;
        }
    }
}

/// The callback of the top connection of each side.
fn on_event(world: &mut World, conn: &mut ConnMut<'_, '_, World>, event: ConnEvent) {
    let id = conn.id();
    let is_top = |side: &Side| side.layers.last() == Some(&id);
    let index = world
        .sides
        .iter()
        .position(is_top)
        .expect("a callback ran for a connection below a filter");
    let input = [conn.peek().0, conn.peek().1].concat();
    let (side, other) = (&world.sides[index], &world.sides[index ^ 1]);
    assert_eq!(side.end, None, "{event:?} was reported after the end");
    match event {
        ConnEvent::Opened => assert!(!side.is_open, "the connection was opened twice"),
        ConnEvent::Readable => assert!(!input.is_empty() && side.is_open),
        ConnEvent::Eof => {
            assert!(!side.is_eof, "the end of the stream was reported twice");
            let all = [&side.received[..], &input].concat();
            assert!(all == other.written, "the end of the stream was reported before all bytes");
            assert!(
                other.is_over,
                "the end of the stream was reported, but the stream has not ended"
            );
            assert!(
                side.tripled.iter().all(|conn| world.marked.contains(conn)),
                "the end of the stream was reported before a mark"
            );
        }
        ConnEvent::Ended(ConnEnd::Failed(ConnError::Filter)) => {
            assert!(world.is_short, "a filter failed although all rings are long enough");
            assert!(
                side.layers.len() > 1,
                "a connection without a filter failed because of a filter"
            );
        }
        _ => {}
    }
    let side = &mut world.sides[index];
    match event {
        ConnEvent::Opened => side.is_open = true,
        ConnEvent::Eof => side.is_eof = true,
        // After the end of the connection, the application writes nothing more.
        ConnEvent::Ended(end) => (side.end, side.is_over) = (Some(end), true),
        _ => {}
    }
    for _ in 0..world.bytes.below(3) {
        world.call_function(conn.cx());
    }
}

/// The protocol of connections above a filter.
struct Top;

impl Protocol<World> for Top {
    fn opened(world: &mut World, conn: &mut ConnMut<'_, '_, World>) {
        on_event(world, conn, ConnEvent::Opened);
    }

    fn readable(world: &mut World, conn: &mut ConnMut<'_, '_, World>) {
        on_event(world, conn, ConnEvent::Readable);
    }

    fn writable(world: &mut World, conn: &mut ConnMut<'_, '_, World>) {
        on_event(world, conn, ConnEvent::Writable);
    }

    fn eof(world: &mut World, conn: &mut ConnMut<'_, '_, World>) {
        on_event(world, conn, ConnEvent::Eof);
    }

    fn idle(world: &mut World, conn: &mut ConnMut<'_, '_, World>) {
        on_event(world, conn, ConnEvent::Timeout(Direction::Read));
    }

    fn stalled(world: &mut World, conn: &mut ConnMut<'_, '_, World>) {
        on_event(world, conn, ConnEvent::Timeout(Direction::Write));
    }

    fn ended(world: &mut World, conn: &mut ConnMut<'_, '_, World>, end: ConnEnd) {
        on_event(world, conn, ConnEvent::Ended(end));
    }
}

/// Records that the end was reported to the filter below the connection `above`.
fn filter_ended(world: &mut World, above: Conn) {
    assert!(world.ended.insert(above), "the end of a filter was reported twice");
}

/// A filter that inverts all bits.
struct Flip;

fn flip(from: &[u8], to: &mut [u8]) -> FilterResult {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = !from);
    let amount = from.len().min(to.len());
    Ok((amount, amount))
}

impl Filter<World> for Flip {
    fn input(_: &mut World, _: Conn, from: &[u8], to: &mut [u8]) -> FilterResult {
        flip(from, to)
    }

    fn output(_: &mut World, _: Conn, from: &[u8], to: &mut [u8]) -> FilterResult {
        flip(from, to)
    }

    fn ended(world: &mut World, above: Conn) {
        filter_ended(world, above);
    }
}

/// A filter that sends each byte three times. After the last byte, the filter sends the mark.
struct Triple;

impl Filter<World> for Triple {
    fn input(world: &mut World, above: Conn, from: &[u8], to: &mut [u8]) -> FilterResult {
        match *from {
            [one, two, ref rest @ ..] if one != two => {
                assert!(
                    [one, two] == MARK && rest.is_empty(),
                    "bytes were received after the mark"
                );
                assert!(world.marked.insert(above), "the mark was received twice");
                Ok((2, 0))
            }
            [one, two, three, ..] => {
                assert!(one == two && two == three, "the filter received wrong bytes");
                to[0] = one;
                Ok((3, 1))
            }
            _ => Ok((0, 0)),
        }
    }

    fn output(_: &mut World, _: Conn, from: &[u8], to: &mut [u8]) -> FilterResult {
        let Some(to) = to.first_chunk_mut() else { return Ok((0, 0)) };
        *to = [from[0]; 3];
        Ok((1, 3))
    }

    fn finish(_: &mut World, _: Conn, to: &mut [u8]) -> FilterResult {
        let Some(to) = to.first_chunk_mut() else { return Ok((0, MARK.len())) };
        *to = MARK;
        Ok((MARK.len(), 0))
    }

    fn ended(world: &mut World, above: Conn) {
        filter_ended(world, above);
    }
}
