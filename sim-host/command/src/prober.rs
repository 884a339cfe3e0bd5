//! A server for tests. Its callbacks change other connections and the listeners.
//!
//! Directly before the loop calls a due callback, it must check that the callback is still due. An ordinary server
//! rarely tests this check, because its callbacks change only their own connection. The prober's clients send commands.
//! Each byte is a command. Some commands write to all other connections, disable them, remove their timeouts, change
//! their marks or close a listener, while callbacks of these objects may be due. The application records these changes.
//! [`Prober::problem`] reports a callback that must not run after the changes:
//!
//! * a write callback that runs although more output is left than the low mark;
//! * a read callback, or a timeout, of a disabled direction;
//! * a timeout callback after the timeout was removed;
//! * a read callback with less input than the low mark, or more than the high mark;
//! * an accept on a listener that was disabled or freed;
//! * an end of stream in the same pass as a read callback that has written. The loop must offer the written output to
//!   the back end before the loop reports the end of stream. So the end of stream must be reported in a later pass.
//!
//! Each command is answered with one byte. A connection's bytes form one sequence: the answers to its own commands, and
//! the bytes that the commands of other clients write to it. So a client can check every byte that it receives, but
//! cannot tell which client's command wrote the byte.

use std::net::SocketAddr;
use std::time::Duration;

use picoevent::{
    Conn, ConnEnd, ConnMut, Cx, Direction, Event, EventMut, Listener, Pool, PoolId, Protocol,
    Settings, SetupError, Signal,
};
use picoevent_sim::world::{Choices, Script, Size, TestCase};

/// The first of the two ports on which the server listens.
pub const PORT: u16 = 9996;

/// All commands. A client chooses a command by its index. Every command except `e` does more than write the answer.
const COMMANDS: &[u8] = b"ewrtlfm";

/// The time for which connections stay disabled, and for which listeners stay closed.
const PAUSE: Duration = Duration::from_millis(50);
const READ_TIMEOUT: Duration = Duration::from_millis(500);
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// The settings of every connection without the temporary settings.
static PLAIN: Settings = Settings::new().idle(READ_TIMEOUT).stall(WRITE_TIMEOUT);
/// The temporary settings that a command gives to other connections.
static MARKED: Settings = Settings::new()
    .idle(READ_TIMEOUT)
    .stall(WRITE_TIMEOUT)
    .input_marks(LOW_INPUT, HIGH_INPUT)
    .output_marks(LOW_OUTPUT, usize::MAX);
const LOW_INPUT: usize = 3;
const HIGH_INPUT: usize = 5;
const LOW_OUTPUT: usize = 2;

/// The number of consecutive read timeouts after which the connection of a client is reset.
const MOST_TIMEOUTS: u32 = 30;

/// The application.
#[derive(Default)]
pub struct Prober {
    peers: Vec<Peer>,
    ports: [Port; 2],
    clients: Option<PoolId>,
    /// The number of passes of the loop so far.
    pass: u64,
    /// The timer that ends all pauses.
    resume: Option<Event>,
    /// The first violation of a guarantee of the loop.
    problem: Option<String>,
}

/// The requested state of a connection.
struct Peer {
    conn: Conn,
    /// The next byte of the sequence.
    next: u8,
    reads: bool,
    /// The write timeout of the connection, if the timeouts are not removed.
    stall: Option<Duration>,
    has_timeouts: bool,
    /// The connection has the temporary settings.
    marked: bool,
    /// Input was reported but not taken yet.
    has_reported_input: bool,
    /// The client has sent everything.
    ended: bool,
    /// The pass in which the connection's read callback last wrote.
    wrote_in: u64,
    writes: u32,
    timeouts: u32,
}

/// The requested state of the listener at a port.
#[derive(Default)]
struct Port {
    address: Option<SocketAddr>,
    listener: Option<Listener>,
    open: bool,
    accepted: u32,
}

impl Prober {
    /// Listens on `address`, and on the next port of the same address. Both listeners use the same pool.
    ///
    /// # Errors
    /// [`SetupError`] when the storage has no room for three events, two listeners and the pool.
    pub fn start(
        cx: &mut Cx<'_, Self>,
        address: SocketAddr,
        clients: Pool,
    ) -> Result<(), SetupError> {
        cx.on_signal(Signal::INT, |_, event| event.exit())?;
        cx.on_check(Self::passed)?;
        let clients = cx.add_pool(clients)?;
        cx.listen::<Session<0>>(address, clients)?;
        let next = SocketAddr::new(address.ip(), address.port() + 1);
        cx.listen::<Session<1>>(next, clients)?;
        Ok(())
    }

