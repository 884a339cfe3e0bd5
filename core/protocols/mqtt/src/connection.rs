//! The connection to the broker: CONNECT, keep-alive, the end of the connection, and reconnects.

use core::time::Duration;

use picoevent::{ConnEnd, ConnError, ConnMut, Instant, Protocol};

use crate::client::{ConnState, EndReason, HasMqtt, Limits, PartialMessage, UNREACHABLE_ADDRESS};
use crate::event::{MqttEvent, PacketId};
use crate::options::Options;
use crate::sending::{RESERVED_OUTPUT, send_pending, write_ack, write_packet};
use crate::slots::SlotState;
use crate::wire::{ConnectFields, Kind, Qos, Reason};
use crate::{receiving, wire};

/// The time limit for the broker's answer to a CONNECT or a PINGREQ.
pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// If the client was up for at least this time before a connection ends, the delays before a reconnect start again with
/// the first delay.
const STABLE_TIME: Duration = Duration::from_secs(10);

/// A connection to a broker.
pub(crate) struct BrokerConn;

impl<A: HasMqtt> Protocol<A> for BrokerConn {
    const STALL: Option<Duration> = Some(Duration::from_secs(20));
    const ROOM: usize = RESERVED_OUTPUT;

    fn opened(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
        let now = conn.cx().now();
        let client = app.mqtt();
        let (version, has_session) = (client.state.version, client.state.has_session);
        let (slots, aliases) = (client.slots.len() as u16, client.received_aliases.len() as u16);
        let stores_aliases = !client.state.has_unstored_alias;
        let options = Options { version, ..app.options() };
        let fields = ConnectFields {
            clean_start: needs_clean_start(&options, has_session),
            receive_maximum: slots,
            alias_maximum: if stores_aliases { aliases } else { 0 },
        };
        let longest_packet = options.longest_packet;
        let keep_alive = options.keep_alive;
        let sent =
            write_packet(conn, 0, &Limits::NONE, &|writer| wire::connect(writer, &options, fields));
        let client = app.mqtt();
        let state = client.state;
        (state.conn_state, state.clean_start) = (ConnState::AwaitingConnAck, fields.clean_start);
        (state.longest_packet, state.keep_alive) = (longest_packet, keep_alive);
        (state.sent_at, state.received_at, state.limits) = (now, now, Limits::NONE);
        client.received_aliases.fill(crate::aliases::Alias::NONE);
        client.sent_aliases.fill(crate::aliases::Alias::NONE);
        if sent.is_err() {
            state.end_reason = EndReason::Options;
            return conn.abort();
        }
        conn.alarm_after(ANSWER_TIMEOUT);
    }

    fn readable(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
        app.mqtt().state.received_at = conn.cx().now();
        while can_exchange_packets(app, conn) && conn.room() >= RESERVED_OUTPUT {
            match receiving::read_next(app, conn) {
                Ok(true) => {}
                Ok(false) => break,
                Err(reason) => end_with_error(app, conn, reason),
            }
        }
        send_pending(app, conn);
    }

    fn writable(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
        send_pending(app, conn);
        if is_up(app, conn) && core::mem::take(&mut app.mqtt().state.waits_for_output) {
            app.event(conn.cx(), MqttEvent::Room);
        }
    }

    fn alarm(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
        if is_up(app, conn) {
            keep_alive(app, conn);
        } else {
            time_out(app, conn);
        }
    }

    fn ended(app: &mut A, conn: &mut ConnMut<'_, '_, A>, end: ConnEnd) {
        let now = conn.cx().now();
        let mut client = app.mqtt();
        if client.state.conn != Some(conn.id()) {
            // `start` has aborted the connection and has returned an error, because the CONNECT was too long. So
            // nothing is reported.
            return;
        }
        client.requeue_unanswered();
        let state = client.state;
        state.conn_state = ConnState::Down;
        state.partial = PartialMessage::NONE;
        if state.up_at != Instant::ZERO && now.since(state.up_at) >= STABLE_TIME {
            state.backoff().reset();
        }
        state.up_at = Instant::ZERO;
        let down = core::mem::replace(&mut state.end_reason, EndReason::Unknown).down(end);
        app.event(conn.cx(), MqttEvent::Down(down));
        let state = app.mqtt().state;
        if core::mem::take(&mut state.is_stopping) {
            (state.conn, state.end_reason) = (None, EndReason::Unknown);
            return;
        }
        let delay = state.backoff().next_delay(conn.cx());
        if !app.connect(conn, delay) {
            let _ = conn.connect_after(delay, UNREACHABLE_ADDRESS);
        }
    }
}

/// Returns whether the CONNECT requests the broker to discard the session. A client without the state of a session must
/// not continue a session (MQTT 5, section 3.2.2.1.1).
pub(crate) fn needs_clean_start(options: &Options<'_>, has_session: bool) -> bool {
    options.session_expiry == 0
        || options.clean_start && !has_session && options.version.has_properties()
}

