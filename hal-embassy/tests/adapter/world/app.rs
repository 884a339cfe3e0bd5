//! The application of the tests: it notes what it is called with and does what it is told.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use picoevent::{
    Conn, ConnEvent, Cx, Direction, Event, KEEP_ALIVE, ListenError, Listener, OnConn, Signal, What,
};

type Command = Box<dyn FnOnce(&mut App, &mut Cx<'_, App>)>;

pub struct App {
    pub seen: Rc<RefCell<Seen>>,
    /// What each accepted connection is greeted with, and closed after.
    pub greeting: Option<Vec<u8>>,
    /// Whether accepted connections are read from.
    pub reads: bool,
    /// The keep-alive interval of accepted connections.
    pub keep_alive: Option<Duration>,
    /// What is done with each accepted connection at last.
    pub then: Option<OnConn<Self>>,
    /// The event of [`SIGNAL`], once it was raised.
    pub signal: Option<Event>,
}

/// What the application was called with.
#[derive(Default)]
pub struct Seen {
    pub commands: VecDeque<Command>,
    pub accepted: Vec<Conn>,
    pub events: Vec<(Conn, ConnEvent)>,
    pub received: HashMap<Conn, Vec<u8>>,
    pub flushed: Vec<Conn>,
    pub errors: Vec<(Listener, ListenError)>,
    pub signals: usize,
}

impl Seen {
    /// What was received on the connection.
    pub fn data(&self, conn: Conn) -> &[u8] {
        self.received.get(&conn).map_or(&[], |data| data)
    }

    pub fn events_of(&self, conn: Conn) -> Vec<ConnEvent> {
        self.events.iter().filter(|(of, _)| *of == conn).map(|(_, event)| *event).collect()
    }
}

impl App {
    pub fn new(seen: Rc<RefCell<Seen>>) -> Self {
        Self {
            seen,
            greeting: None,
            reads: true,
            keep_alive: Some(KEEP_ALIVE),
            then: None,
            signal: None,
        }
    }

    pub fn commanded(&mut self, cx: &mut Cx<'_, Self>, event: Event, _: What) {
        self.signal.get_or_insert(event);
        self.seen.borrow_mut().signals += 1;
        let command = self.seen.borrow_mut().commands.pop_front();
        if let Some(command) = command {
            command(self, cx);
        }
    }

    pub fn listen(cx: &mut Cx<'_, Self>, address: &str) -> Listener {
        let address: SocketAddr = address.parse().expect("an address");
        let listener = cx.listen(address, Self::accepted).expect("there is room");
        cx.listener(listener).expect("it was made just now").on_error(Self::listener_failed);
        listener
    }

    pub fn connect(cx: &mut Cx<'_, Self>, peer: SocketAddr) -> Conn {
        let conn = cx.connect(peer).expect("there is room");
        Self::prepare(cx, conn, true);
        conn
    }

    fn prepare(cx: &mut Cx<'_, Self>, conn: Conn, reads: bool) {
        let mut conn = cx.conn(conn).expect("it is there");
        conn.on_read(Self::readable).on_write(Self::flushed).on_event(Self::event);
        if reads {
            conn.enable(Direction::Read);
        }
    }

    pub fn accepted(&mut self, cx: &mut Cx<'_, Self>, conn: Conn) {
        self.seen.borrow_mut().accepted.push(conn);
        Self::prepare(cx, conn, self.reads);
        if self.keep_alive != Some(KEEP_ALIVE) {
            cx.conn(conn).expect("it is there").set_keep_alive(self.keep_alive);
        }
        if let Some(greeting) = &self.greeting {
            cx.conn(conn).expect("it is there").write(greeting).expect("there is room");
        }
        if let Some(then) = self.then {
            then(self, cx, conn);
        }
    }

    /// Sends what came back, as far as there is room; both when something came and when something
    /// went.
    pub fn echo(&mut self, cx: &mut Cx<'_, Self>, conn: Conn) {
        cx.transfer(conn, conn).expect("it is there");
    }

    /// Makes an accepted connection an echo that ends when the peer does.
    pub fn echoes(&mut self, cx: &mut Cx<'_, Self>, conn: Conn) {
        cx.conn(conn).expect("it is there").on_read(Self::echo).on_write(Self::echo);
    }

    fn readable(&mut self, cx: &mut Cx<'_, Self>, conn: Conn) {
        let mut data = vec![0; 4096];
        let amount = cx.conn(conn).expect("it is there").read(&mut data);
        let mut seen = self.seen.borrow_mut();
        seen.received.entry(conn).or_default().extend(&data[..amount]);
    }

    fn flushed(&mut self, cx: &mut Cx<'_, Self>, conn: Conn) {
        self.seen.borrow_mut().flushed.push(conn);
        if self.greeting.is_some() {
            cx.conn(conn).expect("it is there").close();
        }
    }

    fn event(&mut self, _: &mut Cx<'_, Self>, conn: Conn, event: ConnEvent) {
        self.seen.borrow_mut().events.push((conn, event));
    }

    fn listener_failed(&mut self, _: &mut Cx<'_, Self>, listener: Listener, error: ListenError) {
        self.seen.borrow_mut().errors.push((listener, error));
    }
}

/// The signal by which tests reach the application.
pub const SIGNAL: Signal = Signal::USR1;
