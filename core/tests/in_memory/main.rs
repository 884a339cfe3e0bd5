//! Connections in memory: pairs, and connections above filters.
//!
//! These connections need no device. So each test runs a few iterations of a loop, with a clock that jumps to the next
//! deadline.

use std::collections::{HashMap, VecDeque};
use std::task::Poll;
use std::time::Duration;

use picoevent::{
    Action, Backend, Conn, ConnEnd, ConnError, ConnEvent, ConnMut, Direction, EventBase, Instant,
    Pool, PoolId, Run, Settings, Storage,
};

mod filters;
mod pairs;

/// One connection of a test: its behaviour, and what it has received.
#[derive(Default)]
struct End {
    to_send: VecDeque<u8>,
    /// The action when all bytes are sent.
    then: Then,
    /// Whether the connection echoes its input.
    echoes: bool,
    received: Vec<u8>,
    events: Vec<ConnEvent>,
    react: Option<fn(&mut ConnMut<App>, ConnEvent)>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Then {
    #[default]
    Nothing,
    Finish,
    Close,
    Abort,
}

impl End {
    fn sends(bytes: &[u8], then: Then) -> Self {
        Self { to_send: bytes.iter().copied().collect(), then, ..Self::default() }
    }

    fn echoes() -> Self {
        Self { echoes: true, ..Self::default() }
    }

    fn how_it_ended(&self) -> Option<ConnEnd> {
        let mut ends = self.events.iter().filter_map(|event| match event {
            ConnEvent::Ended(end) => Some(*end),
            _ => None,
        });
        let end = ends.next();
        assert!(ends.next().is_none(), "it ended twice: {:?}", self.events);
        end
    }
}

#[derive(Default)]
struct App {
    ends: HashMap<Conn, End>,
    /// The connections above a filter for which the filter's `ended` was called.
    ended: Vec<Conn>,
    /// The number of bytes that a filter has added at the end of the stream.
    signed: usize,
    /// The events of connections whose callbacks do nothing but record events, in order.
    called: Vec<(Conn, ConnEvent)>,
}

static SETTINGS: Settings = Settings::new();

/// The callback of every connection.
fn on_event(app: &mut App, conn: &mut ConnMut<App>, event: ConnEvent) {
    let end = app.ends.entry(conn.id()).or_default();
    assert!(end.how_it_ended().is_none(), "{event:?} comes after the end");
    end.events.push(event);
    if end.echoes {
        let _ = conn.transfer(conn.id());
    } else {
        let mut buffer = [0; 7];
        loop {
            match conn.read(&mut buffer) {
                0 => break,
                amount => end.received.extend_from_slice(&buffer[..amount]),
            }
        }
    }
    while let Some(byte) = end.to_send.front()
        && conn.write(&[*byte]).is_ok()
    {
        end.to_send.pop_front();
    }
    if end.to_send.is_empty() && event != ConnEvent::Eof {
        match std::mem::take(&mut end.then) {
            Then::Nothing => {}
            Then::Finish => conn.finish(),
            Then::Close => conn.close(),
            Then::Abort => conn.abort(),
        }
    }
    if event == ConnEvent::Eof {
        // The connection is closed only when no input waits for room and all bytes are sent.
        if conn.input_len() == 0 && end.to_send.is_empty() {
            conn.close();
        }
    } else if end.events.contains(&ConnEvent::Eof)
        && conn.input_len() == 0
        && end.to_send.is_empty()
        && conn.is_open()
    {
        conn.close();
    }
    if let Some(react) = end.react {
        react(conn, event);
    }
}

/// A back end that has nothing to report. Its clock jumps to the next deadline.
struct Clock {
    now: Instant,
    actions: Vec<Action>,
}

/// The error when the loop would wait forever.
#[derive(Debug, PartialEq, Eq)]
struct Stuck;

impl Backend<App> for Clock {
    type Error = Stuck;

    fn now(&mut self) -> Instant {
        self.now
    }

    fn act(&mut self, action: Action, _: &mut EventBase<'_, App>) -> Result<(), Stuck> {
        self.actions.push(action);
        Ok(())
    }

    fn wait(&mut self, until: Instant, _: &mut EventBase<'_, App>) -> Poll<Result<(), Stuck>> {
        if until == Instant::MAX {
            return Poll::Ready(Err(Stuck));
        }
        self.now = self.now.max(until);
        Poll::Ready(Ok(()))
    }
}

/// Runs the loop until it ends or would wait forever. Returns the time that has passed.
fn run(base: &mut EventBase<App>, app: &mut App) -> Result<Duration, Stuck> {
    let before = base.now();
    let mut clock = Clock { now: before, actions: Vec::new() };
    base.begin(Run::DEFAULT);
    for _ in 0..1_000_000 {
        match base.iterate(app, &mut clock) {
            Poll::Ready(Ok(None)) => {}
            Poll::Ready(Ok(Some(_))) => {
                assert_eq!(clock.actions, [], "a back end has no part in it");
                return Ok(base.now().since(before));
            }
            Poll::Ready(Err(stuck)) => return Err(stuck),
            Poll::Pending => unreachable!("the clock never lets a loop wait"),
        }
    }
    panic!("the loop does not end");
}

/// Runs `test` with a base that has a pool of connections in memory. `rings` are the sizes of the input and output
/// rings.
fn with_pool(rings: (usize, usize), test: impl FnOnce(&mut EventBase<App>, &mut App, PoolId)) {
    let mut storage = Box::new(Storage::<App, 2, 8, 16384, 1, 2>::new());
    let mut base = EventBase::new(&mut storage);
    let pool = base.add_pool(Pool::new(6).rings(rings.0, rings.1).in_memory()).unwrap();
    let mut app = App::default();
    test(&mut base, &mut app, pool);
    assert_eq!(base.conns_in_use(pool), 0, "every slot is free again");
    let ends = [(pool, &SETTINGS, on_event as _); 2];
    for _ in 0..3 {
        base.pair_with(ends).expect("every slot is free again");
    }
}

fn bytes(amount: usize) -> Vec<u8> {
    (0..amount).map(|at| (at * 31 % 251) as u8).collect()
}
