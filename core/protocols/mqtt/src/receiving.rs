//! Packets from the broker.

use picoevent::{ConnMut, Instant};

use crate::aliases;
use crate::client::{ConnState, EndReason, HasMqtt, Limits, PartialMessage};
use crate::connection;
use crate::event::{MqttEvent, PacketId};
use crate::message::{Message, Parts, qos_of_flags};
use crate::sending::{report_room, write_ack};
use crate::slots::SlotState;
use crate::wire::{Header, Kind, Packet, Properties, PublishHead, Qos, Reason, id};

/// Reads the next packet, or the next chunk of a message, from the input ring. Returns `false` if more input is needed.
/// Also returns `false` if the application has ended the connection.
///
/// # Errors
/// Returns the reason code with which the client must disconnect.
pub(crate) fn read_next<A: HasMqtt>(
    app: &mut A,
    conn: &mut ConnMut<'_, '_, A>,
) -> Result<bool, Reason> {
    let client = app.mqtt();
    let state = client.state;
    if state.partial.remaining > 0 {
        return read_next_chunk(app, conn);
    }
    let mut header_bytes = [0; Header::MAX_LENGTH];
    let copied = conn.copy_out(0, &mut header_bytes);
    let Some(header) = Header::read(header_bytes.get(..copied).unwrap_or_default())? else {
        return Ok(false);
    };
    let packet_length = header.length.saturating_add(header.body);
    if state.longest_packet != 0 && packet_length > state.longest_packet as usize {
        return Err(Reason::PACKET_TOO_LARGE);
    }
    // The first packet must be a CONNACK, and no later packet may be a CONNACK.
    if (state.conn_state == ConnState::AwaitingConnAck) != (header.kind == Kind::ConnAck) {
        return Err(Reason::PROTOCOL_ERROR);
    }
    if header.kind == Kind::Publish {
        return read_message(app, conn, &header);
    }
    if packet_length > conn.ring_sizes().0 {
        return Err(Reason::PACKET_TOO_LARGE);
    }
    let version = state.version;
    let Some(bytes) = conn.contiguous(packet_length) else { return Ok(false) };
    let body = bytes.get(header.length..).unwrap_or_default();
    let packet = Packet::read(version, &header, body)?;
    let Packet { id, reason, session_present, properties } = packet;
    if header.kind == Kind::ConnAck {
        state.limits = Limits::of(&properties);
        if let Some(seconds) = properties.number(id::SERVER_KEEP_ALIVE) {
            state.keep_alive = seconds as u16;
        }
    }
    if !properties.is_empty() {
        app.properties(header.kind, properties);
    }
    conn.consume(packet_length);
    match header.kind {
        Kind::ConnAck if reason.is_failure() => {
            end_connection(app, conn, EndReason::Refused(reason))
        }
        Kind::ConnAck => connection::handle_connack(app, conn, session_present)?,
        Kind::PingResp => {
            app.mqtt().state.pinged_at = Instant::ZERO;
            connection::keep_alive(app, conn);
        }
        Kind::Disconnect => end_connection(app, conn, EndReason::Disconnected(reason)),
        kind => handle_ack(app, conn, kind, id, reason)?,
    }
    Ok(true)
}

impl Limits {
    /// Returns the limits in the properties of a CONNACK.
    fn of(properties: &Properties<'_>) -> Self {
        let number = |id, otherwise| properties.number(id).unwrap_or(otherwise);
        Self {
            packet_size: number(id::MAXIMUM_PACKET_SIZE, u32::MAX),
            receive_maximum: number(id::RECEIVE_MAXIMUM, u32::MAX) as u16,
            alias_maximum: number(id::TOPIC_ALIAS_MAXIMUM, 0) as u16,
            maximum_qos: Qos::of(number(id::MAXIMUM_QOS, 2) as u8).unwrap_or_default(),
            retain_available: number(id::RETAIN_AVAILABLE, 1) != 0,
        }
    }
}

/// Handles a DISCONNECT, or a CONNACK that refuses the client.
fn end_connection<A: HasMqtt>(app: &mut A, conn: &mut ConnMut<'_, '_, A>, reason: EndReason) {
    let state = app.mqtt().state;
    (state.conn_state, state.end_reason) = (ConnState::Ending, reason);
    conn.close();
}

