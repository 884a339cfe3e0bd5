//! What an application does with its responder, and what is said when.

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;

use picoevent::{Cx, EventMut, Mode, SetupError, UdpEvent, UdpMut, UnseededError};

use super::answering::Heard;
use super::message::To;
use super::{
    AnnounceError, GROUP, HasMdns, MAX_LABEL, MAX_SERVICES, MESSAGE, RINGS, Records, Responder,
    Service, State, label,
};
use crate::wire::{Message, is_host_name};

/// How often a name is asked for before it is used, and how long it is waited each time (RFC 6762, 8.1).
const PROBES: u8 = 3;
const PROBE_WAIT: Duration = Duration::from_millis(250);

/// How often a name is announced, and how long it is waited in between (RFC 6762, 8.3).
const ANNOUNCEMENTS: u8 = 2;
const ANNOUNCE_WAIT: Duration = Duration::from_secs(1);

/// How long a host waits that was outdone, and one whose name was taken many times.
const OUTDONE_WAIT: Duration = Duration::from_secs(1);
const TAKEN_WAIT: Duration = Duration::from_secs(5);

/// From this number of a name on, it is waited before the next is tried.
const MANY: u8 = 15;

/// The room for a number behind a name.
const NUMBER: usize = 4;

/// Asks for a name, without `.local`, and announces it with its services when nobody else has it.
/// [`HasMdns::named`] is called then. A responder that has a name already begins anew, also with the same one: when
/// its addresses have changed, for instance.
///
/// # Errors
/// [`AnnounceError`].
pub fn announce<A: HasMdns>(
    app: &mut A,
    cx: &mut Cx<'_, A>,
    name: &str,
    services: &'static [Service],
) -> Result<(), AnnounceError> {
    let most = MAX_LABEL - NUMBER;
    if name.len() > most {
        return Err(AnnounceError::TooLong { most });
    }
    let is_label = is_host_name(name) && !name.as_bytes().contains(&b'.');
    if !is_label {
        return Err(AnnounceError::Invalid);
    }
    if services.len() > MAX_SERVICES {
        return Err(AnnounceError::TooManyServices);
    }
    if !cx.is_seeded() {
        return Err(UnseededError.into());
    }
    let timer = match app.mdns().timer {
        Some(timer) => timer,
        None => cx.new_timer(Mode::OneShot, tick::<A>).map_err(SetupError::from)?,
    };
    app.mdns().timer = Some(timer);
    if app.mdns().socket.is_none() {
        let address = (Ipv4Addr::UNSPECIFIED, GROUP.port()).into();
        let socket = cx.bind(address, RINGS, heard::<A>)?;
        app.mdns().socket = Some(socket);
        if let Ok(mut udp) = cx.udp(socket) {
            // The ring of a new socket has room.
            let _ = udp.join_multicast(GROUP.ip());
        }
    }
    let responder = app.mdns();
    (responder.label, responder.wanted, responder.number) =
        (label(name.bytes()), name.len() as u8, 1);
    responder.services = services;
    probe_after(app, cx, Duration::ZERO);
    Ok(())
}

/// Tells all that the name is given up, and is silent from then on.
pub fn withdraw<A: HasMdns>(app: &mut A, cx: &mut Cx<'_, A>) {
    if app.mdns().name().is_some() {
        say(app, cx, GROUP, |responder, buffer| {
            responder.answer(Records::ALL, To::Goodbye, buffer)
        });
    }
    let responder = app.mdns();
    (responder.state, responder.due) = (State::Silent, Records::NONE);
    if let Some(Ok(mut timer)) = responder.timer.take().map(|timer| cx.event(timer)) {
        timer.free();
    }
    if let Some(Ok(mut udp)) = responder.socket.take().map(|socket| cx.udp(socket)) {
        udp.close();
    }
}

/// Begins to ask for the name, after a delay and up to 250 ms: many devices may have started at once.
fn probe_after<A: HasMdns>(app: &mut A, cx: &mut Cx<'_, A>, delay: Duration) {
    let responder = app.mdns();
    (responder.state, responder.due) = (State::Probing(0), Records::NONE);
    let random = random_millis(cx, 0, 250);
    arm(app, cx, delay.saturating_add(random));
}

/// The timer is due.
fn tick<A: HasMdns>(app: &mut A, event: &mut EventMut<'_, '_, A>) {
    let cx = event.cx();
    match app.mdns().state {
        State::Silent => {}
        State::Probing(PROBES..) => {
            app.mdns().state = State::Announcing(0);
            tell_all(app, cx, Records::ALL);
            app.named(cx);
        }
        State::Probing(count) => {
            say(app, cx, GROUP, Responder::probe);
            app.mdns().state = State::Probing(count.saturating_add(1));
            arm(app, cx, PROBE_WAIT);
        }
        State::Announcing(_) | State::Named => {
            let records = app.mdns().due;
            tell_all(app, cx, records);
        }
    }
}

