//! One run of a loop, from opening the sockets to closing them.

use embassy_net::Stack;
use picoevent::{End, EventBase, Trigger};

use crate::adapter::Adapter;
use crate::config::Config;
use crate::observe::Observe;
use crate::sockets::Sockets;

/// Runs `base` on `stack` until nothing more can happen or an exit is requested, and returns the reason why the loop
/// ended. Use [`Adapter`] for a loop that is run more than once.
///
/// Interrupts and other threads reach the loop through `triggers`: [`Trigger::raise`] raises the signal of the trigger
/// in the loop.
///
/// When the loop has ended, open connections deliver their output and are closed
/// ([`Adapter::close`]). Dropping the future early drops all connections, and the peers get no
/// segment; do not use the base after that.
///
/// ```no_run
/// use embassy_net::Stack;
/// use picoevent::{ConnMut, EventBase, Pool, Protocol, SetupError, Signal, Storage, Trigger};
/// use picoevent_embassy::{Config, Sockets, run};
///
/// struct App;
/// struct Echo;
///
/// impl Protocol<App> for Echo {
///     fn readable(_: &mut App, conn: &mut ConnMut<App>) {
///         let _ = conn.transfer(conn.id());
///     }
/// }
///
/// static INTERRUPT: Trigger = Trigger::new(Signal::INT);
/// const CLIENTS: Pool = Pool::new(4).rings(512, 512);
///
/// async fn serve(stack: Stack<'static>) -> Result<(), SetupError> {
///     let mut storage = Storage::<App, 8, { CLIENTS.conns() }, { CLIENTS.bytes() }>::new();
///     let mut base = EventBase::new(&mut storage);
///     let clients = base.add_pool(CLIENTS)?;
///     base.listen::<Echo>(([0; 4], 7).into(), clients)?;
///     base.on_signal(Signal::INT, |_, event| event.exit())?;
///     let mut sockets = Sockets::<8, 512, 512>::new();
///     run(stack, &mut sockets, &[&INTERRUPT], &mut base, &mut App, Config::default()).await;
///     Ok(())
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
    run_observed(stack, sockets, triggers, base, app, config, ())
}

/// Runs `base` as [`run`] does, with an observer.
///
/// # Panics
/// In the same cases as [`run`].
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
    observer: O,
) -> End {
    Adapter::new(stack, sockets, triggers, config).run_and_close(base, app, observer).await
}
