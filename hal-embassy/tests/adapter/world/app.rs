//! The application of the tests: it records its events and carries out commands.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use picoevent::{
    Conn, ConnEvent, ConnMut, Cx, Event, EventMut, KEEP_ALIVE, ListenError, Listener, ListenerMut,
    OnConn, PoolId, Settings, Signal,
};

type Command = Box<dyn FnOnce(&mut App, &mut Cx<'_, App>)>;

/// An action on a connection.
type ConnAction = fn(&mut App, &mut ConnMut<'_, '_, App>);

static SETTINGS: Settings = Settings::new();

pub struct App {
    pub seen: Rc<RefCell<Seen>>,
    /// The pool of all connections of the base.
    pub pool: PoolId,
    /// The callback of every connection.
    pub callback: OnConn<Self>,
    /// Whether accepted connections are read from.
    pub reads_input: bool,
    /// The keep-alive interval of accepted connections.
    pub keep_alive: Option<Duration>,
    /// Runs at the end of each accept.
    pub on_accept: Option<ConnAction>,
    /// The event of [`SIGNAL`]; `None` until the signal is raised for the first time.
    pub signal: Option<Event>,
}

/// The recorded events.
#[derive(Default)]
pub struct Seen {
    pub commands: VecDeque<Command>,
    pub accepted: Vec<Conn>,
    /// The events of the connections, apart from accepts, input and output.
    pub events: Vec<(Conn, ConnEvent)>,
    pub received: HashMap<Conn, Vec<u8>>,
    pub flushed: Vec<Conn>,
    pub errors: Vec<(Listener, ListenError)>,
    pub signals: usize,
}

impl Seen {
    /// Returns the bytes received on the connection.
    pub fn data(&self, conn: Conn) -> &[u8] {
        self.received.get(&conn).map_or(&[], |data| data)
    }

    pub fn events_of(&self, conn: Conn) -> Vec<ConnEvent> {
        self.events.iter().filter(|(owner, _)| *owner == conn).map(|(_, event)| *event).collect()
    }
}

impl App {
    pub fn new(seen: Rc<RefCell<Seen>>, pool: PoolId) -> Self {
        Self {
            seen,
            pool,
            callback: Self::record,
            reads_input: true,
            keep_alive: Some(KEEP_ALIVE),
            on_accept: None,
            signal: None,
        }
    }

    pub fn run_command(&mut self, event: &mut EventMut<'_, '_, Self>) {
        let id = event.id();
        self.signal.get_or_insert(id);
        self.seen.borrow_mut().signals += 1;
        let command = self.seen.borrow_mut().commands.pop_front();
        if let Some(command) = command {
            command(self, event);
        }
    }

    pub fn listen(&self, cx: &mut Cx<'_, Self>, address: &str) -> Listener {
        let address: SocketAddr = address.parse().expect("an address");
        let listener = cx.listen_with(address, self.pool, &SETTINGS, Self::handle_event);
        let listener = listener.expect("there is room");
        cx.listener(listener).expect("it was made just now").on_error(Self::listener_failed);
        listener
    }

    pub fn connect(&self, cx: &mut Cx<'_, Self>, peer: SocketAddr) -> Conn {
        cx.connect_with(peer, self.pool, &SETTINGS, Self::handle_event).expect("there is room")
    }

    fn handle_event(&mut self, conn: &mut ConnMut<'_, '_, Self>, event: ConnEvent) {
        (self.callback)(self, conn, event);
    }

    /// Records the event of a connection, reads its input, and sets up accepted connections.
    pub fn record(&mut self, conn: &mut ConnMut<'_, '_, Self>, event: ConnEvent) {
        match event {
            ConnEvent::Opened if conn.listener().is_some() => self.accept(conn),
            ConnEvent::Readable => {
                let mut data = vec![0; 4096];
                let amount = conn.read(&mut data);
                let mut seen = self.seen.borrow_mut();
                seen.received.entry(conn.id()).or_default().extend(&data[..amount]);
            }
            ConnEvent::Writable => self.seen.borrow_mut().flushed.push(conn.id()),
            event => self.seen.borrow_mut().events.push((conn.id(), event)),
        }
    }

    fn accept(&mut self, conn: &mut ConnMut<'_, '_, Self>) {
        self.seen.borrow_mut().accepted.push(conn.id());
        if !self.reads_input {
            conn.disable(picoevent::Direction::Read);
        }
        if self.keep_alive != Some(KEEP_ALIVE) {
            conn.set_keep_alive(self.keep_alive);
        }
        if let Some(on_accept) = self.on_accept {
            on_accept(self, conn);
        }
    }

    /// Sends the input of a connection back while the output ring has room. The event `Readable` comes again for the
    /// remaining input when the output ring has more room.
    pub fn echo(&mut self, conn: &mut ConnMut<'_, '_, Self>, event: ConnEvent) {
        match event {
            ConnEvent::Readable => {
                conn.transfer(conn.id()).expect("it is there");
            }
            event => self.record(conn, event),
        }
    }

    /// Leaves all input in the ring.
    pub fn ignore_input(&mut self, conn: &mut ConnMut<'_, '_, Self>, event: ConnEvent) {
        if event != ConnEvent::Readable {
            self.record(conn, event);
        }
    }

    fn listener_failed(&mut self, listener: &mut ListenerMut<'_, '_, Self>, error: ListenError) {
        self.seen.borrow_mut().errors.push((listener.id(), error));
    }
}

/// The signal through which tests command the application.
pub const SIGNAL: Signal = Signal::USR1;
