//! Browsers and the responders that they find.

use picoevent_dns::mdns::{browse, stop_browsing, withdraw};

use crate::*;

const MQTT: &[Service] = &[Service { kind: "_mqtt._tcp", port: 1883, text: &["v=5", "Path=/x"] }];
const PUMP: &str = "pump pump:1883 192.0.2.8 v=5,Path=/x";

/// Runs for `length` seconds after `from`. Returns the messages sent, and the end time.
fn run_for(hosts: &mut [Host<'_>], from: Instant, length: u64) -> (Vec<Sent>, Instant) {
    let messages = run(hosts, from, seconds(length), |_| Vec::new());
    (messages, from.after(seconds(length)).after(Duration::from_millis(1)))
}

fn start_browsing(host: &mut Host<'_>, kind: &'static str) {
    browse(&mut host.device, &mut host.base, kind).unwrap();
}

fn announce(host: &mut Host<'_>, name: &str, services: &'static [Service]) {
    mdns::announce(&mut host.device, &mut host.base, name, services).unwrap();
}

/// Takes the events that a device has received.
fn take_events(host: &mut Host<'_>) -> Vec<(&'static str, String)> {
    host.device.events.drain(..).map(|event| (event.what, event.service)).collect()
}

fn found(service: &str) -> (&'static str, String) {
    ("found", service.to_owned())
}

/// Runs a test with a device that browses, and a device whose service the browser has found.
fn with_found(test: impl FnOnce(&mut [Host<'_>], Instant)) {
    let mut storages = [Box::new(DeviceStorage::new()), Box::new(DeviceStorage::new())];
    let [first, second] = &mut storages;
    let mut hosts = [Host::new(first, 7, 1), Host::new(second, 8, 2)];
    announce(&mut hosts[1], "pump", MQTT);
    let (_, now) = run_for(&mut hosts, Instant::ZERO, 5);
    start_browsing(&mut hosts[0], "_mqtt._tcp");
    let (_, now) = run_for(&mut hosts, now, 5);
    assert_eq!(take_events(&mut hosts[0]), [found(PUMP)]);
    test(&mut hosts, now);
}

fn questions(messages: &[Sent], from: Ipv4Addr) -> Vec<&Sent> {
    let is_question = |sent: &&Sent| Message::parse(&sent.bytes).unwrap().flags() == 0;
    messages.iter().filter(|sent| sent.from.ip() == from).filter(is_question).collect()
}

#[test]
fn two_devices_find_each_other() {
    let mut storages = [Box::new(DeviceStorage::new()), Box::new(DeviceStorage::new())];
    let [first, second] = &mut storages;
    let mut hosts = [Host::new(first, 7, 1), Host::new(second, 8, 2)];
    start_browsing(&mut hosts[0], "_mqtt._tcp");
    announce(&mut hosts[0], "panel", &WEB[..1]);
    announce(&mut hosts[1], "pump", MQTT);
    start_browsing(&mut hosts[1], "_http._tcp");
    run_for(&mut hosts, Instant::ZERO, 10);
    assert_eq!(take_events(&mut hosts[0]), [found(PUMP)]);
    assert_eq!(take_events(&mut hosts[1]), [found("panel panel:80 192.0.2.7 path=/,v=1")]);
    assert_eq!((hosts[0].device.names.len(), hosts[1].device.names.len()), (1, 1));
    let browser = hosts[0].device.browser.as_mut();
    let service = browser.services().next().unwrap();
    assert_eq!((service.value("PATH"), service.value("pat")), (Some(&b"/x"[..]), None));
    assert_eq!(hosts[0].device.browser.as_mut().services().count(), 1);
}

#[test]
fn devices_that_wanted_the_same_name_are_found_under_two_names() {
    let mut storages = [
        Box::new(DeviceStorage::new()),
        Box::new(DeviceStorage::new()),
        Box::new(DeviceStorage::new()),
    ];
    let [first, second, third] = &mut storages;
    let mut hosts = [Host::new(first, 7, 1), Host::new(second, 8, 2), Host::new(third, 9, 3)];
    start_browsing(&mut hosts[0], "_mqtt._tcp");
    announce(&mut hosts[1], "pump", MQTT);
    announce(&mut hosts[2], "pump", MQTT);
    run_for(&mut hosts, Instant::ZERO, 20);
    let mut events = take_events(&mut hosts[0]);
    events.sort();
    let name = |index: usize| hosts[index].device.responder.name().unwrap();
    assert_eq!(
        (name(1), name(2)),
        ("pump-2", "pump"),
        "the host with the greater address gets the name"
    );
    let expected = [
        found("pump pump:1883 192.0.2.9 v=5,Path=/x"),
        found("pump-2 pump-2:1883 192.0.2.8 v=5,Path=/x"),
    ];
    assert_eq!(events, expected);
}

#[test]
fn a_service_is_lost_one_second_after_its_goodbye() {
    with_found(|hosts, now| {
        let Host { base, device, .. } = &mut hosts[1];
        withdraw(device, base);
        run_for(hosts, now, 3);
        let [event] = &hosts[0].device.events[..] else { panic!("{:?}", hosts[0].device.events) };
        assert_eq!((event.what, &event.service[..]), ("lost", PUMP));
        let after = event.at.since(now).as_millis();
        assert!((1_000..1_100).contains(&after), "{after} ms");
        assert_eq!(hosts[0].device.browser.as_mut().services().count(), 0);
        // When the host announces the service again, the browser finds it again.
        check_found_again(hosts, now);
    });
}

fn check_found_again(hosts: &mut [Host<'_>], now: Instant) {
    hosts[0].device.events.clear();
    announce(&mut hosts[1], "pump", MQTT);
    run_for(hosts, now.after(seconds(4)), 5);
    assert_eq!(take_events(&mut hosts[0]), [found(PUMP)]);
}

#[test]
fn questions_for_a_silent_service_are_sent_before_it_is_lost() {
    with_found(|hosts, now| {
        let (messages, _) = run_for(&mut hosts[..1], now, 130);
        let [event] = &hosts[0].device.events[..] else { panic!("{:?}", hosts[0].device.events) };
        assert_eq!(event.what, "lost");
        // The records of host, port and addresses have a time to live of 120 seconds, and were received in the five
        // seconds before `now`.
        let after = event.at.since(now).as_secs();
        assert!((114..=120).contains(&after), "{after} s");
        let times: Vec<_> = questions(&messages, hosts[0].ip)
            .iter()
            .filter(|sent| {
                let message = Message::parse(&sent.bytes).unwrap();
                message.questions().any(|question| question.kind == Kind::SRV)
            })
            .map(|sent| event.at.since(sent.at).as_secs())
            .collect();
        assert_eq!(times, [24, 18, 12, 6], "seconds before it is lost");
    });
}

#[test]
fn a_service_that_answers_is_never_lost() {
    with_found(|hosts, now| {
        let (messages, _) = run_for(hosts, now, 1_000);
        assert_eq!(take_events(&mut hosts[0]), []);
        // The browser requests the records of the service about every 90 seconds, and the list of services less and
        // less often.
        let count = questions(&messages, hosts[0].ip).len();
        assert!((8..40).contains(&count), "{count} questions");
    });
}

#[test]
fn the_intervals_between_questions_double_and_known_answers_are_sent() {
    let mut storages = [Box::new(DeviceStorage::new()), Box::new(DeviceStorage::new())];
    let [first, second] = &mut storages;
    let mut hosts = [Host::new(first, 7, 1), Host::new(second, 8, 2)];
    announce(&mut hosts[1], "pump", MQTT);
    let (_, now) = run_for(&mut hosts, Instant::ZERO, 5);
    start_browsing(&mut hosts[0], "_mqtt._tcp");
    let (messages, _) = run_for(&mut hosts, now, 70);
    let lists: Vec<_> = questions(&messages, hosts[0].ip)
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
    let answers = messages.iter().filter(|sent| sent.from.ip() == hosts[1].ip).count();
    assert_eq!(answers, 1, "hosts do not send known answers again");
}

#[test]
fn a_service_that_did_not_fit_is_found_when_an_entry_is_free() {
    let mut storages = [(); 4].map(|()| Box::new(DeviceStorage::new()));
    let mut hosts: Vec<_> = storages
        .iter_mut()
        .zip([7, 8, 9, 10])
        .map(|(storage, last)| Host::new(storage, last, last))
        .collect();
    start_browsing(&mut hosts[0], "_mqtt._tcp");
    for (number, name) in ["a", "b", "c"].into_iter().enumerate() {
        announce(&mut hosts[number + 1], name, MQTT);
    }
    let (_, now) = run_for(&mut hosts, Instant::ZERO, 10);
    assert_eq!(take_events(&mut hosts[0]).len(), 2, "the browser has two entries");
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
    run_for(&mut hosts, now, 20);
    let after = names(&mut hosts);
    assert!(after.len() == 2 && !after.contains(&before[0]), "{before:?}, then {after:?}");
}

#[test]
fn a_changed_port_or_text_is_reported() {
    const CHANGED: &[Service] = &[Service { kind: "_mqtt._tcp", port: 1884, text: &["v=5"] }];
    with_found(|hosts, now| {
        announce(&mut hosts[1], "pump", CHANGED);
        run_for(hosts, now, 5);
        let changed = ("changed", "pump pump:1884 192.0.2.8 v=5".to_owned());
        assert_eq!(take_events(&mut hosts[0]), [changed]);
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
    let record = |bytes: &mut Vec<u8>, name: &[u8], kind: Kind, data: &[u8]| {
        bytes.extend(name);
        bytes.push(0);
        bytes.extend(kind.0.to_be_bytes());
        bytes.extend([0, 1, 0, 0, 0, 120]);
        bytes.extend((data.len() as u16).to_be_bytes());
        bytes.extend(data);
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
fn an_instance_name_may_have_spaces_dots_and_non_ascii_letters() {
    let mut storage = Box::new(DeviceStorage::new());
    let mut hosts = [Host::new(&mut storage, 7, 1)];
    start_browsing(&mut hosts[0], "_ipp._tcp");
    let (_, now) = run_for(&mut hosts, Instant::ZERO, 1);
    for wrong in [
        other_answer(5354, "_ipp._tcp", 0x8400),
        other_answer(5353, "_ipp._udp", 0x8400),
        other_answer(5353, "_ipp._tcp", 0x0000),
        other_answer(5353, "_ipp._tcp", 0x8C00),
    ] {
        hosts[0].deliver(&wrong);
    }
    let (_, now) = run_for(&mut hosts, now, 1);
    assert_eq!(take_events(&mut hosts[0]), []);
    hosts[0].deliver(&other_answer(5353, "_ipp._tcp", 0x8400));
    let (messages, _) = run_for(&mut hosts, now, 10);
    assert_eq!(take_events(&mut hosts[0]), [found("Büro 2.1, links drucker:631 192.0.2.99")]);
    // The browser repeats the name in its known answers, exactly as it was received.
    let known = messages.iter().find_map(|sent| {
        let record = Message::parse(&sent.bytes).unwrap().answers().next()?;
        let Data::Ptr(name) = record.data() else { return None };
        name.labels().next().map(<[u8]>::to_vec)
    });
    assert_eq!(known.as_deref(), Some("Büro 2.1, links".as_bytes()));
}

/// Returns an answer with IPv4 addresses of the host `drucker`. Each entry of `addresses` has the last byte of an
/// address, and the time to live of its record in seconds.
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
    let mut storage = Box::new(DeviceStorage::new());
    let mut hosts = [Host::new(&mut storage, 7, 1)];
    start_browsing(&mut hosts[0], "_ipp._tcp");
    let (_, now) = run_for(&mut hosts, Instant::ZERO, 1);
    hosts[0].deliver(&other_answer(5353, "_ipp._tcp", 0x8400));
    let (_, mut now) = run_for(&mut hosts, now, 1);
    assert_eq!(take_events(&mut hosts[0]), [found("Büro 2.1, links drucker:631 192.0.2.99")]);
    for (received, expected) in [
        // An address that the browser does not use has a time to live of zero.
        (vec![(98, 0)], vec![]),
        // A new address replaces the known address, in both orders of the records.
        (vec![(99, 0), (97, 120)], vec![changed(97)]),
        (vec![(96, 120), (97, 0)], vec![changed(96)]),
        // The known address stays in use if the answer also contains other addresses.
        (vec![(95, 120), (96, 120), (94, 0)], vec![]),
    ] {
        hosts[0].deliver(&addresses(&received));
        (_, now) = run_for(&mut hosts, now, 5);
        assert_eq!(take_events(&mut hosts[0]), expected, "{received:?}");
    }
    // The last address has a time to live of zero.
    hosts[0].deliver(&addresses(&[(96, 0)]));
    let from = now;
    run_for(&mut hosts, now, 5);
    let [event] = &hosts[0].device.events[..] else { panic!("{:?}", hosts[0].device.events) };
    assert_eq!((event.what, event.at.since(from).as_secs()), ("lost", 1));
}

#[test]
fn missing_records_are_requested() {
    let mut storage = Box::new(DeviceStorage::new());
    let mut hosts = [Host::new(&mut storage, 7, 1)];
    start_browsing(&mut hosts[0], "_ipp._tcp");
    let mut questions = Vec::new();
    let answer = |kind: Kind| {
        let mut sent = other_answer(5353, "_ipp._tcp", 0x8400);
        // Keep only the requested record.
        let message = Message::parse(&sent.bytes).unwrap();
        let index = message.answers().position(|record| record.kind == kind).unwrap();
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
        let (start, end) = starts[index];
        let mut bytes = sent.bytes[..12].to_vec();
        bytes[7] = 1;
        bytes.extend(&sent.bytes[start..end]);
        sent.bytes = bytes;
        sent
    };
    run(&mut hosts, Instant::ZERO, seconds(10), |sent| {
        let kinds: Vec<_> = Message::parse(&sent.bytes)
            .unwrap()
            .questions()
            .map(|question| question.kind)
            .collect();
        questions.push(kinds.clone());
        [Kind::PTR, Kind::SRV, Kind::A]
            .into_iter()
            .filter(|kind| kinds.contains(kind))
            .map(answer)
            .collect()
    });
    assert_eq!(take_events(&mut hosts[0]), [found("Büro 2.1, links drucker:631 192.0.2.99")]);
    assert_eq!(questions[0], [Kind::PTR]);
    assert_eq!(questions[1], [Kind::PTR, Kind::SRV, Kind::TXT]);
    assert_eq!(questions[2], [Kind::PTR, Kind::A, Kind::AAAA]);
}

#[test]
fn unrelated_messages_do_not_shorten_the_intervals_between_questions() {
    let mut storage = Box::new(DeviceStorage::new());
    let mut hosts = [Host::new(&mut storage, 7, 1)];
    start_browsing(&mut hosts[0], "_ipp._tcp");
    let (_, now) = run_for(&mut hosts, Instant::ZERO, 1);
    // A service whose host never answers, on a network with other messages. The list of services is sent again, too.
    let mut listing = question(5353, |_| ());
    let mut buffer = [0; 128];
    let mut writer = Writer::new(&mut buffer, 0, flag::RESPONSE);
    writer.record(Section::Answer, "_ipp._tcp.local", Kind::PTR, 4_500, |writer| {
        writer.name("x._ipp._tcp.local");
    });
    listing.bytes = writer.finish().unwrap().to_vec();
    let mut sent = Vec::new();
    for second in 0..40 {
        hosts[0].deliver(&listing);
        hosts[0].deliver(&addresses(&[(second, 120)]));
        let now = now.after(seconds(second.into()));
        sent.extend(run(&mut hosts, now, Duration::from_millis(999), |_| Vec::new()));
    }
    let gaps: Vec<_> =
        sent.windows(2).map(|pair| pair[1].at.since(pair[0].at).as_secs_f32().round()).collect();
    assert_eq!(gaps, [1.0, 2.0, 4.0, 8.0, 16.0]);
}

#[test]
fn a_browser_and_a_responder_begin_when_the_port_is_free() {
    for is_browser_first in [false, true] {
        let mut storages = [Box::new(DeviceStorage::new()), Box::new(DeviceStorage::new())];
        let [first, second] = &mut storages;
        let mut hosts = [Host::new(first, 7, 1), Host::new(second, 8, 2)];
        announce(&mut hosts[1], "pump", MQTT);
        hosts[0].is_port_in_use = true;
        let mut now = Instant::ZERO;
        if is_browser_first {
            start_browsing(&mut hosts[0], "_mqtt._tcp");
            (_, now) = run_for(&mut hosts, now, 2);
            announce(&mut hosts[0], "panel", WEB);
        } else {
            announce(&mut hosts[0], "panel", WEB);
            (_, now) = run_for(&mut hosts, now, 2);
            start_browsing(&mut hosts[0], "_mqtt._tcp");
        }
        (_, now) = run_for(&mut hosts, now, 20);
        assert_eq!((take_events(&mut hosts[0]), hosts[0].device.names.len()), (vec![], 0));
        hosts[0].is_port_in_use = false;
        (_, now) = run_for(&mut hosts, now, 15);
        assert_eq!(take_events(&mut hosts[0]), [found(PUMP)]);
        assert_eq!(hosts[0].device.names, ["panel"]);
        let question = question(5353, |writer| writer.question("panel.local", Kind::A, 1));
        assert_eq!(send_question(&mut hosts[..1], now, question).len(), 1);
    }
}

#[test]
fn a_stopped_browser_sends_no_questions_and_keeps_the_socket_of_the_responder() {
    with_found(|hosts, now| {
        announce(&mut hosts[0], "panel", WEB);
        let (_, now) = run_for(hosts, now, 5);
        let Host { base, device, .. } = &mut hosts[0];
        stop_browsing(device, base);
        stop_browsing(device, base);
        let (messages, now) = run_for(hosts, now, 100);
        assert_eq!(questions(&messages, hosts[0].ip).len(), 0);
        let question = question(5353, |writer| writer.question("panel.local", Kind::A, 1));
        let messages = send_question(&mut hosts[..1], now, question);
        assert_eq!(messages.len(), 1, "the responder still answers");
        // Now the responder withdraws its name while the browser is browsing. The browser keeps the socket.
        let Host { base, device, .. } = &mut hosts[0];
        browse(device, base, "_mqtt._tcp").unwrap();
        withdraw(device, base);
        run_for(hosts, now.after(seconds(2)), 5);
        assert_eq!(take_events(&mut hosts[0]), [found(PUMP)]);
        let Host { base, device, .. } = &mut hosts[0];
        stop_browsing(device, base);
        run_for(hosts, now.after(seconds(8)), 1);
        assert_eq!(hosts[0].base.udp_sockets().count(), 0);
    });
}

#[test]
fn an_invalid_call_of_browse_is_refused() {
    let mut storage = Box::new(DeviceStorage::new());
    let Host { mut base, mut device, .. } = Host::new(&mut storage, 7, 1);
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
    assert!(base.after(Duration::from_secs(1), |_, _| ()).is_ok(), "the timer is free again");
    assert!(base.after(Duration::from_secs(1), |_, _| ()).is_ok(), "and the other is free");
    base.udp(sockets[0]).unwrap().close();
}
