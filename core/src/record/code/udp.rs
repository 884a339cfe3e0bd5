//! Converts the entries of UDP sockets to fields, and fields back to entries.

use super::field::{Fields, Raw};
use super::tag;
use crate::UdpError;
use crate::error::position;
use crate::handle::UdpSocket;
use crate::record::UdpEntry;
use crate::udp::UDP_ERRORS;

impl Raw<'_> {
    pub(super) fn push_udp(&mut self, socket: UdpSocket, entry: UdpEntry) -> u8 {
        self.push_handle(socket);
        match entry {
            UdpEntry::Bound(address) => self.push_address(address, tag::BOUND_V4, tag::BOUND_V6),
            UdpEntry::BindFailed(error) => {
                self.push_udp_error(error);
                tag::BIND_FAILED
            }
            UdpEntry::Waits(length) => {
                self.push(length as u64);
                tag::DATAGRAM_WAITS
            }
            UdpEntry::Dropped => tag::DATAGRAM_DROPPED,
            UdpEntry::Done(sum, None) => {
                self.push(sum.into());
                tag::UDP_DONE
            }
            UdpEntry::Done(sum, Some(error)) => {
                self.push(sum.into());
                self.push_udp_error(error);
                tag::UDP_REFUSED
            }
            UdpEntry::Failed(error) => {
                self.push_udp_error(error);
                tag::UDP_FAILED
            }
        }
    }

    fn push_udp_error(&mut self, error: UdpError) {
        let number = if let UdpError::System(number) = error { number } else { 0 };
        self.push_error(position(&UDP_ERRORS, error) as u64, number);
    }
}

impl Fields<'_> {
    /// Reads the fields of an entry with this tag, and returns the entry. Returns `None` if a field is missing or
    /// invalid. If `tag` is not the tag of a [`UdpEntry`], returns `None` and reads no field.
    pub(super) fn udp(&mut self, tag: u8) -> Option<(UdpSocket, UdpEntry)> {
        if !(tag::BOUND_V4..=tag::UDP_FAILED).contains(&tag) {
            return None;
        }
        let socket = self.handle()?;
        let entry = match tag {
            tag::BOUND_V4 | tag::BOUND_V6 => UdpEntry::Bound(self.address(tag == tag::BOUND_V6)?),
            tag::BIND_FAILED => UdpEntry::BindFailed(self.udp_error()?),
            tag::DATAGRAM_WAITS => UdpEntry::Waits(self.small()?),
            tag::DATAGRAM_DROPPED => UdpEntry::Dropped,
            tag::UDP_DONE => UdpEntry::Done(self.small()?, None),
            tag::UDP_REFUSED => UdpEntry::Done(self.small()?, Some(self.udp_error()?)),
            tag::UDP_FAILED => UdpEntry::Failed(self.udp_error()?),
            _ => return None,
        };
        Some((socket, entry))
    }

    fn udp_error(&mut self) -> Option<UdpError> {
        let (index, number) = (self.small::<usize>()?, self.small()?);
        Some(match *UDP_ERRORS.get(index)? {
            UdpError::System(_) => UdpError::System(u32::cast_signed(number)),
            error => error,
        })
    }
}
