//! The resolver: what it keeps.

use core::net::SocketAddr;

use picoevent::{Conn, Cx, Event, Instant, PoolId, UdpRings, UdpSocket};

use crate::addresses::Addresses;
use crate::error::LookupError;
use crate::questions::Question;

/// The most servers that are asked.
pub(crate) const SERVERS: usize = 3;

/// What a look-up calls, once: the [`Lookup`], and what was found.
pub type OnLookup<A> = fn(&mut A, &mut Cx<'_, A>, Lookup, Result<Addresses, LookupError>);

/// An application that has a resolver.
pub trait HasResolver: Sized {
    /// Returns the resolver: [`Resolver::as_mut`] of the one that the application has.
    fn resolver(&mut self) -> ResolverMut<'_, Self>;
}

/// The number of a look-up, to [cancel](crate::cancel) it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Lookup {
    pub(crate) place: u16,
    pub(crate) serial: u16,
}

/// A resolver: `LOOKUPS` look-ups at once, and `NAMES` names that are looked up or kept, each of at most
/// `LONGEST` bytes. A name whose addresses of both families are wanted counts twice.
///
/// On a chip of 32 bits it takes 168 bytes, 32 for each look-up, and 56 and `LONGEST` for each name.
pub struct Resolver<A, const LOOKUPS: usize, const NAMES: usize, const LONGEST: usize = 64> {
    client: Client,
    tcp: Option<Tcp<A>>,
    lookups: [LookupSlot<A>; LOOKUPS],
    questions: [Question; NAMES],
    names: [[u8; LONGEST]; NAMES],
}

/// A resolver whose capacities are no longer in its type.
pub struct ResolverMut<'r, A> {
    pub(crate) table: Table<'r>,
    pub(crate) tcp: &'r mut Option<Tcp<A>>,
    pub(crate) lookups: &'r mut [LookupSlot<A>],
}

/// What is not about the application: the names that are looked up or kept.
pub(crate) struct Table<'r> {
    pub(crate) client: &'r mut Client,
    pub(crate) questions: &'r mut [Question],
    /// The names of the questions, each with the same room.
    pub(crate) names: &'r mut [u8],
    pub(crate) longest: usize,
}

/// What a resolver has once.
pub(crate) struct Client {
    pub(crate) servers: heapless::Vec<SocketAddr, SERVERS>,
    /// The server that answered last: it is asked first.
    pub(crate) first: u8,
    /// The next serial number of a look-up.
    pub(crate) serial: u16,
    pub(crate) timer: Option<Event>,
    /// For servers with IPv4, and with IPv6.
    pub(crate) sockets: [Option<UdpSocket>; 2],
    pub(crate) rings: UdpRings,
    /// Answers that are cut off are fetched.
    pub(crate) has_tcp: bool,
}

/// How answers that are cut off are fetched.
pub(crate) struct Tcp<A> {
    pub(crate) pool: PoolId,
    /// Begins and ends what is to be, reached so that a resolver without a pool does not link it.
    pub(crate) run: fn(&mut A, &mut Cx<'_, A>),
    /// The connection over which an answer is fetched, and the place of its question.
    pub(crate) held: Option<(Conn, u16)>,
}

/// Room for a look-up.
pub(crate) struct LookupSlot<A> {
    pub(crate) then: Then<A>,
    pub(crate) wait: Wait,
}

/// What a look-up waits for.
pub(crate) struct Wait {
    pub(crate) serial: u16,
    /// The places of its questions, for each family.
    pub(crate) questions: Places,
    /// Before that it does not end.
    pub(crate) from: Instant,
}

/// The places of the questions of a look-up; [`NOWHERE`] for a family that is not wanted.
pub(crate) type Places = [u16; 2];

/// The place of no question: no resolver has as many.
pub(crate) const NOWHERE: u16 = u16::MAX;

/// What follows a look-up.
pub(crate) enum Then<A> {
    /// The place is free.
    Nothing,
    Call(OnLookup<A>),
    /// A connection that is at rest connects to this port.
    Connect(Conn, u16),
}

impl<A> LookupSlot<A> {
    const FREE: Self = Self {
        then: Then::Nothing,
        wait: Wait { serial: 0, questions: [NOWHERE; 2], from: Instant::ZERO },
    };

    pub(crate) const fn is_free(&self) -> bool {
        matches!(self.then, Then::Nothing)
    }
}

impl<A, const LOOKUPS: usize, const NAMES: usize, const LONGEST: usize>
    Resolver<A, LOOKUPS, NAMES, LONGEST>
{
    /// Room for an answer of 512 bytes, which is as long as one gets over UDP, and one more, and for two
    /// questions.
    pub const RINGS: UdpRings =
        UdpRings::new(UdpRings::holding(2, 512), UdpRings::holding(2, LONGEST + 18));

    const SIZES: () = assert!(
        LOOKUPS <= u16::MAX as usize && NAMES < NOWHERE as usize && LONGEST <= 254,
        "a name has at most 254 bytes"
    );

    /// Makes a resolver that knows no server.
    pub const fn new() -> Self {
        let () = Self::SIZES;
        Self {
            client: Client {
                servers: heapless::Vec::new(),
                first: 0,
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

    /// Sets the servers that are asked from now on. Of more than three, the first three count.
    pub fn set_servers(&mut self, servers: &[SocketAddr]) {
        self.as_mut().set_servers(servers);
    }

    /// Sets the sizes of the rings of the sockets that are bound from now on: [`RINGS`](Self::RINGS) at first.
    pub const fn set_rings(&mut self, rings: UdpRings) {
        self.client.rings = rings;
    }

    /// Returns the resolver without its capacities, for [`HasResolver`].
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
    /// Sets the pool for connections to servers, which fetch answers that are cut off over UDP; one is enough. The
    /// input rings have to hold an answer and two bytes.
    pub const fn set_tcp_pool(&mut self, pool: PoolId) {
        self.client.has_tcp = true;
        self.tcp = Some(Tcp { pool, run: crate::tcp::run::<A>, held: None });
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
    /// Sets the servers that are asked from now on. Of more than three, the first three count.
    pub fn set_servers(&mut self, servers: &[SocketAddr]) {
        self.table.client.servers.clear();
        // What has no room is left out.
        let _ = servers.iter().try_for_each(|server| self.table.client.servers.push(*server));
        self.table.client.first = 0;
    }

    /// Returns the servers.
    pub fn servers(&self) -> &[SocketAddr] {
        &self.table.client.servers
    }

    /// Forgets all answers that are kept, but the list of hosts and what is being looked up.
    pub fn forget(&mut self) {
        self.table.questions.iter_mut().for_each(Question::forget);
    }

    /// Returns how many look-ups are under way.
    pub fn lookups(&self) -> usize {
        let held = self.lookups.iter().filter(|slot| !slot.is_free());
        held.fold(0, |count, _| count.saturating_add(1))
    }

    /// Frees a look-up, and gives up its questions if nobody else waits for them.
    #[inline(never)]
    pub(crate) fn free(&mut self, place: u16) -> Then<A> {
        let Some(slot) = self.lookups.get_mut(usize::from(place)) else { return Then::Nothing };
        self.table.release(slot.wait.questions);
        core::mem::replace(&mut slot.then, Then::Nothing)
    }
}
