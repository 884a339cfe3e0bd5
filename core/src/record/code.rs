//! Encodes entries as bytes, and decodes them.
//!
//! ```text
//!  ┌─────┬────────────┬────────────┬───┬─────────┐
//!  │ tag │ field      │ field      │ … │ payload │   fields as LEB128: 7 bits a byte, low ones first
//!  └─────┴────────────┴────────────┴───┴─────────┘
//! ```
//!
//! The first byte of an entry is its tag. The tag determines the number of fields, and whether the last field is the
//! length of a payload. So a reader can skip an entry without interpreting its fields. An entry does not depend on
//! earlier entries. So an entry can be read even if earlier entries are lost. An idle iteration takes five to ten
//! bytes.

use super::{Called, Entry, Sizes};
use crate::error::{CONN_ERRORS, LISTEN_ERRORS, position};
use crate::{AcceptError, ConnError, Direction, EventFlags, Instant, ListenError, Pool, Run};

mod field;
mod tag;
mod udp;

use field::{ENDS, FIELDS, Fields, Raw};

/// The directions in which a failure can be found; `None` if the direction is not known.
const DIRECTIONS: [Option<Direction>; 3] = [None, Some(Direction::Read), Some(Direction::Write)];

/// The parts of an entry. The values of the fields are not interpreted.
pub(super) struct Parsed {
    tag: u8,
    fields: [u64; FIELDS],
    /// The offset of the payload, if the entry has one.
    payload: usize,
    /// The total length of the entry.
    pub(super) length: usize,
}

/// Returns a 16-bit checksum of bytes (FNV-1a, folded).
pub(crate) fn sum<'b>(bytes: impl Iterator<Item = &'b u8>) -> u16 {
    let hash = fnv(FNV, bytes);
    (hash ^ hash.wrapping_shr(16)) as u16
}

/// The initial value for [`fnv`].
pub(super) const FNV: u32 = 0x811c_9dc5;

