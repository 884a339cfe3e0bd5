//! Topics: their names, and filters for them (5, 4.7).

/// Returns whether messages can be published to a topic: it has characters, none of which is a wildcard or U+0000.
pub(crate) fn is_name(topic: &str) -> bool {
    !topic.is_empty() && !topic.bytes().any(|byte| matches!(byte, b'+' | b'#' | 0))
}

/// Returns whether it is a filter: `+` stands for a whole level, `#` for all that follow, and comes last.
pub(crate) fn is_filter(filter: &str) -> bool {
    let mut levels = filter.split(slash);
    let mut well_formed = !filter.is_empty();
    while let Some(level) = levels.next() {
        well_formed &= match level {
            "+" => true,
            "#" => levels.next().is_none(),
            level => !level.bytes().any(|byte| matches!(byte, b'+' | b'#' | 0)),
        };
    }
    match filter.strip_prefix("$share/") {
        // A name, and a filter.
        Some(shared) => match shared.split_once(slash) {
            Some((name, rest)) => well_formed && is_name(name) && !rest.is_empty(),
            None => false,
        },
        None => well_formed,
    }
}

/// Returns whether a filter matches the name of a topic.
///
/// ```
/// use picoevent_mqtt::matches;
///
/// assert!(matches("pump/+/flow", "pump/7/flow"));
/// assert!(matches("pump/#", "pump/7/flow") && matches("pump/#", "pump"));
/// assert!(!matches("#", "$SYS/uptime"), "topics of the broker's own are asked for by name");
/// ```
pub fn matches(filter: &str, topic: &str) -> bool {
    let filter = match filter.strip_prefix("$share/") {
        Some(shared) => shared.split_once(slash).map_or("", |(_, filter)| filter),
        None => filter,
    };
    if topic.starts_with('$') && filter.starts_with(['+', '#']) {
        return false;
    }
    let (mut filters, mut levels) = (filter.split(slash), topic.split(slash));
    loop {
        match (filters.next(), levels.next()) {
            (Some("#"), _) | (None, None) => return true,
            (Some("+"), Some(_)) => {}
            (Some(one), Some(other)) if one == other => {}
            _ => return false,
        }
    }
}

/// A function instead of a `char`, whose search is long.
const fn slash(character: char) -> bool {
    character == '/'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_match_as_the_standard_says() {
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
        ] {
            assert!(!matches(filter, topic), "{filter} does not match {topic}");
        }
    }

    #[test]
    fn wildcards_stand_for_whole_levels_only() {
        for filter in ["#", "+", "a/#", "+/a/+", "/", "a//b", "$share/x/#", "$SYS/#", "a b"] {
            assert!(is_filter(filter), "{filter}");
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
            assert!(!is_filter(filter), "{filter}");
        }
        for name in ["a", "/", " ", "$SYS/a", "é"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "a/+", "#", "a\0"] {
            assert!(!is_name(name), "{name}");
        }
    }
}
