//! Questions: names that are looked up, and their answers.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use picoevent::Instant;

use crate::addresses::{Addresses, Found};
use crate::answer;
use crate::error::{LookupError, ResolveError};
use crate::resolver::{NOWHERE, Places, Table, Wait};
use crate::wire::{Message, Writer, flag, is_host_name, without_dot};
use crate::{Family, literal};

/// The multicast group that receives the questions for names that end in `.local` (RFC 6762,
/// section 5.1).
const NEIGHBOURS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(224, 0, 0, 251)), 5353);

/// The number of rounds. In each round, every server is asked until one answers. A server has one second for its answer
/// in the first round, and twice as long in each further round. In the last round all letters are lower case.
const ROUNDS: u8 = 3;

/// The time limit in seconds for an answer over TCP, including the connect.
pub(crate) const TCP_WAIT: u32 = 5;

/// A name and an address family, which are being looked up or whose answer is cached.
pub(crate) struct Question {
    pub(crate) state: State,
    /// The ID that the answer must repeat.
    id: u16,
    name_length: u8,
    /// The number of queries sent.
    tries: u8,
    /// The index of the server that truncated its answer, while the answer is queued for TCP.
    pub(crate) server: u8,
    /// The number of connections that have used one of the addresses. It selects the address for the next connection.
    turn: u8,
    /// The number of look-ups that wait for the answer. It is zero for an answer that is only cached.
    waiters: u16,
    /// The time until which it waits for an answer, or until which the answer is cached.
    until: Instant,
    found: Found,
}

/// The progress of a question.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum State {
    /// It has an answer.
    Known(Result<(), LookupError>),
    /// A query was sent over UDP, or is about to be sent. At the time `until`, the next query is sent.
    Asking,
    /// It waits for the TCP connection.
    Queued,
    /// A query is sent over TCP.
    Fetching,
}

impl Question {
    /// A free entry: it looks like a name whose answer has expired.
    pub(crate) const FREE: Self = Self {
        state: State::Known(Err(LookupError::NoAnswer)),
        id: 0,
        name_length: 0,
        tries: 0,
        server: 0,
        turn: 0,
        waiters: 0,
        until: Instant::ZERO,
        found: Found::none(Family::V4),
    };

    const fn is_open(&self) -> bool {
        !matches!(self.state, State::Known(_))
    }

    /// Forgets the answer, unless it belongs to the hosts list.
    pub(crate) fn forget(&mut self) {
        if !self.is_open() && self.until < Instant::MAX {
            self.until = Instant::ZERO;
        }
    }

    /// Ends the question with an answer that is cached until this time.
    fn know(&mut self, known: Result<(), LookupError>, until: Instant) {
        (self.state, self.until) = (State::Known(known), until);
    }
}

