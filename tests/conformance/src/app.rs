//! The application of the scenarios. It logs every callback, and then runs the reaction that the scenario has set.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use picoevent::{
    Conn, ConnEvent, ConnMut, Cx, Direction, Event, EventMut, ListenError, Listener, ListenerMut,
    PoolId, Settings, SetupError, UdpEvent, UdpMut, UdpSocket,
};

use crate::RINGS;

/// What a scenario does in a callback of a connection, after the callback was logged.
pub type Reaction = Rc<dyn Fn(&mut App, &mut ConnMut<'_, '_, App>, ConnEvent)>;

/// What a scenario does in a callback of a UDP socket, after the callback was logged.
pub type UdpReaction = Rc<dyn Fn(&mut App, &mut UdpMut<'_, '_, App>, UdpEvent)>;

/// The application.
pub struct App {
    /// One line for each callback since a scenario last took the lines. The line of a connection's callback begins with
    /// the index of the connection in `conns`. Input that arrives in several parts is one line.
    pub log: Vec<String>,
    /// All connections, in the order in which the application has made or accepted them. Ended connections stay in the
    /// list.
    pub conns: Vec<Conn>,
    /// For each connection, how often it has begun and how often it has ended.
    begun_and_ended: Vec<[usize; 2]>,
    /// All listeners that the application has made.
    pub listeners: Vec<Listener>,
    /// The pools of the base.
    pub pools: Vec<PoolId>,
    /// The settings of new listeners and connections.
    pub settings: &'static Settings,
    /// Whether new connections have reading enabled.
    pub enables_reading: bool,
    /// Whether the application takes input from the ring and logs it before the reaction.
    pub takes_input: bool,
    /// What the application does in each callback of a connection.
    pub reaction: Reaction,
    /// All UDP sockets that the application has made.
    pub sockets: Vec<UdpSocket>,
    /// What the application does in each callback of a UDP socket.
    pub udp_reaction: UdpReaction,
    /// The number of bytes of [`pattern`] that [`App::flood`] has written.
    pub flooded: usize,
}

impl App {
    /// Makes an application for a base with these pools. Connections come from the first pool, unless a
    /// scenario names another pool.
    pub fn new(pools: Vec<PoolId>) -> Self {
        Self {
            log: Vec::new(),
            conns: Vec::new(),
            begun_and_ended: Vec::new(),
            listeners: Vec::new(),
            pools,
            settings: const { &Settings::new() },
            enables_reading: true,
            takes_input: true,
            reaction: Rc::new(|_, _, _| {}),
            sockets: Vec::new(),
            udp_reaction: Rc::new(|_, _, _| {}),
            flooded: 0,
        }
    }

    /// Makes a listener. Its connections come from the first pool. The application logs the callbacks of the listener
    /// and of its connections.
    ///
    /// # Panics
    /// When no listener slot is free.
    pub fn listen(&mut self, cx: &mut Cx<'_, Self>, address: SocketAddr) -> Listener {
        self.listen_for(0, cx, address)
    }

    /// Makes a listener like [`listen`](Self::listen), with connections from another pool.
    ///
    /// # Panics
    /// When no listener slot is free.
    pub fn listen_for(
        &mut self,
        pool: usize,
        cx: &mut Cx<'_, Self>,
        address: SocketAddr,
    ) -> Listener {
        let listener = cx.listen_with(address, self.pools[pool], self.settings, Self::on_conn);
        let listener = listener.expect("there is room");
        cx.listener(listener).expect("it was made just now").on_error(Self::listen_failed);
        self.listeners.push(listener);
        listener
    }

    /// Makes a connection of the first pool, and connects it to `peer`.
    ///
    /// # Errors
    /// [`SetupError`] when no connection slot is free.
    pub fn connect(&mut self, cx: &mut Cx<'_, Self>, peer: SocketAddr) -> Result<Conn, SetupError> {
        self.connect_from(0, cx, peer)
    }

    /// Makes and connects a connection like [`connect`](Self::connect), but takes it from the pool with the index
    /// `pool`.
    ///
    /// # Errors
    /// [`SetupError`] when no connection slot of the pool is free.
    pub fn connect_from(
        &mut self,
        pool: usize,
        cx: &mut Cx<'_, Self>,
        peer: SocketAddr,
    ) -> Result<Conn, SetupError> {
        let conn = cx.connect_with(peer, self.pools[pool], self.settings, Self::on_conn)?;
        self.add_conn(conn);
        Ok(conn)
    }

    /// Makes a connection of the first pool. The connection does not connect yet.
    ///
    /// # Panics
    /// When no connection slot is free.
    pub fn make_resting(&mut self, cx: &mut Cx<'_, Self>) {
        let conn = cx.outgoing_with(self.pools[0], self.settings, Self::on_conn);
        self.add_conn(conn.expect("there is room"));
    }

    /// Lets a connection that has just ended connect again, to `peer` after `delay`.
    ///
    /// # Panics
    /// When the connection has not ended.
    pub fn connect_again(
        &mut self,
        conn: &mut ConnMut<'_, '_, Self>,
        delay: Duration,
        peer: SocketAddr,
    ) {
        conn.connect_after(delay, peer).expect("it has ended");
        let number = self.index_of(conn.id());
        self.begun_and_ended[number][0] += 1;
    }

