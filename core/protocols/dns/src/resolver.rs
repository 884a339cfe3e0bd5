//! The resolver's state.

use core::net::SocketAddr;

use picoevent::{Conn, Cx, Event, Instant, PoolId, UdpRings, UdpSocket};

use crate::addresses::Addresses;
use crate::error::LookupError;
use crate::questions::Question;

/// The maximum number of servers.
pub(crate) const MAX_SERVERS: usize = 3;

/// The callback of a look-up, called once with the [`Lookup`] and the result.
pub type OnLookup<A> = fn(&mut A, &mut Cx<'_, A>, Lookup, Result<Addresses, LookupError>);

/// An application that has a resolver.
pub trait HasResolver: Sized {
    /// Returns the resolver: [`Resolver::as_mut`] of the application's resolver.
    fn resolver(&mut self) -> ResolverMut<'_, Self>;
}

/// Identifies a look-up, to [cancel](crate::cancel) it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Lookup {
    pub(crate) index: u16,
    pub(crate) serial: u16,
}

/// A resolver with room for `LOOKUPS` look-ups at once and `NAMES` names, looked up or cached, each
/// of at most `LONGEST` bytes. A name that is looked up for both families counts twice.
///
/// On a 32-bit chip, a resolver takes 168 bytes, plus 32 bytes for each look-up, plus 56 + `LONGEST` bytes for each
/// name.
pub struct Resolver<A, const LOOKUPS: usize, const NAMES: usize, const LONGEST: usize = 64> {
    client: Client,
    tcp: Option<Tcp<A>>,
    lookups: [LookupSlot<A>; LOOKUPS],
    questions: [Question; NAMES],
    names: [[u8; LONGEST]; NAMES],
}

/// A resolver without its capacities in the type.
pub struct ResolverMut<'r, A> {
    pub(crate) table: Table<'r>,
    pub(crate) tcp: &'r mut Option<Tcp<A>>,
    pub(crate) lookups: &'r mut [LookupSlot<A>],
}

/// The part of a resolver that does not depend on the application's type: the client state, and the names that are
/// looked up or cached.
pub(crate) struct Table<'r> {
    pub(crate) client: &'r mut Client,
    pub(crate) questions: &'r mut [Question],
    /// The names of the questions, each with room for `longest` bytes.
    pub(crate) names: &'r mut [u8],
    pub(crate) longest: usize,
}

/// The part of a resolver's state that all names and look-ups share.
pub(crate) struct Client {
    pub(crate) servers: heapless::Vec<SocketAddr, MAX_SERVERS>,
    /// The index of the server that answered last. This server is queried first.
    pub(crate) first_server: u8,
    /// The next serial number of a look-up.
    pub(crate) serial: u16,
    pub(crate) timer: Option<Event>,
    /// The sockets for IPv4 servers and for IPv6 servers.
    pub(crate) sockets: [Option<UdpSocket>; 2],
    pub(crate) rings: UdpRings,
    /// Whether truncated answers are fetched over TCP.
    pub(crate) has_tcp: bool,
}

/// The TCP side of a resolver: it fetches truncated answers.
pub(crate) struct Tcp<A> {
    pub(crate) pool: PoolId,
    /// The function that starts and ends connections. The TCP code is called only through this pointer. So the linker
    /// leaves the TCP code out of a program that never calls [`Resolver::set_tcp_pool`].
    pub(crate) run: fn(&mut A, &mut Cx<'_, A>),
    /// The connection over which an answer is fetched, and the index of its question.
    pub(crate) active: Option<(Conn, u16)>,
}

/// The state of a look-up.
pub(crate) struct LookupSlot<A> {
    pub(crate) completion: Completion<A>,
    pub(crate) wait: Wait,
}

/// What a look-up waits for.
pub(crate) struct Wait {
    pub(crate) serial: u16,
    /// The indices of the look-up's questions, one for each family.
    pub(crate) questions: Indexes,
    /// The look-up does not end before this time.
    pub(crate) not_before: Instant,
}

/// The indices of the questions of a look-up; [`NO_QUESTION`] for a family that was not requested.
pub(crate) type Indexes = [u16; 2];

/// The value for "no question". It is never the index of a question, because `NAMES` is smaller.
pub(crate) const NO_QUESTION: u16 = u16::MAX;

/// What happens after a look-up.
pub(crate) enum Completion<A> {
    /// The slot is free.
    Nothing,
    Call(OnLookup<A>),
    /// An idle connection connects to this port.
    Connect(Conn, u16),
}

impl<A> LookupSlot<A> {
    const FREE: Self = Self {
        completion: Completion::Nothing,
        wait: Wait { serial: 0, questions: [NO_QUESTION; 2], not_before: Instant::ZERO },
    };

