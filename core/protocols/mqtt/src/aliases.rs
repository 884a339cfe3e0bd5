//! Topic aliases: numbers that replace topic names for the duration of a connection (5, 3.3.2.3.4).

use crate::wire::Reason;

/// The length of the longest topic that can have an alias.
pub(crate) const LONGEST: usize = 63;

/// A topic with an alias. The alias is the index in the table plus one.
#[derive(Clone, Copy)]
pub(crate) struct Alias {
    len: u8,
    topic: [u8; LONGEST],
}

impl Alias {
    pub(crate) const NONE: Self = Self { len: 0, topic: [0; LONGEST] };

    pub(crate) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn topic(&self) -> &str {
        let bytes = self.topic.get(..usize::from(self.len)).unwrap_or_default();
        str::from_utf8(bytes).unwrap_or_default()
    }

    /// Assigns a topic to the alias. If the topic is too long, returns `false` and leaves the alias without a
    /// topic.
    fn set(&mut self, topic: &str) -> bool {
        *self = Self::NONE;
        let is_short = topic.len() <= LONGEST;
        if is_short {
            self.len = topic.len() as u8;
            self.topic.iter_mut().zip(topic.bytes()).for_each(|(place, byte)| *place = byte);
        }
        is_short
    }
}

/// Handles the alias and the topic of a received message. `alias` is 0 for none. If `topic` is empty, returns the
/// topic of the alias; otherwise stores the topic for the alias. Sets `cannot_keep` if the topic is too long to be
/// stored.
///
/// # Errors
/// Returns the reason to disconnect with.
pub(crate) fn received(
    aliases: &mut [Alias],
    alias: u16,
    topic: &str,
    cannot_keep: &mut bool,
) -> Result<Alias, Reason> {
    let Some(place) = usize::from(alias).checked_sub(1) else { return Ok(Alias::NONE) };
    let held = aliases.get_mut(place).ok_or(Reason::TOPIC_ALIAS_INVALID)?;
    if topic.is_empty() {
        return if held.is_empty() { Err(Reason::PROTOCOL_ERROR) } else { Ok(*held) };
    }
    *cannot_keep |= !held.set(topic);
    Ok(Alias::NONE)
}

/// Returns the alias for a topic to publish to, and whether the broker knows the alias already. The alias is 0
/// if no alias is free or the topic is too long. After a message with a new alias is sent, the caller stores
/// the topic with [`give`].
pub(crate) fn find(aliases: &[Alias], topic: &str) -> (u16, bool) {
    if topic.len() > LONGEST {
        return (0, false);
    }
    let number = |place: Option<usize>| place.map_or(0, |place| place.saturating_add(1) as u16);
    let known = aliases.iter().position(|alias| alias.topic() == topic);
    if known.is_some() {
        return (number(known), true);
    }
    (number(aliases.iter().position(Alias::is_empty)), false)
}

/// Stores the topic of an alias that was sent to the broker.
pub(crate) fn give(aliases: &mut [Alias], number: u16, topic: &str) {
    let place = usize::from(number).checked_sub(1);
    if let Some(alias) = place.and_then(|place| aliases.get_mut(place)) {
        alias.set(topic);
    }
}
