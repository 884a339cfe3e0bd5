//! The responder's functions for the application, and the times of its messages.

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;

use picoevent::{Cx, EventMut, Instant, Mode, OnUdp, SetupError, UdpEvent, UdpMut, UnseededError};

use super::answering::Reaction;
use super::message::Outgoing;
use super::{
    AnnounceError, GROUP, HasMdns, Label, MAX_LABEL, MAX_SERVICES, MESSAGE, RINGS, Records,
    Responder, Service, State, age,
};
use crate::wire::{Message, is_host_name};

/// The number of probes before a name is used (RFC 6762, section 8.1).
const PROBES: u8 = 3;
/// The wait after each probe, in milliseconds.
const PROBE_WAIT: u16 = 250;

/// The number of announcements (RFC 6762, section 8.3).
const ANNOUNCEMENTS: u8 = 2;
/// The wait between two announcements, in milliseconds.
const ANNOUNCE_WAIT: u16 = 1_000;

/// The wait after a lost tie-break, in milliseconds.
const TIE_BREAK_WAIT: u16 = 1_000;
/// The wait after many conflicts, in milliseconds.
const CONFLICT_WAIT: u16 = 5_000;

/// The wait after the socket could not be bound, in milliseconds.
pub(super) const BIND_WAIT: u16 = 5_000;

/// The minimum time between two multicasts of a record, in microseconds (RFC 6762, section 6).
const MULTICAST_WAIT: u32 = 1_000_000;
/// This time for the answer to a probe.
const PROBE_ANSWER_WAIT: u32 = 250_000;

/// When the number in the name has reached this value, the responder waits for [`CONFLICT_WAIT`] before it probes for
/// the next name.
const MANY_CONFLICTS: u8 = 15;

/// The maximum length of the hyphen and the number that are appended to a name, in bytes.
const NUMBER_LENGTH: usize = 4;

/// Probes for a name, given without `.local`. If another host has the name, appends a number and probes again. When no
/// other host has the name, announces the name with the services, and calls [`HasMdns::named`]. If the responder
/// already has a name, it probes and announces again, even if `name` is the same name. For example, call this function
/// again after the addresses have changed.
///
/// # Errors
/// Returns an [`AnnounceError`] that states the reason.
pub fn announce<A: HasMdns>(
    app: &mut A,
    cx: &mut Cx<'_, A>,
    name: &str,
    services: &'static [Service],
) -> Result<(), AnnounceError> {
    check(name, services)?;
    if !cx.is_seeded() {
        return Err(UnseededError.into());
    }
    let timer = match app.mdns().timer {
        Some(timer) => timer,
        None => cx.new_timer(Mode::OneShot, tick::<A>).map_err(SetupError::from)?,
    };
    app.mdns().timer = Some(timer);
    if !app.mdns().is_shared {
        bind(app, cx, received::<A>)?;
    }
    let next = app.mdns().begin(name, services);
    apply(app, cx, GROUP, &[0; MESSAGE], &next);
    Ok(())
}

/// Binds the socket, unless the socket is already bound.
pub(super) fn bind<A: HasMdns>(
    app: &mut A,
    cx: &mut Cx<'_, A>,
    call: OnUdp<A>,
) -> Result<(), SetupError> {
    if app.mdns().socket.is_none() {
        let address = (Ipv4Addr::UNSPECIFIED, GROUP.port()).into();
        let socket = cx.bind(address, RINGS, call)?;
        app.mdns().socket = Some(socket);
        if let Ok(mut udp) = cx.udp(socket) {
            // The request to join is stored in the output ring. The request fits, because the ring of a new socket is
            // empty.
            let _ = udp.join_multicast(GROUP.ip());
        }
    }
    Ok(())
}

/// Closes the socket.
pub(super) fn close<A: HasMdns>(app: &mut A, cx: &mut Cx<'_, A>) {
    if let Some(Ok(mut udp)) = app.mdns().socket.take().map(|socket| cx.udp(socket)) {
        udp.close();
    }
}

/// Handles an event that states that the socket could not be bound: closes the socket, and tries again later. Returns
/// whether this is such an event.
pub(super) fn handle_bind_error<A: HasMdns>(
    app: &mut A,
    udp: &mut UdpMut<'_, '_, A>,
    event: UdpEvent,
) -> bool {
    // After other errors, the socket is still bound and usable.
    let has_failed = matches!(event, UdpEvent::Failed(_)) && udp.local_addr().is_none();
    if has_failed {
        close(app, udp.cx());
        probe_later(app, udp.cx());
    }
    has_failed
}

/// If the responder has or probes for a name, probes for this name later, because there is no socket now.
fn probe_later<A: HasMdns>(app: &mut A, cx: &mut Cx<'_, A>) {
    if app.mdns().state != State::Silent {
        let next = app.mdns().probe_after(BIND_WAIT);
        apply(app, cx, GROUP, &[0; MESSAGE], &next);
    }
}