    /// Called at the beginning of each pass. The first call stores the listeners that `start` has made, and their
    /// addresses.
    fn passed(&mut self, cx: &mut EventMut<'_, '_, Self>) {
        self.pass += 1;
        if self.pass > 1 {
            return;
        }
        let listeners: Vec<_> = cx.listeners().collect();
        for (port, handle) in self.ports.iter_mut().zip(listeners) {
            port.address = cx.listener(handle).ok().and_then(|listener| listener.address());
            (port.listener, port.open) = (Some(handle), true);
        }
    }

    /// Returns the first violation of a guarantee of the loop.
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    fn report_problem(&mut self, what: String) {
        self.problem.get_or_insert(what);
    }

    fn peer_index(&self, conn: Conn) -> Option<usize> {
        self.peers.iter().position(|peer| peer.conn == conn)
    }
}

/// The behaviour of a listener's connections.
struct Session<const PORT_INDEX: usize>;

impl<const PORT_INDEX: usize> Protocol<Prober> for Session<PORT_INDEX> {
    const IDLE: Option<Duration> = Some(READ_TIMEOUT);
    // A removed read timeout whose callback is due is cancelled in one place if there is a write timeout, and in another
    // place if there is none. So the connections of one port have no write timeout.
    const STALL: Option<Duration> = if PORT_INDEX == 0 { Some(WRITE_TIMEOUT) } else { None };

    fn opened(app: &mut Prober, conn: &mut ConnMut<'_, '_, Prober>) {
        app.accepted(PORT_INDEX, conn);
    }

    fn readable(app: &mut Prober, conn: &mut ConnMut<'_, '_, Prober>) {
        let id = conn.id();
        app.input_received(conn.cx(), id);
    }

    fn writable(app: &mut Prober, conn: &mut ConnMut<'_, '_, Prober>) {
        let id = conn.id();
        app.flushed(conn.cx(), id);
    }

    fn eof(app: &mut Prober, conn: &mut ConnMut<'_, '_, Prober>) {
        let id = conn.id();
        app.received_all(conn.cx(), id);
    }

    fn idle(app: &mut Prober, conn: &mut ConnMut<'_, '_, Prober>) {
        let id = conn.id();
        if let Some(index) = app.peer_index(id) {
            app.was_silent(conn.cx(), index);
        }
    }

    fn stalled(app: &mut Prober, conn: &mut ConnMut<'_, '_, Prober>) {
        let id = conn.id();
        if app.peer_index(id).is_some_and(|index| !app.peers[index].has_timeouts) {
            app.report_problem(format!(
                "the write timeout of connection {id:?} was reported, though it was removed"
            ));
        }
        conn.abort();
    }

    fn ended(app: &mut Prober, conn: &mut ConnMut<'_, '_, Prober>, _: ConnEnd) {
        app.peers.retain(|peer| peer.conn != conn.id());
    }
}

/// Callbacks.
impl Prober {
    fn accepted(&mut self, number: usize, view: &mut ConnMut<'_, '_, Self>) {
        let port = &mut self.ports[number];
        port.accepted += 1;
        let (is_open, closes) = (port.open, port.accepted % 3 == 2);
        if !is_open {
            self.report_problem(format!("listener {number} accepted, though it was closed"));
        }
        self.clients = view.pool();
        self.peers.push(Peer {
            conn: view.id(),
            next: 0,
            reads: true,
            stall: view.timeouts().1,
            has_timeouts: true,
            marked: false,
            has_reported_input: false,
            ended: false,
            wrote_in: 0,
            writes: 0,
            timeouts: 0,
        });
        if closes && number == 0 {
            self.disable_listeners(view.cx());
        } else if closes {
            self.free_listener(view.cx());
        }
    }

    fn input_received(&mut self, cx: &mut Cx<'_, Self>, conn: Conn) {
        let Some(index) = self.peer_index(conn) else { return };
        self.peers[index].timeouts = 0;
        if !self.peers[index].reads {
            self.report_problem(format!(
                "connection {conn:?} was read, though reading is disabled"
            ));
        }
        let input = cx.conn(conn).map_or(0, |conn| conn.input_len());
        if self.peers[index].marked && !(LOW_INPUT..=HIGH_INPUT).contains(&input) {
            self.report_problem(format!(
                "connection {conn:?} was read with {input} bytes of input"
            ));
        }
        self.peers[index].has_reported_input = true;
        self.serve(cx, conn, self.pass);
    }

    fn flushed(&mut self, cx: &mut Cx<'_, Self>, conn: Conn) {
        let Some(index) = self.peer_index(conn) else { return };
        let left = cx.conn(conn).map_or(0, |conn| conn.output_len());
        if left > if self.peers[index].marked { LOW_OUTPUT } else { 0 } {
            self.report_problem(format!(
                "connection {conn:?} got a write callback with {left} bytes of output left"
            ));
        }
        self.peers[index].writes += 1;
        let writes = self.peers[index].writes;
        if self.peers[index].reads {
            self.serve(cx, conn, 0);
        }
        if writes.is_multiple_of(4) {
            self.write_to_others(cx, conn);
        }
        self.close_if_done(cx, conn);
    }