impl Table<'_> {
    /// Returns the indices of a look-up's questions. Such a question may have a cached answer or may already be in
    /// progress; otherwise a new question begins at the time `from`. The entries stay in use until the questions
    /// are [released](Self::release).
    #[inline(never)]
    pub(crate) fn questions_for(
        &mut self,
        name: &str,
        family: Option<Family>,
        now: Instant,
        from: Instant,
    ) -> Result<Places, ResolveError> {
        let literal = literal::parse(name);
        if literal.is_none() && !is_host_name(name) {
            return Err(ResolveError::Invalid);
        }
        let bytes = without_dot(name.as_bytes());
        let is_loopback = bytes.eq_ignore_ascii_case(b"localhost");
        // A literal address has one family.
        let family = family.or(literal.map(Family::of));
        let mut places = [NOWHERE; 2];
        for (place, one) in places.iter_mut().zip(Family::ALL) {
            if family.is_some_and(|family| family != one) {
                continue;
            }
            let known = if is_loopback { Some(one.loopback()) } else { literal };
            let made = match known {
                Some(_) => self.keep(b"", one, known, now),
                None => self.question(bytes, one, from),
            };
            match made {
                Ok(made) => *place = made,
                Err(error) => {
                    self.release(places);
                    return Err(error);
                }
            }
            if let Some(question) = self.get(*place) {
                question.waiters = question.waiters.saturating_add(1);
            }
        }
        Ok(places)
    }

    /// Returns the index of the question about a name. Makes a new question if there is none.
    fn question(
        &mut self,
        name: &[u8],
        family: Family,
        from: Instant,
    ) -> Result<u16, ResolveError> {
        if let Some(place) = self.find(name, family, from, true) {
            return Ok(place);
        }
        let place = self.take(name, family)?;
        if let Some(question) = self.get(place) {
            (question.state, question.until) = (State::Asking, from);
        }
        Ok(place)
    }

    /// Caches an address of a name until the time `until`, as if the name had been looked up. `None` means that the
    /// name has no address of this family. An entry for this name that is kept forever, in the hosts list, is replaced.
    #[inline(never)]
    pub(crate) fn keep(
        &mut self,
        name: &[u8],
        family: Family,
        address: Option<IpAddr>,
        until: Instant,
    ) -> Result<u16, ResolveError> {
        let last = Instant::from_micros(u64::MAX.wrapping_sub(1));
        let place = match self.find(name, family, last, false) {
            Some(place) => place,
            None => self.take(name, family)?,
        };
        if let Some(question) = self.get(place) {
            question.found = Found::none(family);
            match address {
                Some(IpAddr::V4(v4)) if family == Family::V4 => question.found.add(&v4.octets()),
                Some(IpAddr::V6(v6)) if family == Family::V6 => question.found.add(&v6.octets()),
                _ => {}
            }
            let is_there = !question.found.is_empty();
            let known = if is_there { Ok(()) } else { Err(LookupError::NoAddress) };
            question.know(known, until);
        }
        Ok(place)
    }

    /// Returns the index of the question about a name, if its answer is cached beyond `time`. With `or_open`, also
    /// finds a question in progress.
    fn find(&self, name: &[u8], family: Family, time: Instant, or_open: bool) -> Option<u16> {
        let place = self.questions.iter().zip(0..u16::MAX).position(|(question, place)| {
            let counts = if question.is_open() { or_open } else { question.until > time };
            counts && question.found.family == family && self.name(place).eq_ignore_ascii_case(name)
        });
        place.map(|place| place as u16)
    }

    /// Takes an entry for a name: among the entries without a waiting look-up, the entry that expires first. Entries of
    /// the hosts list are never taken.
    fn take(&mut self, name: &[u8], family: Family) -> Result<u16, ResolveError> {
        let most = self.longest;
        if name.len() > most {
            return Err(ResolveError::TooLong { most });
        }
        let (mut place, mut first) = (NOWHERE, Instant::MAX);
        for (question, number) in self.questions.iter().zip(0..u16::MAX) {
            if question.waiters == 0 && question.until < first {
                (place, first) = (number, question.until);
            }
        }
        let Some(question) = self.get(place) else { return Err(ResolveError::Names) };
        *question = Question::FREE;
        question.name_length = name.len() as u8;
        question.found.family = family;
        self.name_mut(place).iter_mut().zip(name).for_each(|(place, byte)| *place = *byte);
        Ok(place)
    }

    /// Releases the questions of a look-up. A question in progress ends, unless another look-up waits for it.
    #[inline(never)]
    pub(crate) fn release(&mut self, places: Places) {
        for place in places {
            let Some(question) = self.get(place) else { continue };
            question.waiters = question.waiters.saturating_sub(1);
            if question.waiters == 0 && question.is_open() {
                *question = Question::FREE;
            }
        }
    }

    #[inline(never)]
    pub(crate) fn get(&mut self, place: u16) -> Option<&mut Question> {
        self.questions.get_mut(usize::from(place))
    }

    /// Returns the name of a question.
    #[inline(never)]
    fn name(&self, place: u16) -> &[u8] {
        let place = usize::from(place);
        let length = self.questions.get(place).map_or(0, |question| question.name_length.into());
        let names = self.names.get(place.wrapping_mul(self.longest)..);
        names.and_then(|names| names.get(..length)).unwrap_or_default()
    }

    fn name_mut(&mut self, place: u16) -> &mut [u8] {
        let place = usize::from(place);
        let length = self.questions.get(place).map_or(0, |question| question.name_length.into());
        let names = self.names.get_mut(place.wrapping_mul(self.longest)..);
        names.and_then(|names| names.get_mut(..length)).unwrap_or_default()
    }

    /// Begins the next try of a question. `random` chooses the ID and the case of the letters for the first try.
    /// Returns the server to ask. After the last try, the question fails and this returns `None`.
    #[inline(never)]
    pub(crate) fn next_try(
        &mut self,
        place: u16,
        now: Instant,
        random: &[u8; RANDOM],
    ) -> Option<SocketAddr> {
        let is_local = is_local(self.name(place));
        let servers = if is_local { 1 } else { self.client.servers.len() as u8 };
        let first = self.client.first;
        let question = self.get(place)?;
        let round = question.tries.checked_div(servers);
        let Some(round) = round.filter(|round| *round < ROUNDS) else {
            let error = match servers {
                0 => LookupError::NoServer,
                // No host on the network has the name.
                _ if is_local => LookupError::NoSuchName,
                _ => LookupError::NoAnswer,
            };
            question.know(Err(error), now);
            return None;
        };
        let server = first.wrapping_add(question.tries).checked_rem(servers)?;
        let is_first = question.tries == 0;
        // Some servers change the case of letters, and hosts that use multicast DNS may do so.
        let is_plain = is_local || round.wrapping_add(1) == ROUNDS;
        question.tries = question.tries.saturating_add(1);
        (question.state, question.until) = (State::Asking, after(now, 1 << round));
        let [low, high, bits @ ..] = random;
        if is_first {
            question.id = u16::from_le_bytes([*low, *high]);
        }
        if is_first || is_plain {
            for (number, letter) in (0..u8::MAX).zip(self.name_mut(place)) {
                let byte = bits.get(usize::from(number / 8)).copied().unwrap_or_default();
                *letter = letter.to_ascii_lowercase();
                if !is_plain && byte >> (number % 8) & 1 == 1 {
                    *letter = letter.to_ascii_uppercase();
                }
            }
        }
        if is_local {
            return Some(NEIGHBOURS);
        }
        self.client.servers.get(usize::from(server)).copied()
    }

    /// Writes a question.
    #[inline(never)]
    pub(crate) fn write<'b>(&self, place: u16, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
        let question = self.questions.get(usize::from(place))?;
        let mut writer = Writer::new(buffer, question.id, flag::RECURSION_DESIRED);
        writer.question_for(&[self.name(place)], question.found.family.kind(), 1);
        writer.finish()
    }

    /// Makes a question fail with this error.
    pub(crate) fn fail(&mut self, place: u16, error: LookupError, now: Instant) {
        if let Some(question) = self.get(place).filter(|question| question.is_open()) {
            question.know(Err(error), now);
        }
    }

    /// Handles a message from a server, if the message answers a question. `state` is the state that the question must
    /// have: [`State::Asking`] for a message over UDP, [`State::Fetching`] for a message over TCP.
    ///
    /// The names are compared case-sensitively, because the case of the letters was chosen at random: a host that has
    /// not seen the query does not know it.
    #[inline(never)]
    pub(crate) fn answered(&mut self, from: SocketAddr, bytes: &[u8], state: State, now: Instant) {
        let Ok(message) = Message::parse(bytes) else { return };
        let Some(asked) = answer::question(&message) else { return };
        let place = self.questions.iter().zip(0..NOWHERE).position(|(question, place)| {
            question.state == state
                // A question has no ID before its first try.
                && question.tries != 0
                && question.id == message.id()
                && question.found.family.kind() == asked.kind
                && asked.name.is_exactly(self.name(place))
        });
        let Some(place) = place.map(|place| place as u16) else { return };
        let server = self.client.servers.iter().position(|held| is_same_host(held, &from));
        let may_answer = match is_local(self.name(place)) {
            true => from.port() == NEIGHBOURS.port(),
            false => server.is_some(),
        };
        let has_tcp = self.client.has_tcp && server.is_some() && state == State::Asking;
        let Some(question) = self.get(place).filter(|_| may_answer) else { return };
        match answer::read(&message, asked.name, &mut question.found) {
            // Ask the next server at once.
            (Err(LookupError::NoAnswer), _) => return self.ask_again(place, now),
            (Err(LookupError::TooLong), _) if has_tcp => {
                question.server = server.unwrap_or_default() as u8;
                (question.state, question.until) = (State::Queued, after(now, TCP_WAIT));
            }
            (known, ttl) => question.know(known, after(now, ttl)),
        }
        if let Some(server) = server {
            self.client.first = server as u8;
        }
    }

    /// Schedules the next try of an unanswered question for now.
    pub(crate) fn ask_again(&mut self, place: u16, now: Instant) {
        if let Some(question) = self.get(place).filter(|question| question.is_open()) {
            (question.state, question.until) = (State::Asking, now);
        }
    }

    /// Returns whether a question must be asked now.
    pub(crate) fn is_due(&mut self, place: u16, now: Instant) -> bool {
        self.get(place).is_some_and(|question| question.is_open() && question.until <= now)
    }

    /// Returns whether answers may still arrive, to other questions or to earlier tries of this question.
    pub(crate) fn is_waiting(&self, place: u16) -> bool {
        self.questions.iter().zip(0..u16::MAX).any(|(question, other)| {
            question.is_open() && question.tries > u8::from(other == place)
        })
    }

    /// Returns the time until which a look-up waits, or `None` if it has its answer. With `one_is_enough`, an address
    /// of one family is a sufficient answer.
    #[inline(never)]
    pub(crate) fn next_time(&self, wait: &Wait, one_is_enough: bool) -> Option<Instant> {
        let mut next = None;
        for place in wait.questions {
            match self.questions.get(usize::from(place)) {
                Some(question) if question.is_open() => {
                    next = Some(question.until.min(next.unwrap_or(Instant::MAX)));
                }
                Some(question) if one_is_enough && !question.found.is_empty() => return None,
                _ => {}
            }
        }
        next
    }

    /// Returns the addresses that a look-up has found.
    ///
    /// # Errors
    /// The error of the first question, if no question has an address.
    pub(crate) fn addresses(&self, wait: &Wait) -> Result<Addresses, LookupError> {
        let mut addresses = Addresses::NONE;
        for place in wait.questions {
            if let Some(question) = self.questions.get(usize::from(place)) {
                addresses.put(&question.found);
            }
        }
        if addresses.is_empty() { Err(self.error(wait)) } else { Ok(addresses) }
    }

    /// Returns one of the addresses that a look-up has found, for one connection. The next connection gets the
    /// next address.
    ///
    /// # Errors
    /// As [`addresses`](Self::addresses).
    pub(crate) fn next_address(&mut self, wait: &Wait) -> Result<IpAddr, LookupError> {
        for place in wait.questions {
            let Some(question) = self.get(place) else { continue };
            if let Some(address) = question.found.of_turn(question.turn) {
                question.turn = question.turn.wrapping_add(1);
                return Ok(address);
            }
        }
        Err(self.error(wait))
    }

    /// Returns the error of a look-up that has found nothing.
    fn error(&self, wait: &Wait) -> LookupError {
        let error = wait.questions.iter().find_map(|place| {
            match self.questions.get(usize::from(*place))?.state {
                State::Known(Err(error)) => Some(error),
                _ => None,
            }
        });
        error.unwrap_or(LookupError::NoAddress)
    }
}

/// The random bytes of a question: two for its ID, and one bit for each byte of its name.
pub(crate) const RANDOM: usize = 34;

/// Returns the time `seconds` seconds later.
#[inline(never)]
pub(crate) fn after(now: Instant, seconds: u32) -> Instant {
    let micros = u64::from(seconds).wrapping_mul(1_000_000);
    Instant::from_micros(now.as_micros().saturating_add(micros))
}

/// Returns whether a name is resolved by multicast, not by a server.
fn is_local(name: &[u8]) -> bool {
    let end = name.last_chunk().is_some_and(|end: &[u8; 6]| end.eq_ignore_ascii_case(b".local"));
    end && name.len() > 6
}

/// Returns whether a datagram came from this server.
fn is_same_host(server: &SocketAddr, from: &SocketAddr) -> bool {
    match (server, from) {
        (SocketAddr::V4(server), SocketAddr::V4(from)) => server == from,
        // The scope of an address is meaningful only on the host that receives it.
        (SocketAddr::V6(server), SocketAddr::V6(from)) => {
            server.port() == from.port() && server.ip() == from.ip()
        }
        _ => false,
    }
}
