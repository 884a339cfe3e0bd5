//! The probe: inspects the base after each callback and checks its invariants.

use std::cell::RefCell;

use picoevent::{
    Conn, ConnEvent, ConnMut, Counts, Cx, Event, EventBase, EventFlags, Fired, Instant, UdpEvent,
};
use picoevent_embassy::Observe;

use crate::world::device::{executor, interrupt};
use crate::world::network::ether::Ether;
use crate::world::observe::function::Function;
use crate::world::observe::observer::{About, Callback, Object};
use crate::world::peers::server::AnyServer;
use crate::world::peers::service::Running;

mod listeners;
mod rings;
mod timeouts;

use listeners::Listeners;
use rings::Rings;
use timeouts::{Maker, Timeouts};

/// A condition on the application that must hold whenever none of the application's callbacks is running.
pub(crate) type Invariant<A> = dyn Fn(&A, &Cx<'_, A>) -> Result<(), String> + Send + Sync;

/// The observations of the probe. The verdict is based on these observations.
#[derive(Default)]
pub(crate) struct Seen {
    /// The first violation of an invariant.
    pub(crate) violation: Option<String>,
    pub(crate) callbacks: u64,
    /// The conditions on the application and the servers that must hold at least once in the quiet phase. The entry of
    /// a condition is the reason why the condition has not held yet, or `None` once it has held. Empty before the quiet
    /// phase.
    pub(crate) unmet: Vec<Option<String>>,
    /// The objects in use when the device last went to sleep.
    pub(crate) counts: Counts,
    conns: Vec<Conn>,
    stale: Vec<Conn>,
    /// Connections that were opened and whose end is not reported yet.
    open: Vec<Conn>,
    /// Connections below filters whose end is not reported yet.
    below: Vec<Conn>,
    /// Connections whose end is reported.
    ended: Vec<Conn>,
    deadlines: Vec<(Event, Instant)>,
    now: Instant,
    pub(crate) listeners: Listeners,
    pub(crate) rings: Rings,
    timeouts: Timeouts,
}

pub(crate) struct Probe<'p, A> {
    pub(crate) ether: &'p RefCell<Ether>,
    pub(crate) seen: &'p RefCell<Seen>,
    pub(crate) programs: &'p RefCell<Vec<Running>>,
    pub(crate) invariants: &'p [Box<Invariant<A>>],
    pub(crate) servers: &'p [AnyServer<A>],
}

/// The number of stale handles that are kept. A few are enough to detect a stale handle that becomes valid again.
const STALE: usize = 8;

impl<A: 'static> Observe<A> for Probe<'_, A> {
    fn before(&mut self, base: &mut EventBase<'_, A>, _: &A, fired: &Fired<A>) {
        interrupt::point();
        let mut seen = self.seen.borrow_mut();
        seen.callbacks += 1;
        seen.rings.before(base, fired);
        seen.timeouts.update(base, Maker::BackEnd);
        let callback = describe(fired);
        let mut ether = self.ether.borrow_mut();
        ether.digest.word(callback.name.len() as u64 | (callback.object.slot() as u64) << 32);
        ether.digest.word(base.now().as_micros());
        let now = ether.choice_log.now;
        if let Some(observer) = &mut ether.observer {
            observer.callback_begins(now, callback);
        }
        if let Err(problem) = seen.check(base, fired) {
            seen.violation.get_or_insert(problem);
        }
    }

    fn after(&mut self, base: &mut EventBase<'_, A>, app: &A) {
        interrupt::point();
        let mut ether = self.ether.borrow_mut();
        let now = ether.choice_log.now;
        if let Some(observer) = &mut ether.observer {
            observer.callback_ends(now);
            observer.objects(now, &objects(base));
        }
        drop(ether);
        let mut seen = self.seen.borrow_mut();
        seen.rings.after(base);
        seen.timeouts.update(base, Maker::Application);
        let checked = seen.check_objects(base).and_then(|()| self.check_conditions(base, app));
        if let Err(problem) = checked {
            seen.violation.get_or_insert(problem);
        }
    }

    fn idle(&mut self, base: &mut EventBase<'_, A>, app: &A) {
        interrupt::point();
        let mut seen = self.seen.borrow_mut();
        seen.counts = base.counts();
        let Seen { rings, conns, .. } = &mut *seen;
        rings.idle(base, conns);
        seen.timeouts.update(base, Maker::Application);
        let mut ether = self.ether.borrow_mut();
        let now = ether.choice_log.now;
        if let Some(observer) = &mut ether.observer {
            observer.objects(now, &objects(base));
        }
        drop(ether);
        let checked = seen.check_objects(base).and_then(|()| self.check_conditions(base, app));
        if let Err(problem) = checked {
            seen.violation.get_or_insert(problem);
        }
        if !executor::is_woken() && interrupt::take_unprocessed() {
            let problem = "the loop sleeps although its interrupt was raised and nothing wakes it";
            seen.violation.get_or_insert(problem.into());
        }
        if !seen.unmet.is_empty() {
            self.check_final_conditions(&mut seen, app);
        }
    }
}