    fn received_all(&mut self, cx: &mut Cx<'_, Self>, conn: Conn) {
        let Some(index) = self.peer_index(conn) else { return };
        if self.peers[index].wrote_in == self.pass {
            self.report_problem(format!(
                "connection {conn:?} got the end of stream before the output of its read \
                 callback was offered to the back end"
            ));
        }
        self.peers[index].ended = true;
        self.serve(cx, conn, 0);
        self.close_if_done(cx, conn);
    }

    fn was_silent(&mut self, cx: &mut Cx<'_, Self>, index: usize) {
        let peer = &mut self.peers[index];
        let conn = peer.conn;
        peer.timeouts += 1;
        let (timeouts, reads, has_timeouts) = (peer.timeouts, peer.reads, peer.has_timeouts);
        if !reads {
            self.report_problem(format!(
                "connection {conn:?} timed out, though reading is disabled"
            ));
        }
        if !has_timeouts {
            self.report_problem(format!(
                "the read timeout of connection {conn:?} was reported, though it was removed"
            ));
        }
        if timeouts >= MOST_TIMEOUTS {
            return self.free(cx, conn);
        }
        if let Ok(mut view) = cx.conn(conn) {
            view.enable(Direction::Read);
        }
        // The timeouts of other connections may have expired at the same time. In this case, the timeout callbacks of
        // these connections are due. After the following call, these callbacks must not run.
        match (timeouts as usize + conn.index()).is_multiple_of(2) {
            true => self.disable_reading(cx, conn),
            false => self.remove_timeouts(cx, conn),
        }
    }
}

/// The commands.
impl Prober {
    /// Handles the commands of a connection while there is room for their answers. If an answer was written and `pass`
    /// is not zero, records `pass` as the pass of the last write.
    fn serve(&mut self, cx: &mut Cx<'_, Self>, conn: Conn, pass: u64) {
        loop {
            let Some(index) = self.peer_index(conn) else { return };
            let Ok(mut view) = cx.conn(conn) else { return };
            if view.input_len() == 0 {
                self.peers[index].has_reported_input = false;
                return;
            }
            let mut command = [0];
            let next = self.peers[index].next;
            if view.room() == 0 || view.write(&[next]).is_err() || view.read(&mut command) == 0 {
                return;
            }
            self.peers[index].next = next.wrapping_add(1);
            if pass > 0 {
                self.peers[index].wrote_in = pass;
            }
            match command[0] {
                b'w' => self.write_to_others(cx, conn),
                b'r' => self.disable_reading(cx, conn),
                b't' => self.remove_timeouts(cx, conn),
                b'm' => self.set_marks(cx, conn),
                b'l' => self.disable_listeners(cx),
                b'f' => self.free_listener(cx),
                _ => {}
            }
        }
    }

    fn write_to_others(&mut self, cx: &mut Cx<'_, Self>, except: Conn) {
        for peer in self.peers.iter_mut().filter(|peer| peer.conn != except && !peer.ended) {
            if let Ok(mut view) = cx.conn(peer.conn)
                && view.write(&[peer.next]).is_ok()
            {
                peer.next = peer.next.wrapping_add(1);
            }
        }
    }

    /// Disables reading of all other connections.
    fn disable_reading(&mut self, cx: &mut Cx<'_, Self>, except: Conn) {
        for peer in self.peers.iter_mut().filter(|peer| peer.conn != except && !peer.ended) {
            if let Ok(mut view) = cx.conn(peer.conn) {
                view.disable(Direction::Read);
                peer.reads = false;
            }
        }
        self.resume_later(cx);
    }

    /// Removes the timeouts of all other connections.
    fn remove_timeouts(&mut self, cx: &mut Cx<'_, Self>, except: Conn) {
        for peer in self.peers.iter_mut().filter(|peer| peer.conn != except) {
            if let Ok(mut view) = cx.conn(peer.conn) {
                view.set_timeouts(None, None);
                peer.has_timeouts = false;
            }
        }
        self.resume_later(cx);
    }

    /// Gives all other connections the temporary settings. If the timeouts of these connections were removed, this
    /// function also sets the timeouts again.
    fn set_marks(&mut self, cx: &mut Cx<'_, Self>, except: Conn) {
        for peer in self.peers.iter_mut().filter(|peer| peer.conn != except) {
            // A connection with more input than the high mark keeps its settings.
            if let Ok(mut view) = cx.conn(peer.conn)
                && view.set_settings(&MARKED).is_ok()
            {
                (peer.marked, peer.has_timeouts) = (true, true);
            }
        }
        self.resume_later(cx);
    }

