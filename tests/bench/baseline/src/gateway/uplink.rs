//! The uplink: sends samples to the collector, and keeps each sample until the collector has confirmed the sample.

use core::fmt::Write;
use core::net::SocketAddrV4;

use defmt::info;
use embassy_futures::select::{Either, select};
use embassy_net::Stack;
use embassy_net::tcp::{Error, TcpReader, TcpSocket, TcpWriter};
use embassy_time::{Duration, Instant, Ticker, Timer, with_timeout};
use heapless::{Deque, String};

use super::net::{Line, abort, send};
use super::{Gateway, SAMPLED, Sample};

/// The maximum number of samples that are kept.
const KEPT: usize = 128;
const CONNECT: Duration = Duration::from_secs(8);
const SILENCE: Duration = Duration::from_secs(12);
const HEARTBEAT: Duration = Duration::from_secs(5);
/// The first and the longest delay before a reconnect, in milliseconds.
const BACKOFF: (u32, u32) = (500, 30_000);

/// The state of the uplink.
#[derive(Clone, Copy, Default)]
pub enum Link {
    /// Waiting for the delay before a reconnect.
    #[default]
    Waiting,
    /// A connect is in progress.
    Connecting,
    /// Connected.
    Up,
}

impl Link {
    /// Returns the name of this state, as the status shows it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Connecting => "connecting",
            Self::Up => "up",
        }
    }
}

/// The samples that the collector has not confirmed yet, the oldest first.
#[derive(Default)]
pub struct Queue {
    /// The samples.
    pub samples: Deque<Sample, KEPT>,
    /// The number of samples that were dropped because there was no room.
    pub lost: u32,
    /// The number of samples that were sent on this connection.
    sent: usize,
    /// Whether there is a collector. Without a collector, no sample is kept.
    is_used: bool,
}

impl Queue {
    /// Adds a sample. If there is no room, drops the oldest sample.
    pub fn push(&mut self, sample: Sample) {
        if !self.is_used {
            return;
        }
        if self.samples.is_full() {
            self.samples.pop_front();
            self.sent = self.sent.saturating_sub(1);
            self.lost += 1;
        }
        // The queue has room, so this cannot fail.
        let _ = self.samples.push_back(sample);
    }

    /// Returns the next sample to send on this connection.
    fn next(&mut self) -> Option<Sample> {
        let sample = *self.samples.iter().nth(self.sent)?;
        self.sent += 1;
        Some(sample)
    }

    /// Removes the sent samples up to the sample with this number.
    fn confirm(&mut self, number: u32) {
        while self.sent > 0 && self.samples.front().is_some_and(|first| first.number <= number) {
            self.samples.pop_front();
            self.sent -= 1;
        }
    }
}

/// Reports to the collector forever.
#[embassy_executor::task]
pub async fn run(stack: Stack<'static>, collector: SocketAddrV4, gateway: &'static Gateway) -> ! {
    let (mut receive_buffer, mut send_buffer) = ([0; 128], [0; 512]);
    let mut socket = TcpSocket::new(stack, &mut receive_buffer, &mut send_buffer);
    let mut backoff = Backoff::new();
    gateway.state.borrow_mut().queue.is_used = true;
    loop {
        stack.wait_config_up().await;
        gateway.set_link(Link::Connecting);
        if let Ok(Ok(())) = with_timeout(CONNECT, socket.connect(collector)).await {
            info!("uplink: up");
            gateway.set_link(Link::Up);
            let (mut reader, mut writer) = socket.split();
            select(receive(&mut reader, gateway, &mut backoff), report(&mut writer, gateway)).await;
        }
        gateway.set_link(Link::Waiting);
        abort(&mut socket).await;
        let delay = backoff.next();
        info!("uplink: down, again in {=u64} ms", delay.as_millis());
        Timer::after(delay).await;
    }
}

impl Gateway {
    /// Sets the state of the uplink. Marks all kept samples as not sent, because a new connection must send them again.
    fn set_link(&self, link: Link) {
        let mut state = self.state.borrow_mut();
        state.link = link;
        state.queue.sent = 0;
    }
}

/// Receives confirmations until the connection is over, or until nothing was received for too long.
async fn receive(reader: &mut TcpReader<'_>, gateway: &Gateway, backoff: &mut Backoff) {
    let mut line = Line::<32>::default();
    while let Ok(Ok(is_complete)) = with_timeout(SILENCE, line.receive(reader)).await {
        let text = line.text(32).filter(|_| is_complete);
        if let Some(Ok(number)) = text.and_then(|text| text.strip_prefix("A ")).map(str::parse) {
            backoff.reset();
            gateway.state.borrow_mut().queue.confirm(number);
        }
    }
}

/// Sends heartbeats, and each sample that was not yet sent on this connection, until the connection is over.
async fn report(writer: &mut TcpWriter<'_>, gateway: &Gateway) -> Result<(), Error> {
    let mut ticker = Ticker::every(HEARTBEAT);
    let mut heartbeats = 0;
    loop {
        let mut text = String::<64>::new();
        let next = gateway.state.borrow_mut().queue.next();
        // `text` has room for a line, so the writes cannot fail.
        let _ = if let Some(Sample { number, micros, value, forced }) = next {
            let mark = if forced { " F" } else { "" };
            writeln!(text, "S {number} {micros} {value}{mark}")
        } else if let Either::First(()) = select(ticker.next(), SAMPLED.wait()).await {
            heartbeats += 1;
            writeln!(text, "H {heartbeats}")
        } else {
            continue;
        };
        send(writer, text.as_bytes()).await?;
    }
}

/// The delay before the next reconnect. The delay doubles each time, up to a limit, and varies randomly by up to a
/// quarter.
struct Backoff {
    millis: u32,
    random: u32,
}

impl Backoff {
    fn new() -> Self {
        Self { millis: BACKOFF.0, random: Instant::now().as_ticks() as u32 }
    }

    fn reset(&mut self) {
        self.millis = BACKOFF.0;
    }

    fn next(&mut self) -> Duration {
        self.random = self.random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let percent = 75 + (self.random >> 16) % 51;
        let delay = Duration::from_millis(u64::from(self.millis * percent / 100));
        self.millis = (self.millis * 2).min(BACKOFF.1);
        delay
    }
}
