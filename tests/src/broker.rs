//! An MQTT broker on real sockets, for one client. A thread runs the model of a broker from `picoevent-peers`.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use picoevent_peers::mqtt::{Broker as Model, BrokerAction, Reply};

/// A broker. Its thread ends with the process.
#[derive(Clone)]
pub struct Broker {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    model: Model,
    client: Option<TcpStream>,
    /// The client's first error.
    mismatch: Option<String>,
}

impl Broker {
    /// Starts a broker on a free port.
    ///
    /// # Errors
    /// The error of the operating system.
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let model = Model::new(fastrand::Rng::with_seed(1));
        let state = State { model, client: None, mismatch: None };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let broker = Self { address: listener.local_addr()?, shared };
        let served = broker.clone();
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                served.serve(client);
            }
        });
        Ok(broker)
    }

    /// Returns the address of the broker.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, mut client: TcpStream) {
        self.lock().client = client.try_clone().ok();
        let mut buffer = [0; 4_096];
        loop {
            let length = match client.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => break,
            };
            let state = &mut *self.lock();
            match state.model.receive(Duration::ZERO, &buffer[..length]) {
                Ok(reply) => perform(&client, reply),
                Err(mismatch) => state.mismatch = Some(mismatch),
            }
            self.shared.changed.notify_all();
        }
        let state = &mut *self.lock();
        state.client = None;
        state.model.disconnected();
        self.shared.changed.notify_all();
    }

    /// Publishes a message for the client.
    pub fn publish(&self, topic: &str, payload: &[u8]) {
        let state = &mut *self.lock();
        let reply = state.model.publish(Duration::ZERO, topic, payload, 1);
        if let Some(client) = &state.client {
            perform(client, reply);
        }
    }

    /// Ends the client's connection.
    pub fn hang_up(&self) {
        if let Some(client) = &self.lock().client {
            // This call fails if the connection has just ended.
            let _ = client.shutdown(Shutdown::Both);
        }
    }

    /// Waits until `is_met` returns true for the broker's state.
    ///
    /// # Errors
    /// If `is_met` does not return true within `limit`, or the client has violated the protocol.
    pub fn wait_for(
        &self,
        what: &str,
        limit: Duration,
        mut is_met: impl FnMut(&Model) -> bool,
    ) -> Result<()> {
        let deadline = Instant::now() + limit;
        let mut state = self.lock();
        loop {
            if let Some(mismatch) = &state.mismatch {
                bail!("the broker was sent {mismatch}");
            }
            if is_met(&state.model) {
                return Ok(());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                bail!("the broker saw no {what} within {limit:?}");
            }
            let waited = self.shared.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Performs the actions of the model's reply, without their delays.
fn perform(mut client: &TcpStream, reply: Reply) {
    for (_, action) in reply {
        // The action fails if the client has left.
        let _ = match action {
            BrokerAction::Send(bytes) => client.write_all(&bytes),
            BrokerAction::End | BrokerAction::Reset => client.shutdown(Shutdown::Both),
        };
    }
}
