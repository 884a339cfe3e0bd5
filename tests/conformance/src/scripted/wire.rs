//! One connection of the scripted network: two streams in memory.

use std::collections::VecDeque;
use std::net::SocketAddr;

use picoevent::{Conn, ConnError, Direction, EventBase};

use super::back_end::OWN;
use crate::harness::{Ending, Received};

/// A connection between the device and a peer.
#[derive(Clone, Debug)]
pub struct Wire {
    /// The address to which the connection was opened.
    pub to: SocketAddr,
    /// Whether the peer listens. If not, the device listens.
    pub peer_listens: bool,
    /// The device's connection. `None` until the connection is accepted, and `None` after it was closed or reset.
    pub conn: Option<Conn>,
    /// The device's connect has succeeded, but this was not reported yet.
    pub is_connecting: bool,
    /// Bytes that the device has not read.
    pub to_device: VecDeque<u8>,
    /// Bytes that the peer has not read.
    pub to_peer: Vec<u8>,
    /// The maximum number of bytes in `to_peer`.
    pub window: usize,
    /// The peer reads.
    pub is_reading: bool,
    /// The peer has ended its stream.
    pub is_peer_ended: bool,
    /// The peer no longer reads. The peer answers output with a reset.
    pub is_peer_gone: bool,
    /// The peer has reset the connection.
    pub is_peer_reset: bool,
    /// The device has ended its stream.
    pub is_device_ended: bool,
    /// The device has reset or refused the connection.
    pub is_device_reset: bool,
    /// What the peer has read.
    pub received: Received,
}

impl Wire {
    /// Makes a connection to an address, without bytes.
    pub fn to(to: SocketAddr) -> Self {
        Self {
            to,
            peer_listens: false,
            conn: None,
            is_connecting: false,
            to_device: VecDeque::new(),
            to_peer: Vec::new(),
            window: 65_535,
            is_reading: false,
            is_peer_ended: false,
            is_peer_gone: false,
            is_peer_reset: false,
            is_device_ended: false,
            is_device_reset: false,
            received: Received::default(),
        }
    }

    /// Moves as many bytes as possible between the wire and the rings of its connection, and reports to the base what
    /// has happened.
    pub fn move_bytes<A>(&mut self, base: &mut EventBase<'_, A>) {
        let Some(conn) = self.conn else { return };
        if core::mem::take(&mut self.is_connecting) {
            base.local_is(conn, || Some((OWN, 40_001).into()));
            base.connected(conn);
        }
        while let Some((space, _)) = base.input(conn)
            && !self.to_device.is_empty()
        {
            let amount = space.len().min(self.to_device.len());
            space.iter_mut().zip(self.to_device.drain(..amount)).for_each(|(to, byte)| *to = byte);
            base.received(conn, amount);
        }
        if self.is_peer_reset {
            self.conn = None;
            return base.failed(conn, ConnError::Reset.found(Direction::Read));
        }
        if self.is_peer_ended && base.input(conn).is_some() {
            base.peer_finished(conn);
        }
        loop {
            let output = base.output(conn).0;
            let amount = output.len().min(self.window.saturating_sub(self.to_peer.len()));
            if amount == 0 {
                return;
            }
            self.to_peer.extend_from_slice(&output[..amount]);
            self.is_peer_reset |= self.is_peer_gone;
            base.sent(conn, amount);
        }
    }

    /// Lets the peer read the data that has arrived, if the peer reads. Returns everything that the peer has received
    /// so far.
    pub fn receive(&mut self) -> Received {
        let is_over = self.received.ending.is_some() || self.is_peer_gone || self.is_peer_reset;
        if self.is_reading && !is_over {
            self.received.bytes.append(&mut self.to_peer);
            // A reset after the end of the stream does not change how the stream ended.
            self.received.ending = match (self.is_device_ended, self.is_device_reset) {
                (true, _) => Some(Ending::End),
                (false, true) => Some(Ending::Reset),
                (false, false) => None,
            };
        }
        self.received.clone()
    }
}
