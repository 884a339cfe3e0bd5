//! Topic aliases: numbers that replace topic names for the duration of a connection (MQTT 5, section 3.3.2.3.4).

use crate::wire::Reason;

/// The length in bytes of the longest topic that can have an alias.
pub(crate) const MAX_TOPIC_LEN: usize = 63;

/// The length in bytes of the shortest topic that the client gives an alias. An alias takes three bytes, so it does not
/// make a packet with a shorter topic shorter.
const MIN_TOPIC_LEN: usize = 4;

/// A topic with an alias. The alias is the index in the table plus one.
#[derive(Clone, Copy)]
pub(crate) struct Alias {
    len: u8,
    topic: [u8; MAX_TOPIC_LEN],
}

impl Alias {
    pub(crate) const NONE: Self = Self { len: 0, topic: [0; MAX_TOPIC_LEN] };

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
        let is_short = topic.len() <= MAX_TOPIC_LEN;
        if is_short {
            self.len = topic.len() as u8;
            self.topic.iter_mut().zip(topic.bytes()).for_each(|(target, byte)| *target = byte);
        }
        is_short
    }
}

/// Handles the alias and the topic of a received message. `alias` is 0 if the message has no alias. If `topic` is
/// empty, returns the stored topic of the alias. If `topic` is not empty, stores the topic for the alias, and returns
/// [`Alias::NONE`]. Sets `has_unstored_alias` if the topic is too long to be stored.
///
/// # Errors
/// Returns a reason code if the alias is too large, or if `topic` is empty and the alias has no stored topic. The
/// client must then disconnect with this reason code.
pub(crate) fn resolve(
    aliases: &mut [Alias],
    alias: u16,
    topic: &str,
    has_unstored_alias: &mut bool,
) -> Result<Alias, Reason> {
    let Some(index) = usize::from(alias).checked_sub(1) else { return Ok(Alias::NONE) };
    let entry = aliases.get_mut(index).ok_or(Reason::TOPIC_ALIAS_INVALID)?;
    if topic.is_empty() {
        return if entry.is_empty() { Err(Reason::PROTOCOL_ERROR) } else { Ok(*entry) };
    }
    *has_unstored_alias |= !entry.set(topic);
    Ok(Alias::NONE)
}

/// Returns the alias for a topic to publish to, and whether the broker knows the alias already. The alias is 0 if no
/// alias is free, or if the topic is too short or too long. After a message with a new alias is sent, the caller stores
/// the topic with [`store`].
pub(crate) fn find(aliases: &[Alias], topic: &str) -> (u16, bool) {
    if !(MIN_TOPIC_LEN..=MAX_TOPIC_LEN).contains(&topic.len()) {
        return (0, false);
    }
    let number = |index: Option<usize>| index.map_or(0, |index| index.saturating_add(1) as u16);
    let known = aliases.iter().position(|alias| alias.topic() == topic);
    if known.is_some() {
        return (number(known), true);
    }
    (number(aliases.iter().position(Alias::is_empty)), false)
}

/// Stores the topic of an alias that was sent to the broker.
pub(crate) fn store(aliases: &mut [Alias], number: u16, topic: &str) {
    let index = usize::from(number).checked_sub(1);
    if let Some(alias) = index.and_then(|index| aliases.get_mut(index)) {
        alias.set(topic);
    }
}
