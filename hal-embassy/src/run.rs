//! The back end itself: one function that runs a loop on a stack.

use core::future::poll_fn;

use embassy_net::Stack;
use heapless::Vec;
use picoevent::{End, EventBase, Instant, Trigger};

use crate::adapter::{Adapter, Stage};
use crate::config::Config;
use crate::env::{Env, Limits};
use crate::network::Network;
use crate::observe::Observe;
use crate::pool::Pool;
use crate::ready::Ready;
use crate::sockets::Sockets;

/// Runs `base` on `stack` until the loop ends, and returns the reason.
///
/// Interrupts and other threads reach the loop through `triggers`: raising a trigger raises its
/// signal.
///
/// When the loop has ended, open connections deliver their output and are closed, within
/// [`Config::linger`]. Do not use the base after that: it still lists connections and listeners
/// that no longer exist. The same holds when the future is dropped early: its connections are
/// dropped, and the peers get no segment.
///
/// ```no_run
/// # use core::net::SocketAddr;
/// use embassy_net::Stack;
/// use picoevent::{End, EventBase, Signal, Storage, Trigger};
/// use picoevent_embassy::{Config, Sockets, run};
///
/// static INTERRUPT: Trigger = Trigger::new(Signal::INT);
///
/// async fn serve(stack: Stack<'static>) -> End {
/// #   struct App;
///     let mut storage = Storage::<App, 8, 4>::new();
///     let mut base = EventBase::new(&mut storage);
///     // … listen and add events …
///     let mut sockets = Sockets::<8, 512, 512>::new();
///     run(stack, &mut sockets, &[&INTERRUPT], &mut base, &mut App, Config::default()).await
/// }
/// # let _ = serve;
/// ```
///
/// On a board, make storage and sockets `static` (`static_cell::ConstStaticCell`), not part of the
/// task.
///
/// # Panics
/// When the stack's resources have no room for `SOCKETS` sockets; see the crate's documentation.
pub fn run<A, const SOCKETS: usize, const RX: usize, const TX: usize>(
    stack: Stack<'_>,
    sockets: &mut Sockets<SOCKETS, RX, TX>,
    triggers: &[&Trigger],
    base: &mut EventBase<'_, A>,
    app: &mut A,
    config: Config,
) -> impl Future<Output = End> {
    serve(stack, sockets, triggers, base, app, config, ())
}

/// Runs `base` as [`run`] does, with an observer.
///
/// # Panics
/// As [`run`].
pub fn run_observed<A, O: Observe<A>, const SOCKETS: usize, const RX: usize, const TX: usize>(
    stack: Stack<'_>,
    sockets: &mut Sockets<SOCKETS, RX, TX>,
    triggers: &[&Trigger],
    base: &mut EventBase<'_, A>,
    app: &mut A,
    config: Config,
    observer: &mut O,
) -> impl Future<Output = End> {
    serve(stack, sockets, triggers, base, app, config, observer)
}

async fn serve<A, O: Observe<A>, const SOCKETS: usize, const RX: usize, const TX: usize>(
    stack: Stack<'_>,
    sockets: &mut Sockets<SOCKETS, RX, TX>,
    triggers: &[&Trigger],
    base: &mut EventBase<'_, A>,
    app: &mut A,
    config: Config,
    observer: O,
) -> End {
    let mut slots = sockets.open(stack, &config);
    let mut listeners = Vec::<_, SOCKETS>::new();
    base.begin(config.run);
    let mut adapter = Adapter {
        pool: Pool {
            slots: &mut slots,
            listeners: &mut listeners,
            env: Env {
                network: Network::new(stack),
                limits: Limits::of(&config),
                now: Instant::ZERO,
                until: Instant::ZERO,
            },
            backlog: config.backlog,
            outgoing: config.outgoing,
            ready: Ready::new(),
            marked: 0,
            unwatched: 0,
            bounded: 0,
            unsorted: true,
            crowded: false,
            alarm: Instant::MAX,
        },
        triggers,
        base,
        app,
        observer,
        stage: Stage::New,
    };
    poll_fn(|cx| adapter.poll(cx)).await
}
