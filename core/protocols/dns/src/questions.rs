//! Questions: names that are looked up, and their answers.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use picoevent::Instant;

use crate::addresses::{Addresses, FamilyAddresses};
use crate::answer;
use crate::error::{LookupError, ResolveError};
use crate::resolver::{Indexes, NO_QUESTION, Table, Wait};
use crate::wire::{Message, Writer, flag, is_host_name, without_dot};
use crate::{Family, literal};

/// The multicast group that receives the questions for names that end in `.local` (RFC 6762,
/// section 5.1).
const MDNS_GROUP: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(224, 0, 0, 251)), 5353);

/// The number of rounds. In each round, the resolver queries the servers one after the other until a server answers. A
/// server has one second for its answer in the first round. This time doubles in each further round. In the last round,
/// all letters of the name are lower case.
const ROUNDS: u8 = 3;

/// The time limit in seconds for an answer over TCP, including the time to connect.
pub(crate) const TCP_WAIT: u32 = 5;

/// The time limit in seconds for a question that waits for the TCP connection. It is longer than several fetches from
/// silent servers.
const QUEUE_WAIT: u32 = 30;

/// The maximum number of times that a question's query is sent again from another port without counting as a try. If
/// half of the ports are in use, about one query in 2000 still loses a try.
const MAX_REBINDS: u8 = 10;

/// A name and an address family. The name is being looked up, or its answer is cached.
pub(crate) struct Question {
    pub(crate) state: State,
    /// The ID that the answer must repeat.
    id: u16,
    name_length: u8,
    /// The number of queries sent.
    tries: u8,
    /// The index of the server that was queried last. While the question is queued for TCP, the index of the server
    /// that truncated its answer.
    pub(crate) server: u8,
    /// The number of times that the socket of the query could not be bound.
    rebinds: u8,
    /// The number of connections that have used one of the addresses. This number selects the address for the next
    /// connection.
    attempt: u8,
    /// The number of look-ups that wait for the answer. This number is zero for an answer that is only cached.
    waiters: u16,
    /// The time until which the question waits for an answer, or until which the answer is cached.
    until: Instant,
    addresses: FamilyAddresses,
}

/// The state of a question.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum State {
    /// The question has an answer or has failed.
    Finished(Result<(), LookupError>),
    /// A query was sent over UDP, or is about to be sent. At the time `until`, the next query is sent.
    Querying,
    /// The question waits for the TCP connection.
    Queued,
    /// The resolver connects to a server over TCP, or waits for the answer over TCP.
    Fetching,
}

impl Question {
    /// A free entry. It has the state of an entry whose answer has expired.
    pub(crate) const FREE: Self = Self {
        state: State::Finished(Err(LookupError::NoAnswer)),
        id: 0,
        name_length: 0,
        tries: 0,
        server: 0,
        rebinds: 0,
        attempt: 0,
        waiters: 0,
        until: Instant::ZERO,
        addresses: FamilyAddresses::none(Family::V4),
    };

    const fn is_in_progress(&self) -> bool {
        !matches!(self.state, State::Finished(_))
    }

    /// Makes the answer expire, unless the answer belongs to the hosts list.
    pub(crate) fn expire(&mut self) {
        if !self.is_in_progress() && self.until < Instant::MAX {
            self.until = Instant::ZERO;
        }
    }

    /// Ends the question with an answer that is cached until this time.
    fn finish(&mut self, result: Result<(), LookupError>, until: Instant) {
        (self.state, self.until) = (State::Finished(result), until);
    }
}