/// Continues `hash` with the bytes (FNV-1a).
pub(super) fn fnv<'b>(hash: u32, bytes: impl Iterator<Item = &'b u8>) -> u32 {
    bytes.fold(hash, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

/// Returns whether the entry ends an iteration.
pub(super) const fn ends_iteration(parsed: &Parsed) -> bool {
    parsed.tag == tag::PASSED
}

/// Finds the parts of the entry that begins at byte 0; `None` if there is no complete entry.
pub(super) fn parse(byte: impl Fn(usize) -> Option<u8>) -> Option<Parsed> {
    let tag = byte(0)?;
    let (count, has_payload) = tag::shape(tag)?;
    let mut parsed = Parsed { tag, fields: [0; FIELDS], payload: 0, length: 1 };
    for field in parsed.fields.iter_mut().take(count) {
        for shift in (0..64).step_by(7) {
            let part = byte(parsed.length)?;
            parsed.length = parsed.length.saturating_add(1);
            *field |= u64::from(part & 0x7f).wrapping_shl(shift);
            if part & 0x80 == 0 {
                break;
            }
        }
    }
    parsed.payload = parsed.length;
    if has_payload {
        let last = parsed.fields.get(count.saturating_sub(1)).copied().unwrap_or_default();
        parsed.length = parsed.length.checked_add(usize::try_from(last).ok()?)?;
        byte(parsed.length.checked_sub(1)?)?;
    }
    Some(parsed)
}

impl<'e> Entry<'e> {
    /// Encodes the entry, and passes the encoded bytes to `put`, part by part.
    pub fn encode(&self, mut put: impl FnMut(&[u8])) {
        let raw = self.raw();
        put(&[raw.tag]);
        for field in raw.fields.iter().take(raw.count) {
            let mut rest = *field;
            while rest > 0x7f {
                put(&[rest as u8 | 0x80]);
                rest = rest.wrapping_shr(7);
            }
            put(&[rest as u8]);
        }
        raw.payload.iter().for_each(|part| put(part));
    }

    /// Reads the entry at the beginning of `bytes`. Returns the entry and its length; `None` if the bytes are not an
    /// entry.
    pub(super) fn decode(bytes: &'e [u8]) -> Option<(Self, usize)> {
        let parsed = parse(|at| bytes.get(at).copied())?;
        let payload = bytes.get(parsed.payload..parsed.length)?;
        let mut fields = Fields(parsed.fields.iter());
        Some((Self::of_fields(parsed.tag, &mut fields, payload)?, parsed.length))
    }

    fn raw(&self) -> Raw<'e> {
        let mut raw = Raw { tag: 0, fields: [0; FIELDS], count: 0, payload: [&[], &[]] };
        raw.tag = match *self {
            Self::Base(sizes) => {
                let Sizes { events, conns, bytes, listeners, pools, sources, udp } = sizes;
                [events, conns, bytes, listeners, pools.into(), sources]
                    .iter()
                    .for_each(|size| raw.push(*size as u64));
                if udp == 0 {
                    tag::BASE
                } else {
                    raw.push(udp.into());
                    tag::BASE_WITH_UDP
                }
            }
            Self::Pool(pool) => {
                pool.numbers().iter().for_each(|number| raw.push(*number as u64));
                tag::POOL
            }
            Self::Seed(seed) => {
                seed.as_chunks().0.iter().for_each(|bytes| raw.push(u64::from_le_bytes(*bytes)));
                tag::SEED
            }
            Self::Begin(run) => {
                raw.push(run.bits().into());
                tag::BEGIN
            }
            Self::Prepare => tag::PREPARE,
            Self::Action(None, _) => tag::SETTLED,
            Self::Action(Some(action), address) => raw.push_action(action, address),
            Self::Deadline => tag::DEADLINE,
            Self::Wait(None) => tag::WAIT,
            Self::Wait(Some(end)) => {
                raw.push(position(&ENDS, end) as u64);
                tag::ENDED
            }
            Self::Accepted(listener, peer, conn) => {
                raw.push_handle(listener);
                let tag = raw.push_address(peer, tag::ACCEPTED_V4, tag::ACCEPTED_V6);
                match conn {
                    Ok(conn) => {
                        raw.push(0);
                        raw.push_handle(conn);
                    }
                    Err(error) => {
                        raw.push(if error == AcceptError::Full { 1 } else { 2 });
                        raw.push(0);
                        raw.push(0);
                    }
                }
                tag
            }
            Self::Connected(conn) => raw.push_handle_for(conn, tag::CONNECTED),
            Self::Local(conn, address) => {
                raw.push_handle(conn);
                raw.push_address(address, tag::LOCAL_V4, tag::LOCAL_V6)
            }
            Self::Received(conn, first, second) => {
                raw.push_handle(conn);
                raw.push(first.len().saturating_add(second.len()) as u64);
                raw.payload = [first, second];
                tag::RECEIVED
            }
            Self::Sent(conn, amount, sum) => {
                raw.push_handle(conn);
                raw.push(amount as u64);
                raw.push(sum.into());
                tag::SENT
            }
            Self::PeerFinished(conn) => raw.push_handle_for(conn, tag::PEER_FINISHED),
            Self::Failed(conn, failure) => {
                raw.push_handle(conn);
                let same = |one: &Option<Direction>| *one == failure.direction();
                let direction = DIRECTIONS.iter().position(same).unwrap_or(0);
                raw.push_error(
                    position(&CONN_ERRORS, failure.error())
                        .saturating_add(direction.saturating_mul(CONN_ERRORS.len()))
                        as u64,
                    match failure.error() {
                        ConnError::System(number) => number,
                        _ => 0,
                    },
                );
                tag::FAILED
            }
            Self::Delivered(conn) => raw.push_handle_for(conn, tag::DELIVERED),
            Self::EndLingering => tag::END_LINGERING,
            Self::CloseAll => tag::CLOSE_ALL,
            Self::Overdue => tag::OVERDUE,
            Self::ListenFailed(listener, error) => {
                raw.push_handle(listener);
                raw.push_error(
                    position(&LISTEN_ERRORS, error) as u64,
                    match error {
                        ListenError::System(number) => number,
                        _ => 0,
                    },
                );
                tag::LISTEN_FAILED
            }
            Self::Ready(source, what) => {
                raw.push_handle(source);
                raw.push(what.bits().into());
                tag::READY
            }
            Self::Raised(signal, raises) => {
                raw.push(signal.number().into());
                raw.push(raises.into());
                tag::RAISED
            }
            Self::Time(now) => {
                raw.push(now.as_micros());
                tag::TIME
            }
            Self::TimeInPass(now) => {
                raw.push(now.as_micros());
                tag::TIME_IN_PASS
            }
            Self::Call(Called::Event(event)) => raw.push_handle_for(event, tag::CALL_EVENT),
            Self::Call(Called::Conn(conn)) => raw.push_handle_for(conn, tag::CALL_CONN),
            Self::Call(Called::Listener(listener)) => {
                raw.push_handle_for(listener, tag::CALL_LISTENER)
            }
            Self::Call(Called::Udp(socket)) => raw.push_handle_for(socket, tag::CALL_UDP),
            Self::Datagram(socket, from, data) => {
                raw.push_handle(socket);
                let tag = raw.push_address(from, tag::DATAGRAM_V4, tag::DATAGRAM_V6);
                raw.push(data.len() as u64);
                raw.payload = [data, &[]];
                tag
            }
            Self::Udp(socket, entry) => raw.push_udp(socket, entry),
            Self::Network(bytes) => {
                raw.push(bytes.len() as u64);
                raw.payload = [bytes, &[]];
                tag::NETWORK
            }
            Self::Passed => tag::PASSED,
        };
        raw
    }

    fn of_fields(tag: u8, fields: &mut Fields<'_>, payload: &'e [u8]) -> Option<Self> {
        Some(match tag {
            tag::BASE | tag::BASE_WITH_UDP => Self::Base(Sizes {
                events: fields.small()?,
                conns: fields.small()?,
                bytes: fields.small()?,
                listeners: fields.small()?,
                pools: fields.small()?,
                sources: fields.small()?,
                udp: if tag == tag::BASE { 0 } else { fields.small()? },
            }),
            tag::POOL => Self::Pool(Pool::of_numbers(
                fields.small()?,
                fields.small()?,
                fields.small()?,
                fields.small()?,
                fields.small()?,
            )),
            tag::SEED => {
                let mut seed = [0; 32];
                for bytes in seed.as_chunks_mut().0 {
                    *bytes = fields.next()?.to_le_bytes();
                }
                Self::Seed(seed)
            }
            tag::BEGIN => Self::Begin(Run::from_bits(fields.small()?)),
            tag::PREPARE => Self::Prepare,
            tag::SETTLED => Self::Action(None, None),
            tag::DEADLINE => Self::Deadline,
            tag::WAIT => Self::Wait(None),
            tag::ENDED => Self::Wait(Some(*ENDS.get(fields.small::<usize>()?)?)),
            tag::ACCEPTED_V4 | tag::ACCEPTED_V6 => {
                let listener = fields.handle()?;
                let peer = fields.address(tag == tag::ACCEPTED_V6)?;
                let (kind, conn) = (fields.next()?, fields.handle()?);
                let answer = match kind {
                    0 => Ok(conn),
                    1 => Err(AcceptError::Full),
                    2 => Err(AcceptError::NoListener),
                    _ => return None,
                };
                Self::Accepted(listener, peer, answer)
            }
            tag::CONNECTED => Self::Connected(fields.handle()?),
            tag::LOCAL_V4 | tag::LOCAL_V6 => {
                Self::Local(fields.handle()?, fields.address(tag == tag::LOCAL_V6)?)
            }
            tag::RECEIVED => Self::Received(fields.handle()?, payload, &[]),
            tag::SENT => Self::Sent(fields.handle()?, fields.small()?, fields.small()?),
            tag::PEER_FINISHED => Self::PeerFinished(fields.handle()?),
            tag::FAILED => {
                let (conn, number) = (fields.handle()?, fields.small::<usize>()?);
                let index = number.checked_rem(CONN_ERRORS.len())?;
                let direction = *DIRECTIONS.get(number.checked_div(CONN_ERRORS.len())?)?;
                let number = fields.small()?;
                let error = match *CONN_ERRORS.get(index)? {
                    ConnError::System(_) => ConnError::System(u32::cast_signed(number)),
                    error => error,
                };
                let found = |direction| error.found(direction);
                Self::Failed(conn, direction.map_or_else(|| error.into(), found))
            }
            tag::DELIVERED => Self::Delivered(fields.handle()?),
            tag::END_LINGERING => Self::EndLingering,
            tag::CLOSE_ALL => Self::CloseAll,
            tag::OVERDUE => Self::Overdue,
            tag::LISTEN_FAILED => {
                let (listener, index, number) =
                    (fields.handle()?, fields.small()?, fields.small()?);
                let error = match *LISTEN_ERRORS.get::<usize>(index)? {
                    ListenError::System(_) => ListenError::System(u32::cast_signed(number)),
                    error => error,
                };
                Self::ListenFailed(listener, error)
            }
            tag::READY => Self::Ready(fields.handle()?, EventFlags::from_bits(fields.small()?)),
            tag::RAISED => Self::Raised(fields.signal()?, fields.small()?),
            tag::TIME => Self::Time(Instant::from_micros(fields.next()?)),
            tag::TIME_IN_PASS => Self::TimeInPass(Instant::from_micros(fields.next()?)),
            tag::CALL_EVENT => Self::Call(Called::Event(fields.handle()?)),
            tag::CALL_CONN => Self::Call(Called::Conn(fields.handle()?)),
            tag::CALL_LISTENER => Self::Call(Called::Listener(fields.handle()?)),
            tag::CALL_UDP => Self::Call(Called::Udp(fields.handle()?)),
            tag::PASSED => Self::Passed,
            tag::NETWORK => Self::Network(payload),
            tag::DATAGRAM_V4 | tag::DATAGRAM_V6 => {
                let (socket, is_v6) = (fields.handle()?, tag == tag::DATAGRAM_V6);
                Self::Datagram(socket, fields.address(is_v6)?, payload)
            }
            _ => {
                if let Some((socket, entry)) = fields.udp(tag) {
                    return Some(Self::Udp(socket, entry));
                }
                let (action, address) = fields.action(tag)?;
                Self::Action(Some(action), address)
            }
        })
    }
}
