//! Packets to the broker.

use picoevent::{ConnMut, WriteError};

use crate::aliases;
use crate::client::{ClientMut, ClientState, HasMqtt, Limits};
use crate::event::{MqttEvent, PacketId};
use crate::slots::{SlotState, filter_of, record};
use crate::wire::{Kind, PublishFields, Reason, Record, Version, Writer};
use crate::{connection, wire};

/// The number of bytes that messages and requests leave free in the output ring. The client reads input only while at
/// least this number of bytes is free. So there is always room for an acknowledgement (at most 5 bytes), a PINGREQ (2
/// bytes) and a DISCONNECT (at most 3 bytes).
pub(crate) const RESERVED_OUTPUT: usize = 10;

/// The reason why a packet was not sent.
pub(crate) enum SendError {
    /// The packet needs this number of free bytes.
    NeedsRoom(usize),
    /// The packet cannot be sent on this connection.
    Impossible(Reason),
}

/// Writes a packet into the output ring: all of it, or nothing. Leaves at least `spare` bytes of the ring free.
pub(crate) fn write_packet<A>(
    conn: &mut ConnMut<'_, '_, A>,
    spare: usize,
    limits: &Limits,
    write: &dyn Fn(&mut Writer<'_>),
) -> Result<(), SendError> {
    const TOO_LONG: SendError = SendError::Impossible(Reason::PACKET_TOO_LARGE);
    let length = Writer::count(write).ok_or(TOO_LONG)?;
    let wanted = length.saturating_add(spare);
    if length > limits.packet_size as usize || wanted > conn.ring_sizes().1 {
        return Err(TOO_LONG);
    }
    if conn.room() < wanted {
        return Err(SendError::NeedsRoom(wanted));
    }
    let written = conn.write_with(length, |room| {
        let mut writer = Writer::new(room);
        write(&mut writer);
        writer.len()
    });
    match written {
        Ok(_) => Ok(()),
        Err(WriteError::TooLong { .. }) => Err(TOO_LONG),
        Err(_) => Err(SendError::NeedsRoom(wanted)),
    }
}

/// Writes an acknowledgement. If `id` is 0, writes a PINGREQ or a DISCONNECT.
#[inline(never)]
pub(crate) fn write_ack<A>(
    conn: &mut ConnMut<'_, '_, A>,
    state: &ClientState<A>,
    kind: Kind,
    id: u16,
    reason: Reason,
) -> Result<(), SendError> {
    let version = state.version;
    write_packet(conn, 0, &state.limits, &|writer| wire::ack(writer, version, kind, id, reason))
}

/// Sends the pending packets in the order of the slots. Stops at a packet that does not fit into the output ring now.
/// Leaves out messages while the broker accepts no further message.
pub(crate) fn send_pending<A: HasMqtt>(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
    let mut index = 0_usize;
    while connection::is_up(app, conn) {
        let mut client = app.mqtt();
        let Some(slot) = client.used_slots().get(index) else { return };
        let id = PacketId(slot.id);
        match client.send(index, conn) {
            Ok(()) => index = index.saturating_add(1),
            Err(SendError::NeedsRoom(room)) => {
                conn.wait_for_room(room);
                return;
            }
            Err(SendError::Impossible(reason)) => {
                client.remove(index);
                app.event(conn.cx(), MqttEvent::Acked(id, reason));
                report_room(app, conn);
            }
        }
    }
}

/// Reports the event `Room`, if the application waits for a slot or for room in the store.
pub(crate) fn report_room<A: HasMqtt>(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
    if core::mem::take(&mut app.mqtt().state.waits_for_slot) {
        app.event(conn.cx(), MqttEvent::Room);
    }
}

impl<A> ClientMut<'_, A> {
    /// Sends the pending packet of a slot, if the slot has a pending packet.
    fn send(&mut self, index: usize, conn: &mut ConnMut<'_, '_, A>) -> Result<(), SendError> {
        let Some(slot) = self.slots.get(index) else { return Ok(()) };
        let (id, state) = (slot.id, slot.state);
        let (version, limits) = (self.state.version, self.state.limits);
        let (kind, next) = match state {
            SlotState::New | SlotState::Retransmit => {
                if !self.has_send_quota() {
                    return Ok(());
                }
                let bytes = record(self.slots, self.store, index);
                let message = Record::read(version, bytes).map_err(SendError::Impossible)?;
                let is_duplicate = state == SlotState::Retransmit;
                transmit(conn, &limits, version, self.sent_aliases, &message, id, is_duplicate)?;
                (Kind::Publish, SlotState::Sent)
            }
            SlotState::Release => (Kind::PubRel, SlotState::Released),
            SlotState::Subscribe => (Kind::Subscribe, SlotState::Subscribing),
            SlotState::Unsubscribe => (Kind::Unsubscribe, SlotState::Unsubscribing),
            _ => return Ok(()),
        };
        if kind != Kind::Publish {
            let bytes = record(self.slots, self.store, index);
            let options = bytes.first().copied().unwrap_or(0);
            write_packet(conn, RESERVED_OUTPUT, &limits, &|writer| {
                wire::request(writer, kind, version, id, options, filter_of(bytes));
            })?;
        }
        self.set_state(index, next);
        self.state.sent_at = conn.cx().now();
        Ok(())
    }

    /// Publishes a message with [`Qos::Zero`](crate::Qos::Zero).
    pub(crate) fn send_qos_0(
        &mut self,
        conn: &mut ConnMut<'_, '_, A>,
        message: &Record<'_>,
    ) -> Result<(), SendError> {
        let (version, limits) = (self.state.version, self.state.limits);
        transmit(conn, &limits, version, self.sent_aliases, message, 0, false)?;
        self.state.sent_at = conn.cx().now();
        Ok(())
    }
}

/// Sends a message. Uses a topic alias if the topic already has an alias, or if the broker allows one more alias.
fn transmit<A>(
    conn: &mut ConnMut<'_, '_, A>,
    limits: &Limits,
    version: Version,
    sent_aliases: &mut [aliases::Alias],
    message: &Record<'_>,
    id: u16,
    is_duplicate: bool,
) -> Result<(), SendError> {
    if let Some(reason) = limits.refusal(message.qos(), message.is_retained()) {
        return Err(SendError::Impossible(reason));
    }
    let usable = sent_aliases.len().min(limits.alias_maximum.into());
    let (alias, is_known) =
        aliases::find(sent_aliases.get(..usable).unwrap_or_default(), message.topic);
    let mut fields = PublishFields { id, is_duplicate, alias, is_known };
    loop {
        match write_packet(conn, RESERVED_OUTPUT, limits, &|writer| {
            message.write_publish(writer, version, fields)
        }) {
            // A new alias makes the packet longer. If the packet with the alias is too long, the message is sent
            // without the alias.
            Err(SendError::Impossible(_)) if fields.alias != 0 && !is_known => fields.alias = 0,
            Ok(()) => {
                if !is_known {
                    aliases::store(sent_aliases, fields.alias, message.topic);
                }
                return Ok(());
            }
            error => return error,
        }
    }
}
