//! Packets from the broker.

use picoevent::{ConnMut, Instant};

use crate::aliases;
use crate::client::{HasMqtt, Limits, Link, Piece, Why};
use crate::event::{MqttEvent, PacketId};
use crate::link;
use crate::message::{Message, Parts};
use crate::sending::{put_ack, room};
use crate::slots::State;
use crate::wire::{Header, Kind, Packet, Properties, PublishHead, Qos, Reason, id};

/// Reads the next packet, or the next piece of a message, from the input ring. Returns `false` if it has not arrived
/// completely, or if the application has ended the connection.
///
/// # Errors
/// Returns the reason to disconnect with.
pub(crate) fn step<A: HasMqtt>(app: &mut A, conn: &mut ConnMut<'_, '_, A>) -> Result<bool, Reason> {
    let client = app.mqtt();
    let session = client.session;
    if session.piece.left > 0 {
        return next_piece(app, conn);
    }
    let mut start = [0; Header::MOST];
    let held = conn.copy_out(0, &mut start);
    let Some(header) = Header::read(start.get(..held).unwrap_or_default())? else {
        return Ok(false);
    };
    let whole = header.length.saturating_add(header.body);
    if session.longest_packet != 0 && whole > session.longest_packet as usize {
        return Err(Reason::PACKET_TOO_LARGE);
    }
    // The first packet must be a CONNACK, and no later packet may be a CONNACK.
    if (session.link == Link::Greeting) != (header.kind == Kind::ConnAck) {
        return Err(Reason::PROTOCOL_ERROR);
    }
    if header.kind == Kind::Publish {
        return message(app, conn, &header);
    }
    if whole > conn.ring_sizes().0 {
        return Err(Reason::PACKET_TOO_LARGE);
    }
    let version = session.version;
    let Some(bytes) = conn.contiguous(whole) else { return Ok(false) };
    let body = bytes.get(header.length..).unwrap_or_default();
    let packet = Packet::read(version, &header, body)?;
    let Packet { id, reason, session_present, properties } = packet;
    if header.kind == Kind::ConnAck {
        session.limits = Limits::of(&properties);
        if let Some(seconds) = properties.number(id::SERVER_KEEP_ALIVE) {
            session.keep_alive = seconds as u16;
        }
    }
    if !properties.is_empty() {
        app.properties(header.kind, properties);
    }
    conn.consume(whole);
    match header.kind {
        Kind::ConnAck if reason.is_failure() => end(app, conn, Why::Refused(reason)),
        Kind::ConnAck => link::greeted(app, conn, session_present)?,
        Kind::PingResp => {
            app.mqtt().session.pinged_at = Instant::ZERO;
            link::keep_alive(app, conn);
        }
        Kind::Disconnect => end(app, conn, Why::Disconnected(reason)),
        kind => acked(app, conn, kind, id, reason)?,
    }
    Ok(true)
}

impl Limits {
    /// Returns the limits in the properties of a CONNACK.
    fn of(properties: &Properties<'_>) -> Self {
        let number = |id, otherwise| properties.number(id).unwrap_or(otherwise);
        Self {
            packet: number(id::MAXIMUM_PACKET_SIZE, u32::MAX),
            receive: number(id::RECEIVE_MAXIMUM, u32::MAX) as u16,
            aliases: number(id::TOPIC_ALIAS_MAXIMUM, 0) as u16,
            qos: Qos::of(number(id::MAXIMUM_QOS, 2) as u8).unwrap_or_default(),
            retain: number(id::RETAIN_AVAILABLE, 1) != 0,
        }
    }
}

/// Handles a DISCONNECT, or a CONNACK that refuses the client.
fn end<A: HasMqtt>(app: &mut A, conn: &mut ConnMut<'_, '_, A>, why: Why) {
    let session = app.mqtt().session;
    (session.link, session.why) = (Link::Ending, why);
    conn.close();
}

/// Handles an acknowledgement, or a PUBREL.
fn acked<A: HasMqtt>(
    app: &mut A,
    conn: &mut ConnMut<'_, '_, A>,
    kind: Kind,
    id: u16,
    reason: Reason,
) -> Result<(), Reason> {
    let mut client = app.mqtt();
    if kind == Kind::PubRel {
        let reason = match client.forget_received(id) {
            true => Reason::SUCCESS,
            false => Reason::PACKET_ID_NOT_FOUND,
        };
        return answer(app, conn, Kind::PubComp, id, reason);
    }
    let Some(place) = client.place_of(id) else {
        // The packet is a repeated acknowledgement, or belongs to a time before the client's start.
        return match kind {
            Kind::PubRec if !reason.is_failure() => {
                answer(app, conn, Kind::PubRel, id, Reason::PACKET_ID_NOT_FOUND)
            }
            _ => Ok(()),
        };
    };
    let state = client.state_of(place);
    let qos = client.qos_of(place);
    let next = match (kind, state, qos) {
        (Kind::PubAck, State::Sent | State::Again, Qos::One) => None,
        (Kind::PubRec, State::Sent | State::Again, Qos::Two) if reason.is_failure() => None,
        (Kind::PubRec, State::Sent | State::Again, Qos::Two) => {
            client.release(place);
            return Ok(());
        }
        (Kind::PubRec, State::Release | State::Released, _) => Some(State::Release),
        // The broker may answer that it does not know the identifier. Then it has delivered the message already.
        (Kind::PubComp, State::Release | State::Released, _) => {
            done(app, conn, place, id, Reason::SUCCESS);
            return Ok(());
        }
        (Kind::SubAck, State::Subscribing, _) if !reason.is_failure() => {
            client.set_state(place, State::Subscribed);
            app.event(conn.cx(), MqttEvent::Acked(PacketId(id), reason));
            return Ok(());
        }
        (Kind::SubAck, State::Cancelled, _) if !reason.is_failure() => Some(State::Unsubscribe),
        (Kind::SubAck | Kind::UnsubAck, State::Changed, _) => Some(State::Subscribe),
        (Kind::SubAck, State::Subscribing | State::Cancelled, _)
        | (Kind::UnsubAck, State::Unsubscribing | State::Cancelled, _) => None,
        _ => return Err(Reason::PROTOCOL_ERROR),
    };
    if let Some(next) = next {
        client.set_state(place, next);
        return Ok(());
    }
    done(app, conn, place, id, reason);
    Ok(())
}

