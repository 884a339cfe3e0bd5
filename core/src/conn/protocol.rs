//! What a kind of connection does, in one place.

use core::time::Duration;

use super::{ConnEnd, ConnEvent, ConnMut, Direction, Settings};
use crate::ConnError;

/// What connections of a kind do, in one place: their timeouts, and a function for everything that can
/// happen to them. All but [`readable`](Self::readable) have defaults.
///
/// The type is only a name for the kind, so that a protocol library can implement it as well as an
/// application, and one application can have several kinds. The state `A` of the application comes with
/// each call, and `conn` reaches the connection and, with [`ConnMut::cx`], the rest of the loop.
///
/// The echo server:
///
/// ```
/// use core::net::SocketAddr;
/// use core::time::Duration;
/// use picoevent::{ConnMut, Cx, PoolId, Protocol, SetupError};
///
/// struct App;
/// struct Echo;
///
/// impl Protocol<App> for Echo {
///     const IDLE: Option<Duration> = Some(Duration::from_secs(60));
///
///     fn readable(_: &mut App, conn: &mut ConnMut<App>) {
///         let _ = conn.transfer(conn.id());
///     }
/// }
///
/// fn start(cx: &mut Cx<App>, address: SocketAddr, clients: PoolId) -> Result<(), SetupError> {
///     cx.listen::<Echo>(address, clients)?;
///     Ok(())
/// }
/// # let _ = start;
/// ```
///
/// A connection that has been opened ends with exactly one call of [`ended`](Self::ended), whatever the
/// reason, as long as the loop runs.
pub trait Protocol<A>: Sized {
    /// How long no input may arrive, before [`idle`](Self::idle).
    const IDLE: Option<Duration> = None;
    /// How long waiting output may make no progress, or a connect may take, before
    /// [`stalled`](Self::stalled).
    const STALL: Option<Duration> = None;
    /// How long a connect may take before [`stalled`](Self::stalled), if that is not [`STALL`](Self::STALL).
    const CONNECT: Option<Duration> = None;
    /// The bytes of output that an answer takes: with less room, input and the end of the stream wait.
    const ROOM: usize = 1;
    /// The bytes of input that [`readable`](Self::readable) waits for. At the end of the stream there may be
    /// fewer, which [`eof`](Self::eof) finds in the ring.
    const INPUT_LOW: usize = 1;
    /// The most bytes of input that are received and not consumed, if that is less than the ring has.
    const INPUT_HIGH: usize = usize::MAX;
    /// The most bytes of output that are left when [`writable`](Self::writable) is called. With 0 it is called
    /// when all was sent.
    const OUTPUT_LOW: usize = 0;
    /// The most bytes of output that are written and not sent, if that is less than the ring has.
    const OUTPUT_HIGH: usize = usize::MAX;
    /// What clients get that are accepted in a [spare](crate::Pool::spare) place, because all others are in
    /// use. Then they are closed.
    const BUSY: &'static [u8] = b"";

    /// The connection was accepted, or the connect has succeeded.
    fn opened(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
        let _ = (app, conn);
    }

    /// There is input, [`INPUT_LOW`](Self::INPUT_LOW) bytes at least. It is not called again for input that is left in the ring, until more arrives, or
    /// there was no [room](Self::ROOM) and is again, or [`ConnMut::read_again`] asks for it.
    fn readable(app: &mut A, conn: &mut ConnMut<'_, '_, A>);

    /// Output was sent, and no more than [`OUTPUT_LOW`](Self::OUTPUT_LOW) is left. Or there is the room that [`ConnMut::wait_for_room`] asked for.
    fn writable(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
        let _ = (app, conn);
    }

    /// The alarm is due: see [`ConnMut::alarm_after`].
    fn alarm(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
        let _ = (app, conn);
    }

    /// The peer will send no more. Output is still sent. Closes the connection, unless it is overridden.
    fn eof(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
        let _ = app;
        conn.close();
    }

    /// No input came for [`IDLE`](Self::IDLE); reading is disabled. Aborts the connection as timed out,
    /// unless it is overridden.
    fn idle(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
        let _ = app;
        conn.abort_with(ConnError::TimedOut);
    }

    /// The peer has taken no output for [`STALL`](Self::STALL), or has not answered a connect for
    /// [`CONNECT`](Self::CONNECT); writing is disabled. Aborts the connection as timed out, unless it is overridden.
    fn stalled(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
        let _ = app;
        conn.abort_with(ConnError::TimedOut);
    }

    /// The connection has ended for the application: its last callback, once. Input that is left can be read
    /// unless it was closed. An outgoing one can [connect again](ConnMut::connect_after).
    fn ended(app: &mut A, conn: &mut ConnMut<'_, '_, A>, end: ConnEnd) {
        let _ = (app, conn, end);
    }

    /// The constants above.
    #[doc(hidden)]
    const SETTINGS: &'static Settings = &Settings::new()
        .timed([Self::IDLE, Self::STALL, Self::CONNECT])
        .room(Self::ROOM)
        .input_marks(Self::INPUT_LOW, Self::INPUT_HIGH)
        .output_marks(Self::OUTPUT_LOW, Self::OUTPUT_HIGH)
        .busy(Self::BUSY);

    /// The function that the loop calls.
    #[doc(hidden)]
    fn event(app: &mut A, conn: &mut ConnMut<'_, '_, A>, event: ConnEvent) {
        match event {
            ConnEvent::Opened => Self::opened(app, conn),
            ConnEvent::Readable => Self::readable(app, conn),
            ConnEvent::Writable => Self::writable(app, conn),
            ConnEvent::Alarm => Self::alarm(app, conn),
            ConnEvent::Eof => Self::eof(app, conn),
            ConnEvent::Timeout(Direction::Read) => Self::idle(app, conn),
            ConnEvent::Timeout(Direction::Write) => Self::stalled(app, conn),
            ConnEvent::Ended(end) => Self::ended(app, conn, end),
        }
    }
}
