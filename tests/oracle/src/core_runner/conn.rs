//! Makes the connections of a program, and contains their callbacks and the steps that act on connections.

use std::{
    array,
    net::SocketAddr,
    sync::{Mutex, PoisonError},
};

use picoevent::{
    Conn, ConnEnd, ConnError, ConnEvent, ConnMut, Cx, Direction, OnConn, Priority, Settings,
};

use super::{App, Base, POOLS, back_end::BackEnd, step::duration};
use crate::program::{CONNS, FIRST_CONN, Id, Op, Plan, bits, socket};

static SETTINGS: Settings = Settings::new();

/// The next byte that the application writes to a connection, and the next byte that it expects to read.
#[derive(Clone, Copy, Default)]
pub(super) struct Streams {
    next_written: u8,
    next_read: u8,
}

/// Makes the connections of a program. They are not open yet.
pub(super) fn make(base: &mut Base<'_>, plan: &Plan) -> [Option<Conn>; CONNS] {
    let address = SocketAddr::from(([192, 0, 2, 1], 7));
    let Ok([sockets, memory]) = base.add_pools(POOLS) else { return [None; CONNS] };
    let mut conns = [None; CONNS];
    let end = (memory, &SETTINGS, on_conn as OnConn<App>);
    for (one, other) in &plan.pairs {
        if let Ok(pair) = base.pair_with([end, end]) {
            [conns[socket(*one)], conns[socket(*other)]] = pair.map(Some);
        }
    }
    for decl in &plan.conns {
        conns[socket(decl.id)].get_or_insert_with(|| {
            let conn = base.connect_with(address, sockets, &SETTINGS, on_conn);
            conn.expect("the pool has a slot for each connection of a program")
        });
    }
    conns
}

impl App {
    /// Returns the connections that do not belong to a pair.
    pub(super) fn with_sockets(&self) -> [Option<Conn>; CONNS] {
        array::from_fn(|index| {
            let id = (FIRST_CONN + index) as Id;
            self.conns[index].filter(|_| self.plan.partner(id).is_none())
        })
    }

    /// Opens the connections. Their first callback runs here, before the program begins.
    pub(super) fn open(&mut self, base: &mut Base<'_>, back_end: &mut BackEnd) {
        if self.conns.iter().all(Option::is_none) {
            return;
        }
        // Each priority level needs a separate pass.
        while base.settle(back_end).is_ok() && base.counts().active > 0 {
            base.dispatch(self);
        }
        // The priorities are set only now, because the priority of a connection cannot change while one of its
        // callbacks is due.
        for decl in &self.plan.conns {
            let conn = self.conns[socket(decl.id)].and_then(|conn| base.conn(conn).ok());
            if let (Some(mut conn), Some(priority)) = (conn, Priority::new(decl.priority)) {
                let set = conn.set_priority(priority);
                debug_assert!(set.is_ok(), "nothing is due");
            }
        }
    }

    pub(super) fn step_on_conn(&mut self, cx: &mut Cx<'_, Self>, op: Op) {
        let Some(id) = op.id() else { return };
        self.write_trace(format_args!(" {id}"));
        let handle = self.conns[socket(id)];
        let Some(mut conn) = handle.and_then(|conn| cx.conn(conn).ok()) else {
            self.trace.push_str(" gone");
            return;
        };
        match op {
            Op::Write(_, amount) => self.write(&mut conn, id, amount),
            Op::WriteSome(_, amount) => self.write_some(&mut conn, id, amount),
            Op::Room(_, room) => {
                conn.wait_for_room(room);
            }
            Op::Consume(_, amount) => self.consume(&mut conn, id, amount),
            Op::Enable(_, what) => {
                for direction in directions(what) {
                    conn.enable(direction);
                }
            }
            Op::Disable(_, what) => {
                for direction in directions(what) {
                    conn.disable(direction);
                }
            }
            Op::Timeouts(_, read, write) => {
                conn.set_timeouts(read.map(duration), write.map(duration));
            }
            Op::Again(_) => {
                conn.read_again();
            }
            Op::Refill(_) => {
                conn.write_again();
            }
            Op::Marks(_, what, low, high) => {
                let settings = settings_with_marks(&conn, what, low, high);
                let set = conn.set_settings(settings);
                self.trace.push_str(if set.is_ok() { " ok" } else { " refused" });
            }
            Op::Finish(_) => conn.finish(),
            Op::Abort(_) => conn.abort(),
            _ => self.write_state(&conn),
        }
    }

