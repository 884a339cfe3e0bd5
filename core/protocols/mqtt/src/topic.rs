//! Topic names and topic filters (MQTT 5, section 4.7).

/// Returns whether messages can be published to `topic`. A valid topic is not empty, and contains no wildcard and no
/// U+0000.
pub(crate) fn is_name(topic: &[u8]) -> bool {
    !topic.is_empty() && !topic.iter().any(|byte| matches!(byte, b'+' | b'#' | 0))
}

/// Returns whether `filter` is valid. `+` must be a whole level; `#` must be a whole level, and the last level. The
/// filter of a shared subscription begins with `$share/` and a share name.
pub(crate) fn is_filter(filter: &[u8]) -> bool {
    let (name, filter) = split(filter);
    let mut rest = filter;
    let mut before = b'/';
    while let Some((byte, after)) = rest.split_first() {
        let is_level = before == b'/'
            && (*byte == b'+' && after.first().is_none_or(is_slash) || after.is_empty());
        if *byte == 0 || matches!(byte, b'+' | b'#') && !is_level {
            return false;
        }
        (before, rest) = (*byte, after);
    }
    !filter.is_empty() && name.is_none_or(is_name)
}

/// Returns whether a filter matches the name of a topic.
///
/// ```
/// use picoevent_mqtt::matches;
///
/// assert!(matches("pump/+/flow", "pump/7/flow"));
/// assert!(matches("pump/#", "pump/7/flow") && matches("pump/#", "pump"));
/// assert!(!matches("#", "$SYS/uptime"), "a wildcard at the start does not match `$`");
/// ```
pub fn matches(filter: &str, topic: &str) -> bool {
    is_match(filter.as_bytes(), topic.as_bytes())
}

/// Like [`matches`], for bytes.
pub(crate) fn is_match(filter: &[u8], topic: &[u8]) -> bool {
    let (mut filter, mut topic) = (split(filter).1, topic);
    if topic.first() == Some(&b'$') && matches!(filter.first(), Some(b'+' | b'#')) {
        return false;
    }
    while let Some((byte, rest)) = filter.split_first() {
        match byte {
            b'#' => return true,
            b'+' => {
                let end = topic.iter().position(is_slash).unwrap_or(topic.len());
                topic = topic.get(end..).unwrap_or_default();
            }
            byte if topic.first() == Some(byte) => topic = topic.get(1..).unwrap_or_default(),
            // `#` also matches the parent level.
            _ => return topic.is_empty() && filter == b"/#",
        }
        filter = rest;
    }
    topic.is_empty()
}

/// The prefix of a shared subscription (MQTT 5, section 4.8.2).
const SHARED: &[u8] = b"$share/";

/// Returns whether `filter` is the filter of a shared subscription.
pub(crate) fn is_shared(filter: &[u8]) -> bool {
    split(filter).0.is_some()
}

/// Splits the filter of a shared subscription into the share name and the filter after this name. For other filters,
/// returns `None` and the unchanged filter.
#[inline(never)]
fn split(filter: &[u8]) -> (Option<&[u8]>, &[u8]) {
    let Some(shared) = filter.strip_prefix(SHARED) else { return (None, filter) };
    let end = shared.iter().position(is_slash).unwrap_or(shared.len());
    let (name, rest) = shared.split_at_checked(end).unwrap_or_default();
    (Some(name), rest.get(1..).unwrap_or_default())
}

const fn is_slash(byte: &u8) -> bool {
    *byte == b'/'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_match_as_the_standard_specifies() {
        for (filter, topic) in [
            ("a/b", "a/b"),
            ("sport/tennis/player1/#", "sport/tennis/player1"),
            ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon"),
            ("sport/#", "sport"),
            ("#", "sport/tennis"),
            ("sport/tennis/+", "sport/tennis/player1"),
            ("sport/+", "sport/"),
            ("+/+", "/finance"),
            ("/+", "/finance"),
            ("+", "finance"),
            ("$SYS/#", "$SYS/"),
            ("$SYS/monitor/+", "$SYS/monitor/Clients"),
            ("$share/group/a/+", "a/b"),
            ("$share/group/#", "a/b"),
            ("+/#", "a"),
            ("a/+/#", "a/b"),
        ] {
            assert!(matches(filter, topic), "{filter} matches {topic}");
        }
        for (filter, topic) in [
            ("sport/tennis/+", "sport/tennis/player1/ranking"),
            ("sport/+", "sport"),
            ("+", "/finance"),
            ("#", "$SYS/monitor"),
            ("+/monitor/Clients", "$SYS/monitor/Clients"),
            ("a/b", "a/b/"),
            ("a/b/", "a/b"),
            ("a", "A"),
            ("$share/group/+", "$SYS"),
            ("$share/group", "group"),
            ("a/#", "ab"),
            ("a/+/#", "a"),
            ("+/#", "$SYS/a"),
            ("", "a"),
        ] {
            assert!(!matches(filter, topic), "{filter} does not match {topic}");
        }
    }

    #[test]
    fn wildcards_stand_for_whole_levels_only() {
        for filter in ["#", "+", "a/#", "+/a/+", "/", "a//b", "$share/x/#", "$SYS/#", "a b"] {
            assert!(is_filter(filter.as_bytes()), "{filter}");
        }
        for filter in [
            "",
            "a#",
            "a/#/b",
            "#/",
            "a+",
            "+a/b",
            "a\0",
            "$share/x",
            "$share//a",
            "$share/x/",
            "$share/+/a",
        ] {
            assert!(!is_filter(filter.as_bytes()), "{filter}");
        }
        for name in ["a", "/", " ", "$SYS/a", "é"] {
            assert!(is_name(name.as_bytes()), "{name}");
        }
        for name in ["", "a/+", "#", "a\0"] {
            assert!(!is_name(name.as_bytes()), "{name}");
        }
    }
}
