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
/// On a chip of 32 bits it takes 152 bytes, 32 for each look-up, and 48 and `LONGEST` for each name.
pub struct Resolver<A, const LOOKUPS: usize, const NAMES: usize, const LONGEST: usize = 64> {
    client: Client,
    lookups: [LookupSlot<A>; LOOKUPS],
    questions: [Question; NAMES],
    names: [[u8; LONGEST]; NAMES],
}

/// A resolver whose capacities are no longer in its type.
pub struct ResolverMut<'r, A> {
    pub(crate) client: &'r mut Client,
    pub(crate) lookups: &'r mut [LookupSlot<A>],
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
    pub(crate) tcp_pool: Option<PoolId>,
    /// The connection over which an answer is fetched, and the place of its question.
    pub(crate) tcp: Option<(Conn, usize)>,
}

/// Room for a look-up.
pub(crate) struct LookupSlot<A> {
    pub(crate) serial: u16,
    /// The places of its questions, for each family.
    pub(crate) questions: [Option<u16>; 2],
    pub(crate) then: Then<A>,
    /// Before that it does not end.
    pub(crate) from: Instant,
}

/// What follows a look-up.
pub(crate) enum Then<A> {
    /// The place is free.
    Nothing,
    Call(OnLookup<A>),
    /// A connection that is at rest connects to this port.
    Connect(Conn, u16),
}

impl<A> LookupSlot<A> {
    const FREE: Self =
        Self { serial: 0, questions: [None; 2], then: Then::Nothing, from: Instant::ZERO };

    pub(crate) const fn is_free(&self) -> bool {
        matches!(self.then, Then::Nothing)
    }

    pub(crate) fn waits_for(&self, place: usize) -> bool {
        self.questions.iter().flatten().any(|held| usize::from(*held) == place)
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
        LOOKUPS <= u16::MAX as usize && NAMES <= u16::MAX as usize && LONGEST <= 254,
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
                tcp_pool: None,
                tcp: None,
            },
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

    /// Sets the pool for connections to servers, which fetch answers that are cut off over UDP; one is enough. The
    /// input rings have to hold an answer and two bytes.
    pub const fn set_tcp_pool(&mut self, pool: PoolId) {
        self.client.tcp_pool = Some(pool);
    }

    /// Returns the resolver without its capacities, for [`HasResolver`].
    pub const fn as_mut(&mut self) -> ResolverMut<'_, A> {
        ResolverMut {
            client: &mut self.client,
            lookups: &mut self.lookups,
            questions: &mut self.questions,
            names: self.names.as_flattened_mut(),
            longest: LONGEST,
        }
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
        self.client.servers.clear();
        // What has no room is left out.
        let _ = servers.iter().try_for_each(|server| self.client.servers.push(*server));
        self.client.first = 0;
    }

    /// Returns the servers.
    pub fn servers(&self) -> &[SocketAddr] {
        &self.client.servers
    }

    /// Forgets all answers that are kept, but the list of hosts and what is being looked up.
    pub fn forget(&mut self) {
        for question in self.questions.iter_mut() {
            question.forget();
        }
    }

    /// Returns the place for another look-up.
    pub(crate) fn free_lookup(&self) -> Option<usize> {
        self.lookups.iter().position(LookupSlot::is_free)
    }

    /// Makes a look-up wait for one more question.
    pub(crate) fn add_question(&mut self, place: usize, question: usize) {
        let slot = self.lookups.get_mut(place);
        let room = slot.and_then(|slot| slot.questions.iter_mut().find(|held| held.is_none()));
        if let Some(room) = room {
            *room = Some(question as u16);
        }
    }

    /// Frees a look-up, and gives up the questions that nobody waits for any more.
    pub(crate) fn free(&mut self, place: usize) {
        if let Some(slot) = self.lookups.get_mut(place) {
            *slot = LookupSlot::FREE;
        }
        self.drop_unwanted();
    }

    /// Returns how many look-ups are under way.
    pub fn lookups(&self) -> usize {
        let held = self.lookups.iter().filter(|slot| !slot.is_free());
        held.fold(0, |count, _| count.saturating_add(1))
    }
}