impl<A: 'static> Probe<'_, A> {
    fn check_conditions(&self, base: &EventBase<'_, A>, app: &A) -> Result<(), String> {
        self.invariants.iter().try_for_each(|invariant| invariant(app, base))?;
        if self.servers.is_empty() {
            return Ok(());
        }
        let programs = self.programs.borrow();
        // Whether a byte of the server's connections was forged. In this case, `affected_by_forgery` will be set, but
        // only when the server runs again. So this function checks for forged bytes, too.
        let is_forged =
            |port: u16| self.ether.try_borrow().is_ok_and(|ether| ether.forged.contains(&port));
        let mut judged =
            self.servers.iter().zip(&*programs).filter(|(server, running)| {
                !running.affected_by_forgery && !is_forged(server.port)
            });
        judged.try_for_each(|(server, running)| server.check(app, &*running.program))
    }

    /// Checks the conditions of the quiet phase that have not held yet.
    fn check_final_conditions(&self, seen: &mut Seen, app: &A) {
        let programs = self.programs.borrow();
        let conditions = self.servers.iter().zip(&*programs).flat_map(|(server, running)| {
            server.limits().enumerate().map(move |(number, _)| (server, running, number))
        });
        for ((server, running, number), unmet) in conditions.zip(&mut seen.unmet) {
            if unmet.is_some() {
                let checked = server.check_end(number, app, &*running.program);
                *unmet = checked.err().filter(|_| !running.affected_by_forgery);
            }
        }
    }
}

impl Seen {
    /// Begins a simulation and reuses the memory of the previous simulation.
    pub(crate) fn restart(&mut self) {
        self.conns.clear();
        self.stale.clear();
        self.open.clear();
        self.below.clear();
        self.ended.clear();
        self.deadlines.clear();
        (self.violation, self.callbacks) = (None, 0);
        self.unmet.clear();
        (self.counts, self.now) = (Counts::default(), Instant::ZERO);
        self.listeners.restart();
        self.rings = Rings::default();
        self.timeouts.restart();
    }

    /// Begins the quiet phase. `conditions` is the number of conditions that must hold at least once in this phase.
    pub(crate) fn begin_quiet(&mut self, conditions: usize) {
        self.unmet = vec![Some("the loop has not slept".to_owned()); conditions];
    }

    /// Checks that this callback may run now.
    fn check<A>(&mut self, base: &mut EventBase<'_, A>, fired: &Fired<A>) -> Result<(), String> {
        let now = base.now();
        if now < self.now {
            return Err(format!("the loop's time went back to {} us", now.as_micros()));
        }
        self.now = now;
        self.timeouts.check(fired, now)?;
        match *fired {
            Fired::Event(_, event, what) => {
                if base.event(event).is_err() {
                    return Err(format!("event {event:?} was called, but it was freed"));
                }
                let known = self.deadlines.iter().find(|(of, _)| *of == event);
                if let Some((_, deadline)) = known
                    && what.intersects(EventFlags::TIMEOUT)
                    && *deadline > now
                {
                    let early = deadline.since(now).as_micros();
                    return Err(format!("the timer of event {event:?} came {early} us early"));
                }
            }
            Fired::Conn(_, conn, ConnEvent::Ended(_)) => {
                if self.ended.contains(&conn) {
                    return Err(format!("connection {conn:?} has ended twice"));
                }
                if self.ended.len() == STALE {
                    self.ended.remove(0);
                }
                self.ended.push(conn);
                self.open.retain(|open| *open != conn);
                self.below.retain(|below| *below != conn);
                // In this callback, the application may reconnect the connection, and the handle stays valid. If the
                // application does not reconnect it, `check_objects` moves the handle to `stale`.
                self.stale.retain(|stale| *stale != conn);
                if !self.conns.contains(&conn) {
                    self.conns.push(conn);
                }
            }
            Fired::Conn(_, conn, event) => {
                if base.conn(conn).is_err() {
                    return Err(format!("connection {conn:?} was called, but it was freed"));
                }
                if event == ConnEvent::Opened {
                    // A slot gets its next connection only when the previous connection has ended. A connection below a
                    // filter is an exception: its callback gets `Opened` again whenever the filter may have work.
                    let former = self.open.iter().find(|of| of.index() == conn.index());
                    let former = former.filter(|of| **of != conn || !self.below.contains(&conn));
                    if let Some(former) = former {
                        return Err(format!("the end of connection {former:?} was not reported"));
                    }
                    if !self.open.contains(&conn) {
                        self.open.push(conn);
                    }
                    self.ended.retain(|ended| *ended != conn);
                    if !self.conns.contains(&conn) {
                        self.conns.push(conn);
                    }
                } else if self.ended.contains(&conn) {
                    return Err(format!("connection {conn:?} was called after its end"));
                }
            }
            Fired::ListenError(_, listener, _) => {
                if base.listener(listener).is_err() {
                    return Err(format!("listener {listener:?} was called, but it was freed"));
                }
            }
            Fired::Udp(ref fired) => {
                let socket = fired.socket();
                if base.udp(socket).is_err() {
                    return Err(format!("UDP socket {socket:?} was called, but it was closed"));
                }
            }
        }
        Ok(())
    }