/// Returns whether packets can be exchanged on the connection.
fn can_exchange_packets<A: HasMqtt>(app: &mut A, conn: &ConnMut<'_, '_, A>) -> bool {
    matches!(app.mqtt().state.conn_state, ConnState::AwaitingConnAck | ConnState::Up)
        && conn.is_open()
}

/// Returns whether the broker has accepted the client on this connection.
pub(crate) fn is_up<A: HasMqtt>(app: &mut A, conn: &ConnMut<'_, '_, A>) -> bool {
    app.mqtt().is_up() && conn.is_open()
}

/// Ends the connection because of an error in the broker's packets.
fn end_with_error<A: HasMqtt>(app: &mut A, conn: &mut ConnMut<'_, '_, A>, reason: Reason) {
    let state = app.mqtt().state;
    let conn_state = core::mem::replace(&mut state.conn_state, ConnState::Ending);
    state.end_reason = EndReason::InvalidPacket(reason);
    // A DISCONNECT with the reason is sent only after the broker has accepted the client.
    if conn_state == ConnState::Up && state.version.has_properties() {
        let _ = write_ack(conn, state, Kind::Disconnect, 0, reason);
    }
    conn.close();
}

/// Ends the connection because the broker does not answer.
fn time_out<A: HasMqtt>(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
    app.mqtt().state.end_reason = EndReason::Silent;
    conn.abort_with(ConnError::TimedOut);
}

/// Handles the broker's answer to the CONNECT.
pub(crate) fn handle_connack<A: HasMqtt>(
    app: &mut A,
    conn: &mut ConnMut<'_, '_, A>,
    session_present: bool,
) -> Result<(), Reason> {
    let state = app.mqtt().state;
    if session_present && state.clean_start {
        return Err(Reason::PROTOCOL_ERROR);
    }
    (state.conn_state, state.has_session) = (ConnState::Up, true);
    (state.up_at, state.pinged_at) = (conn.cx().now(), Instant::ZERO);
    conn.cancel_alarm();
    keep_alive(app, conn);
    let client = app.mqtt();
    if !session_present {
        client.received_ids.fill(0);
    }
    if client.state.waits_for_output {
        // An earlier connection has ended before there was room. The event `Room` follows in `writable`.
        conn.wait_for_room(1);
    }
    app.event(conn.cx(), MqttEvent::Up { session_present });
    if !session_present {
        handle_lost_session(app, conn);
    }
    Ok(())
}

/// Handles a lost session: subscribes again, and publishes messages again as new messages. Reports a message with
/// [`Qos::Two`](crate::Qos::Two) as lost if the broker may have delivered the message.
fn handle_lost_session<A: HasMqtt>(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
    let mut index = 0_usize;
    loop {
        let mut client = app.mqtt();
        let Some(slot) = client.used_slots().get(index) else { return };
        let (id, state) = (PacketId(slot.id), slot.state);
        let event = match state {
            SlotState::Retransmit if client.qos_of(index) == Qos::Two => Some(MqttEvent::Lost(id)),
            SlotState::Release => Some(MqttEvent::Lost(id)),
            SlotState::Unsubscribe => Some(MqttEvent::Acked(id, Reason::SUCCESS)),
            SlotState::Retransmit => {
                client.set_state(index, SlotState::New);
                None
            }
            SlotState::Subscribed => {
                client.set_state(index, SlotState::Subscribe);
                None
            }
            _ => None,
        };
        match event {
            Some(event) => {
                client.remove(index);
                app.event(conn.cx(), event);
                crate::sending::report_room(app, conn);
            }
            None => index = index.saturating_add(1),
        }
    }
}

/// Sends a PINGREQ if the client has sent nothing, or received nothing, for the keep-alive time. While a PINGREQ is not
/// answered, sends another one only if the client has sent nothing for this time. Ends the connection if the broker has
/// not answered the first of these PINGREQs in time. If the connection does not end, sets the alarm for the next check.
/// Does nothing if the keep-alive time is 0.
pub(crate) fn keep_alive<A: HasMqtt>(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
    let now = conn.cx().now();
    let state = app.mqtt().state;
    if state.keep_alive == 0 {
        return;
    }
    let silence = Duration::from_secs(state.keep_alive.into());
    loop {
        let is_pinging = state.pinged_at != Instant::ZERO;
        let (idle_since, answer_due) = if is_pinging {
            (state.sent_at, state.received_at.max(state.pinged_at).after(ANSWER_TIMEOUT))
        } else {
            (state.received_at.min(state.sent_at), Instant::MAX)
        };
        if answer_due <= now {
            return time_out(app, conn);
        }
        let due = idle_since.after(silence).min(answer_due);
        if due > now {
            conn.alarm_after(due.since(now));
            return;
        }
        // There is always room for the first PINGREQ: see `RESERVED_OUTPUT`. Another one must not take the reserved
        // bytes. It is not needed if other bytes are waiting to be sent.
        if !is_pinging || conn.output_len() == 0 {
            let _ = write_ack(conn, state, Kind::PingReq, 0, Reason::SUCCESS);
        }
        state.sent_at = now;
        if !is_pinging {
            state.pinged_at = now;
        }
    }
}