/// Withdraws the name. Sends a goodbye if the responder has a name. After this, the responder sends nothing until the
/// next [`announce`].
pub fn withdraw<A: HasMdns>(app: &mut A, cx: &mut Cx<'_, A>) {
    if app.mdns().name().is_some() {
        let mut buffer = [0; MESSAGE];
        let length = app.mdns().write(Outgoing::Goodbye, &mut buffer);
        apply(app, cx, GROUP, &buffer, &NextStep { length, ..NextStep::default() });
    }
    let responder = app.mdns();
    (responder.state, responder.due) = (State::Silent, Records::NONE);
    if let Some(Ok(mut timer)) = responder.timer.take().map(|timer| cx.event(timer)) {
        timer.free();
    }
    if !app.mdns().is_shared {
        close(app, cx);
    }
}

fn check(name: &str, services: &[Service]) -> Result<(), AnnounceError> {
    let most = MAX_LABEL - NUMBER_LENGTH;
    if name.len() > most {
        return Err(AnnounceError::TooLong { most });
    }
    if !is_host_name(name) || name.as_bytes().contains(&b'.') {
        return Err(AnnounceError::Invalid);
    }
    if services.len() > MAX_SERVICES {
        return Err(AnnounceError::TooManyServices);
    }
    Ok(())
}

/// What the responder does next.
#[derive(Default)]
struct NextStep {
    /// The length of the message in the buffer, in bytes. If the length is 0, no message is sent.
    length: usize,
    /// The timer's delay, and the limit of a random time that is added to the delay, both in milliseconds. If this
    /// field is `None`, the timer does not change.
    timer: Option<(u16, u8)>,
    is_named: bool,
}

impl Responder {
    fn begin(&mut self, name: &str, services: &'static [Service]) -> NextStep {
        self.label = Label::new();
        // The caller has checked the length.
        let _ = self.label.push_str(name);
        (self.requested_length, self.number, self.services) = (name.len() as u8, 1, services);
        self.probe_after(0)
    }

    /// Starts to probe for the name after `delay` ms plus a random time below 250 ms. The random time spreads the
    /// probes of devices that have started at the same time.
    fn probe_after(&mut self, delay: u16) -> NextStep {
        (self.state, self.due) = (State::Probing(0), Records::NONE);
        NextStep { timer: Some((delay, 250)), ..NextStep::default() }
    }

    /// Handles the timer.
    #[inline(never)]
    fn tick(&mut self, now: Instant, buffer: &mut [u8; MESSAGE]) -> NextStep {
        let is_named = self.state == State::Probing(PROBES);
        match self.state {
            State::Silent => return NextStep::default(),
            State::Probing(count) if !is_named => {
                self.state = State::Probing(count.saturating_add(1));
                let timer = Some((PROBE_WAIT, 0));
                return NextStep { length: self.write(Outgoing::Probe, buffer), timer, is_named };
            }
            State::Probing(_) => (self.state, self.due) = (State::Announcing(0), Records::ALL),
            State::Announcing(_) | State::Named => {}
        }
        let State::Announcing(count) = self.state else { return self.answer_all(now, buffer) };
        let length = self.write(Outgoing::ToAll(self.due, Records::NONE), buffer);
        self.set_sent_at(Records::ALL, now.as_micros() as u32);
        let mut next = NextStep { length, timer: None, is_named };
        (self.state, self.due) = (State::Named, Records::NONE);
        // The announcement is sent [`ANNOUNCEMENTS`] times, each time with all records.
        if count.saturating_add(1) < ANNOUNCEMENTS {
            (self.state, self.due) = (State::Announcing(count.saturating_add(1)), Records::ALL);
            next.timer = Some((ANNOUNCE_WAIT, 0));
        }
        next
    }

    /// Writes the answer to all hosts. Records that were sent to all hosts in the last second stay due.
    fn answer_all(&mut self, now: Instant, buffer: &mut [u8; MESSAGE]) -> NextStep {
        let recent = self.sent_within(MULTICAST_WAIT, now);
        let records = self.due.without(recent);
        self.due = self.due.and(recent);
        let mut next = NextStep::default();
        if self.due != Records::NONE {
            let times = (0..u8::BITS).zip(self.sent_at);
            let waiting = times.filter(|(bit, _)| self.due.has(Records::bit(*bit)));
            let oldest = waiting.map(|(_, at)| age(at, now)).max().unwrap_or_default();
            let millis = MULTICAST_WAIT.saturating_sub(oldest) / 1_000;
            next.timer = Some(((millis as u16).saturating_add(1), 0));
        }
        if records != Records::NONE {
            next.length = self.write(Outgoing::ToAll(records, recent), buffer);
            // An answer with a service also contains the addresses of the host.
            let addresses = if records.has_service() { Records::HOST } else { Records::NONE };
            let sent = records.with(addresses.without(recent));
            self.set_sent_at(sent, now.as_micros() as u32);
        }
        next
    }