    /// Disables both listeners.
    fn disable_listeners(&mut self, cx: &mut Cx<'_, Self>) {
        for port in &mut self.ports {
            if let Some(Ok(mut listener)) = port.listener.map(|listener| cx.listener(listener)) {
                listener.disable();
                port.open = false;
            }
        }
        self.resume_later(cx);
    }

    /// Frees the second listener.
    fn free_listener(&mut self, cx: &mut Cx<'_, Self>) {
        let port = &mut self.ports[1];
        if let Some(Ok(mut listener)) = port.listener.take().map(|listener| cx.listener(listener)) {
            listener.free();
        }
        port.open = false;
        self.resume_later(cx);
    }

    fn resume_later(&mut self, cx: &mut Cx<'_, Self>) {
        if self.resume.is_none() {
            self.resume = cx.after(PAUSE, Self::resumed).ok();
        }
    }

    /// Reverts all temporary changes.
    fn resumed(&mut self, cx: &mut EventMut<'_, '_, Self>) {
        self.resume = None;
        let mut again = false;
        for (index, port) in self.ports.iter_mut().enumerate() {
            match port.listener.map(|listener| cx.listener(listener)) {
                Some(Ok(mut listener)) => {
                    listener.enable();
                    port.open = true;
                }
                // The slot of a freed listener becomes free only when the back end has processed the listener's end. So
                // there may be no slot for a new listener yet.
                _ => again |= port.listen(index, self.clients, cx).is_err(),
            }
        }
        let mut with_input = Vec::new();
        for peer in &mut self.peers {
            let Ok(mut view) = cx.conn(peer.conn) else { continue };
            if std::mem::take(&mut peer.marked) {
                // The former low mark no longer applies. So the loop now reports input that was below the former low
                // mark.
                let _ = view.set_settings(&PLAIN);
                peer.has_timeouts = false;
            }
            if !std::mem::replace(&mut peer.has_timeouts, true) {
                view.set_timeouts(Some(READ_TIMEOUT), peer.stall);
            }
            if !std::mem::replace(&mut peer.reads, true) {
                view.enable(Direction::Read);
                // If input was not reported yet, the loop reports this input now. If input was reported but not taken,
                // this function handles the input at its end.
                with_input.extend(peer.has_reported_input.then_some(peer.conn));
            }
        }
        if again {
            self.resume_later(cx);
        }
        for conn in with_input {
            self.serve(cx, conn, 0);
            self.close_if_done(cx, conn);
        }
    }

    fn close_if_done(&mut self, cx: &mut Cx<'_, Self>, conn: Conn) {
        let ended = self.peer_index(conn).is_some_and(|index| self.peers[index].ended);
        if ended
            && let Ok(mut view) = cx.conn(conn)
            && view.input_len() == 0
        {
            view.close();
            self.peers.retain(|peer| peer.conn != conn);
        }
    }

    fn free(&mut self, cx: &mut Cx<'_, Self>, conn: Conn) {
        if let Ok(mut view) = cx.conn(conn) {
            view.abort();
        }
        self.peers.retain(|peer| peer.conn != conn);
    }
}

impl Port {
    fn listen(
        &mut self,
        index: usize,
        clients: Option<PoolId>,
        cx: &mut Cx<'_, Prober>,
    ) -> Result<(), SetupError> {
        let Some((address, clients)) = self.address.zip(clients) else { return Ok(()) };
        self.listener = Some(match index {
            0 => cx.listen::<Session<0>>(address, clients)?,
            _ => cx.listen::<Session<1>>(address, clients)?,
        });
        self.open = true;
        Ok(())
    }
}

/// Returns the prober's test case.
pub fn prober() -> TestCase<Prober> {
    TestCase::new("prober", PORT, Prober::default, Prober::start)
        .sizes(&Size::standard::<8, 2>())
        .min_sockets(2)
        .client(commands)
        .client_at(PORT + 1, commands)
        .invariant(|app: &Prober, _| app.problem().map_or(Ok(()), |text| Err(text.to_owned())))
}

/// Returns the script of a client that sends its commands in two parts. The client waits for one answer to each
/// command.
fn commands(choices: &mut Choices<'_>) -> Script {
    let mut text = Vec::new();
    for _ in 0..=choices.up_to(20) {
        let command = choices.up_to(COMMANDS.len() as u64 - 1) as usize;
        text.push(COMMANDS[command]);
    }
    let answers: Vec<u8> = (0..=u8::MAX).take(text.len()).collect();
    let (early, late) = text.split_at(choices.up_to(text.len() as u64) as usize);
    let pause = Duration::from_millis(choices.up_to(3_000));
    let script = Script::new().send(early).pause(pause).send(late);
    match choices.up_to(1) {
        0 => script.expect(&answers),
        _ => script.finish().expect(&answers),
    }
}
