//! Converts handles, addresses, actions and errors to the numeric fields of an entry, and fields back to these values.

use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use super::tag;
use crate::handle::Handle;
use crate::{Action, End, EventFlags, Signal, Tuning, UdpAction};

/// The address that is recorded if an action has no address.
const NOWHERE: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);

/// The maximum number of fields of an entry.
pub(super) const FIELDS: usize = 10;

/// The tag, the fields and the payload of an entry, before they are encoded.
pub(super) struct Raw<'e> {
    pub(super) tag: u8,
    pub(super) fields: [u64; FIELDS],
    pub(super) count: usize,
    pub(super) payload: [&'e [u8]; 2],
}

impl Raw<'_> {
    pub(super) fn push(&mut self, field: u64) {
        if let Some(target) = self.fields.get_mut(self.count) {
            *target = field;
            self.count = self.count.saturating_add(1);
        }
    }

    pub(super) fn push_handle<K>(&mut self, handle: Handle<K>) {
        self.push(handle.slot().into());
        self.push(handle.generation().into());
    }

    pub(super) fn push_handle_for<K>(&mut self, handle: Handle<K>, tag: u8) -> u8 {
        self.push_handle(handle);
        tag
    }

    pub(super) fn push_error(&mut self, index: u64, number: i32) {
        self.push(index);
        self.push(number.cast_unsigned().into());
    }

    pub(super) fn push_address(&mut self, address: SocketAddr, v4: u8, v6: u8) -> u8 {
        match address {
            SocketAddr::V4(address) => {
                self.push(u32::from(*address.ip()).into());
                self.push(address.port().into());
                v4
            }
            SocketAddr::V6(address) => {
                let bits = u128::from(*address.ip());
                self.push(bits.wrapping_shr(64) as u64);
                self.push(bits as u64);
                self.push(address.port().into());
                self.push(address.flowinfo().into());
                self.push(address.scope_id().into());
                v6
            }
        }
    }

    pub(super) fn push_action(&mut self, action: Action, address: Option<SocketAddr>) -> u8 {
        let address = address.unwrap_or(SocketAddr::V4(NOWHERE));
        match action {
            Action::Listen(listener) => {
                self.push_handle(listener);
                self.push_address(address, tag::LISTEN_V4, tag::LISTEN_V6)
            }
            Action::Ignore(listener) => self.push_handle_for(listener, tag::IGNORE),
            Action::Unlisten(listener) => self.push_handle_for(listener, tag::UNLISTEN),
            Action::Connect(conn) => {
                self.push_handle(conn);
                self.push_address(address, tag::CONNECT_V4, tag::CONNECT_V6)
            }
            Action::Tune(conn, tuning) => {
                self.push_handle(conn);
                self.push(tuning.nagle.into());
                self.push(tuning.keep_alive.into());
                tag::TUNE
            }
            Action::Receive(conn) => self.push_handle_for(conn, tag::RECEIVE),
            Action::Send(conn) => self.push_handle_for(conn, tag::SEND),
            Action::End(conn) => self.push_handle_for(conn, tag::END),
            Action::Close(conn) => self.push_handle_for(conn, tag::CLOSE),
            Action::Reset(conn) => self.push_handle_for(conn, tag::RESET),
            Action::Interest(source, what) => {
                self.push_handle(source);
                self.push(what.bits().into());
                tag::INTEREST
            }
            Action::Forget(source) => self.push_handle_for(source, tag::FORGET),
            Action::Catch(signal) => {
                self.push(signal.number().into());
                tag::CATCH
            }
            Action::Release(signal) => {
                self.push(signal.number().into());
                tag::RELEASE
            }
            Action::Udp(socket, action) => {
                self.push_handle(socket);
                self.push(action.number().into());
                self.push_address(address, tag::UDP_ACTION_V4, tag::UDP_ACTION_V6)
            }
        }
    }
}

/// Reads the fields of an entry, one after the other.
pub(super) struct Fields<'f>(pub(super) core::slice::Iter<'f, u64>);

impl Fields<'_> {
    pub(super) fn next(&mut self) -> Option<u64> {
        self.0.next().copied()
    }

    pub(super) fn small<N: TryFrom<u64>>(&mut self) -> Option<N> {
        N::try_from(self.next()?).ok()
    }

    pub(super) fn handle<K>(&mut self) -> Option<Handle<K>> {
        Some(Handle::new(self.small()?, self.small()?))
    }

    pub(super) fn signal(&mut self) -> Option<Signal> {
        Signal::new(self.small()?)
    }

    pub(super) fn address(&mut self, is_v6: bool) -> Option<SocketAddr> {
        if !is_v6 {
            let ip = Ipv4Addr::from(self.small::<u32>()?);
            return Some(SocketAddrV4::new(ip, self.small()?).into());
        }
        let high = u128::from(self.next()?).wrapping_shl(64);
        let ip = Ipv6Addr::from(high | u128::from(self.next()?));
        let (port, flow, scope) = (self.small()?, self.small()?, self.small()?);
        Some(SocketAddrV6::new(ip, port, flow, scope).into())
    }

    pub(super) fn action(&mut self, tag: u8) -> Option<(Action, Option<SocketAddr>)> {
        match tag {
            tag::LISTEN_V4 | tag::LISTEN_V6 => {
                let action = Action::Listen(self.handle()?);
                Some((action, Some(self.address(tag == tag::LISTEN_V6)?)))
            }
            tag::CONNECT_V4 | tag::CONNECT_V6 => {
                let action = Action::Connect(self.handle()?);
                Some((action, Some(self.address(tag == tag::CONNECT_V6)?)))
            }
            tag::UDP_ACTION_V4 | tag::UDP_ACTION_V6 => {
                let (socket, action) = (self.handle()?, UdpAction::of_number(self.small()?)?);
                let address = self.address(tag == tag::UDP_ACTION_V6)?;
                Some((Action::Udp(socket, action), action.is_bind().then_some(address)))
            }
            _ => Some((self.action_without_address(tag)?, None)),
        }
    }

    fn action_without_address(&mut self, tag: u8) -> Option<Action> {
        Some(match tag {
            tag::IGNORE => Action::Ignore(self.handle()?),
            tag::UNLISTEN => Action::Unlisten(self.handle()?),
            tag::TUNE => {
                let conn = self.handle()?;
                let nagle = self.next()? != 0;
                Action::Tune(conn, Tuning { nagle, keep_alive: self.small()? })
            }
            tag::RECEIVE => Action::Receive(self.handle()?),
            tag::SEND => Action::Send(self.handle()?),
            tag::END => Action::End(self.handle()?),
            tag::CLOSE => Action::Close(self.handle()?),
            tag::RESET => Action::Reset(self.handle()?),
            tag::INTEREST => Action::Interest(self.handle()?, EventFlags::from_bits(self.small()?)),
            tag::FORGET => Action::Forget(self.handle()?),
            tag::CATCH => Action::Catch(self.signal()?),
            tag::RELEASE => Action::Release(self.signal()?),
            _ => return None,
        })
    }
}

pub(super) const ENDS: [End; 4] = [End::Empty, End::Exit, End::Break, End::Done];