    /// Makes a timer. The application logs the timer's callback.
    ///
    /// # Panics
    /// When no event slot is free.
    pub fn after(cx: &mut Cx<'_, Self>, delay: Duration) -> Event {
        cx.after(delay, Self::on_timer).expect("there is room")
    }

    /// Fills the output of a connection with the next bytes of [`pattern`].
    pub fn flood(&mut self, conn: &mut ConnMut<'_, '_, Self>) {
        self.flooded += conn.write_some(&pattern(self.flooded, conn.room()));
    }

    /// Checks that every connection has ended as often as it has begun.
    ///
    /// # Panics
    /// When the two numbers differ for a connection.
    pub fn assert_all_ended(&self) {
        for (number, [begun, ended]) in self.begun_and_ended.iter().enumerate() {
            assert_eq!(begun, ended, "connection {number}");
        }
    }

    fn add_conn(&mut self, conn: Conn) -> usize {
        self.conns.push(conn);
        self.begun_and_ended.push([1, 0]);
        self.conns.len() - 1
    }

    fn index_of(&self, conn: Conn) -> usize {
        self.conns.iter().rposition(|held| *held == conn).expect("it was adopted")
    }

    /// Logs a callback of a connection and runs the scenario's reaction.
    fn on_conn(&mut self, conn: &mut ConnMut<'_, '_, Self>, event: ConnEvent) {
        let is_accept = event == ConnEvent::Opened && conn.listener().is_some();
        let number = if is_accept { self.add_conn(conn.id()) } else { self.index_of(conn.id()) };
        let [begun, ended] = &mut self.begun_and_ended[number];
        assert_eq!(*begun, *ended + 1, "connection {number} got {event:?} after its end");
        *ended += usize::from(matches!(event, ConnEvent::Ended(_)));
        match event {
            ConnEvent::Readable if !self.takes_input => {}
            ConnEvent::Readable => self.log_input(conn, &format!("{number} read ")),
            // After [`App::flood`], the application does not log this callback, because the number of these callbacks
            // depends on the system's buffers.
            ConnEvent::Writable if self.flooded > 0 => {}
            ConnEvent::Writable => self.log.push(format!("{number} written")),
            ConnEvent::Opened if is_accept => self.log.push(format!("{number} accepted")),
            event => self.log.push(format!("{number} {event:?}")),
        }
        if event == ConnEvent::Opened && !self.enables_reading {
            conn.disable(Direction::Read);
        }
        let reaction = self.reaction.clone();
        reaction(self, conn, event);
    }

    /// Makes a UDP socket.
    ///
    /// # Errors
    /// [`SetupError`] when no socket slot is free.
    pub fn bind(
        &mut self,
        cx: &mut Cx<'_, Self>,
        address: SocketAddr,
    ) -> Result<UdpSocket, SetupError> {
        let socket = cx.bind(address, RINGS, Self::on_udp_event)?;
        self.sockets.push(socket);
        Ok(socket)
    }

    /// Logs a callback of a UDP socket and runs the scenario's reaction. Takes one received datagram, unless a scenario
    /// has cleared `takes_input`.
    fn on_udp_event(&mut self, udp: &mut UdpMut<'_, '_, Self>, event: UdpEvent) {
        let number = self.sockets.iter().rposition(|held| *held == udp.id());
        let number = number.expect("it was made by the application");
        match (event, udp.peek()) {
            (UdpEvent::Readable, _) if !self.takes_input => {}
            (UdpEvent::Readable, Some(datagram)) => {
                let text = String::from_utf8_lossy(datagram.data);
                let cut = if datagram.truncated { ", cut" } else { "" };
                self.log.push(format!("udp {number} read {text}{cut}"));
                udp.consume();
            }
            (event, _) => self.log.push(format!("udp {number} {event:?}")),
        }
        let reaction = self.udp_reaction.clone();
        reaction(self, udp, event);
    }

    fn listen_failed(&mut self, _: &mut ListenerMut<'_, '_, Self>, error: ListenError) {
        self.log.push(format!("listen {error:?}"));
    }

    fn on_timer(&mut self, _: &mut EventMut<'_, '_, Self>) {
        self.log.push("timer".into());
    }

    fn log_input(&mut self, conn: &mut ConnMut<'_, '_, Self>, before: &str) {
        let mut input = vec![0; 65_536];
        let amount = conn.read(&mut input);
        let text = String::from_utf8_lossy(&input[..amount]);
        match self.log.last_mut().filter(|last| last.starts_with(before)) {
            Some(last) => last.push_str(&text),
            None => self.log.push(format!("{before}{text}")),
        }
    }
}

/// Returns `amount` bytes of a pattern, starting at the offset `from`. The pattern repeats only after 251 bytes.
pub fn pattern(from: usize, amount: usize) -> Vec<u8> {
    (from..from + amount).map(|at| (at * 31 % 251) as u8).collect()
}
