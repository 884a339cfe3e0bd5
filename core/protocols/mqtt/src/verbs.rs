//! The client's functions for the application.

use core::time::Duration;

use picoevent::{Cx, PoolId};

use crate::client::{ClientMut, ConnState, EndReason, HasMqtt};
use crate::connection::{BrokerConn, needs_clean_start};
use crate::event::{PacketId, PublishError, StartError, SubscribeError};
use crate::options::{Publish, Subscription};
use crate::receiving::acknowledge;
use crate::sending::{RESERVED_OUTPUT, SendError, write_ack};
use crate::slots::{InsertError, SlotState, filter_of};
use crate::topic;
use crate::wire::{self, ConnectFields, Kind, PublishFields, Qos, Reason, Record, Version, Writer};

/// Starts the client: connects to the broker with a connection from a pool. The client reconnects whenever the
/// connection ends. [`HasMqtt::event`] reports the result.
///
/// If the client was [stopped](stop) before, it continues with its subscriptions, and with the messages that were not
/// completely acknowledged.
///
/// # Errors
/// Returns a [`StartError`] that states the reason. In this case, no state has changed.
pub fn start<A: HasMqtt>(app: &mut A, cx: &mut Cx<'_, A>, pool: PoolId) -> Result<(), StartError> {
    let client = app.mqtt();
    if client.is_started() {
        return Err(StartError::Started);
    }
    let (used, stored_version) = (client.state.used, client.state.version);
    let (receive_maximum, alias_maximum) =
        (client.slots.len() as u16, client.received_aliases.len() as u16);
    let options = app.options();
    let version = options.version;
    let fields = ConnectFields {
        clean_start: needs_clean_start(&options, false),
        receive_maximum,
        alias_maximum,
    };
    let length = Writer::count(&|writer| wire::connect(writer, &options, fields));
    let is_will_valid = options.will.as_ref().is_none_or(wire::is_publishable);
    let length = length.filter(|_| is_will_valid && (used == 0 || version == stored_version));
    let length = length.ok_or(StartError::Options)?;
    let conn = cx.outgoing::<BrokerConn>(pool)?;
    let Ok(mut conn) = cx.conn(conn) else { return Err(StartError::Started) };
    if length > conn.ring_sizes().1 {
        conn.abort();
        return Err(StartError::TooLong { length });
    }
    let state = app.mqtt().state;
    (state.conn, state.version) = (Some(conn.id()), version);
    state.backoff().reset();
    // The session at the broker may contain messages of an earlier run of the program. A random start makes it unlikely
    // that a new message has the identifier of such a message.
    if let Ok(random) = conn.cx().random_u32() {
        state.last_id = random as u16;
    }
    if !app.connect(&mut conn, Duration::ZERO) {
        let delay = app.mqtt().state.backoff().next_delay(conn.cx());
        let _ = conn.connect_after(delay, crate::client::UNREACHABLE_ADDRESS);
    }
    Ok(())
}

/// Stops the client with a DISCONNECT, so the broker does not publish the client's will. The last event is
/// [`MqttEvent::Down`](crate::MqttEvent::Down). Subscriptions, and messages that are not completely acknowledged, are
/// kept for the next [`start`]. Does nothing if the client is not started.
///
/// If the function of a subscription calls `stop` with the last chunk of a message, the message is acknowledged before
/// the DISCONNECT. With an earlier chunk, the message is not acknowledged, so it arrives again in the same session.
pub fn stop<A: HasMqtt>(app: &mut A, cx: &mut Cx<'_, A>) {
    let state = app.mqtt().state;
    let Some(conn) = state.conn.filter(|_| !state.is_stopping) else { return };
    (state.is_stopping, state.end_reason) = (true, EndReason::Stopped);
    let conn_state = core::mem::replace(&mut state.conn_state, ConnState::Ending);
    // If the application calls `stop` in the event `Down`, the connection has ended already.
    if let Ok(mut conn) = cx.conn(conn) {
        // The application may be reading the last chunk of a message. There is room for the acknowledgement and for a
        // DISCONNECT: see `RESERVED_OUTPUT`. The only exception is a long CONNECT that was not sent completely. In this
        // case, the broker does not know the will yet, so the connection is aborted.
        let is_sent = matches!(conn_state, ConnState::AwaitingConnAck | ConnState::Up)
            && acknowledge(app, &mut conn).is_ok()
            && write_ack(&mut conn, app.mqtt().state, Kind::Disconnect, 0, Reason::SUCCESS).is_ok();
        if is_sent {
            conn.close();
        } else {
            conn.abort();
        }
    }
}