    /// Reacts to a message.
    #[inline(never)]
    fn react(
        &mut self,
        bytes: &[u8],
        from: SocketAddr,
        now: Instant,
        buffer: &mut [u8; MESSAGE],
    ) -> NextStep {
        let Ok(message) = Message::parse(bytes) else { return NextStep::default() };
        let outgoing = match self.reaction_to(&message, from) {
            Reaction::Nothing => return NextStep::default(),
            Reaction::ToAll(records) => {
                // The timer is set to a later time if all due records were sent in the last second. The time of the
                // next announcement does not change.
                let recent = self.sent_within(MULTICAST_WAIT, now);
                let is_waiting = matches!(self.state, State::Announcing(_))
                    || self.due.without(recent) != Records::NONE;
                self.due = self.due.with(records);
                // A probe must be answered before the other host uses the name.
                if message.authorities().next().is_some() {
                    let recent = self.sent_within(PROBE_ANSWER_WAIT, now);
                    let long_ago = (now.as_micros() as u32).wrapping_sub(MULTICAST_WAIT);
                    self.set_sent_at(records.without(recent), long_ago);
                }
                // Wait for 20 to 120 ms before the answer is sent, because other hosts may answer at the same time.
                return NextStep {
                    timer: Some((20, 100)).filter(|_| !is_waiting),
                    ..NextStep::default()
                };
            }
            Reaction::ToQuerier(records) => Outgoing::Answer(records),
            Reaction::ToLegacyQuerier(records) => {
                Outgoing::Legacy(records, message.id(), message.question_bytes())
            }
            Reaction::Conflict => {
                // If the responder is still probing, it takes the next name. If the responder already has the name, it
                // probes for the same name again, and these probes decide which host keeps the name (RFC 6762, section
                // 9).
                if self.name().is_none() {
                    self.rename();
                }
                return self.probe_after(if self.number < MANY_CONFLICTS {
                    0
                } else {
                    CONFLICT_WAIT
                });
            }
            Reaction::TieBreakLost => return self.probe_after(TIE_BREAK_WAIT),
        };
        NextStep { length: self.write(outgoing, buffer), ..NextStep::default() }
    }
}

fn tick<A: HasMdns>(app: &mut A, event: &mut EventMut<'_, '_, A>) {
    let cx = event.cx();
    // If a browser uses the same socket, the browser binds the socket.
    if !app.mdns().is_shared {
        // If the bind fails, there is no socket, see below.
        let _ = bind(app, cx, received::<A>);
    }
    if app.mdns().socket.is_none() {
        return probe_later(app, cx);
    }
    let mut buffer = [0; MESSAGE];
    let next = app.mdns().tick(cx.now(), &mut buffer);
    apply(app, cx, GROUP, &buffer, &next);
}

/// Called when messages have arrived.
pub(super) fn received<A: HasMdns>(app: &mut A, udp: &mut UdpMut<'_, '_, A>, event: UdpEvent) {
    if !handle_bind_error(app, udp, event) {
        while receive(app, udp) {}
    }
}

/// Handles one message. Returns whether there was a message.
pub(super) fn receive<A: HasMdns>(app: &mut A, udp: &mut UdpMut<'_, '_, A>) -> bool {
    let now = udp.cx().now();
    let Some(datagram) = udp.peek() else { return false };
    let from = datagram.from;
    let mut buffer = [0; MESSAGE];
    let next = app.mdns().react(datagram.data, from, now, &mut buffer);
    udp.consume();
    apply(app, udp.cx(), from, &buffer, &next);
    true
}

/// Sends the first `length` bytes of the buffer as a message. If `length` is 0, sends nothing.
pub(super) fn send<A: HasMdns>(
    app: &mut A,
    cx: &mut Cx<'_, A>,
    to: SocketAddr,
    buffer: &[u8; MESSAGE],
    length: usize,
) {
    if let Some(message) = buffer.get(..length).filter(|message| !message.is_empty())
        && let Some(Ok(mut udp)) = app.mdns().socket.map(|socket| cx.udp(socket))
    {
        // A message that does not fit into the ring is lost, like a datagram on the network.
        let _ = udp.send_to(message, to);
    }
}

/// Does what `next` states: sends the message, arms the timer, and calls `named`.
#[inline(never)]
fn apply<A: HasMdns>(
    app: &mut A,
    cx: &mut Cx<'_, A>,
    to: SocketAddr,
    buffer: &[u8; MESSAGE],
    next: &NextStep,
) {
    send(app, cx, to, buffer, next.length);
    let responder = app.mdns();
    if let Some((least, spread)) = next.timer
        && let Some(timer) = responder.timer
    {
        // `announce` has checked that the base has a seed.
        let random = cx.random_u32().unwrap_or_default() >> 16;
        let random = random.wrapping_mul(u32::from(spread)) >> 16;
        let millis = u32::from(least).wrapping_add(random);
        let delay = Duration::from_millis(millis.into());
        if let Ok(mut timer) = cx.event(timer) {
            // `add` never fails for a timer.
            let _ = timer.add(Some(delay));
        }
    }
    if next.is_named {
        app.named(cx);
    }
}