    /// Checks the objects between two callbacks.
    fn check_objects<A>(&mut self, base: &mut EventBase<'_, A>) -> Result<(), String> {
        self.listeners.update(base);
        // An outgoing connection that reconnects keeps its handle, so the same handle can end again.
        let is_outgoing = |conn: ConnMut<'_, '_, A>| conn.listener().is_none();
        self.ended.retain(|conn| !base.conn(*conn).is_ok_and(is_outgoing));
        let Self { conns, stale, deadlines, .. } = self;
        conns.retain(|conn| {
            let live = base.conn(*conn).is_ok();
            if !live {
                if stale.len() == STALE {
                    stale.remove(0);
                }
                stale.push(*conn);
            }
            live
        });
        if let Some(conn) = stale.iter().find(|conn| base.conn(**conn).is_ok()) {
            return Err(format!("connection {conn:?} was freed and has become valid again"));
        }
        for (above, partner) in partners(base) {
            // Each connection of a pair is the partner of the other connection.
            let is_pair = base.conn(partner).is_ok_and(|conn| conn.partner() == Some(above));
            if !is_pair && !self.below.contains(&partner) {
                self.below.push(partner);
            }
        }
        deadlines.clear();
        let waiting = base.events().filter(|info| info.active.is_empty());
        deadlines.extend(waiting.filter_map(|info| Some((info.event, info.deadline?))));
        Ok(())
    }
}

/// Returns each in-memory connection with its partner.
fn partners<A>(base: &mut EventBase<'_, A>) -> Vec<(Conn, Conn)> {
    let conns: Vec<_> = base.conns().collect();
    conns.into_iter().filter_map(|conn| Some((conn, base.conn(conn).ok()?.partner()?))).collect()
}

/// Returns the objects in the base's tables.
fn objects<A>(base: &mut EventBase<'_, A>) -> Vec<(Object, About)> {
    let events = base.events().filter(|info| !info.pending.is_empty());
    let events =
        events.map(|info| (Object::Event(info.event), About::Waits(info.pending, info.deadline)));
    let mut objects: Vec<_> = events.collect();
    for conn in base.conns().collect::<Vec<_>>() {
        let peer = base.conn(conn).ok().and_then(|conn| conn.peer_addr());
        objects.extend(peer.map(|peer| (Object::Conn(conn), About::With(peer))));
    }
    for listener in base.listeners().collect::<Vec<_>>() {
        let address = base.listener(listener).ok().and_then(|listener| listener.address());
        objects.extend(address.map(|address| (Object::Listener(listener), About::At(address))));
    }
    for socket in base.udp_sockets().collect::<Vec<_>>() {
        let address = base.udp(socket).ok().and_then(|socket| socket.local_addr());
        objects.extend(address.map(|address| (Object::Udp(socket), About::At(address))));
    }
    objects
}

fn describe<A>(fired: &Fired<A>) -> Callback {
    let (name, object, function) = match *fired {
        Fired::Event(call, event, what) => {
            let name = match what {
                what if what.intersects(EventFlags::SIGNAL) => "signal",
                what if what.intersects(EventFlags::TIMEOUT) => "timer",
                _ => "event",
            };
            (name, Object::Event(event), call as usize)
        }
        Fired::Conn(call, conn, event) => {
            let name = match event {
                ConnEvent::Opened => "opened",
                ConnEvent::Readable => "readable",
                ConnEvent::Writable => "writable",
                ConnEvent::Timeout(_) => "timeout",
                ConnEvent::Alarm => "alarm",
                ConnEvent::Eof => "eof",
                ConnEvent::Ended(_) => "ended",
            };
            (name, Object::Conn(conn), call as usize)
        }
        Fired::ListenError(call, listener, _) => {
            ("listener failed", Object::Listener(listener), call as usize)
        }
        Fired::Udp(ref fired) => {
            let name = match fired.event() {
                UdpEvent::Readable => "readable",
                UdpEvent::Writable => "writable",
                UdpEvent::Failed(_) => "socket failed",
            };
            (name, Object::Udp(fired.socket()), fired.function() as usize)
        }
    };
    Callback { name, object, function: Function::at(function) }
}