/// Handles an acknowledgement, or a PUBREL.
fn handle_ack<A: HasMqtt>(
    app: &mut A,
    conn: &mut ConnMut<'_, '_, A>,
    kind: Kind,
    id: u16,
    reason: Reason,
) -> Result<(), Reason> {
    let mut client = app.mqtt();
    if kind == Kind::PubRel {
        let reason = match client.remove_received_id(id) {
            true => Reason::SUCCESS,
            false => Reason::PACKET_ID_NOT_FOUND,
        };
        return send_ack(app, conn, Kind::PubComp, id, reason);
    }
    let Some(index) = client.index_of(id) else {
        // The packet is a repeated acknowledgement, or it acknowledges a packet from an earlier run of the program.
        return match kind {
            Kind::PubRec if !reason.is_failure() => {
                send_ack(app, conn, Kind::PubRel, id, Reason::PACKET_ID_NOT_FOUND)
            }
            _ => Ok(()),
        };
    };
    let state = client.state_of(index);
    let qos = client.qos_of(index);
    let next = match (kind, state, qos) {
        (Kind::PubAck, SlotState::Sent | SlotState::Retransmit, Qos::One) => None,
        (Kind::PubRec, SlotState::Sent | SlotState::Retransmit, Qos::Two)
            if reason.is_failure() =>
        {
            None
        }
        (Kind::PubRec, SlotState::Sent | SlotState::Retransmit, Qos::Two) => {
            client.release(index);
            // There is more room in the store, but the slot is still in use.
            if client.used() < client.slots.len() {
                report_room(app, conn);
            }
            return Ok(());
        }
        (Kind::PubRec, SlotState::Release | SlotState::Released, _) => Some(SlotState::Release),
        // The reason code may state that the broker does not know the identifier. In this case, the broker has already
        // handled the PUBREL, so the message counts as acknowledged.
        (Kind::PubComp, SlotState::Release | SlotState::Released, _) => {
            finish_slot(app, conn, index, id, Reason::SUCCESS);
            return Ok(());
        }
        (Kind::SubAck, SlotState::Subscribing, _) if !reason.is_failure() => {
            client.set_state(index, SlotState::Subscribed);
            app.event(conn.cx(), MqttEvent::Acked(PacketId(id), reason));
            return Ok(());
        }
        (Kind::SubAck, SlotState::Cancelled, _) if !reason.is_failure() => {
            Some(SlotState::Unsubscribe)
        }
        (Kind::SubAck | Kind::UnsubAck, SlotState::Changed, _) => Some(SlotState::Subscribe),
        (Kind::SubAck, SlotState::Subscribing | SlotState::Cancelled, _)
        | (Kind::UnsubAck, SlotState::Unsubscribing | SlotState::Cancelled, _) => None,
        _ => return Err(Reason::PROTOCOL_ERROR),
    };
    if let Some(next) = next {
        client.set_state(index, next);
        return Ok(());
    }
    finish_slot(app, conn, index, id, reason);
    Ok(())
}

/// Frees a slot, and reports the reason to the application.
fn finish_slot<A: HasMqtt>(
    app: &mut A,
    conn: &mut ConnMut<'_, '_, A>,
    index: usize,
    id: u16,
    reason: Reason,
) {
    app.mqtt().remove(index);
    app.event(conn.cx(), MqttEvent::Acked(PacketId(id), reason));
    report_room(app, conn);
}

/// Sends an acknowledgement. The caller has checked that there is room in the output ring.
fn send_ack<A: HasMqtt>(
    app: &mut A,
    conn: &mut ConnMut<'_, '_, A>,
    kind: Kind,
    id: u16,
    reason: Reason,
) -> Result<(), Reason> {
    let state = app.mqtt().state;
    state.sent_at = conn.cx().now();
    let sent = write_ack(conn, state, kind, id, reason);
    sent.map_err(|_| Reason::IMPLEMENTATION_ERROR)
}