    pub(crate) const fn is_free(&self) -> bool {
        matches!(self.completion, Completion::Nothing)
    }
}

impl<A, const LOOKUPS: usize, const NAMES: usize, const LONGEST: usize>
    Resolver<A, LOOKUPS, NAMES, LONGEST>
{
    /// The default ring sizes: the input ring holds two answers of 512 bytes, and the output ring holds two queries. An
    /// answer over UDP has at most 512 bytes.
    pub const RINGS: UdpRings =
        UdpRings::new(UdpRings::holding(2, 512), UdpRings::holding(2, LONGEST + 18));

    const SIZES: () = assert!(
        LOOKUPS <= u16::MAX as usize && NAMES < NO_QUESTION as usize && LONGEST <= 254,
        "a name has at most 254 bytes"
    );

    /// Makes a resolver without servers.
    pub const fn new() -> Self {
        let () = Self::SIZES;
        Self {
            client: Client {
                servers: heapless::Vec::new(),
                first_server: 0,
                serial: 0,
                timer: None,
                sockets: [None; 2],
                rings: Self::RINGS,
                has_tcp: false,
            },
            tcp: None,
            lookups: [const { LookupSlot::FREE }; LOOKUPS],
            questions: [const { Question::FREE }; NAMES],
            names: [[0; LONGEST]; NAMES],
        }
    }

    /// Sets the servers. Only the first three servers are used.
    pub fn set_servers(&mut self, servers: &[SocketAddr]) {
        self.as_mut().set_servers(servers);
    }

    /// Sets the ring sizes of the UDP sockets that the resolver binds from now on. The default is
    /// [`RINGS`](Self::RINGS).
    pub const fn set_rings(&mut self, rings: UdpRings) {
        self.client.rings = rings;
    }

    /// Returns the resolver without its capacities in the type, for [`HasResolver`].
    #[inline(never)]
    pub const fn as_mut(&mut self) -> ResolverMut<'_, A> {
        ResolverMut {
            table: Table {
                client: &mut self.client,
                questions: &mut self.questions,
                names: self.names.as_flattened_mut(),
                longest: LONGEST,
            },
            tcp: &mut self.tcp,
            lookups: &mut self.lookups,
        }
    }
}

impl<A: HasResolver, const LOOKUPS: usize, const NAMES: usize, const LONGEST: usize>
    Resolver<A, LOOKUPS, NAMES, LONGEST>
{
    /// Sets the pool for TCP connections to servers. The resolver fetches truncated answers over these connections. A
    /// pool of one connection is enough. The connection's input ring must hold the longest answer plus two bytes.
    pub const fn set_tcp_pool(&mut self, pool: PoolId) {
        self.client.has_tcp = true;
        self.tcp = Some(Tcp { pool, run: crate::tcp::run::<A>, active: None });
    }
}

impl<A, const LOOKUPS: usize, const NAMES: usize, const LONGEST: usize> Default
    for Resolver<A, LOOKUPS, NAMES, LONGEST>
{
    fn default() -> Self {
        Self::new()
    }
}

impl<A> ResolverMut<'_, A> {
    /// Sets the servers. Only the first three servers are used.
    pub fn set_servers(&mut self, servers: &[SocketAddr]) {
        self.table.client.servers.clear();
        // The list has room for three servers. Further servers are left out.
        let _ = servers.iter().try_for_each(|server| self.table.client.servers.push(*server));
        self.table.client.first_server = 0;
    }

    /// Returns the servers.
    pub fn servers(&self) -> &[SocketAddr] {
        &self.table.client.servers
    }

    /// Makes all cached answers expire. The hosts list and names that are being looked up do not change.
    pub fn clear_cache(&mut self) {
        self.table.questions.iter_mut().for_each(Question::expire);
    }

    /// Returns the number of look-ups in progress.
    pub fn lookups(&self) -> usize {
        let in_progress = self.lookups.iter().filter(|slot| !slot.is_free());
        in_progress.fold(0, |count, _| count.saturating_add(1))
    }

    /// Frees a look-up, and ends its questions if no other look-up waits for them. Returns what must happen after
    /// the look-up.
    #[inline(never)]
    pub(crate) fn free(&mut self, index: u16) -> Completion<A> {
        let Some(slot) = self.lookups.get_mut(usize::from(index)) else {
            return Completion::Nothing;
        };
        self.table.release(slot.wait.questions);
        core::mem::replace(&mut slot.completion, Completion::Nothing)
    }
}