impl Table<'_> {
    /// Returns the indices of a look-up's questions. If a question about the name is in progress, or has an answer that
    /// is cached beyond the time `not_before`, uses this question. If there is no such question, makes a new question.
    /// Its first query is sent at the time `not_before`, or earlier if another look-up of the name begins earlier. The
    /// entries stay in use until the questions are [released](Self::release).
    #[inline(never)]
    pub(crate) fn questions_for(
        &mut self,
        name: &str,
        family: Option<Family>,
        now: Instant,
        not_before: Instant,
    ) -> Result<Indexes, ResolveError> {
        let literal = literal::parse(name);
        if literal.is_none() && !is_host_name(name) {
            return Err(ResolveError::Invalid);
        }
        let bytes = without_dot(name.as_bytes());
        let is_loopback = bytes.eq_ignore_ascii_case(b"localhost");
        // A literal address has one family, so the other family is not requested.
        let requested = family.or(literal.map(Family::of));
        let mut indexes = [NO_QUESTION; 2];
        for (index, family) in indexes.iter_mut().zip(Family::ALL) {
            if requested.is_some_and(|requested| requested != family) {
                continue;
            }
            let known = if is_loopback { Some(family.loopback()) } else { literal };
            let entry = match known {
                Some(_) => self.cache(b"", family, known, now),
                None => self.find_or_begin(bytes, family, not_before),
            };
            match entry {
                Ok(entry) => *index = entry,
                Err(error) => {
                    self.release(indexes);
                    return Err(error);
                }
            }
            if let Some(question) = self.get(*index) {
                question.waiters = question.waiters.saturating_add(1);
            }
        }
        Ok(indexes)
    }

    /// Returns the index of the question about a name. If there is no question about the name, makes a new question.
    fn find_or_begin(
        &mut self,
        name: &[u8],
        family: Family,
        not_before: Instant,
    ) -> Result<u16, ResolveError> {
        if let Some(index) = self.find(name, family, not_before, true) {
            // The look-up that made the question may begin later than this look-up.
            let unsent =
                self.get(index).filter(|question| question.is_in_progress() && question.tries == 0);
            if let Some(question) = unsent {
                question.until = question.until.min(not_before);
            }
            return Ok(index);
        }
        let index = self.allocate(name, family)?;
        if let Some(question) = self.get(index) {
            (question.state, question.until) = (State::Querying, not_before);
        }
        Ok(index)
    }

    /// Caches an address of a name until the time `until`, as if the name had been looked up. `None` means that the
    /// name has no address of this family. If the hosts list has an entry for this name, the entry is replaced.
    #[inline(never)]
    pub(crate) fn cache(
        &mut self,
        name: &[u8],
        family: Family,
        address: Option<IpAddr>,
        until: Instant,
    ) -> Result<u16, ResolveError> {
        let last = Instant::from_micros(u64::MAX.wrapping_sub(1));
        let index = match self.find(name, family, last, false) {
            Some(index) => index,
            None => self.allocate(name, family)?,
        };
        if let Some(question) = self.get(index) {
            question.addresses = FamilyAddresses::none(family);
            match address {
                Some(IpAddr::V4(v4)) if family == Family::V4 => {
                    question.addresses.add(&v4.octets())
                }
                Some(IpAddr::V6(v6)) if family == Family::V6 => {
                    question.addresses.add(&v6.octets())
                }
                _ => {}
            }
            let has_address = !question.addresses.is_empty();
            let result = if has_address { Ok(()) } else { Err(LookupError::NoAddress) };
            question.finish(result, until);
        }
        Ok(index)
    }

    /// Returns the index of the question about a name, if its answer is cached beyond `time`. If `or_in_progress` is
    /// true, also finds a question in progress. Prefers the answer that is cached longest, so the hosts list comes
    /// first.
    fn find(
        &self,
        name: &[u8],
        family: Family,
        time: Instant,
        or_in_progress: bool,
    ) -> Option<u16> {
        let usable = self.questions.iter().zip(0..u16::MAX).filter(|(question, index)| {
            let is_usable =
                if question.is_in_progress() { or_in_progress } else { question.until > time };
            is_usable
                && question.addresses.family == family
                && self.name(*index).eq_ignore_ascii_case(name)
        });
        let best = usable.max_by_key(|(question, _)| (!question.is_in_progress(), question.until));
        best.map(|(_, index)| index)
    }

    /// Takes an entry for a name: the entry that expires first among the entries for which no look-up waits. Never
    /// takes an entry of the hosts list.
    fn allocate(&mut self, name: &[u8], family: Family) -> Result<u16, ResolveError> {
        let most = self.longest;
        if name.len() > most {
            return Err(ResolveError::TooLong { most });
        }
        let (mut index, mut first) = (NO_QUESTION, Instant::MAX);
        for (question, number) in self.questions.iter().zip(0..u16::MAX) {
            if question.waiters == 0 && question.until < first {
                (index, first) = (number, question.until);
            }
        }
        let Some(question) = self.get(index) else { return Err(ResolveError::Names) };
        *question = Question::FREE;
        question.name_length = name.len() as u8;
        question.addresses.family = family;
        self.name_mut(index).iter_mut().zip(name).for_each(|(target, byte)| *target = *byte);
        Ok(index)
    }

    /// Releases the questions of a look-up. A question in progress ends, unless another look-up waits for it.
    #[inline(never)]
    pub(crate) fn release(&mut self, indexes: Indexes) {
        for index in indexes {
            let Some(question) = self.get(index) else { continue };
            question.waiters = question.waiters.saturating_sub(1);
            if question.waiters == 0 && question.is_in_progress() {
                *question = Question::FREE;
            }
        }
    }

    #[inline(never)]
    pub(crate) fn get(&mut self, index: u16) -> Option<&mut Question> {
        self.questions.get_mut(usize::from(index))
    }

    /// Returns the name of a question.
    #[inline(never)]
    fn name(&self, index: u16) -> &[u8] {
        let index = usize::from(index);
        let length = self.questions.get(index).map_or(0, |question| question.name_length.into());
        let names = self.names.get(index.wrapping_mul(self.longest)..);
        names.and_then(|names| names.get(..length)).unwrap_or_default()
    }

    fn name_mut(&mut self, index: u16) -> &mut [u8] {
        let index = usize::from(index);
        let length = self.questions.get(index).map_or(0, |question| question.name_length.into());
        let names = self.names.get_mut(index.wrapping_mul(self.longest)..);
        names.and_then(|names| names.get_mut(..length)).unwrap_or_default()
    }

    /// Begins the next try of a question, and returns the server to query. In the first try, the ID and the case of the
    /// letters are set from `random`. If each server was queried in all rounds, the question fails and the function
    /// returns `None`.
    #[inline(never)]
    pub(crate) fn next_try(
        &mut self,
        index: u16,
        now: Instant,
        random: &[u8; RANDOM_BYTES],
    ) -> Option<SocketAddr> {
        let is_local = is_local(self.name(index));
        let servers = self.servers_for(index);
        let first = self.client.first_server;
        let question = self.get(index)?;
        let round = question.tries.checked_div(servers);
        let Some(round) = round.filter(|round| *round < ROUNDS) else {
            let error = match servers {
                0 => LookupError::NoServer,
                // No host on the network has the name.
                _ if is_local => LookupError::NoSuchName,
                _ => LookupError::NoAnswer,
            };
            question.finish(Err(error), now);
            return None;
        };
        let server = first.wrapping_add(question.tries).checked_rem(servers)?;
        question.server = server;
        let is_first = question.tries == 0;
        // Some servers, and some hosts that use multicast DNS, change the case of the letters in their answers. So the
        // name has only lower-case letters in the last round and in `.local` names.
        let is_lower_case = is_local || round.wrapping_add(1) == ROUNDS;
        question.tries = question.tries.saturating_add(1);
        (question.state, question.until) = (State::Querying, after(now, 1 << round));
        let [low, high, bits @ ..] = random;
        if is_first {
            question.id = u16::from_le_bytes([*low, *high]);
        }
        if is_first || is_lower_case {
            for (position, letter) in (0..u8::MAX).zip(self.name_mut(index)) {
                let byte = bits.get(usize::from(position / 8)).copied().unwrap_or_default();
                *letter = letter.to_ascii_lowercase();
                if !is_lower_case && byte >> (position % 8) & 1 == 1 {
                    *letter = letter.to_ascii_uppercase();
                }
            }
        }
        self.destination(index)
    }

    /// Returns the number of servers that are queried for a question in each round.
    fn servers_for(&self, index: u16) -> u8 {
        if is_local(self.name(index)) { 1 } else { self.client.servers.len() as u8 }
    }

    /// Returns the address to which the last query for a question was sent.
    fn destination(&self, index: u16) -> Option<SocketAddr> {
        if is_local(self.name(index)) {
            return Some(MDNS_GROUP);
        }
        let question = self.questions.get(usize::from(index))?;
        self.client.servers.get(usize::from(question.server)).copied()
    }

    /// Handles a socket that could not be bound, probably because its random port is in use. The queries for servers of
    /// this address family were not sent. Makes these queries due again, and does not count their tries. The number of
    /// times is limited, because perhaps no port can be bound.
    #[inline(never)]
    pub(crate) fn rebind(&mut self, is_ipv6: bool, now: Instant) {
        for index in 0..self.questions.len() as u16 {
            let server = self.destination(index).filter(|server| server.is_ipv6() == is_ipv6);
            let Some(question) = self.get(index).filter(|_| server.is_some()) else { continue };
            if question.state == State::Querying
                && question.tries != 0
                && question.rebinds < MAX_REBINDS
            {
                question.rebinds = question.rebinds.wrapping_add(1);
                question.tries = question.tries.wrapping_sub(1);
                question.until = now;
            }
        }
    }

    /// Begins the questions of a look-up again whose answers expired before the look-up began. The questions were
    /// shared with an earlier look-up.
    #[inline(never)]
    pub(crate) fn refresh(&mut self, wait: &Wait) {
        for index in wait.questions {
            let Some(question) = self.get(index) else { continue };
            // A literal address has no name.
            let has_name = question.name_length != 0;
            if has_name && !question.is_in_progress() && question.until < wait.not_before {
                *question = Question {
                    state: State::Querying,
                    name_length: question.name_length,
                    waiters: question.waiters,
                    until: wait.not_before,
                    addresses: FamilyAddresses::none(question.addresses.family),
                    ..Question::FREE
                };
            }
        }
    }

    /// Writes the query for a question.
    #[inline(never)]
    pub(crate) fn write<'b>(&self, index: u16, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
        let question = self.questions.get(usize::from(index))?;
        let mut writer = Writer::new(buffer, question.id, flag::RECURSION_DESIRED);
        writer.question_for(&[self.name(index)], question.addresses.family.kind(), 1);
        writer.finish()
    }

    /// Makes a question fail with this error.
    pub(crate) fn fail(&mut self, index: u16, error: LookupError, now: Instant) {
        if let Some(question) = self.get(index).filter(|question| question.is_in_progress()) {
            question.finish(Err(error), now);
        }
    }

    /// Handles a message from a server, if the message answers a question. `state` is the state that the question must
    /// have: [`State::Querying`] for a message over UDP, [`State::Fetching`] for a message over TCP.
    ///
    /// The names are compared case-sensitively. The resolver has chosen the case of the letters at random, and an
    /// attacker that has not seen the query does not know which letters are upper case.
    #[inline(never)]
    pub(crate) fn handle_message(
        &mut self,
        from: SocketAddr,
        bytes: &[u8],
        state: State,
        now: Instant,
    ) {
        let complete = Message::parse(bytes);
        // Some servers truncate an answer within a record. The records of such an answer are not read.
        let Ok(message) = complete.or_else(|_| Message::parse_truncated(bytes)) else { return };
        let Some(repeated) = answer::question(&message) else { return };
        let index = self.questions.iter().zip(0..NO_QUESTION).position(|(question, index)| {
            question.state == state
                // A question has no ID before its first try.
                && question.tries != 0
                && question.id == message.id()
                && question.addresses.family.kind() == repeated.kind
                && repeated.name.is_exactly(self.name(index))
        });
        let Some(index) = index.map(|index| index as u16) else { return };
        let server = self.client.servers.iter().position(|address| is_same_host(address, &from));
        let may_answer = match is_local(self.name(index)) {
            true => from.port() == MDNS_GROUP.port(),
            false => server.is_some(),
        };
        let has_tcp = self.client.has_tcp && server.is_some() && state == State::Querying;
        let servers = self.servers_for(index);
        let Some(question) = self.get(index).filter(|_| may_answer) else { return };
        let answer = match complete {
            Ok(_) => answer::read(&message, repeated.name, &mut question.addresses),
            Err(_) => (Err(LookupError::TooLong), 0),
        };
        match answer {
            (Err(LookupError::NoAnswer), _) => {
                // Query the next server at once. After the last server of a round, wait for the next round: a query in
                // the same moment would fail again.
                if question.tries.checked_rem(servers) != Some(0) {
                    self.retry_now(index, now);
                }
                return;
            }
            (Err(LookupError::TooLong), _) if has_tcp => {
                question.server = server.unwrap_or_default() as u8;
                (question.state, question.until) = (State::Queued, after(now, QUEUE_WAIT));
            }
            (result, ttl) => question.finish(result, after(now, ttl)),
        }
        if let Some(server) = server {
            self.client.first_server = server as u8;
        }
    }

    /// Begins the time limit for the answer over TCP.
    pub(crate) fn begin_fetching(&mut self, index: u16, now: Instant) {
        if let Some(question) = self.get(index) {
            (question.state, question.until) = (State::Fetching, after(now, TCP_WAIT));
        }
    }

    /// Makes the next try of a question due at once, unless the question is finished.
    pub(crate) fn retry_now(&mut self, index: u16, now: Instant) {
        if let Some(question) = self.get(index).filter(|question| question.is_in_progress()) {
            (question.state, question.until) = (State::Querying, now);
        }
    }

    /// Returns whether the next query for a question must be sent now.
    pub(crate) fn is_due(&mut self, index: u16, now: Instant) -> bool {
        self.get(index).is_some_and(|question| question.is_in_progress() && question.until <= now)
    }

    /// Returns whether the answer to an earlier query may still arrive: to a query for another question, or to an
    /// earlier try of this question. The current try of this question is already counted in `tries`, but was not sent
    /// yet.
    pub(crate) fn is_waiting(&self, index: u16) -> bool {
        self.questions.iter().zip(0..u16::MAX).any(|(question, other)| {
            question.is_in_progress() && question.tries > u8::from(other == index)
        })
    }

    /// Returns the time until which a look-up waits, or `None` if the look-up is complete. A look-up is complete when
    /// all its questions are finished. If `one_is_enough` is true, the look-up is also complete when one of its
    /// questions is finished and has an address.
    #[inline(never)]
    pub(crate) fn next_time(&self, wait: &Wait, one_is_enough: bool) -> Option<Instant> {
        let mut next = None;
        for index in wait.questions {
            match self.questions.get(usize::from(index)) {
                Some(question) if question.is_in_progress() => {
                    next = Some(question.until.min(next.unwrap_or(Instant::MAX)));
                }
                Some(question) if one_is_enough && !question.addresses.is_empty() => return None,
                _ => {}
            }
        }
        next
    }

    /// Returns the addresses that a look-up has found.
    ///
    /// # Errors
    /// Returns the error of the first question that has failed, if no address was found for any of the questions.
    pub(crate) fn addresses(&self, wait: &Wait) -> Result<Addresses, LookupError> {
        let mut addresses = Addresses::NONE;
        for index in wait.questions {
            if let Some(question) = self.questions.get(usize::from(index)) {
                addresses.set(&question.addresses);
            }
        }
        if addresses.is_empty() { Err(self.error(wait)) } else { Ok(addresses) }
    }

    /// Returns one of the addresses that a look-up has found, for one connection. The next connection gets the
    /// next address.
    ///
    /// # Errors
    /// Returns the same errors as [`addresses`](Self::addresses).
    pub(crate) fn next_address(&mut self, wait: &Wait) -> Result<IpAddr, LookupError> {
        for index in wait.questions {
            let Some(question) = self.get(index) else { continue };
            if let Some(address) = question.addresses.for_attempt(question.attempt) {
                question.attempt = question.attempt.wrapping_add(1);
                return Ok(address);
            }
        }
        Err(self.error(wait))
    }

    /// Returns the error of a look-up that has found nothing.
    fn error(&self, wait: &Wait) -> LookupError {
        let error = wait.questions.iter().find_map(|index| {
            match self.questions.get(usize::from(*index))?.state {
                State::Finished(Err(error)) => Some(error),
                _ => None,
            }
        });
        error.unwrap_or(LookupError::NoAddress)
    }
}

/// The number of random bytes for a question: two for its ID, and one bit for each byte of its name.
pub(crate) const RANDOM_BYTES: usize = 34;

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
        // The scope ID is not compared. It is the number of a local interface, and the address of the server may have
        // been set without a scope ID.
        (SocketAddr::V6(server), SocketAddr::V6(from)) => {
            server.port() == from.port() && server.ip() == from.ip()
        }
        _ => false,
    }
}
