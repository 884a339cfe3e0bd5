//! The collector that receives the gateway's reports. A check can end the collector and restart it on the same port.
//!
//! After each start, one thread serves the connections. At least every few milliseconds, the thread checks for new
//! input, and checks whether it must end. Everything that the gateway sends is stored in a [`Record`].

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::sockopt::{set_socket_linger, set_socket_reuseaddr};
use rustix::net::{AddressFamily, SocketType, bind, listen, socket};

pub use record::Record;

mod record;

/// The longest time for which the thread waits for input before it checks whether it must end. This time is also the
/// pause between two attempts to bind the port.
const STEP: Duration = Duration::from_millis(5);

/// The maximum time for which the port may still be in use after the collector was ended.
const REBIND: Duration = Duration::from_secs(60);

/// The time limit of a connect on the host. If a connect takes longer, the listener's backlog is full.
const FULL: Duration = Duration::from_secs(2);

/// The answers of the collector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerMode {
    /// The collector confirms each sample.
    Confirm,
    /// The collector confirms nothing. It answers each input with the line `?`.
    OtherText,
    /// The collector sends nothing.
    Nothing,
}

/// How the collector's connections end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndBy {
    /// With an end of stream.
    Close,
    /// With a reset.
    Reset,
}

/// A collector on the host.
pub struct Collector {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    record: Record,
    answers: AnswerMode,
    end: Option<EndBy>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collector {
    /// Starts a collector on a free port.
    ///
    /// # Errors
    /// The error of the operating system.
    pub fn start() -> Result<Self> {
        let state = State { record: Record::new(), answers: AnswerMode::Confirm, end: None };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let mut collector = Self { address: listener.local_addr()?, shared, thread: None };
        collector.serve(listener)?;
        Ok(collector)
    }

    /// Returns the collector's address. The address stays the same after a restart.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends the collector, with its connections and its listener.
    pub fn end(&mut self, how: EndBy) {
        self.shared.lock().end = Some(how);
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has printed its message already.
            let _ = thread.join();
        }
    }

    /// Restarts the collector on the same port.
    ///
    /// # Errors
    /// If the port is in use.
    pub fn restart(&mut self) -> Result<()> {
        let deadline = Instant::now() + REBIND;
        loop {
            match TcpListener::bind(self.address) {
                Ok(listener) => return self.serve(listener),
                Err(error) if Instant::now() >= deadline => {
                    return Err(error).context("the collector's port is taken");
                }
                Err(_) => thread::sleep(STEP),
            }
        }
    }

    fn serve(&mut self, listener: TcpListener) -> Result<()> {
        listener.set_nonblocking(true)?;
        let shared = Arc::clone(&self.shared);
        shared.lock().end = None;
        self.thread = Some(thread::spawn(move || run(&listener, &shared)));
        Ok(())
    }

    /// Changes the collector's answers from now on.
    pub fn answer(&self, answers: AnswerMode) {
        self.shared.lock().answers = answers;
    }

    /// Returns the record so far.
    pub fn record(&self) -> Record {
        self.shared.lock().record.clone()
    }

