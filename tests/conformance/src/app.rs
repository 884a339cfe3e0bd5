//! The application of the scenarios: it writes down every callback, and reacts as a scenario says.

use std::rc::Rc;
use std::time::Duration;

use picoevent::{Conn, ConnEvent, ConnMut, Cx, Direction, Event, ListenError, Listener, What};

/// What a connection's callback was called for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It was accepted.
    Accepted,
    /// Input has come.
    Read,
    /// All output was sent.
    Write,
    /// Anything else.
    Event(ConnEvent),
}

/// What a scenario does in a callback, after it was written down.
pub type Reaction = Rc<dyn Fn(&mut App, &mut Cx<'_, App>, Conn, Seen)>;

/// The application.
pub struct App {
    /// The callbacks since a scenario last looked: a line for each, which begins with the number of the
    /// connection. Input that comes in parts is one line.
    pub log: Vec<String>,
    /// All connections there ever were, in the order in which the application got to know them.
    pub conns: Vec<Conn>,
    /// All listeners there ever were.
    pub listeners: Vec<Listener>,
    /// Whether new connections are read from.
    pub reads: bool,
    /// What is done in each callback of a connection.
    pub reaction: Reaction,
    /// The bytes of [`pattern`] that [`App::flood`] has written.
    pub flooded: usize,
}

impl Default for App {
    fn default() -> Self {
        Self {
            log: Vec::new(),
            conns: Vec::new(),
            listeners: Vec::new(),
            reads: true,
            reaction: Rc::new(|_, _, _, _| {}),
            flooded: 0,
        }
    }
}

impl App {
    /// Listens, and writes down what comes of it.
    ///
    /// # Panics
    /// When there is no room for a listener.
    pub fn listen(&mut self, cx: &mut Cx<'_, Self>, address: std::net::SocketAddr) -> Listener {
        let listener = cx.listen(address, Self::accepted).expect("there is room");
        cx.listener(listener).expect("it was made just now").on_error(Self::listen_failed);
        self.listeners.push(listener);
        listener
    }

    /// Makes a connection one of the application's.
    ///
    /// # Panics
    /// When the connection is stale.
    pub fn adopt(&mut self, cx: &mut Cx<'_, Self>, conn: Conn) {
        self.conns.push(conn);
        let mut conn = cx.conn(conn).expect("it has just come");
        conn.on_read(Self::readable).on_write(Self::written).on_event(Self::happened);
        if self.reads {
            conn.enable(Direction::Read);
        }
    }

    /// Makes a timer that is written down when it is due.
    ///
    /// # Panics
    /// When there is no room for an event.
    pub fn after(cx: &mut Cx<'_, Self>, delay: Duration) -> Event {
        cx.after(delay, Self::timed).expect("there is room")
    }

    /// Fills the output of a connection with the next bytes of [`pattern`].
    pub fn flood(&mut self, conn: &mut ConnMut<'_, '_, Self>) {
        self.flooded += conn.write_some(&pattern(self.flooded, conn.room()));
    }

    fn accepted(&mut self, cx: &mut Cx<'_, Self>, conn: Conn) {
        self.adopt(cx, conn);
        self.note(cx, conn, Seen::Accepted);
    }

    fn readable(&mut self, cx: &mut Cx<'_, Self>, conn: Conn) {
        self.note(cx, conn, Seen::Read);
    }

    fn written(&mut self, cx: &mut Cx<'_, Self>, conn: Conn) {
        self.note(cx, conn, Seen::Write);
    }

    fn happened(&mut self, cx: &mut Cx<'_, Self>, conn: Conn, event: ConnEvent) {
        self.note(cx, conn, Seen::Event(event));
    }

    fn listen_failed(&mut self, _: &mut Cx<'_, Self>, _: Listener, error: ListenError) {
        self.log.push(format!("listen {error:?}"));
    }

    fn timed(&mut self, _: &mut Cx<'_, Self>, _: Event, _: What) {
        self.log.push("timer".into());
    }

    /// Writes down a callback of a connection and reacts to it.
    fn note(&mut self, cx: &mut Cx<'_, Self>, conn: Conn, seen: Seen) {
        let number = self.conns.iter().rposition(|held| *held == conn).expect("it was adopted");
        match seen {
            Seen::Accepted => self.log.push(format!("{number} accepted")),
            Seen::Read => self.note_input(cx, conn, &format!("{number} read ")),
            // How often a flood drains depends on the system's buffers.
            Seen::Write if self.flooded > 0 => {}
            Seen::Write => self.log.push(format!("{number} written")),
            Seen::Event(event) => self.log.push(format!("{number} {event:?}")),
        }
        let reaction = self.reaction.clone();
        reaction(self, cx, conn, seen);
    }

    fn note_input(&mut self, cx: &mut Cx<'_, Self>, conn: Conn, before: &str) {
        let mut input = vec![0; 65_536];
        let amount = cx.conn(conn).expect("its callback runs").read(&mut input);
        let text = String::from_utf8_lossy(&input[..amount]);
        match self.log.last_mut().filter(|last| last.starts_with(before)) {
            Some(last) => last.push_str(&text),
            None => self.log.push(format!("{before}{text}")),
        }
    }
}

/// Returns `amount` bytes from the place `from` of a pattern without a short period.
pub fn pattern(from: usize, amount: usize) -> Vec<u8> {
    (from..from + amount).map(|at| (at * 31 % 251) as u8).collect()
}
