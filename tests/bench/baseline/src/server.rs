//! hello-world as tasks: each accepts a client, greets it, closes with care, and accepts the next.
//!
//! What it does for a client, and how long it waits, is what hello-world and the back end's
//! defaults do: a greeting within a minute, an end of stream within ten seconds, the client's own
//! within two, else a reset; silence is asked after for a minute. After an interrupt it serves for
//! two more seconds and ends when what was written is delivered.

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
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);
const LINGER: Duration = Duration::from_secs(10);
const FIN_WAIT: Duration = Duration::from_secs(2);
const SILENCE: Duration = Duration::from_secs(60);
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// Raised by the interrupt.
pub static INTERRUPT: Signal<CriticalSectionRawMutex, ()> = Signal::new();

/// How many clients are still owed something, and whether the server is about to leave.
static OWED: CriticalSectionMutex<Cell<usize>> = CriticalSectionMutex::new(Cell::new(0));
static LEAVING: CriticalSectionMutex<Cell<bool>> = CriticalSectionMutex::new(Cell::new(false));
static PAID: Signal<CriticalSectionRawMutex, ()> = Signal::new();

/// How long the server waits for peers that say nothing.
#[derive(Clone, Copy)]
pub struct PeerTimeouts {
    /// Before it gives one up.
    pub silence: Duration,
    /// Before it asks.
    pub keep_alive: Duration,
}

impl PeerTimeouts {
    /// What the back end of the loop does.
    pub const DEFAULT: Self = Self { silence: SILENCE, keep_alive: KEEP_ALIVE };
}

/// The buffers of a socket.
pub struct Buffers<const BYTES: usize> {
    receive: [u8; BYTES],
    send: [u8; BYTES],
}

impl<const BYTES: usize> Buffers<BYTES> {
    /// Makes empty ones.
    pub const fn new() -> Self {
        Self { receive: [0; BYTES], send: [0; BYTES] }
    }
}

impl<const BYTES: usize> Default for Buffers<BYTES> {
    fn default() -> Self {
        Self::new()
    }
}

/// Serves one client after the other, forever.
pub async fn serve<const BYTES: usize>(
    stack: Stack<'static>,
    buffers: &'static mut Buffers<BYTES>,
    timeouts: PeerTimeouts,
) -> ! {
    let mut socket = TcpSocket::new(stack, &mut buffers.receive, &mut buffers.send);
    socket.set_timeout(Some(timeouts.silence));
    socket.set_keep_alive(Some(timeouts.keep_alive));
    loop {
        if socket.accept(PORT).await.is_ok() && !LEAVING.lock(Cell::get) {
            greet(&mut socket).await;
        }
        give_up(&mut socket).await;
    }
}

/// Waits for the interrupt, lets the tasks serve for two more seconds, and waits for what they owe.
pub async fn until_interrupted() {
    info!("listening on port {}", PORT);
    INTERRUPT.wait().await;
    info!("Caught an interrupt signal; exiting cleanly in two seconds.");
    Timer::after(EXIT_DELAY).await;
    LEAVING.lock(|leaving| leaving.set(true));
    let paid = async {
        while OWED.lock(Cell::get) > 0 {
            PAID.wait().await;
        }
    };
    // A client that has not taken its answer by then loses it.
    let _ = with_timeout(LINGER, paid).await;
    info!("done");
}

/// Answers a client and ends the connection, as far as the client goes along.
async fn greet(socket: &mut TcpSocket<'_>) {
    OWED.lock(|owed| owed.set(owed.get() + 1));
    match with_timeout(WRITE_TIMEOUT, write_all(socket, GREETING)).await {
        Ok(Ok(())) => info!("flushed answer"),
        Ok(Err(Error::ConnectionReset)) => info!("Got an error on the connection: reset"),
        Err(_) => info!("Let a client go that does not listen."),
    }
    socket.close();
    // Whether it came to that is seen by the socket's state.
    let _ = with_timeout(LINGER, socket.flush()).await;
    OWED.lock(|owed| owed.set(owed.get() - 1));
    PAID.signal(());
    let _ = with_timeout(FIN_WAIT, discard(socket)).await;
}

async fn write_all(socket: &mut TcpSocket<'_>, mut bytes: &[u8]) -> Result<(), Error> {
    while !bytes.is_empty() {
        let written = socket.write(bytes).await?;
        bytes = bytes.get(written..).unwrap_or_default();
    }
    Ok(())
}

/// Takes what the client says, and forgets it, to its end of stream.
async fn discard(socket: &mut TcpSocket<'_>) {
    let mut scrap = [0; 64];
    while matches!(socket.read(&mut scrap).await, Ok(1..)) {}
}

/// Makes the socket ready for the next client: a connection that is not over is reset.
async fn give_up(socket: &mut TcpSocket<'_>) {
    if !matches!(socket.state(), State::Closed | State::TimeWait) {
        socket.abort();
        let _ = with_timeout(LINGER, socket.flush()).await;
    }
}
