//! hello-world, implemented with tasks. Each task accepts a client, sends the greeting, closes the connection, and
//! accepts the next client.
//!
//! The behaviour is the same as that of hello-world. The time limits are those of hello-world and the defaults of its
//! back end. The client must acknowledge the greeting and the server's end of stream within ten seconds, and end its
//! own stream within two more seconds. If the client does not do this in time, the connection is reset. A silent client
//! gets keep-alive probes for a minute. After an interrupt the server serves clients for two more seconds. Then the
//! server ends as soon as its output is delivered, at the latest after ten more seconds.
//!
//! hello-world has one more time limit: a back end must accept the greeting within a minute. The programs here do not
//! need this limit. The buffer of a new client's socket is empty, and the greeting fits into it.

use core::cell::Cell;

use defmt::info;
use embassy_net::Stack;
use embassy_net::tcp::{Error, State, TcpSocket};
use embassy_sync::blocking_mutex::CriticalSectionMutex;
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::signal::Signal;
use embassy_time::{Duration, Timer, with_timeout};
use hello_world::PORT;

const GREETING: &[u8] = b"Hello, World!\n";
const EXIT_DELAY: Duration = Duration::from_secs(2);
const LINGER: Duration = Duration::from_secs(10);
const FIN_WAIT: Duration = Duration::from_secs(2);
const SILENCE: Duration = Duration::from_secs(60);
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// Raised by the interrupt.
pub static INTERRUPT: Signal<CriticalSectionRawMutex, ()> = Signal::new();

/// The number of clients whose output is not delivered yet.
static UNDELIVERED: CriticalSectionMutex<Cell<usize>> = CriticalSectionMutex::new(Cell::new(0));
/// Set when the server begins to end. From that time on, the tasks serve no further client.
static ENDING: CriticalSectionMutex<Cell<bool>> = CriticalSectionMutex::new(Cell::new(false));
/// Raised each time that `UNDELIVERED` becomes smaller.
static DELIVERED: Signal<CriticalSectionRawMutex, ()> = Signal::new();

/// The timeouts for silent peers.
#[derive(Clone, Copy)]
pub struct PeerTimeouts {
    /// The time until the connection is reset.
    pub silence: Duration,
    /// The time until a keep-alive probe is sent.
    pub keep_alive: Duration,
}

impl PeerTimeouts {
    /// The defaults of picoevent's back end for embassy-net.
    pub const DEFAULT: Self = Self { silence: SILENCE, keep_alive: KEEP_ALIVE };
}

/// The buffers of a socket.
pub struct Buffers<const BYTES: usize> {
    receive: [u8; BYTES],
    send: [u8; BYTES],
}

impl<const BYTES: usize> Buffers<BYTES> {
    /// Makes empty buffers.
    pub const fn new() -> Self {
        Self { receive: [0; BYTES], send: [0; BYTES] }
    }
}

impl<const BYTES: usize> Default for Buffers<BYTES> {
    fn default() -> Self {
        Self::new()
    }
}

/// Serves one client after another, forever.
pub async fn serve<const BYTES: usize>(
    stack: Stack<'static>,
    buffers: &'static mut Buffers<BYTES>,
    timeouts: PeerTimeouts,
) -> ! {
    let mut socket = TcpSocket::new(stack, &mut buffers.receive, &mut buffers.send);
    socket.set_timeout(Some(timeouts.silence));
    socket.set_keep_alive(Some(timeouts.keep_alive));
    loop {
        if socket.accept(PORT).await.is_ok() && !ENDING.lock(Cell::get) {
            greet(&mut socket).await;
        }
        reset_if_open(&mut socket).await;
    }
}

/// Waits for the interrupt, and lets the tasks serve for two more seconds. Then waits until the output of the tasks is
/// delivered, for ten seconds at most.
pub async fn until_interrupted() {
    info!("listening on port {}", PORT);
    INTERRUPT.wait().await;
    info!("Caught an interrupt signal; exiting cleanly in two seconds.");
    Timer::after(EXIT_DELAY).await;
    ENDING.lock(|ending| ending.set(true));
    let delivered = async {
        while UNDELIVERED.lock(Cell::get) > 0 {
            DELIVERED.wait().await;
        }
    };
    // If a client has not acknowledged its greeting after this time, the program ends without waiting longer.
    let _ = with_timeout(LINGER, delivered).await;
    info!("done");
}

/// Answers a client and ends the connection. Each step that waits for the client has a time limit.
async fn greet(socket: &mut TcpSocket<'_>) {
    UNDELIVERED.lock(|count| count.set(count.get() + 1));
    match write_all(socket, GREETING).await {
        Ok(()) => info!("flushed answer"),
        Err(Error::ConnectionReset) => info!("Got an error on the connection: reset"),
    }
    socket.close();
    // `reset_if_open` checks the state of the socket, so the result is not needed here.
    let _ = with_timeout(LINGER, socket.flush()).await;
    UNDELIVERED.lock(|count| count.set(count.get() - 1));
    DELIVERED.signal(());
    let _ = with_timeout(FIN_WAIT, discard(socket)).await;
}

async fn write_all(socket: &mut TcpSocket<'_>, mut bytes: &[u8]) -> Result<(), Error> {
    while !bytes.is_empty() {
        let written = socket.write(bytes).await?;
        bytes = bytes.get(written..).unwrap_or_default();
    }
    Ok(())
}

/// Discards the client's input up to the client's end of stream.
async fn discard(socket: &mut TcpSocket<'_>) {
    let mut discarded = [0; 64];
    while matches!(socket.read(&mut discarded).await, Ok(1..)) {}
}

/// Makes the socket ready for the next client. Resets a connection that is not over.
async fn reset_if_open(socket: &mut TcpSocket<'_>) {
    if !matches!(socket.state(), State::Closed | State::TimeWait) {
        socket.abort();
        let _ = with_timeout(LINGER, socket.flush()).await;
    }
}