    fn write(&mut self, conn: &mut ConnMut<'_, '_, Self>, id: Id, amount: usize) {
        let written = conn.write(&self.output(id, amount));
        if written.is_ok() {
            self.count_written(id, amount);
        }
        let result = if written.is_ok() { "ok" } else { "refused" };
        self.write_trace(format_args!(" {amount} {result}"));
    }

    fn write_some(&mut self, conn: &mut ConnMut<'_, '_, Self>, id: Id, amount: usize) {
        let amount = conn.write_some(&self.output(id, amount));
        self.count_written(id, amount);
        self.write_trace(format_args!(" {amount}"));
    }

    /// Returns the next bytes that a connection writes.
    fn output(&self, id: Id, amount: usize) -> Vec<u8> {
        let next = self.streams[socket(id)].next_written;
        (0..amount as u8).map(|byte| next.wrapping_add(byte)).collect()
    }

    fn count_written(&mut self, id: Id, amount: usize) {
        let next = &mut self.streams[socket(id)].next_written;
        *next = next.wrapping_add(amount as u8);
    }

    fn consume(&mut self, conn: &mut ConnMut<'_, '_, Self>, id: Id, amount: usize) {
        let mut data = [0; 64];
        let got = conn.read(&mut data[..amount]);
        for byte in &data[..got] {
            let next = &mut self.streams[socket(id)].next_read;
            if byte != next {
                self.trace.push_str(" wrong");
            }
            *next = next.wrapping_add(1);
        }
        self.write_trace(format_args!(" {got}"));
    }

    fn write_state(&mut self, conn: &ConnMut<'_, '_, Self>) {
        let letter = |direction, letter| if conn.is_enabled(direction) { letter } else { "" };
        let (r, w) = (letter(Direction::Read, "r"), letter(Direction::Write, "w"));
        let none = if r.is_empty() && w.is_empty() { "-" } else { "" };
        let (input, output) = (conn.input_len(), conn.output_len());
        self.write_trace(format_args!(" in {input} out {output} {r}{w}{none}"));
    }
}

/// Returns the connection's settings with other marks. Equal settings are made only once, because they are leaked.
fn settings_with_marks(
    conn: &ConnMut<'_, '_, App>,
    what: u8,
    low: usize,
    high: usize,
) -> &'static Settings {
    static MADE: Mutex<Vec<&'static Settings>> = Mutex::new(Vec::new());
    let settings = *conn.settings().unwrap_or(&SETTINGS);
    let settings = match what {
        bits::READ => settings.input_marks(low, high),
        _ => settings.output_marks(low, high),
    };
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = made.iter().find(|known| ***known == settings) {
        return known;
    }
    made.push(Box::leak(Box::new(settings)));
    made[made.len() - 1]
}

fn on_conn(app: &mut App, conn: &mut ConnMut<'_, '_, App>, event: ConnEvent) {
    let what = match event {
        ConnEvent::Opened => return,
        ConnEvent::Readable => "read",
        ConnEvent::Writable => "write",
        ConnEvent::Timeout(Direction::Read) => "event timeout reading",
        ConnEvent::Timeout(Direction::Write) => "event timeout writing",
        ConnEvent::Eof => "event eof reading",
        ConnEvent::Ended(ConnEnd::Aborted) => "ended aborted",
        ConnEvent::Ended(ConnEnd::Failed(ConnError::Reset)) => "ended reset",
        ConnEvent::Ended(_) => "ended otherwise",
        ConnEvent::Alarm => "alarm",
    };
    if !app.count_call(conn.cx()) {
        return;
    }
    let Some(index) = app.conns.iter().position(|known| *known == Some(conn.id())) else { return };
    let id = (FIRST_CONN + index) as Id;
    app.write_position(conn.cx());
    app.write_trace(format_args!("conn {id} {what}"));
    if !what.starts_with("ended") {
        app.write_state(conn);
    }
    app.trace.push('\n');
    app.script(conn.cx(), id);
}

fn directions(what: u8) -> impl Iterator<Item = Direction> {
    let known = [(bits::READ, Direction::Read), (bits::WRITE, Direction::Write)];
    known.into_iter().filter(move |(bit, _)| what & bit != 0).map(|(_, direction)| direction)
}
