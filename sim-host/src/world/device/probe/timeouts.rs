//! Connection timeouts: checks that no timeout is reported too early. The full duration of a timeout must have passed
//! since the last progress of its connection.

use std::time::Duration;

use picoevent::{Conn, ConnEvent, EventBase, Fired, Instant};

/// The probe's observations of the timeouts of all connections, by slot.
#[derive(Default)]
pub(super) struct Timeouts {
    conns: Vec<Option<Watched>>,
    handles: Vec<Conn>,
}

/// A connection's state at the previous check.
#[derive(Clone, Copy)]
struct Watched {
    conn: Conn,
    /// The size of the input ring in bytes.
    capacity: usize,
    input: usize,
    output: usize,
    timeouts: [Option<Duration>; 2],
    enabled: [bool; 2],
    /// The connection was accepted, or its connect has succeeded.
    open: bool,
    /// The earliest time at which each timeout may have started.
    progress: [Instant; 2],
}

const HALVES: [picoevent::Direction; 2] = [picoevent::Direction::Read, picoevent::Direction::Write];

/// The side that made the connections that are new since the previous check.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Maker {
    /// The back end has accepted the connection.
    BackEnd,
    /// The application has connected.
    Application,
}

impl Timeouts {
    pub(super) fn restart(&mut self) {
        self.conns.clear();
    }

    /// Checks all connections and records what has changed since the previous check.
    ///
    /// This function is called before and after each callback. So every change was made either by the back end alone or
    /// by the application alone.
    pub(super) fn update<A>(&mut self, base: &mut EventBase<'_, A>, maker: Maker) {
        self.handles.clear();
        self.handles.extend(base.conns());
        let now = base.now();
        for conn in &self.handles {
            let Some(mut seen) = Watched::of(base, *conn) else { continue };
            if self.conns.len() <= conn.index() {
                self.conns.resize(conn.index() + 1, None);
            }
            let held = &mut self.conns[conn.index()];
            match held.filter(|before| before.conn == *conn) {
                Some(before) => seen.go_on(&before, now),
                None => (seen.open, seen.progress) = (maker == Maker::BackEnd, [now; 2]),
            }
            *held = Some(seen);
        }
    }

    /// Checks that this callback may run now.
    ///
    /// # Errors
    /// A message that names the problem.
    pub(super) fn check<A>(&mut self, fired: &Fired<A>, now: Instant) -> Result<(), String> {
        let Fired::Conn(_, conn, event) = *fired else { return Ok(()) };
        let watched = self.conns.get_mut(conn.index()).and_then(Option::as_mut);
        let Some(watched) = watched.filter(|watched| watched.conn == conn) else { return Ok(()) };
        match event {
            ConnEvent::Opened => (watched.open, watched.progress) = (true, [now; 2]),
            // An outgoing connection can connect again with the same handle.
            ConnEvent::Ended(_) => watched.open = false,
            ConnEvent::Timeout(half) => {
                let name = match half {
                    picoevent::Direction::Read => "read",
                    picoevent::Direction::Write => "write",
                };
                let Some(timeout) = watched.timeouts[half as usize] else {
                    return Err(format!(
                        "connection {conn:?} has no {name} timeout, but one was reported"
                    ));
                };
                let due = watched.progress[half as usize].after(timeout);
                if now < due {
                    let early = due.since(now).as_micros();
                    return Err(format!(
                        "the {name} timeout of connection {conn:?} came {early} us early"
                    ));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl Watched {
    fn of<A>(base: &mut EventBase<'_, A>, conn: Conn) -> Option<Self> {
        let view = base.conn(conn).ok()?;
        let (read, write) = view.timeouts();
        Some(Self {
            conn,
            capacity: view.ring_sizes().0,
            input: view.input_len(),
            output: view.output_len(),
            timeouts: [read, write],
            enabled: HALVES.map(|half| view.is_enabled(half)),
            open: false,
            progress: [Instant::ZERO; 2],
        })
    }

    /// Compares the state with the state at the previous check, and records progress.
    fn go_on(&mut self, before: &Self, now: Instant) {
        self.open = before.open;
        self.progress = before.progress;
        let set = self.timeouts != before.timeouts;
        let received = self.input > before.input;
        let has_room = before.input == self.capacity && self.input < self.capacity;
        let sent = self.output < before.output;
        // Until a connection is open, its write timeout limits the time for the connect, and new output does not
        // restart the timeout.
        let has_output = self.open && before.output == 0 && self.output > 0;
        let moved = [set || received || has_room, set || sent || has_output];
        for half in HALVES.map(|half| half as usize) {
            if moved[half] || self.enabled[half] && !before.enabled[half] {
                self.progress[half] = now;
            }
        }
    }
}
