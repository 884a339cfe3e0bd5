//! The trait that defines a kind of connection.

use core::time::Duration;

use super::{ConnEnd, ConnEvent, ConnMut, Direction, Settings};
use crate::ConnError;

/// A kind of connection: its timeouts, and a function for each event. All functions except [`readable`](Self::readable)
/// have defaults.
///
/// The type that implements the trait only selects the functions; no value of the type is needed. So a protocol library
/// can implement the trait too, and one application can have several kinds of connections. Each function gets the
/// application's state `A` and the connection. [`ConnMut::cx`] gives access to the loop.
///
/// An echo server:
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
/// While the loop runs, each opened connection ends with exactly one call of [`ended`](Self::ended), whatever the
/// reason for the end.
pub trait Protocol<A>: Sized {
    /// The time without input after which [`idle`](Self::idle) is called.
    const IDLE: Option<Duration> = None;
    /// The time after which [`stalled`](Self::stalled) is called if waiting output makes no progress, or if a
    /// connect is not complete.
    const STALL: Option<Duration> = None;
    /// The time after which [`stalled`](Self::stalled) is called if a connect is not complete. If this constant is
    /// `None`, [`STALL`](Self::STALL) applies to a connect.
    const CONNECT: Option<Duration> = None;
    /// The output space that an answer needs, in bytes. While the output ring has less free space, input and the peer's
    /// end of stream are not reported.
    const ROOM: usize = 1;
    /// The number of bytes of input that [`readable`](Self::readable) waits for. At the end of the stream, fewer bytes
    /// may be left in the ring; [`eof`](Self::eof) can read these bytes.
    const INPUT_LOW: usize = 1;
    /// The maximum number of bytes received and not consumed, if this is less than the size of the input ring.
    const INPUT_HIGH: usize = usize::MAX;
    /// [`writable`](Self::writable) is called when output was sent and at most this number of bytes is still unsent.
    /// With 0, `writable` is called when all output was sent.
    const OUTPUT_LOW: usize = 0;
    /// The maximum number of bytes written and not sent, if this is less than the size of the output ring.
    const OUTPUT_HIGH: usize = usize::MAX;
    /// The text for a client that connects while all connections are in use, or while the listener has reached its
    /// [limit](crate::ListenerMut::set_limit). The client is accepted, gets the text, and its connection is closed.
    /// While all connections are in use, the text needs a [spare](crate::Pool::spare) connection. If the text is empty,
    /// the client is not accepted.
    const BUSY: &'static [u8] = b"";

    /// Is called when the connection was accepted, or the connect has succeeded.
    fn opened(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
        let _ = (app, conn);
    }

    /// Is called when at least [`INPUT_LOW`](Self::INPUT_LOW) bytes of input are available. If the callback leaves
    /// input in the ring, it is called again only in these cases:
    ///
    /// * More input arrives.
    /// * The output had less [room](Self::ROOM) than an answer needs, and has enough room again.
    /// * [`ConnMut::read_again`] was called.
    fn readable(app: &mut A, conn: &mut ConnMut<'_, '_, A>);

    /// Is called when output was sent and at most [`OUTPUT_LOW`](Self::OUTPUT_LOW) bytes are unsent. Is also called
    /// when there is as much room as [`ConnMut::wait_for_room`] requested.
    fn writable(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
        let _ = (app, conn);
    }

    /// Is called when the alarm is due: see [`ConnMut::alarm_after`].
    fn alarm(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
        let _ = (app, conn);
    }

    /// Is called when the peer has ended its stream. Output is still sent. The default closes the connection.
    fn eof(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
        let _ = app;
        conn.close();
    }

    /// Is called when no input arrived for [`IDLE`](Self::IDLE). Reading is disabled. The default aborts the connection
    /// with [`ConnError::TimedOut`]. To keep the connection, enable reading again with [`ConnMut::enable`]. While
    /// reading is disabled, the end of the peer's stream is not reported.
    fn idle(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
        let _ = app;
        conn.abort_with(ConnError::TimedOut);
    }

    /// Is called when the peer has accepted no output for [`STALL`](Self::STALL), or has not answered a connect for
    /// [`CONNECT`](Self::CONNECT). Writing is disabled. The default aborts the connection with [`ConnError::TimedOut`].
    /// To keep the connection, enable writing again with [`ConnMut::enable`].
    fn stalled(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
        let _ = app;
        conn.abort_with(ConnError::TimedOut);
    }

    /// Is called when the connection has ended. `ended` is the last callback of a connection and runs once. Remaining
    /// input can be read, unless the application has closed the connection.
    ///
    /// An outgoing connection can [reconnect](ConnMut::connect_after) in this callback. Then `ended` is the last
    /// callback of each attempt to connect. If the application closes a connection that waits for its next attempt,
    /// `ended` is called once more, with [`ConnEnd::Closed`]. An application that can stop an outgoing connection must
    /// remember this in its own state, and must not reconnect then.
    fn ended(app: &mut A, conn: &mut ConnMut<'_, '_, A>, end: ConnEnd) {
        let _ = (app, conn, end);
    }

    /// The settings from the constants of this trait.
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
