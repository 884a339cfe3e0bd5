//! The back end itself: one function that runs a loop on a stack.

use core::future::poll_fn;
use core::task::Poll;

use embassy_net::Stack;
use heapless::Vec;
use picoevent::{End, EventBase, Instant, Trigger};

use crate::adapter::Adapter;
use crate::config::Config;
use crate::network::Network;
use crate::observe::Observe;
use crate::pool::Pool;
use crate::sockets::Sockets;
use crate::time::Moment;

/// Runs `base` on `stack` until the loop ends, and answers why it did.
///
/// `triggers` are the doors by which interrupts and other threads reach the loop: raising one
/// raises its signal.
///
/// When the loop has ended, connections that are open are closed with care within
/// [`Config::linger`]. The base is of no further use then: it still knows connections and listeners
/// that are gone. The same holds when the future is dropped before, which drops the connections
/// without a word to the peers.
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
/// On a board, storage and sockets are better `static` (`static_cell::ConstStaticCell`) than part
/// of the task.
///
/// # Panics
/// When the stack's resources have no room for `SOCKETS` sockets; see the crate's documentation.
pub async fn run<A, const SOCKETS: usize, const RX: usize, const TX: usize>(
    stack: Stack<'_>,
    sockets: &mut Sockets<SOCKETS, RX, TX>,
    triggers: &[&Trigger],
    base: &mut EventBase<'_, A>,
    app: &mut A,
    config: Config,
) -> End {
    run_observed(stack, sockets, triggers, base, app, config, &mut ()).await
}

/// As [`run`], with one who looks on.
///
/// # Panics
/// As [`run`].
pub async fn run_observed<
    A,
    O: Observe<A>,
    const SOCKETS: usize,
    const RX: usize,
    const TX: usize,
>(
    stack: Stack<'_>,
    sockets: &mut Sockets<SOCKETS, RX, TX>,
    triggers: &[&Trigger],
    base: &mut EventBase<'_, A>,
    app: &mut A,
    config: Config,
    observer: &mut O,
) -> End {
    let mut slots = sockets.open(stack, &config);
    let mut listeners = Vec::<_, SOCKETS>::new();
    let mut adapter = Adapter {
        pool: Pool {
            slots: &mut slots,
            listeners: &mut listeners,
            network: Network::new(stack),
            config,
            moment: Moment::now(&config),
            alarm: Instant::MAX,
        },
        triggers,
        base,
        app,
        observer,
    };
    // The stack knows its link only after its runner ran once; a connection opened at once would
    // find it down.
    let mut waited = false;
    poll_fn(|cx| match core::mem::replace(&mut waited, true) {
        true => Poll::Ready(()),
        false => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await;
    adapter.base.begin(config.run);
    let end = poll_fn(|cx| adapter.turn(cx)).await;
    adapter.leave();
    poll_fn(|cx| adapter.left(cx)).await;
    end
}
