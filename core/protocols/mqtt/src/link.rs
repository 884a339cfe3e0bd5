//! The connection to the broker: CONNECT, keep-alive, the end of the connection, and reconnects.

use core::time::Duration;

use picoevent::{ConnEnd, ConnError, ConnMut, Instant, Protocol};

use crate::client::{HasMqtt, Limits, Link, NOWHERE, Piece, Why};
use crate::event::{MqttEvent, PacketId};
use crate::options::Options;
use crate::sending::{ROOM, pump, put, put_ack};
use crate::slots::State;
use crate::wire::{Hello, Kind, Qos, Reason};
use crate::{receiving, wire};

/// The longest time in which the broker must answer a CONNECT or a PINGREQ.
pub(crate) const ANSWER: Duration = Duration::from_secs(10);

/// After a connection that lasted this long, the delays before a reconnect start again with the first delay.
const STABLE: Duration = Duration::from_secs(10);

/// A connection to a broker.
pub(crate) struct Broker;

impl<A: HasMqtt> Protocol<A> for Broker {
    const STALL: Option<Duration> = Some(Duration::from_secs(20));
    const ROOM: usize = ROOM;

    fn opened(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
        let now = conn.cx().now();
        let client = app.mqtt();
        let (version, is_first) = (client.session.version, client.session.is_first);
        let (slots, aliases) = (client.slots.len() as u16, client.heard.len() as u16);
        let can_keep = !client.session.cannot_keep;
        let options = Options { version, ..app.options() };
        let hello = Hello {
            clean_start: is_clean(&options, is_first),
            receive_maximum: slots,
            alias_maximum: if can_keep { aliases } else { 0 },
        };
        let longest_packet = options.longest_packet;
        let keep_alive = options.keep_alive;
        let sent = put(conn, 0, &Limits::NONE, &|writer| wire::connect(writer, &options, hello));
        let client = app.mqtt();
        let session = client.session;
        (session.link, session.is_clean) = (Link::Greeting, hello.clean_start);
        (session.longest_packet, session.keep_alive) = (longest_packet, keep_alive);
        (session.sent_at, session.heard_at, session.limits) = (now, now, Limits::NONE);
        client.heard.fill(crate::aliases::Alias::NONE);
        client.given.fill(crate::aliases::Alias::NONE);
        if sent.is_err() {
            session.why = Why::Options;
            return conn.abort();
        }
        conn.alarm_after(ANSWER);
    }

    fn readable(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
        app.mqtt().session.heard_at = conn.cx().now();
        while is_under_way(app, conn) && conn.room() >= ROOM {
            match receiving::step(app, conn) {
                Ok(true) => {}
                Ok(false) => break,
                Err(reason) => break_off(app, conn, reason),
            }
        }
        pump(app, conn);
    }

    fn writable(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
        pump(app, conn);
        if is_up(app, conn) && core::mem::take(&mut app.mqtt().session.wants_output) {
            app.event(conn.cx(), MqttEvent::Room);
        }
    }

    fn alarm(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
        if is_up(app, conn) {
            keep_alive(app, conn);
        } else {
            silent(app, conn);
        }
    }

    fn ended(app: &mut A, conn: &mut ConnMut<'_, '_, A>, end: ConnEnd) {
        let now = conn.cx().now();
        let mut client = app.mqtt();
        if client.session.conn != Some(conn.id()) {
            // `start` has aborted the connection, because the CONNECT was too long.
            return;
        }
        client.rewind();
        let session = client.session;
        session.link = Link::Down;
        session.piece = Piece::NONE;
        if session.up_at != Instant::ZERO && now.since(session.up_at) >= STABLE {
            session.backoff().reset();
        }
        session.up_at = Instant::ZERO;
        let down = core::mem::replace(&mut session.why, Why::Unknown).down(end);
        app.event(conn.cx(), MqttEvent::Down(down));
        let session = app.mqtt().session;
        if core::mem::take(&mut session.is_stopping) {
            (session.conn, session.why) = (None, Why::Unknown);
            return;
        }
        let delay = session.backoff().next_delay(conn.cx());
        if !app.connect(conn, delay) {
            let _ = conn.connect_after(delay, NOWHERE);
        }
    }
}

/// Returns whether the CONNECT tells the broker to discard the session.
pub(crate) fn is_clean(options: &Options<'_>, is_first: bool) -> bool {
    options.session_expiry == 0
        || options.clean_start && is_first && options.version.has_properties()
}

