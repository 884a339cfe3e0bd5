//! Packets to the broker.

use picoevent::{ConnMut, WriteError};

use crate::aliases;
use crate::client::{ClientMut, HasMqtt, Limits, Session};
use crate::event::{MqttEvent, PacketId};
use crate::slots::{State, filter_of, record};
use crate::wire::{Kind, Reason, Record, Sending, Version, Writer};
use crate::{link, wire};

/// The output room that messages and requests leave free, and that the handling of input waits for. So there is always
/// room for an acknowledgement (at most 5 bytes), a PINGREQ (2 bytes) and a DISCONNECT (at most 3 bytes).
pub(crate) const ROOM: usize = 10;

/// The reason why a packet was not sent.
pub(crate) enum Unsent {
    /// The packet needs this number of free bytes.
    Room(usize),
    /// The packet cannot be sent on this connection.
    Never(Reason),
}

/// Writes a packet into the output ring: all of it, or nothing. Leaves `spare` bytes free.
pub(crate) fn put<A>(
    conn: &mut ConnMut<'_, '_, A>,
    spare: usize,
    limits: &Limits,
    write: &dyn Fn(&mut Writer<'_>),
) -> Result<(), Unsent> {
    const TOO_LONG: Unsent = Unsent::Never(Reason::PACKET_TOO_LARGE);
    let length = Writer::count(write).ok_or(TOO_LONG)?;
    let wanted = length.saturating_add(spare);
    if length > limits.packet as usize || wanted > conn.ring_sizes().1 {
        return Err(TOO_LONG);
    }
    if conn.room() < wanted {
        return Err(Unsent::Room(wanted));
    }
    let written = conn.write_with(length, |room| {
        let mut writer = Writer::new(room);
        write(&mut writer);
        writer.len()
    });
    match written {
        Ok(_) => Ok(()),
        Err(WriteError::TooLong { .. }) => Err(TOO_LONG),
        Err(_) => Err(Unsent::Room(wanted)),
    }
}

/// Writes an acknowledgement. With identifier 0 writes a PINGREQ or a DISCONNECT.
#[inline(never)]
pub(crate) fn put_ack<A>(
    conn: &mut ConnMut<'_, '_, A>,
    session: &Session<A>,
    kind: Kind,
    id: u16,
    reason: Reason,
) -> Result<(), Unsent> {
    let version = session.version;
    put(conn, 0, &session.limits, &|writer| wire::ack(writer, version, kind, id, reason))
}

/// Sends pending packets in order, as far as the broker's limits and the output room allow.
pub(crate) fn pump<A: HasMqtt>(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
    let mut place = 0_usize;
    while link::is_up(app, conn) {
        let mut client = app.mqtt();
        let Some(slot) = client.under_way().get(place) else { return };
        let id = PacketId(slot.id);
        match client.send(place, conn) {
            Ok(()) => place = place.saturating_add(1),
            Err(Unsent::Room(room)) => {
                conn.wait_for_room(room);
                return;
            }
            Err(Unsent::Never(reason)) => {
                client.remove(place);
                app.event(conn.cx(), MqttEvent::Acked(id, reason));
                room(app, conn);
            }
        }
    }
}

/// Reports the event `Room`, if the application waits for it.
pub(crate) fn room<A: HasMqtt>(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
    if core::mem::take(&mut app.mqtt().session.wants_room) {
        app.event(conn.cx(), MqttEvent::Room);
    }
}

impl<A> ClientMut<'_, A> {
    /// Sends a slot's pending packet, if it has one.
    fn send(&mut self, place: usize, conn: &mut ConnMut<'_, '_, A>) -> Result<(), Unsent> {
        let Some(slot) = self.slots.get(place) else { return Ok(()) };
        let (id, state) = (slot.id, slot.state);
        let (version, limits) = (self.session.version, self.session.limits);
        let (kind, next) = match state {
            State::New | State::Again => {
                if !self.has_window() {
                    return Ok(());
                }
                let bytes = record(self.slots, self.store, place);
                let message = Record::read(version, bytes).map_err(Unsent::Never)?;
                let is_duplicate = state == State::Again;
                transmit(conn, &limits, version, self.given, &message, id, is_duplicate)?;
                (Kind::Publish, State::Sent)
            }
            State::Release => (Kind::PubRel, State::Released),
            State::Subscribe => (Kind::Subscribe, State::Subscribing),
            State::Unsubscribe => (Kind::Unsubscribe, State::Unsubscribing),
            _ => return Ok(()),
        };
        if kind != Kind::Publish {
            let bytes = record(self.slots, self.store, place);
            let options = bytes.first().copied().unwrap_or(0);
            put(conn, ROOM, &limits, &|writer| {
                wire::request(writer, kind, version, id, options, filter_of(bytes));
            })?;
        }
        self.set_state(place, next);
        self.session.sent_at = conn.cx().now();
        Ok(())
    }

    /// Publishes a message with [`Qos::Zero`](crate::Qos::Zero).
    pub(crate) fn send_once(
        &mut self,
        conn: &mut ConnMut<'_, '_, A>,
        message: &Record<'_>,
    ) -> Result<(), Unsent> {
        let (version, limits) = (self.session.version, self.session.limits);
        transmit(conn, &limits, version, self.given, message, 0, false)?;
        self.session.sent_at = conn.cx().now();
        Ok(())
    }
}

/// Sends a message. Uses a topic alias if the topic has one, or if the broker allows one more alias.
fn transmit<A>(
    conn: &mut ConnMut<'_, '_, A>,
    limits: &Limits,
    version: Version,
    given: &mut [aliases::Alias],
    message: &Record<'_>,
    id: u16,
    is_duplicate: bool,
) -> Result<(), Unsent> {
    if let Some(reason) = limits.refuse(message.qos(), message.is_retained()) {
        return Err(Unsent::Never(reason));
    }
    let most = given.len().min(limits.aliases.into());
    let (alias, is_known) = aliases::find(given.get(..most).unwrap_or_default(), message.topic);
    let mut sending = Sending { id, is_duplicate, alias, is_known };
    loop {
        match put(conn, ROOM, limits, &|writer| message.put(writer, version, sending)) {
            // A new alias makes the packet longer. If the packet is too long with the alias, it is
            // sent without the alias.
            Err(Unsent::Never(_)) if sending.alias != 0 && !is_known => sending.alias = 0,
            Ok(()) => {
                if !is_known {
                    aliases::give(given, sending.alias, message.topic);
                }
                return Ok(());
            }
            unsent => return unsent,
        }
    }
}