/// Tells records to all. While the name is announced, these are all, and it is done again.
fn tell_all<A: HasMdns>(app: &mut A, cx: &mut Cx<'_, A>, records: Records) {
    app.mdns().due = Records::NONE;
    say(app, cx, GROUP, |responder, buffer| responder.answer(records, To::Neighbours, buffer));
    let responder = app.mdns();
    if let State::Announcing(count) = responder.state {
        let count = count.saturating_add(1);
        if count < ANNOUNCEMENTS {
            (responder.state, responder.due) = (State::Announcing(count), Records::ALL);
            arm(app, cx, ANNOUNCE_WAIT);
        } else {
            responder.state = State::Named;
        }
    }
}

/// Messages have come.
fn heard<A: HasMdns>(app: &mut A, udp: &mut UdpMut<'_, '_, A>, _: UdpEvent) {
    while let Some(datagram) = udp.peek() {
        let from = datagram.from;
        let mut buffer = [0; MESSAGE];
        let (mut id, mut heard, mut questions) = (0, Heard::Nothing, (0, 0));
        if let Ok(message) = Message::parse(datagram.data) {
            (id, heard) = (message.id(), app.mdns().heard(&message, from));
            let (count, bytes) = message.question_bytes();
            buffer.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
            questions = (count, bytes.len());
        }
        udp.consume();
        let bytes = buffer.get(..questions.1).unwrap_or_default();
        react(app, udp.cx(), heard, from, To::Asker(id, (questions.0, bytes)));
    }
}

/// Does what a message asks for.
fn react<A: HasMdns>(
    app: &mut A,
    cx: &mut Cx<'_, A>,
    heard: Heard,
    from: SocketAddr,
    asker: To<'_>,
) {
    match heard {
        Heard::Nothing => {}
        Heard::ToAll(records) => {
            let is_waiting = app.mdns().due != Records::NONE;
            app.mdns().due = app.mdns().due.with(records);
            if !is_waiting {
                // Others may answer too, and are heard meanwhile.
                let delay = random_millis(cx, 20, 100);
                arm(app, cx, delay);
            }
        }
        Heard::ToAsker(records) => {
            say(app, cx, from, |responder, buffer| {
                responder.answer(records, To::Neighbours, buffer)
            });
        }
        Heard::ToLegacyAsker(records) => {
            say(app, cx, from, |responder, buffer| responder.answer(records, asker, buffer));
        }
        Heard::Taken => {
            let responder = app.mdns();
            // Whoever had the name keeps it, and it is asked for again to know who that is (RFC 6762, 9).
            let had_it = responder.name().is_some();
            if !had_it {
                responder.rename();
            }
            let delay = if responder.number < MANY { Duration::ZERO } else { TAKEN_WAIT };
            probe_after(app, cx, delay);
        }
        Heard::Outdone => probe_after(app, cx, OUTDONE_WAIT),
    }
}

/// Writes a message and sends it. What does not fit into a message or into the ring is not sent: it is asked for
/// again.
fn say<A: HasMdns>(
    app: &mut A,
    cx: &mut Cx<'_, A>,
    to: SocketAddr,
    write: impl for<'b> FnOnce(&Responder, &'b mut [u8; MESSAGE]) -> Option<&'b [u8]>,
) {
    let responder = app.mdns();
    let mut buffer = [0; MESSAGE];
    let message = write(responder, &mut buffer);
    let socket = responder.socket.map(|socket| cx.udp(socket));
    if let Some((Ok(mut udp), message)) = socket.zip(message) {
        let _ = udp.send_to(message, to);
    }
}

/// Returns a random time.
fn random_millis<A>(cx: &mut Cx<'_, A>, least: u64, spread: u64) -> Duration {
    // The base has a seed, or nothing would have begun.
    let random = u64::from(cx.random_u32().unwrap_or_default());
    Duration::from_millis(least.saturating_add(random.checked_rem(spread).unwrap_or(0)))
}

fn arm<A: HasMdns>(app: &mut A, cx: &mut Cx<'_, A>, delay: Duration) {
    if let Some(Ok(mut timer)) = app.mdns().timer.map(|timer| cx.event(timer)) {
        // Adding fails for sources only.
        let _ = timer.add(Some(delay));
    }
}
