//! Browsers and the responders that they find.

use picoevent_dns::mdns::{browse, stop_browsing, withdraw};

use crate::*;

const MQTT: &[Service] = &[Service { kind: "_mqtt._tcp", port: 1883, text: &["v=5", "Path=/x"] }];
const PUMP: &str = "pump pump:1883 192.0.2.8 v=5,Path=/x";

/// Runs for `length` seconds after `from`. Returns the messages sent, and the end time.
fn go(hosts: &mut [Host<'_>], from: Instant, length: u64) -> (Vec<Sent>, Instant) {
    let said = run(hosts, from, seconds(length), |_| Vec::new());
    (said, from.after(seconds(length)).after(Duration::from_millis(1)))
}

fn look(host: &mut Host<'_>, kind: &'static str) {
    browse(&mut host.device, &mut host.base, kind).unwrap();
}

fn say(host: &mut Host<'_>, name: &str, services: &'static [Service]) {
    mdns::announce(&mut host.device, &mut host.base, name, services).unwrap();
}

/// Takes the events that a device has received.
fn told(host: &mut Host<'_>) -> Vec<(&'static str, String)> {
    host.device.told.drain(..).map(|told| (told.what, told.service)).collect()
}

fn found(service: &str) -> (&'static str, String) {
    ("found", service.to_owned())
}

/// Runs a test with a device that browses, and a device whose service is found.
fn with_found(test: impl FnOnce(&mut [Host<'_>], Instant)) {
    let mut rooms = [Box::new(Room::new()), Box::new(Room::new())];
    let [first, second] = &mut rooms;
    let mut hosts = [Host::new(first, 7, 1), Host::new(second, 8, 2)];
    say(&mut hosts[1], "pump", MQTT);
    let (_, now) = go(&mut hosts, Instant::ZERO, 5);
    look(&mut hosts[0], "_mqtt._tcp");
    let (_, now) = go(&mut hosts, now, 5);
    assert_eq!(told(&mut hosts[0]), [found(PUMP)]);
    test(&mut hosts, now);
}

fn questions(said: &[Sent], from: Ipv4Addr) -> Vec<&Sent> {
    let is_question = |sent: &&Sent| Message::parse(&sent.bytes).unwrap().flags() == 0;
    said.iter().filter(|sent| sent.from.ip() == from).filter(is_question).collect()
}

#[test]
fn two_devices_find_each_other() {
    let mut rooms = [Box::new(Room::new()), Box::new(Room::new())];
    let [first, second] = &mut rooms;
    let mut hosts = [Host::new(first, 7, 1), Host::new(second, 8, 2)];
    look(&mut hosts[0], "_mqtt._tcp");
    say(&mut hosts[0], "panel", &WEB[..1]);
    say(&mut hosts[1], "pump", MQTT);
    look(&mut hosts[1], "_http._tcp");
    go(&mut hosts, Instant::ZERO, 10);
    assert_eq!(told(&mut hosts[0]), [found(PUMP)]);
    assert_eq!(told(&mut hosts[1]), [found("panel panel:80 192.0.2.7 path=/,v=1")]);
    assert_eq!((hosts[0].device.names.len(), hosts[1].device.names.len()), (1, 1));
    let browser = hosts[0].device.browser.as_mut();
    let service = browser.services().next().unwrap();
    assert_eq!((service.value("PATH"), service.value("pat")), (Some(&b"/x"[..]), None));
    assert_eq!(hosts[0].device.browser.as_mut().services().count(), 1);
}

#[test]
fn devices_that_wanted_one_name_are_found_by_two() {
    let mut rooms = [Box::new(Room::new()), Box::new(Room::new()), Box::new(Room::new())];
    let [first, second, third] = &mut rooms;
    let mut hosts = [Host::new(first, 7, 1), Host::new(second, 8, 2), Host::new(third, 9, 3)];
    look(&mut hosts[0], "_mqtt._tcp");
    say(&mut hosts[1], "pump", MQTT);
    say(&mut hosts[2], "pump", MQTT);
    go(&mut hosts, Instant::ZERO, 20);
    let mut told = told(&mut hosts[0]);
    told.sort();
    let name = |place: usize| hosts[place].device.responder.name().unwrap();
    assert_eq!((name(1), name(2)), ("pump-2", "pump"), "the greater address keeps it");
    let expected = [
        found("pump pump:1883 192.0.2.9 v=5,Path=/x"),
        found("pump-2 pump-2:1883 192.0.2.8 v=5,Path=/x"),
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_service_that_says_goodbye_is_lost_after_a_second() {
    with_found(|hosts, now| {
        let Host { base, device, .. } = &mut hosts[1];
        withdraw(device, base);
        go(hosts, now, 3);
        let [told] = &hosts[0].device.told[..] else { panic!("{:?}", hosts[0].device.told) };
        assert_eq!((told.what, &told.service[..]), ("lost", PUMP));
        let after = told.at.since(now).as_millis();
        assert!((1_000..1_100).contains(&after), "{after} ms");
        assert_eq!(hosts[0].device.browser.as_mut().services().count(), 0);
        // When the host announces the service again, the browser finds it again.
        told_nothing_more(hosts, now);
    });
}

fn told_nothing_more(hosts: &mut [Host<'_>], now: Instant) {
    hosts[0].device.told.clear();
    say(&mut hosts[1], "pump", MQTT);
    go(hosts, now.after(seconds(4)), 5);
    assert_eq!(told(&mut hosts[0]), [found(PUMP)]);
}

#[test]
fn a_service_that_is_silent_is_asked_for_before_it_is_lost() {
    with_found(|hosts, now| {
        let (said, _) = go(&mut hosts[..1], now, 130);
        let [told] = &hosts[0].device.told[..] else { panic!("{:?}", hosts[0].device.told) };
        assert_eq!(told.what, "lost");
        // The records of host, port and addresses have a time to live of 120 seconds, and were received in the five
        // seconds before `now`.
        let after = told.at.since(now).as_secs();
        assert!((114..=120).contains(&after), "{after} s");
        let asked: Vec<_> = questions(&said, hosts[0].ip)
            .iter()
            .filter(|sent| {
                let message = Message::parse(&sent.bytes).unwrap();
                message.questions().any(|question| question.kind == Kind::SRV)
            })
            .map(|sent| told.at.since(sent.at).as_secs())
            .collect();
        assert_eq!(asked, [24, 18, 12, 6], "seconds before it is lost");
    });
}

#[test]
fn a_service_that_is_there_stays_for_as_long_as_it_is() {
    with_found(|hosts, now| {
        let (said, _) = go(hosts, now, 1_000);
        assert_eq!(told(&mut hosts[0]), []);
        // About one question every 90 seconds, and few questions for services.
        let asked = questions(&said, hosts[0].ip).len();
        assert!((8..40).contains(&asked), "{asked} questions");
    });
}

#[test]
fn it_is_asked_less_and_less_often_with_what_is_known() {
    let mut rooms = [Box::new(Room::new()), Box::new(Room::new())];
    let [first, second] = &mut rooms;
    let mut hosts = [Host::new(first, 7, 1), Host::new(second, 8, 2)];
    say(&mut hosts[1], "pump", MQTT);
    let (_, now) = go(&mut hosts, Instant::ZERO, 5);
    look(&mut hosts[0], "_mqtt._tcp");
    let (said, _) = go(&mut hosts, now, 70);
    let lists: Vec<_> = questions(&said, hosts[0].ip)
        .into_iter()
        .filter(|sent| {
            let mut questions = Message::parse(&sent.bytes).unwrap().questions();
            questions.any(|question| question.kind == Kind::PTR)
        })
        .collect();
    let first = lists[0].at.since(now).as_millis();
    assert!((20..=120).contains(&first), "{first} ms");
    let gaps: Vec<_> =
        lists.windows(2).map(|pair| pair[1].at.since(pair[0].at).as_millis()).collect();
    assert_eq!(gaps, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000]);
    for (number, sent) in lists.iter().enumerate() {
        let message = Message::parse(&sent.bytes).unwrap();
        assert_eq!(message.answers().count(), usize::from(number > 0), "known answers");
    }
    let answers = said.iter().filter(|sent| sent.from.ip() == hosts[1].ip).count();
    assert_eq!(answers, 1, "what is known is not said again");
}

#[test]
fn what_finds_no_room_is_found_when_there_is_room() {
    let mut rooms = [(); 4].map(|()| Box::new(Room::new()));
    let mut hosts: Vec<_> = rooms
        .iter_mut()
        .zip([7, 8, 9, 10])
        .map(|(room, last)| Host::new(room, last, last))
        .collect();
    look(&mut hosts[0], "_mqtt._tcp");
    for (number, name) in ["a", "b", "c"].into_iter().enumerate() {
        say(&mut hosts[number + 1], name, MQTT);
    }
    let (_, now) = go(&mut hosts, Instant::ZERO, 10);
    assert_eq!(told(&mut hosts[0]).len(), 2, "there is room for two");
    let names = |hosts: &mut Vec<Host<'_>>| -> Vec<String> {
        let browser = hosts[0].device.browser.as_mut();
        let mut names: Vec<_> =
            browser.services().map(|service| service.instance().to_owned()).collect();
        names.sort();
        names
    };
    let before = names(&mut hosts);
    let leaving = ["a", "b", "c"].iter().position(|name| before[0] == *name).unwrap();
    let Host { base, device, .. } = &mut hosts[leaving + 1];
    withdraw(device, base);
    go(&mut hosts, now, 20);
    let after = names(&mut hosts);
    assert!(after.len() == 2 && !after.contains(&before[0]), "{before:?}, then {after:?}");
}

#[test]
fn another_port_or_text_is_told() {
    const LATER: &[Service] = &[Service { kind: "_mqtt._tcp", port: 1884, text: &["v=5"] }];
    with_found(|hosts, now| {
        say(&mut hosts[1], "pump", LATER);
        go(hosts, now, 5);
        let changed = ("changed", "pump pump:1884 192.0.2.8 v=5".to_owned());
        assert_eq!(told(&mut hosts[0]), [changed]);
    });
}

/// An answer of another program: a service whose name has spaces, dots and non-ASCII letters.
fn other_answer(port: u16, kind: &str, flags: u16) -> Sent {
    let instance = "Büro 2.1, links".as_bytes();
    let mut sent = question(port, |_| ());
    let mut bytes = vec![0, 0];
    bytes.extend(flags.to_be_bytes());
    bytes.extend([0, 0, 0, 3, 0, 0, 0, 0]);
    let list = kind.split('.').chain(["local"]).fold(Vec::new(), |mut list, label| {
        list.push(label.len() as u8);
        list.extend(label.as_bytes());
        list
    });
    let record = |bytes: &mut Vec<u8>, name: &[u8], kind: Kind, held: &[u8]| {
        bytes.extend(name);
        bytes.push(0);
        bytes.extend(kind.0.to_be_bytes());
        bytes.extend([0, 1, 0, 0, 0, 120]);
        bytes.extend((held.len() as u16).to_be_bytes());
        bytes.extend(held);
    };
    let mut name = vec![instance.len() as u8];
    name.extend(instance);
    name.extend(&list);
    record(&mut bytes, &list, Kind::PTR, &[&name[..], &[0]].concat());
    let host = b"\x06drucker\x05local";
    let host = [&[7][..], &host[1..]].concat();
    record(&mut bytes, &name, Kind::SRV, &[&[0, 0, 0, 0, 2, 119][..], &host[..], &[0]].concat());
    record(&mut bytes, &host, Kind::A, &[192, 0, 2, 99]);
    sent.bytes = bytes;
    sent
}

#[test]
fn names_are_for_people() {
    let mut room = Box::new(Room::new());
    let mut hosts = [Host::new(&mut room, 7, 1)];
    look(&mut hosts[0], "_ipp._tcp");
    let (_, now) = go(&mut hosts, Instant::ZERO, 1);
    for wrong in [
        other_answer(5354, "_ipp._tcp", 0x8400),
        other_answer(5353, "_ipp._udp", 0x8400),
        other_answer(5353, "_ipp._tcp", 0x0000),
        other_answer(5353, "_ipp._tcp", 0x8C00),
    ] {
        hosts[0].hear(&wrong);
    }
    let (_, now) = go(&mut hosts, now, 1);
    assert_eq!(told(&mut hosts[0]), []);
    hosts[0].hear(&other_answer(5353, "_ipp._tcp", 0x8400));
    let (said, _) = go(&mut hosts, now, 10);
    assert_eq!(told(&mut hosts[0]), [found("Büro 2.1, links drucker:631 192.0.2.99")]);
    // The name is repeated exactly as it was received.
    let known = said.iter().find_map(|sent| {
        let record = Message::parse(&sent.bytes).unwrap().answers().next()?;
        let Data::Ptr(name) = record.data() else { return None };
        name.labels().next().map(<[u8]>::to_vec)
    });
    assert_eq!(known.as_deref(), Some("Büro 2.1, links".as_bytes()));
}

/// Returns an answer with addresses of the host `drucker`: the last byte of each, and its time to live in seconds.
fn addresses(addresses: &[(u8, u32)]) -> Sent {
    let mut sent = question(5353, |_| ());
    let mut buffer = [0; 128];
    let mut writer = Writer::new(&mut buffer, 0, flag::RESPONSE);
    for (last, ttl) in addresses {
        writer.record(Section::Answer, "drucker.local", Kind::A, *ttl, |writer| {
            writer.bytes(&[192, 0, 2, *last])
        });
    }
    sent.bytes = writer.finish().unwrap().to_vec();
    sent
}

#[test]
fn an_address_with_a_time_to_live_of_zero_is_no_longer_used() {
    let changed = |last: u8| ("changed", format!("Büro 2.1, links drucker:631 192.0.2.{last}"));
    let mut room = Box::new(Room::new());
    let mut hosts = [Host::new(&mut room, 7, 1)];
    look(&mut hosts[0], "_ipp._tcp");
    let (_, now) = go(&mut hosts, Instant::ZERO, 1);
    hosts[0].hear(&other_answer(5353, "_ipp._tcp", 0x8400));
    let (_, mut now) = go(&mut hosts, now, 1);
    assert_eq!(told(&mut hosts[0]), [found("Büro 2.1, links drucker:631 192.0.2.99")]);
    for (heard, expected) in [
        // Another address of the host ends.
        (vec![(98, 0)], vec![]),
        // One address replaces another, in both orders.
        (vec![(99, 0), (97, 120)], vec![changed(97)]),
        (vec![(96, 120), (97, 0)], vec![changed(96)]),
        // The known address is kept if the host has more.
        (vec![(95, 120), (96, 120), (94, 0)], vec![]),
    ] {
        hosts[0].hear(&addresses(&heard));
        (_, now) = go(&mut hosts, now, 5);
        assert_eq!(told(&mut hosts[0]), expected, "{heard:?}");
    }
    // The last address ends.
    hosts[0].hear(&addresses(&[(96, 0)]));
    let from = now;
    go(&mut hosts, now, 5);
    let [told] = &hosts[0].device.told[..] else { panic!("{:?}", hosts[0].device.told) };
    assert_eq!((told.what, told.at.since(from).as_secs()), ("lost", 1));
}

#[test]
fn what_is_not_said_at_once_is_asked_for() {
    let mut room = Box::new(Room::new());
    let mut hosts = [Host::new(&mut room, 7, 1)];
    look(&mut hosts[0], "_ipp._tcp");
    let mut asked = Vec::new();
    let answer = |kind: Kind| {
        let mut sent = other_answer(5353, "_ipp._tcp", 0x8400);
        // Keep only the requested record.
        let message = Message::parse(&sent.bytes).unwrap();
        let place = message.answers().position(|record| record.kind == kind).unwrap();
        let mut at = 12;
        let starts: Vec<_> = message
            .answers()
            .map(|record| {
                let length: usize = record.name.labels().map(|label| label.len() + 1).sum();
                let start = at;
                at += length + 1 + 10 + record.bytes().len();
                (start, at)
            })
            .collect();
        let (start, end) = starts[place];
        let mut bytes = sent.bytes[..12].to_vec();
        bytes[7] = 1;
        bytes.extend(&sent.bytes[start..end]);
        sent.bytes = bytes;
        sent
    };
    run(&mut hosts, Instant::ZERO, seconds(10), |sent| {
        let kinds: Vec<_> =
            Message::parse(&sent.bytes).unwrap().questions().map(|asked| asked.kind).collect();
        asked.push(kinds.clone());
        [Kind::PTR, Kind::SRV, Kind::A]
            .into_iter()
            .filter(|kind| kinds.contains(kind))
            .map(answer)
            .collect()
    });
    assert_eq!(told(&mut hosts[0]), [found("Büro 2.1, links drucker:631 192.0.2.99")]);
    assert_eq!(asked[0], [Kind::PTR]);
    assert_eq!(asked[1], [Kind::PTR, Kind::SRV, Kind::TXT]);
    assert_eq!(asked[2], [Kind::PTR, Kind::A, Kind::AAAA]);
}

#[test]
fn a_browser_that_stops_asks_no_more_and_leaves_the_responder_its_socket() {
    with_found(|hosts, now| {
        say(&mut hosts[0], "panel", WEB);
        let (_, now) = go(hosts, now, 5);
        let Host { base, device, .. } = &mut hosts[0];
        stop_browsing(device, base);
        stop_browsing(device, base);
        let (said, now) = go(hosts, now, 100);
        assert_eq!(questions(&said, hosts[0].ip).len(), 0);
        let asked = question(5353, |writer| writer.question("panel.local", Kind::A, 1));
        let said = ask(&mut hosts[..1], now, asked);
        assert_eq!(said.len(), 1, "it still answers");
        // The opposite case: the browser keeps the socket of a responder that is withdrawn.
        let Host { base, device, .. } = &mut hosts[0];
        browse(device, base, "_mqtt._tcp").unwrap();
        withdraw(device, base);
        go(hosts, now.after(seconds(2)), 5);
        assert_eq!(told(&mut hosts[0]), [found(PUMP)]);
        let Host { base, device, .. } = &mut hosts[0];
        stop_browsing(device, base);
        go(hosts, now.after(seconds(8)), 1);
        assert_eq!(hosts[0].base.udp_sockets().count(), 0);
    });
}

#[test]
fn a_browser_that_cannot_begin_is_told() {
    let mut room = Box::new(Room::new());
    let Host { mut base, mut device, .. } = Host::new(&mut room, 7, 1);
    for kind in ["", "_http tcp", "ä"] {
        assert_eq!(browse(&mut device, &mut base, kind), Err(AnnounceError::Invalid), "{kind}");
    }
    let long = "a234567890.a234567890.a234567890.a2345678";
    let most = mdns::MAX_LABEL;
    assert_eq!(browse(&mut device, &mut base, long), Err(AnnounceError::TooLong { most }));
    let rings = picoevent::UdpRings::new(25, 25);
    let sockets = [0, 1].map(|_| base.bind(addr("0.0.0.0:0"), rings, |_, _, _| ()).unwrap());
    let error = browse(&mut device, &mut base, "_http._tcp").unwrap_err();
    assert!(matches!(error, AnnounceError::Setup(_)), "{error:?}");
    assert!(base.after(Duration::from_secs(1), |_, _| ()).is_ok(), "the timer was given back");
    assert!(base.after(Duration::from_secs(1), |_, _| ()).is_ok(), "and the other is free");
    base.udp(sockets[0]).unwrap().close();
}
