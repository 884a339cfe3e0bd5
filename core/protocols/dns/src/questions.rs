//! Questions: names that are looked up, and what is known of them.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::time::Duration;

use picoevent::Instant;

use crate::addresses::{Addresses, Found};
use crate::answer::Answer;
use crate::error::{LookupError, ResolveError};
use crate::resolver::{LookupSlot, ResolverMut, Then};
use crate::{Family, wire};

/// Whom names that end in `.local` are asked from: all on the network who have names (RFC 6762, 5.1).
const NEIGHBOURS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(224, 0, 0, 251)), 5353);

/// How often each server is asked.
const ROUNDS: u8 = 3;

/// The round in which all letters are small.
const PLAIN_ROUND: usize = 2;

/// How long an answer may take in the first round. It is doubled with each.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// How long an answer over TCP may take, the connection included.
pub(crate) const TCP_WAIT: Duration = Duration::from_secs(5);

/// A name and a family: being looked up, or known.
pub(crate) struct Question {
    pub(crate) state: State,
    pub(crate) family: Family,
    /// The number that the question and its answer have in common.
    pub(crate) id: u16,
    name_length: u8,
    /// How often servers were asked.
    tries: u8,
    /// Until when an answer is waited for, or what is known is kept.
    pub(crate) until: Instant,
    found: Found,
}

/// How far a question is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum State {
    /// The place is free.
    Free,
    /// It is asked over UDP, again when the time is up.
    Asking,
    /// It waits for the connection that fetches answers.
    Queued,
    /// It is asked over TCP.
    Fetching,
    /// It has an answer.
    Known(Result<(), LookupError>),
}

impl Question {
    pub(crate) const FREE: Self = Self {
        state: State::Free,
        family: Family::V4,
        id: 0,
        name_length: 0,
        tries: 0,
        until: Instant::ZERO,
        found: Found::none(Family::V4),
    };

    pub(crate) const fn is_open(&self) -> bool {
        matches!(self.state, State::Asking | State::Queued | State::Fetching)
    }

    fn is_known_at(&self, now: Instant) -> bool {
        matches!(self.state, State::Known(_)) && self.until > now
    }

    /// Forgets what is known, unless it is of the list of hosts.
    pub(crate) fn forget(&mut self) {
        if matches!(self.state, State::Known(_)) && self.until < Instant::MAX {
            self.until = Instant::ZERO;
        }
    }

    /// Ends with an answer that is kept until a time.
    fn know(&mut self, known: Result<(), LookupError>, until: Instant) {
        (self.state, self.until) = (State::Known(known), until);
    }
}