/// Reads a message, or the first chunk of a message that is longer than the input ring.
fn read_message<A: HasMqtt>(
    app: &mut A,
    conn: &mut ConnMut<'_, '_, A>,
    header: &Header,
) -> Result<bool, Reason> {
    let (ring_size, buffered) = (conn.ring_sizes().0, conn.input_len());
    let packet_length = header.length.saturating_add(header.body);
    if packet_length <= ring_size && buffered < packet_length {
        return Ok(false);
    }
    let mut client = app.mqtt();
    let consumed = packet_length.min(buffered);
    let Some(bytes) = conn.contiguous(consumed) else { return Ok(false) };
    let body = bytes.get(header.length..).unwrap_or_default();
    let Some(head) = PublishHead::read(client.state.version, header, body)? else {
        // If the ring is full, the missing part of the head can never arrive.
        return if buffered < ring_size { Ok(false) } else { Err(Reason::PACKET_TOO_LARGE) };
    };
    let start = header.length.saturating_add(head.length);
    if consumed == start && consumed < packet_length && buffered < ring_size {
        return Ok(false);
    }
    let is_skipped = head.qos == Qos::Two && client.has_received(head.id);
    if head.qos == Qos::Two && !is_skipped && !client.can_receive() {
        return Err(Reason::RECEIVE_MAXIMUM_EXCEEDED);
    }
    let has_unstored_alias = &mut client.state.has_unstored_alias;
    let alias =
        aliases::resolve(client.received_aliases, head.alias, head.topic, has_unstored_alias)?;
    let topic = if alias.is_empty() { head.topic } else { alias.topic() };
    let call = client.handler(topic);
    let topic_start = header.length.saturating_add(2);
    let parts = Parts {
        topic: topic_start..topic_start.saturating_add(head.topic.len()),
        alias,
        properties: start.saturating_sub(head.properties.len())..start,
        payload: start..consumed,
        offset: 0,
        total: packet_length.saturating_sub(start),
        flags: header.flags,
    };
    client.state.partial = PartialMessage {
        call,
        total: parts.total as u32,
        remaining: packet_length.saturating_sub(consumed) as u32,
        id: head.id,
        flags: header.flags,
        is_skipped,
    };
    deliver(app, conn, &parts, consumed)
}

/// Reads the next chunk of a message that is longer than the input ring.
fn read_next_chunk<A: HasMqtt>(app: &mut A, conn: &mut ConnMut<'_, '_, A>) -> Result<bool, Reason> {
    let partial = &mut app.mqtt().state.partial;
    let consumed = conn.input_len().min(partial.remaining as usize);
    if consumed == 0 || conn.contiguous(consumed).is_none() {
        return Ok(false);
    }
    let parts = Parts {
        topic: 0..0,
        alias: aliases::Alias::NONE,
        properties: 0..0,
        payload: 0..consumed,
        offset: partial.total.saturating_sub(partial.remaining) as usize,
        total: partial.total as usize,
        flags: partial.flags,
    };
    partial.remaining = partial.remaining.saturating_sub(consumed as u32);
    deliver(app, conn, &parts, consumed)
}

/// Passes a message or a chunk to the application. Acknowledges the message after its last chunk. If the application
/// stops the client, [`stop`](crate::stop) has acknowledged the message already.
fn deliver<A: HasMqtt>(
    app: &mut A,
    conn: &mut ConnMut<'_, '_, A>,
    parts: &Parts,
    consumed: usize,
) -> Result<bool, Reason> {
    let partial = &app.mqtt().state.partial;
    let (call, is_skipped) = (partial.call, partial.is_skipped);
    let id_of_conn = conn.id();
    if !is_skipped && let Ok(conn) = conn.cx().conn(id_of_conn) {
        let mut message = Message { conn, parts };
        match call {
            Some(call) => call(app, &mut message),
            None => app.message(&mut message),
        }
    }
    if !connection::is_up(app, conn) {
        return Ok(false);
    }
    conn.consume(consumed);
    acknowledge(app, conn)?;
    Ok(true)
}

/// Acknowledges the message whose last chunk is being delivered. Does nothing if there is no such message, if the
/// message is acknowledged already, and with [`Qos::Zero`].
pub(crate) fn acknowledge<A: HasMqtt>(
    app: &mut A,
    conn: &mut ConnMut<'_, '_, A>,
) -> Result<(), Reason> {
    let mut client = app.mqtt();
    let partial = &mut client.state.partial;
    if partial.remaining > 0 || partial.id == 0 {
        return Ok(());
    }
    let (id, is_skipped) = (core::mem::take(&mut partial.id), partial.is_skipped);
    let kind = match qos_of_flags(partial.flags) {
        Qos::Two => Kind::PubRec,
        _ => Kind::PubAck,
    };
    if kind == Kind::PubRec && !is_skipped {
        client.store_received_id(id);
    }
    send_ack(app, conn, kind, id, Reason::SUCCESS)
}