/// Returns whether packets can be exchanged on the connection.
fn is_under_way<A: HasMqtt>(app: &mut A, conn: &ConnMut<'_, '_, A>) -> bool {
    matches!(app.mqtt().session.link, Link::Greeting | Link::Up) && conn.is_open()
}

/// Returns whether the broker has accepted the client on this connection.
pub(crate) fn is_up<A: HasMqtt>(app: &mut A, conn: &ConnMut<'_, '_, A>) -> bool {
    app.mqtt().is_up() && conn.is_open()
}

/// Ends the connection because of an error in the broker's packets.
fn break_off<A: HasMqtt>(app: &mut A, conn: &mut ConnMut<'_, '_, A>, reason: Reason) {
    let session = app.mqtt().session;
    let link = core::mem::replace(&mut session.link, Link::Ending);
    session.why = Why::Broken(reason);
    // A DISCONNECT with the reason is sent only after the broker has accepted the client.
    if link == Link::Up && session.version.has_properties() {
        let _ = put_ack(conn, session, Kind::Disconnect, 0, reason);
    }
    conn.close();
}

/// Ends the connection because the broker does not answer.
fn silent<A: HasMqtt>(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
    app.mqtt().session.why = Why::Silent;
    conn.abort_with(ConnError::TimedOut);
}

/// Handles the broker's answer to the CONNECT.
pub(crate) fn greeted<A: HasMqtt>(
    app: &mut A,
    conn: &mut ConnMut<'_, '_, A>,
    session_present: bool,
) -> Result<(), Reason> {
    let session = app.mqtt().session;
    if session_present && session.is_clean {
        return Err(Reason::PROTOCOL_ERROR);
    }
    (session.link, session.is_first) = (Link::Up, false);
    (session.up_at, session.pinged_at) = (conn.cx().now(), Instant::ZERO);
    conn.cancel_alarm();
    keep_alive(app, conn);
    if !session_present {
        app.mqtt().received.fill(0);
    }
    app.event(conn.cx(), MqttEvent::Up { session_present });
    if !session_present {
        lost_session(app, conn);
    }
    Ok(())
}

/// Handles a lost session: subscribes again, and publishes messages again as new messages. Reports a message with
/// [`Qos::Two`](crate::Qos::Two) as lost if it may have been delivered.
fn lost_session<A: HasMqtt>(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
    let mut place = 0_usize;
    loop {
        let mut client = app.mqtt();
        let Some(slot) = client.under_way().get(place) else { return };
        let (id, state) = (PacketId(slot.id), slot.state);
        let event = match state {
            State::Again if client.qos_of(place) == Qos::Two => Some(MqttEvent::Lost(id)),
            State::Release => Some(MqttEvent::Lost(id)),
            State::Unsubscribe => Some(MqttEvent::Acked(id, Reason::SUCCESS)),
            State::Again => {
                client.set_state(place, State::New);
                None
            }
            State::Subscribed => {
                client.set_state(place, State::Subscribe);
                None
            }
            _ => None,
        };
        match event {
            Some(event) => {
                client.remove(place);
                app.event(conn.cx(), event);
                crate::sending::room(app, conn);
            }
            None => place = place.saturating_add(1),
        }
    }
}

/// Sends a PINGREQ if the broker or the client was silent for the keep-alive time. Ends the connection if the broker
/// does not answer the PINGREQ. Otherwise sets the alarm for the next check.
pub(crate) fn keep_alive<A: HasMqtt>(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
    let now = conn.cx().now();
    let session = app.mqtt().session;
    if session.keep_alive == 0 {
        return;
    }
    let is_pinging = session.pinged_at != Instant::ZERO;
    let due = if is_pinging {
        session.heard_at.max(session.pinged_at).after(ANSWER)
    } else {
        let silence = Duration::from_secs(session.keep_alive.into());
        session.heard_at.min(session.sent_at).after(silence)
    };
    if due > now {
        conn.alarm_after(due.since(now));
    } else if is_pinging {
        silent(app, conn);
    } else {
        (session.pinged_at, session.sent_at) = (now, now);
        // There is room: see `ROOM`.
        let _ = put_ack(conn, session, Kind::PingReq, 0, Reason::SUCCESS);
        conn.alarm_after(ANSWER);
    }
}