/// Publishes a message. A message with [`Qos::Zero`] is sent at once, and the result is `None`. Other messages are
/// stored, and are retransmitted until the broker has acknowledged them. For these messages, the result is the
/// identifier of the message. The event [`Acked`](crate::MqttEvent::Acked) has the same identifier.
///
/// Stored messages are sent in the order in which they were published, in the next pass or later. So a message with
/// [`Qos::Zero`] can overtake stored messages.
///
/// ```
/// use picoevent::Cx;
/// use picoevent_mqtt::{self as mqtt, HasMqtt, Publish, PublishError, Qos};
///
/// fn sample<A: HasMqtt>(app: &mut A, cx: &mut Cx<A>, litres: &str) -> Result<(), PublishError> {
///     let message = Publish {
///         content_type: Some("text/plain"),
///         user: &[("unit", "litre")],
///         ..Publish::new("pump-7/flow", litres.as_bytes()).qos(Qos::One)
///     };
///     mqtt::publish(app, cx, &message)?;
///     Ok(())
/// }
/// # struct App(picoevent_mqtt::Client<App, 1, 64>);
/// # impl HasMqtt for App {
/// #     fn mqtt(&mut self) -> mqtt::ClientMut<'_, Self> { self.0.as_mut() }
/// #     fn options(&self) -> mqtt::Options<'_> { mqtt::Options::by_name() }
/// # }
/// # let _ = sample::<App>;
/// ```
///
/// # Errors
/// Returns a [`PublishError`] that states the reason. In this case, no state has changed.
pub fn publish<A: HasMqtt>(
    app: &mut A,
    cx: &mut Cx<'_, A>,
    publish: &Publish<'_>,
) -> Result<Option<PacketId>, PublishError> {
    if !wire::is_publishable(publish) {
        return Err(PublishError::Invalid);
    }
    let mut client = app.mqtt();
    let conn = client.open_conn().ok_or(PublishError::Down)?;
    // The connection may have ended already, although its callback `ended` was not called yet.
    let mut conn = cx.conn(conn).ok();
    let is_up = client.is_up() && conn.is_some();
    let (version, limits) = (client.state.version, client.state.limits);
    if is_up && let Some(reason) = limits.refusal(publish.qos, publish.retain) {
        return Err(PublishError::Refused(reason));
    }
    let message = Record::of(publish);
    // The length includes an identifier, if the quality of service needs an identifier.
    let fields = PublishFields { id: publish.qos as u16, ..PublishFields::default() };
    let length = Writer::count(&|writer| message.write_publish(writer, version, fields));
    let length = length.ok_or(PublishError::Invalid)?;
    let ring = conn.as_ref().map_or(usize::MAX, |conn| conn.ring_sizes().1);
    if length.saturating_add(RESERVED_OUTPUT) > ring
        || is_up && length > limits.packet_size as usize
    {
        return Err(PublishError::TooLong);
    }
    if publish.qos == Qos::Zero {
        let Some(conn) = conn.as_mut().filter(|_| is_up) else { return Err(PublishError::Down) };
        return match client.send_qos_0(conn, &message) {
            Ok(()) => Ok(None),
            Err(SendError::Impossible(_)) => Err(PublishError::TooLong),
            Err(SendError::NeedsRoom(room)) => {
                client.state.waits_for_output = true;
                conn.wait_for_room(room);
                Err(PublishError::Full)
            }
        };
    }
    let inserted =
        client.insert(SlotState::New, None, &|writer| message.write_stored(writer, version));
    match inserted {
        Ok(id) => {
            client.send_soon(cx);
            Ok(Some(id))
        }
        Err(InsertError::Full) => Err(PublishError::Full),
        Err(InsertError::TooLong) => Err(PublishError::TooLong),
        Err(InsertError::Invalid) => Err(PublishError::Invalid),
    }
}