/// Frees a slot, and reports the reason to the application.
fn done<A: HasMqtt>(
    app: &mut A,
    conn: &mut ConnMut<'_, '_, A>,
    place: usize,
    id: u16,
    reason: Reason,
) {
    app.mqtt().remove(place);
    app.event(conn.cx(), MqttEvent::Acked(PacketId(id), reason));
    room(app, conn);
}

/// Sends an acknowledgement. The caller has checked that there is room.
fn answer<A: HasMqtt>(
    app: &mut A,
    conn: &mut ConnMut<'_, '_, A>,
    kind: Kind,
    id: u16,
    reason: Reason,
) -> Result<(), Reason> {
    let session = app.mqtt().session;
    session.sent_at = conn.cx().now();
    let sent = put_ack(conn, session, kind, id, reason);
    sent.map_err(|_| Reason::IMPLEMENTATION_ERROR)
}

/// Reads a message, or its first piece if it is longer than the input ring.
fn message<A: HasMqtt>(
    app: &mut A,
    conn: &mut ConnMut<'_, '_, A>,
    header: &Header,
) -> Result<bool, Reason> {
    let (ring, held) = (conn.ring_sizes().0, conn.input_len());
    let whole = header.length.saturating_add(header.body);
    if whole <= ring && held < whole {
        return Ok(false);
    }
    let mut client = app.mqtt();
    let taken = whole.min(held);
    let Some(bytes) = conn.contiguous(taken) else { return Ok(false) };
    let body = bytes.get(header.length..).unwrap_or_default();
    let Some(head) = PublishHead::read(client.session.version, header, body)? else {
        // If the ring is full, the missing part of the head can never arrive.
        return if held < ring { Ok(false) } else { Err(Reason::PACKET_TOO_LARGE) };
    };
    let start = header.length.saturating_add(head.length);
    if taken == start && taken < whole && held < ring {
        return Ok(false);
    }
    let is_skipped = head.qos == Qos::Two && client.has_received(head.id);
    if head.qos == Qos::Two && !is_skipped && !client.can_receive() {
        return Err(Reason::RECEIVE_MAXIMUM_EXCEEDED);
    }
    let cannot_keep = &mut client.session.cannot_keep;
    let alias = aliases::received(client.heard, head.alias, head.topic, cannot_keep)?;
    let topic = if alias.is_empty() { head.topic } else { alias.topic() };
    let call = client.handler(topic);
    let topic_start = header.length.saturating_add(2);
    let parts = Parts {
        topic: topic_start..topic_start.saturating_add(head.topic.len()),
        alias,
        properties: start.saturating_sub(head.properties.len())..start,
        payload: start..taken,
        offset: 0,
        total: whole.saturating_sub(start),
        flags: header.flags,
    };
    client.session.piece = Piece {
        call,
        total: parts.total as u32,
        left: whole.saturating_sub(taken) as u32,
        id: head.id,
        flags: header.flags,
        is_skipped,
    };
    deliver(app, conn, &parts, taken)
}

/// Reads the next piece of a message that is longer than the input ring.
fn next_piece<A: HasMqtt>(app: &mut A, conn: &mut ConnMut<'_, '_, A>) -> Result<bool, Reason> {
    let piece = &mut app.mqtt().session.piece;
    let taken = conn.input_len().min(piece.left as usize);
    if taken == 0 || conn.contiguous(taken).is_none() {
        return Ok(false);
    }
    let parts = Parts {
        topic: 0..0,
        alias: aliases::Alias::NONE,
        properties: 0..0,
        payload: 0..taken,
        offset: piece.total.saturating_sub(piece.left) as usize,
        total: piece.total as usize,
        flags: piece.flags,
    };
    piece.left = piece.left.saturating_sub(taken as u32);
    deliver(app, conn, &parts, taken)
}

/// Passes a message or a piece to the application. Acknowledges the message after its last piece.
fn deliver<A: HasMqtt>(
    app: &mut A,
    conn: &mut ConnMut<'_, '_, A>,
    parts: &Parts,
    taken: usize,
) -> Result<bool, Reason> {
    let piece = &app.mqtt().session.piece;
    let (call, is_skipped, id, qos) = (piece.call, piece.is_skipped, piece.id, parts.qos());
    let is_last = piece.left == 0;
    let id_of_conn = conn.id();
    if !is_skipped && let Ok(conn) = conn.cx().conn(id_of_conn) {
        let mut message = Message { conn, parts };
        match call {
            Some(call) => call(app, &mut message),
            None => app.message(&mut message),
        }
    }
    if !link::is_up(app, conn) {
        return Ok(false);
    }
    conn.consume(taken);
    if is_last && qos == Qos::One {
        answer(app, conn, Kind::PubAck, id, Reason::SUCCESS)?;
    }
    if is_last && qos == Qos::Two {
        if !is_skipped {
            app.mqtt().note_received(id);
        }
        answer(app, conn, Kind::PubRec, id, Reason::SUCCESS)?;
    }
    Ok(true)
}