impl<A> ResolverMut<'_, A> {
    /// Returns the place of the question about a name, which is known, or being asked, or will be asked `delay` from now.
    ///
    /// It stays where it is as long as a look-up waits for it.
    pub(crate) fn question(
        &mut self,
        name: &str,
        family: Family,
        now: Instant,
        delay: Duration,
    ) -> Result<usize, ResolveError> {
        let name = name.strip_suffix('.').unwrap_or(name);
        let from = now.after(delay);
        let is_same = |place: &usize| {
            self.questions.get(*place).is_some_and(|question| {
                question.family == family && (question.is_open() || question.is_known_at(from))
            }) && self.name(*place).eq_ignore_ascii_case(name)
        };
        if let Some(place) = (0..self.questions.len()).find(is_same) {
            return Ok(place);
        }
        let place = self.take(name, family)?;
        if let Some(question) = self.questions.get_mut(place) {
            (question.state, question.until) = (State::Asking, from);
        }
        Ok(place)
    }

    /// Keeps an address of a name until a time, or that it has none, as if it had been looked up. It replaces
    /// one that is kept forever.
    pub(crate) fn keep(
        &mut self,
        name: &str,
        family: Family,
        address: Option<IpAddr>,
        until: Instant,
    ) -> Result<usize, ResolveError> {
        let is_same = |place: &usize| {
            let question = self.questions.get(*place);
            let is_host = |held: &Question| held.family == family && held.until == Instant::MAX;
            question.is_some_and(is_host) && self.name(*place).eq_ignore_ascii_case(name)
        };
        let place = match (0..self.questions.len()).find(is_same) {
            Some(place) => place,
            None => self.take(name, family)?,
        };
        if let Some(question) = self.questions.get_mut(place) {
            question.found = Found::none(family);
            question.know(address.map(|_| ()).ok_or(LookupError::NoAddress), until);
            address.into_iter().for_each(|address| question.found.add(address));
        }
        Ok(place)
    }

    /// Takes a free place for a name, or that of the answer that ends first.
    fn take(&mut self, name: &str, family: Family) -> Result<usize, ResolveError> {
        if name.len() > self.longest {
            return Err(ResolveError::TooLong { most: self.longest });
        }
        let questions = (0..self.questions.len()).zip(self.questions.iter());
        let unused = questions.filter(|(place, question)| match question.state {
            State::Free => true,
            State::Known(_) => question.until < Instant::MAX && !waited_for(self.lookups, *place),
            _ => false,
        });
        let key = |(_, question): &(usize, &Question)| match question.state {
            State::Free => Instant::ZERO,
            _ => question.until,
        };
        let place = unused.min_by_key(key).map(|(place, _)| place).ok_or(ResolveError::Names)?;
        let (start, most) = (place.saturating_mul(self.longest), self.longest);
        let room = self.names.get_mut(start..).and_then(|rest| rest.get_mut(..most));
        if let Some((question, room)) = self.questions.get_mut(place).zip(room) {
            *question = Question { family, found: Found::none(family), ..Question::FREE };
            question.name_length = name.len() as u8;
            room.iter_mut().zip(name.bytes()).for_each(|(place, byte)| *place = byte);
        }
        Ok(place)
    }

    /// Returns the name of a question.
    pub(crate) fn name(&self, place: usize) -> &str {
        let start = place.saturating_mul(self.longest);
        let length = self.questions.get(place).map_or(0, |question| question.name_length.into());
        let bytes = self.names.get(start..).and_then(|rest| rest.get(..length));
        core::str::from_utf8(bytes.unwrap_or_default()).unwrap_or_default()
    }

    /// Begins the next try of a question: returns which server is asked, or `None` when all were asked
    /// often enough.
    pub(crate) fn next_try(&mut self, place: usize, now: Instant) -> Option<SocketAddr> {
        let is_local = self.is_local(place);
        let servers = if is_local { 1 } else { self.client.servers.len() };
        let question = self.questions.get_mut(place)?;
        let round = usize::from(question.tries).checked_div(servers);
        let Some(round) = round.filter(|round| *round < ROUNDS.into()) else {
            let error = match servers {
                0 => LookupError::NoServer,
                // No neighbour has the name.
                _ if is_local => LookupError::NoSuchName,
                _ => LookupError::NoAnswer,
            };
            question.know(Err(error), now);
            return None;
        };
        let server = usize::from(self.client.first).wrapping_add(question.tries.into());
        question.tries = question.tries.saturating_add(1);
        question.until = now.after(FIRST_WAIT.saturating_mul(1 << round.min(ROUNDS.into())));
        if is_local {
            return Some(NEIGHBOURS);
        }
        let server = server.checked_rem(servers)?;
        self.client.servers.get(server).copied()
    }

    /// Chooses the number of a question and the case of its letters at random. When servers are asked for the last
    /// time, all letters are small, because there are servers that change them. So may neighbours.
    pub(crate) fn disguise(&mut self, place: usize, id: u16, bits: &[u8]) {
        let (servers, is_local) = (self.client.servers.len(), self.is_local(place));
        let (start, most) = (place.saturating_mul(self.longest), self.longest);
        let room = self.names.get_mut(start..).and_then(|rest| rest.get_mut(..most));
        let Some((question, room)) = self.questions.get_mut(place).zip(room) else { return };
        let is_last = is_local || usize::from(question.tries) > servers.saturating_mul(PLAIN_ROUND);
        if question.tries == 1 {
            question.id = id;
        } else if !is_last {
            return;
        }
        for (number, letter) in (0..usize::from(question.name_length)).zip(room) {
            let byte = bits.get(number / 8).copied().unwrap_or_default();
            let is_large = !is_last && byte.checked_shr(number as u32 % 8).unwrap_or(0) & 1 == 1;
            *letter =
                if is_large { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() };
        }
    }

    /// Makes a question fail for want of something.
    pub(crate) fn fail(&mut self, place: usize, error: LookupError, now: Instant) {
        if let Some(question) = self.questions.get_mut(place).filter(|question| question.is_open())
        {
            question.know(Err(error), now);
        }
    }

    /// Takes a message from a server for the question it answers, if it answers one. `state` is how that question
    /// was asked.
    pub(crate) fn answered(
        &mut self,
        server: SocketAddr,
        message: &[u8],
        state: State,
        now: Instant,
    ) -> Option<usize> {
        let number = self.client.servers.iter().position(|held| is_same_host(*held, server));
        let is_neighbour = server.port() == NEIGHBOURS.port();
        let read = (0..self.questions.len()).find_map(|place| {
            let question = self.questions.get(place).filter(|held| held.state == state)?;
            let may_answer = if self.is_local(place) { is_neighbour } else { number.is_some() };
            if !may_answer {
                return None;
            }
            // Before the first try, it has no number.
            let (id, family) = (question.tries > 0).then_some((question.id, question.family))?;
            Some((place, crate::answer::read(message, id, self.name(place), family)?))
        });
        let (place, answer) = read?;
        let has_pool = self.client.tcp_pool.is_some() && number.is_some();
        let question = self.questions.get_mut(place)?;
        let until = |seconds: u32| now.after(Duration::from_secs(seconds.into()));
        match answer {
            Answer::Found(found, ttl) => {
                question.found = found;
                question.know(Ok(()), until(ttl));
            }
            Answer::NoSuchName(ttl) => question.know(Err(LookupError::NoSuchName), until(ttl)),
            Answer::NoAddress(ttl) => question.know(Err(LookupError::NoAddress), until(ttl)),
            Answer::Truncated if has_pool && state == State::Asking => {
                (question.state, question.until) = (State::Queued, now.after(TCP_WAIT));
            }
            Answer::Truncated => question.know(Err(LookupError::TooLong), now),
            // The next server is asked at once.
            Answer::ServerFailed => {
                self.ask_next(place, now);
                return Some(place);
            }
        }
        if let Some(number) = number {
            self.client.first = number as u8;
        }
        Some(place)
    }

    /// Returns whether the neighbours are asked for a name, and no server.
    fn is_local(&self, place: usize) -> bool {
        let name = self.name(place).as_bytes();
        let end =
            name.last_chunk().is_some_and(|end: &[u8; 6]| end.eq_ignore_ascii_case(b".local"));
        end && name.len() > 6
    }

    /// Returns whether a question is to be asked now.
    pub(crate) fn is_due(&self, place: usize, now: Instant) -> bool {
        let question = self.questions.get(place);
        question.is_some_and(|question| question.is_open() && question.until <= now)
    }

    /// Takes a look-up whose answer is there: what follows, and the answer.
    pub(crate) fn take_done(
        &mut self,
        place: usize,
        now: Instant,
    ) -> Option<(u16, Then<A>, Result<Addresses, LookupError>)> {
        let slot = self.lookups.get(place).filter(|slot| !slot.is_free() && slot.from <= now)?;
        let questions = || {
            let places = slot.questions.iter().flatten();
            places.filter_map(|place| self.questions.get(usize::from(*place)))
        };
        let is_found = |question: &Question| question.state == State::Known(Ok(()));
        // A connection needs one address only.
        let is_enough = matches!(slot.then, Then::Connect(..)) && questions().any(is_found);
        if !is_enough && questions().any(Question::is_open) {
            return None;
        }
        let mut addresses = Addresses::NONE;
        questions()
            .filter(|question| is_found(question))
            .for_each(|question| addresses.put(question.found));
        let error = questions().find_map(|question| match question.state {
            State::Known(known) => known.err(),
            _ => None,
        });
        let result = match error {
            Some(error) if addresses.is_empty() => Err(error),
            _ => Ok(addresses),
        };
        if let Then::Connect(..) = slot.then {
            for place in slot.questions.iter().flatten() {
                if let Some(question) = self.questions.get_mut(usize::from(*place)) {
                    question.found.rotate();
                }
            }
        }
        let slot = self.lookups.get_mut(place)?;
        let (serial, then) = (slot.serial, core::mem::replace(&mut slot.then, Then::Nothing));
        self.free(place);
        Some((serial, then, result))
    }

    /// Gives up questions that nobody waits for any more.
    pub(crate) fn drop_unwanted(&mut self) {
        for (place, question) in (0..self.questions.len()).zip(self.questions.iter_mut()) {
            if question.is_open() && !waited_for(self.lookups, place) {
                *question = Question::FREE;
            }
        }
    }

    /// Returns when there is something to do next.
    pub(crate) fn next_time(&self, now: Instant) -> Instant {
        let done = self.lookups.iter().filter(|slot| {
            let mut places = slot.questions.iter().flatten();
            let is_open = |place: &u16| {
                self.questions.get(usize::from(*place)).is_some_and(Question::is_open)
            };
            !slot.is_free() && !places.any(is_open)
        });
        let done = done.map(|slot| slot.from.max(now)).min();
        let open = self.questions.iter().filter(|question| question.is_open());
        let open = open.map(|question| question.until).min();
        done.unwrap_or(Instant::MAX).min(open.unwrap_or(Instant::MAX))
    }

    /// Returns whether a question is at this point.
    pub(crate) fn is_in(&self, place: usize, state: State) -> bool {
        self.questions.get(place).is_some_and(|question| question.state == state)
    }

    pub(crate) fn set_state(&mut self, place: usize, state: State) {
        if let Some(question) = self.questions.get_mut(place) {
            question.state = state;
        }
    }

    /// Makes a question that is still open due.
    pub(crate) fn ask_next(&mut self, place: usize, now: Instant) {
        if let Some(question) = self.questions.get_mut(place).filter(|question| question.is_open())
        {
            (question.state, question.until) = (State::Asking, now);
        }
    }

    /// Returns whether answers may come, to other questions or to earlier tries of this one.
    pub(crate) fn is_waiting(&self, place: usize) -> bool {
        (0..self.questions.len()).zip(self.questions.iter()).any(|(other, question)| {
            question.is_open() && question.tries > u8::from(other == place)
        })
    }
}

/// Returns whether a look-up waits for a question.
fn waited_for<A>(lookups: &[LookupSlot<A>], place: usize) -> bool {
    lookups.iter().any(|slot| slot.waits_for(place))
}

/// Returns whether a datagram came from a server.
fn is_same_host(server: SocketAddr, from: SocketAddr) -> bool {
    (server.ip(), server.port()) == (from.ip(), from.port())
}

/// Checks a name.
pub(crate) fn check(name: &str) -> Result<(), ResolveError> {
    wire::is_host_name(name).then_some(()).ok_or(ResolveError::Invalid)
}