/// Subscribes to topics. Messages that match the filter are passed to the subscription's function until
/// [`unsubscribe`]. The event [`Acked`](crate::MqttEvent::Acked) reports the granted quality of service, or the reason
/// of a refusal. A refused subscription is removed. If the broker loses the session, the client subscribes again by
/// itself.
///
/// If several subscriptions match a message, only the first of these subscriptions gets the message. If there is
/// already a subscription with this filter, its function and options are replaced. If an earlier SUBSCRIBE or
/// UNSUBSCRIBE of the filter is not answered yet, the new SUBSCRIBE is sent after the answer, with the same identifier.
/// In this case, one event reports only the result of the last request.
///
/// ```
/// use picoevent::Cx;
/// use picoevent_mqtt::{self as mqtt, HasMqtt, Message, Qos, SubscribeError, Subscription};
///
/// fn listen<A: HasMqtt>(app: &mut A, cx: &mut Cx<A>) -> Result<(), SubscribeError> {
///     mqtt::subscribe(app, cx, &Subscription::new("pump-7/set/+", Qos::One, set))?;
///     Ok(())
/// }
///
/// fn set<A>(_: &mut A, message: &mut Message<A>) {
///     let (key, value) = (message.topic().rsplit('/').next(), message.payload());
///     // Use them.
/// #   let _ = (key, value);
/// }
/// # struct App(picoevent_mqtt::Client<App, 1, 64>);
/// # impl HasMqtt for App {
/// #     fn mqtt(&mut self) -> mqtt::ClientMut<'_, Self> { self.0.as_mut() }
/// #     fn options(&self) -> mqtt::Options<'_> { mqtt::Options::by_name() }
/// # }
/// # let _ = listen::<App>;
/// ```
///
/// # Errors
/// Returns a [`SubscribeError`] that states the reason. In this case, no state has changed.
pub fn subscribe<A: HasMqtt>(
    app: &mut A,
    cx: &mut Cx<'_, A>,
    subscription: &Subscription<'_, A>,
) -> Result<PacketId, SubscribeError> {
    let Subscription { filter, call, .. } = *subscription;
    if !topic::is_filter(filter.as_bytes()) {
        return Err(SubscribeError::Invalid);
    }
    let client = app.mqtt();
    if !client.is_started() && client.used() == 0 {
        // The client is not started, and no slot is in use, so no stored data depends on a version. So the version is
        // set from the options, as the next `start` does.
        let version = app.options().version;
        app.mqtt().state.version = version;
    }
    let mut client = app.mqtt();
    let version = client.state.version;
    if subscription.no_local && version.has_properties() && topic::is_shared(filter.as_bytes()) {
        return Err(SubscribeError::Invalid);
    }
    let options = subscription.bits(version);
    if let Some(index) = client.subscription(filter) {
        let id = client.change(index, call, options);
        client.send_soon(cx);
        return Ok(id);
    }
    let length = Writer::count(&|writer| {
        wire::request(writer, Kind::Subscribe, Version::V5, 1, options, filter.as_bytes());
    });
    let length = length.ok_or(SubscribeError::Invalid)?;
    let conn = client.state.conn.and_then(|conn| cx.conn(conn).ok());
    if conn.is_some_and(|conn| length.saturating_add(RESERVED_OUTPUT) > conn.ring_sizes().1) {
        return Err(SubscribeError::TooLong);
    }
    let inserted = client.insert(SlotState::Subscribe, Some(call), &|writer| {
        writer.u8(options);
        writer.raw(filter.as_bytes());
    });
    let id = inserted.map_err(|error| match error {
        InsertError::Full => SubscribeError::Full,
        InsertError::TooLong => SubscribeError::TooLong,
        InsertError::Invalid => SubscribeError::Invalid,
    })?;
    client.send_soon(cx);
    Ok(id)
}

/// Ends a subscription. Returns the identifier of the subscription. Messages may still arrive until the event
/// [`Acked`](crate::MqttEvent::Acked) with this identifier. If a SUBSCRIBE of the filter is not answered yet, this
/// event is the only event for both requests.
///
/// # Errors
/// [`SubscribeError::Unknown`] if there is no subscription with this filter, or if the subscription is already being
/// ended.
pub fn unsubscribe<A: HasMqtt>(
    app: &mut A,
    cx: &mut Cx<'_, A>,
    filter: &str,
) -> Result<PacketId, SubscribeError> {
    let mut client = app.mqtt();
    let index = client.subscription(filter).ok_or(SubscribeError::Unknown)?;
    debug_assert!(
        filter_of(client.record(index)) == filter.as_bytes(),
        "the slot contains the filter"
    );
    let state = client.state_of(index);
    if matches!(state, SlotState::Cancelled | SlotState::Unsubscribing | SlotState::Unsubscribe) {
        return Err(SubscribeError::Unknown);
    }
    client.set_state(
        index,
        if state.is_unanswered() { SlotState::Cancelled } else { SlotState::Unsubscribe },
    );
    client.send_soon(cx);
    let id = client.slots.get(index).map_or(0, |slot| slot.id);
    Ok(PacketId(id))
}

impl<A> ClientMut<'_, A> {
    /// Returns the connection, unless the client is being stopped.
    const fn open_conn(&self) -> Option<picoevent::Conn> {
        if self.state.is_stopping { None } else { self.state.conn }
    }

    /// Makes the connection send the pending packets in the next pass.
    fn send_soon(&self, cx: &mut Cx<'_, A>) {
        let conn = self.open_conn().filter(|_| self.is_up());
        if let Some(Ok(mut conn)) = conn.map(|conn| cx.conn(conn)) {
            conn.wait_for_room(1);
        }
    }
}