    /// Waits until the record satisfies the condition, and returns the record.
    ///
    /// # Errors
    /// If the record does not satisfy the condition within `limit`, or the gateway has violated the protocol.
    pub fn wait_for(
        &self,
        what: &str,
        limit: Duration,
        is_met: impl Fn(&Record) -> bool,
    ) -> Result<Record> {
        let deadline = Instant::now() + limit;
        let mut state = self.shared.lock();
        loop {
            state.record.check()?;
            if is_met(&state.record) {
                return Ok(state.record.clone());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                bail!("the collector saw no {what} within {limit:?}: {}", state.record);
            }
            let waited = self.shared.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// A listener on a collector's port that accepts no connection. Its backlog is full, so a connect gets no answer.
#[derive(Debug)]
pub struct FullListener {
    _listener: TcpListener,
    _waiting: Vec<TcpStream>,
}

impl FullListener {
    /// Binds the port of a collector that was ended, and fills the backlog.
    ///
    /// # Errors
    /// If the port is in use, or the system still accepts connections when sixteen connections wait.
    pub fn start(address: SocketAddr) -> Result<Self> {
        let listener = socket(AddressFamily::INET, SocketType::STREAM, None)?;
        set_socket_reuseaddr(&listener, true)?;
        bind(&listener, &address).context("the collector's port is taken")?;
        // With this value, the backlog holds one connection, so the backlog is soon full.
        listen(&listener, 0)?;
        let mut waiting = Vec::new();
        while let Ok(stream) = TcpStream::connect_timeout(&address, FULL) {
            waiting.push(stream);
            ensure!(waiting.len() < 16, "the queue of a listener is never full here");
        }
        Ok(Self { _listener: listener.into(), _waiting: waiting })
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.end(EndBy::Close);
    }
}

/// A connection from the gateway.
struct Connection {
    stream: TcpStream,
    number: usize,
    rest: Vec<u8>,
}

fn run(listener: &TcpListener, shared: &Shared) {
    let mut connections: Vec<Connection> = Vec::new();
    let mut last_poll = Instant::now();
    loop {
        wait(listener, &connections);
        let mut state = shared.lock();
        state.record.not_before = std::mem::replace(&mut last_poll, Instant::now());
        if let Some(how) = state.end {
            if how == EndBy::Reset {
                for connection in &connections {
                    // If the option cannot be set, the connection ends with an end of stream instead of a reset.
                    let _ = set_socket_linger(&connection.stream, Some(Duration::ZERO));
                }
            }
            while let Some(Connection { number, .. }) = connections.pop() {
                state.record.end(number);
            }
            return;
        }
        while let Ok((stream, _)) = listener.accept() {
            if stream.set_nonblocking(true).is_ok() && stream.set_nodelay(true).is_ok() {
                let number = state.record.accept();
                connections.push(Connection { stream, number, rest: Vec::new() });
            }
        }
        connections.retain_mut(|connection| {
            let stays = connection.serve(&mut state);
            if !stays {
                state.record.end(connection.number);
            }
            stays
        });
        drop(state);
        shared.changed.notify_all();
    }
}

fn wait(listener: &TcpListener, connections: &[Connection]) {
    let mut sockets = vec![PollFd::new(listener, PollFlags::IN)];
    let streams = connections.iter().map(|one| PollFd::new(&one.stream, PollFlags::IN));
    sockets.extend(streams);
    let limit = Timespec::try_from(STEP).ok();
    // If a signal interrupts the wait, the thread checks for input a little earlier.
    let _ = poll(&mut sockets, limit.as_ref());
}

impl Connection {
    /// Reads the input, and answers. Returns whether the connection stays open.
    fn serve(&mut self, state: &mut State) -> bool {
        let mut buffer = [0; 4096];
        let amount = match self.stream.read(&mut buffer) {
            Ok(0) => return false,
            Ok(amount) => amount,
            Err(error) => {
                return matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted);
            }
        };
        self.rest.extend_from_slice(&buffer[..amount]);
        let mut last = None;
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<_> = self.rest.drain(..=end).collect();
            last = state.record.line(self.number, &line[..end]).or(last);
        }
        let answer = match (state.answers, last) {
            (AnswerMode::Confirm, Some(number)) => {
                state.record.confirm(number);
                format!("A {number}\n")
            }
            // Input without a sample, for example a heart-beat, gets this answer too. The collector is silent only in
            // the mode `Nothing`.
            (AnswerMode::Confirm | AnswerMode::OtherText, _) => "?\n".to_owned(),
            (AnswerMode::Nothing, _) => return true,
        };
        state.record.answered = Some(Instant::now());
        // The answer is short. If the answer does not fit into the send buffer, the connection is closed.
        self.stream.write_all(answer.as_bytes()).is_ok()
    }
}
