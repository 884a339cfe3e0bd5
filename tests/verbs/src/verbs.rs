//! The verbs: the functions of the core that an application calls, in callbacks and outside of callbacks. Each step
//! calls one function.

mod bytes;
mod conns;
mod events;

use std::fmt::Write;
use std::time::Duration;

use picoevent::{Cx, DispatchLimit, FullError, Instant, Settings, SetupError};

use crate::calls;
use crate::foreign::FOREIGN;
use crate::shadow::{Life, ListenerShadow};
use crate::world::{PoolSizes, World, remember};

pub use conns::connect_again;

/// The settings of a connection, with a copy of their values for the checks.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    pub settings: &'static Settings,
    pub room: usize,
    pub busy: &'static [u8],
    /// The connect timeout in milliseconds; zero if there is none.
    pub connect: u64,
    /// The low and the high watermark of each ring.
    pub input: (usize, usize),
    pub output: (usize, usize),
}

/// The marks of a ring without watermarks.
const NONE: (usize, usize) = (0, usize::MAX);

impl Kind {
    const fn plain(settings: &'static Settings) -> Self {
        Self { settings, room: 1, busy: b"", connect: 0, input: NONE, output: NONE }
    }

    /// Returns the expected error if connections of a pool cannot have these settings, and `None` if they can.
    pub fn refused(&self, pool: PoolSizes) -> Option<SetupError> {
        let rings = [(self.input, pool.input), (self.output, pool.output)];
        let output = self.output.1.min(pool.output);
        match () {
            () if rings.iter().any(|((low, high), size)| low > high.min(size)) => {
                Some(SetupError::Marks)
            }
            () if self.room > output => Some(SetupError::Room),
            () if self.busy.len() > output => Some(SetupError::Busy),
            () => None,
        }
    }
}

static PLAIN: Settings = Settings::new();
static QUICK: Settings = Settings::new().connect(Duration::from_millis(3));
static ROOMY: Settings = Settings::new().room(3);
static BUSY: Settings = Settings::new().busy(b"!?");
static MARKED: Settings = Settings::new().input_marks(2, 3).output_marks(1, 4);

pub const KINDS: [Kind; 5] = [
    Kind::plain(&PLAIN),
    Kind { connect: 3, ..Kind::plain(&QUICK) },
    Kind { room: 3, ..Kind::plain(&ROOMY) },
    Kind { busy: b"!?", ..Kind::plain(&BUSY) },
    Kind { input: (2, 3), output: (1, 4), ..Kind::plain(&MARKED) },
];

/// Calls one function. The next byte of the test case selects the function.
pub fn step(world: &mut World, cx: &mut Cx<'_, World>) {
    match world.bytes.below(16) {
        0..=2 => events::make(world, cx),
        3..=7 => events::change(world, cx),
        8 => conns::connect(world, cx),
        9..=11 => conns::change(world, cx),
        12 => listener(world, cx),
        13 => sources(world, cx),
        _ => whole_loop(world, cx),
    }
}

fn listener(world: &mut World, cx: &mut Cx<'_, World>) {
    let verb = world.bytes.below(8);
    if verb < 2 {
        let (pool, kind) = (world.bytes.below(world.sizes.pools.len()), world.bytes.pick(KINDS));
        let sizes = world.sizes.pools[pool];
        let address = "0.0.0.0:7".parse().unwrap();
        let handle = match cx.listen_with(address, sizes.id, kind.settings, calls::on_conn) {
            Ok(handle) => handle,
            Err(error) => {
                let full = SetupError::Full(FullError::Listeners);
                assert_eq!(error, kind.refused(sizes).unwrap_or(full));
                let is_full = cx.counts().listeners == world.sizes.listeners;
                return assert!(is_full || error != SetupError::Full(FullError::Listeners));
            }
        };
        let user = world.next_number();
        cx.listener(handle).unwrap().set_user(user).on_error(calls::on_listen_error);
        let (life, limit) = (Life::Held, usize::MAX);
        let (enabled, fail_due) = (true, false);
        let shadow = ListenerShadow { handle, life, enabled, fail_due, user, pool, kind, limit };
        return remember(&mut world.listeners, shadow, |old| old.life == Life::Gone);
    }
    let Some(index) = world.pick_listener() else {
        return assert!(cx.listener(FOREIGN.listener).is_err());
    };
    let shadow = &mut world.listeners[index];
    let Ok(mut listener) = cx.listener(shadow.handle) else {
        return assert_ne!(shadow.life, Life::Held);
    };
    match verb {
        2 | 3 => {
            listener.enable();
            shadow.enabled = true;
        }
        4 => {
            let limit = world.bytes.below(3) as u16;
            listener.set_limit(limit);
            shadow.limit = limit.into();
        }
        5 => {
            listener.disable();
            shadow.enabled = false;
        }
        6 => {
            listener.on_error(calls::on_listen_error);
        }
        _ => {
            listener.free();
            (shadow.life, shadow.enabled) = (Life::Dropped, false);
        }
    }
}

/// Frees a source. Events that waited for the source no longer wait.
fn sources(world: &mut World, cx: &mut Cx<'_, World>) {
    let Some(index) = world.pick_source() else {
        return assert!(cx.forget_source(FOREIGN.source).is_err());
    };
    let shadow = &mut world.sources[index];
    let forgotten = cx.forget_source(shadow.handle).is_ok();
    assert_eq!(forgotten, shadow.life == Life::Held);
    if forgotten {
        shadow.life = Life::Dropped;
        let source = shadow.handle;
        events::source_is_gone(world, cx, source);
    }
}

fn whole_loop(world: &mut World, cx: &mut Cx<'_, World>) {
    match world.bytes.below(16) {
        0 => cx.exit(),
        1 => cx.exit_after(world.bytes.duration()),
        2 => cx.loop_break(),
        3 | 4 => {
            cx.loop_continue();
            world.pass.cut_short();
        }
        5 | 6 => {
            let limit = DispatchLimit {
                callbacks: [None, Some(0), Some(1), Some(3)][world.bytes.below(4)],
                time: world.bytes.maybe_duration(),
                priority: world.bytes.priority(),
            };
            cx.set_dispatch_limit(world.bytes.coin().then_some(limit));
        }
        7 => {
            let before = cx.now();
            let now = later(world, before);
            cx.update_now(now);
            assert!(cx.now() >= before, "the time must not go back");
        }
        8 => {
            let (peaks, taken) = (cx.peaks(), cx.take_peaks());
            assert_eq!((peaks, cx.peaks()), (taken, cx.counts()));
        }
        9 => {
            let mut text = String::new();
            write!(text, "{}", cx.dump()).unwrap();
            assert_eq!(text.lines().count(), 1 + cx.events().count());
        }
        10 => drop((cx.got_exit(), cx.got_break(), cx.wait_to_come())),
        11..=14 => conns::transfer(world, cx),
        _ => world.trigger.raise(),
    }
}

/// Returns a time: mostly a few microseconds after `now`, sometimes nine seconds after `now`, zero, or the maximum.
pub fn later(world: &mut World, now: Instant) -> Instant {
    match world.bytes.byte() {
        0 => Instant::MAX,
        1..=7 => Instant::ZERO,
        8..=15 => now.after(Duration::from_secs(9)),
        some => now.after(Duration::from_micros(u64::from(some % 16))),
    }
}
