//! Aliases of topics: numbers instead of names, as long as a connection lasts (5, 3.3.2.3.4).

use crate::wire::Reason;

/// The most bytes of a topic that has an alias.
pub(crate) const LONGEST: usize = 63;

/// A topic that has an alias, the number of its place.
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

    /// Gives a topic the alias. Returns whether it is short enough; otherwise the alias has no topic.
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

/// Takes the alias of a message that has come, 0 for none, and its topic, which is empty if the alias stands for it.
/// Returns the topic in this case. `cannot_keep` becomes true when a topic is too long to be kept.
///
/// # Errors
/// The reason with which the connection is to be ended.
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

/// Finds the alias of a topic to publish to, among those that the broker allows: its number, or 0, and whether the
/// broker knows it. An alias that is new is given to the topic by [`give`], once the message is sent.
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

/// Gives a topic an alias, which the broker has been told.
pub(crate) fn give(aliases: &mut [Alias], number: u16, topic: &str) {
    let place = usize::from(number).checked_sub(1);
    if let Some(alias) = place.and_then(|place| aliases.get_mut(place)) {
        alias.set(topic);
    }
}
