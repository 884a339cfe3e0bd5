//! Responders on a network in virtual time: their messages, with times and destinations.

mod browsing;
mod segment;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use picoevent::{Instant, SetupError};
use picoevent_dns::mdns::{self, AnnounceError, MAX_SERVICES, Service};
use picoevent_dns::wire::{Data, Kind, Message, Record, Section, Writer, flag};
use picoevent_scripted as _;

use segment::{DeviceStorage, Host, Sent, run};

const WEB: &[Service] = &[
    Service { kind: "_http._tcp", port: 80, text: &["path=/", "v=1"] },
    Service { kind: "_mqtt._tcp", port: 1883, text: &[] },
];

const GROUP: &str = "224.0.0.251:5353";

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Runs a test with a device that has its name, `pump.local`, and two services.
fn with_named(test: impl FnOnce(&mut [Host<'_>], Instant)) {
    let mut storage = Box::new(DeviceStorage::new());
    let mut hosts = [Host::new(&mut storage, 7, 1)];
    let Host { base, device, .. } = &mut hosts[0];
    mdns::announce(device, base, "pump", WEB).unwrap();
    run(&mut hosts, Instant::ZERO, seconds(5), |_| Vec::new());
    assert_eq!(hosts[0].device.names, ["pump"]);
    test(&mut hosts, Instant::ZERO.after(seconds(5)));
}

/// Makes a query that another host sends to the multicast group from the source port `port`.
fn question(port: u16, write: impl FnOnce(&mut Writer<'_>)) -> Sent {
    let mut buffer = [0; 512];
    let mut writer = Writer::new(&mut buffer, 77, 0);
    write(&mut writer);
    let bytes = writer.finish().unwrap().to_vec();
    Sent {
        at: Instant::ZERO,
        from: (Ipv4Addr::new(192, 0, 2, 99), port).into(),
        to: addr(GROUP),
        bytes,
    }
}

/// Delivers a question to the hosts. Returns all messages that the hosts send in the next second.
fn send_question(hosts: &mut [Host<'_>], now: Instant, question: Sent) -> Vec<Sent> {
    hosts.iter_mut().for_each(|host| host.deliver(&question));
    run(hosts, now, seconds(1), |_| Vec::new())
}

fn answers(message: &Sent) -> Vec<(Kind, String)> {
    let message = Message::parse(&message.bytes).unwrap();
    message.answers().map(|record| (record.kind, format!("{:?}", record.name))).collect()
}

#[test]
fn a_name_is_probed_three_times_and_announced_twice() {
    let mut storage = Box::new(DeviceStorage::new());
    let mut hosts = [Host::new(&mut storage, 7, 1)];
    let Host { base, device, .. } = &mut hosts[0];
    mdns::announce(device, base, "pump", WEB).unwrap();
    assert_eq!(device.responder.name(), None);
    let messages = run(&mut hosts, Instant::ZERO, seconds(10), |_| Vec::new());
    assert_eq!(messages.len(), 5, "{messages:?}");
    assert!(
        messages.iter().all(|message| message.to == addr(GROUP) && message.from.port() == 5353)
    );
    let times: Vec<_> = messages.iter().map(|message| message.at.as_micros() / 1_000).collect();
    assert!(times[0] < 250, "{times:?}");
    let gaps: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(gaps, [250, 250, 250, 1_000]);
    let probe = Message::parse(&messages[0].bytes).unwrap();
    assert_eq!((probe.flags(), probe.answers().count(), probe.authorities().count()), (0, 0, 3));
    let names = ["pump.local", "pump._http._tcp.local", "pump._mqtt._tcp.local"];
    for (question, name) in probe.questions().zip(names) {
        assert!(question.name.is(name) && question.kind == Kind::ANY, "{question:?}");
        assert_eq!(question.class, 0x8001, "the question requests a unicast answer");
    }
    let announcement = Message::parse(&messages[3].bytes).unwrap();
    assert_eq!(announcement.flags(), flag::RESPONSE | flag::AUTHORITATIVE);
    let records: Vec<Record<'_>> =
        announcement.answers().chain(announcement.additional()).collect();
    let address = records.iter().find(|record| record.kind == Kind::A).unwrap();
    assert_eq!((address.data(), address.ttl), (Data::A(hosts[0].ip), 120));
    assert_eq!(address.class, 0x8001, "the cache-flush bit is set");
    let list = records.iter().find(|record| record.kind == Kind::PTR).unwrap();
    assert_eq!((list.class, list.ttl), (1, 4_500), "other hosts have records of this list, too");
    let Some(Data::Txt(text)) =
        records.iter().map(|record| record.data()).find(|data| matches!(data, Data::Txt(_)))
    else {
        panic!("{records:?}")
    };
    assert_eq!(text, b"\x06path=/\x03v=1");
    assert_eq!(messages[3].bytes, messages[4].bytes);
}

#[test]
fn each_record_is_answered_by_multicast_after_a_short_delay() {
    with_named(|hosts, now| {
        let mut now = now;
        for (name, kind, expected) in [
            ("Pump.local", Kind::A, Kind::A),
            ("pump.local", Kind::ANY, Kind::A),
            ("_http._tcp.local", Kind::PTR, Kind::PTR),
            ("_services._dns-sd._udp.local", Kind::PTR, Kind::PTR),
            ("pump._mqtt._tcp.local", Kind::SRV, Kind::PTR),
        ] {
            let messages =
                send_question(hosts, now, question(5353, |writer| writer.question(name, kind, 1)));
            assert_eq!(messages.len(), 1, "{name}");
            assert_eq!(messages[0].to, addr(GROUP));
            let delay = messages[0].at.since(now).as_millis();
            assert!((20..=120).contains(&delay), "{delay} ms");
            assert_eq!(answers(&messages[0])[0].0, expected, "{name}");
            now = now.after(seconds(1));
        }
        let sent = send_question(
            hosts,
            now,
            question(5353, |w| w.question("pump._mqtt._tcp.local", Kind::SRV, 1)),
        );
        let message = Message::parse(&sent[0].bytes).unwrap();
        let srv = message.additional().find(|record| record.kind == Kind::SRV).unwrap();
        let Data::Srv { port, target, .. } = srv.data() else { panic!("{srv:?}") };
        assert!(port == 1883 && target.is("pump.local") && srv.name.is("pump._mqtt._tcp.local"));
        let mut more = message.additional();
        assert!(
            more.any(|record| record.data() == Data::A(hosts[0].ip)),
            "there is no address of the host"
        );
    });
}

#[test]
fn questions_about_other_names_and_known_answers_get_no_answer() {
    with_named(|hosts, now| {
        for (name, kind) in [
            ("other.local", Kind::ANY),
            ("pump.local", Kind::TXT),
            ("pump.example", Kind::A),
            ("_ipp._tcp.local", Kind::PTR),
            ("pump._http._tcp.local", Kind::A),
        ] {
            let messages =
                send_question(hosts, now, question(5353, |writer| writer.question(name, kind, 1)));
            assert_eq!(messages.len(), 0, "{name} {kind:?}");
        }
        let known = |ttl: u32| {
            question(5353, |writer| {
                writer.question("_http._tcp.local", Kind::PTR, 1);
                writer.record(Section::Answer, "_http._tcp.local", Kind::PTR, ttl, |writer| {
                    writer.name("pump._http._tcp.local");
                });
            })
        };
        assert_eq!(send_question(hosts, now, known(2_250)).len(), 0);
        let now = now.after(seconds(1));
        assert_eq!(
            send_question(hosts, now, known(2_249)).len(),
            1,
            "the known answer expires soon, so it is sent again"
        );
    });
}

#[test]
fn a_record_is_multicast_at_most_once_a_second() {
    with_named(|hosts, now| {
        let host = || question(5353, |w| w.question("pump.local", Kind::A, 1));
        let mut messages = Vec::new();
        for number in 0..20 {
            hosts[0].deliver(&host());
            let now = now.after(Duration::from_millis(number * 150));
            messages.extend(run(hosts, now, Duration::from_millis(149), |_| Vec::new()));
        }
        let now = now.after(seconds(3));
        messages.extend(run(hosts, now, seconds(2), |_| Vec::new()));
        let times: Vec<_> = messages.iter().map(|message| message.at).collect();
        assert_eq!(times.len(), 4, "{times:?}");
        for pair in times.windows(2) {
            let gap = pair[1].since(pair[0]).as_millis();
            assert!((1_000..1_130).contains(&gap), "{gap} ms");
        }
    });
}

#[test]
fn other_records_are_multicast_while_a_record_waits_for_its_second() {
    with_named(|hosts, now| {
        let a = || question(5353, |w| w.question("pump.local", Kind::A, 1));
        hosts[0].deliver(&a());
        let messages = run(hosts, now, Duration::from_millis(300), |_| Vec::new());
        assert_eq!(messages.len(), 1);
        let first = messages[0].at;
        // The address waits. The list of services does not wait, and the answer has no address in it.
        hosts[0].deliver(&a());
        let now = now.after(Duration::from_millis(301));
        assert_eq!(run(hosts, now, Duration::from_millis(200), |_| Vec::new()).len(), 0);
        let now = now.after(Duration::from_millis(201));
        hosts[0].deliver(&question(5353, |w| w.question("_http._tcp.local", Kind::PTR, 1)));
        let messages = run(hosts, now, seconds(2), |_| Vec::new());
        assert_eq!(messages.len(), 2, "{messages:?}");
        assert!((20..=120).contains(&messages[0].at.since(now).as_millis()));
        assert_eq!(
            answers(&messages[0]).iter().map(|(kind, _)| *kind).collect::<Vec<_>>(),
            [Kind::PTR]
        );
        let message = Message::parse(&messages[0].bytes).unwrap();
        assert!(message.additional().all(|record| record.kind != Kind::A));
        assert_eq!(
            answers(&messages[1]).iter().map(|(kind, _)| *kind).collect::<Vec<_>>(),
            [Kind::A]
        );
        let gap = messages[1].at.since(first).as_millis();
        assert!((1_000..1_010).contains(&gap), "{gap} ms");
    });
}

#[test]
fn a_probe_is_answered_within_the_second_after_an_answer() {
    with_named(|hosts, now| {
        let a = question(5353, |w| w.question("pump.local", Kind::A, 1));
        hosts[0].deliver(&a);
        assert_eq!(run(hosts, now, Duration::from_millis(200), |_| Vec::new()).len(), 1);
        // The second answer waits.
        hosts[0].deliver(&a);
        let now = now.after(Duration::from_millis(201));
        assert_eq!(run(hosts, now, Duration::from_millis(200), |_| Vec::new()).len(), 0);
        // A host probes for our name, and does not request a unicast answer.
        let probe = probe(&[(Kind::A, &[192, 0, 2, 99])], 1);
        let now = now.after(Duration::from_millis(201));
        hosts[0].deliver(&probe);
        let messages = run(hosts, now, Duration::from_millis(130), |_| Vec::new());
        assert_eq!((messages.len(), messages[0].to), (1, addr(GROUP)));
    });
}

#[test]
fn a_question_between_the_announcements_does_not_change_their_times() {
    let mut storage = Box::new(DeviceStorage::new());
    let mut hosts = [Host::new(&mut storage, 7, 1)];
    let Host { base, device, .. } = &mut hosts[0];
    mdns::announce(device, base, "pump", WEB).unwrap();
    let messages = run(&mut hosts, Instant::ZERO, seconds(10), |message| {
        let is_announcement = Message::parse(&message.bytes).unwrap().is_answer();
        let sent = question(5353, |w| w.question("pump.local", Kind::A, 1));
        if is_announcement { vec![sent] } else { Vec::new() }
    });
    let at = |index: usize| messages[index].at;
    assert_eq!(at(4).since(at(3)).as_millis(), 1_000);
    assert!(messages.windows(2).skip(3).all(|pair| pair[1].at.since(pair[0].at) >= seconds(1)));
}

/// Makes a probe of another host for the name `pump.local`, with its records for the name.
fn probe(records: &[(Kind, &[u8])], class: u16) -> Sent {
    question(5353, |w| {
        w.question("pump.local", Kind::ANY, class);
        for (kind, bytes) in records {
            w.record(Section::Authority, "pump.local", *kind, 120, |w| w.bytes(bytes));
        }
    })
}

#[test]
fn the_greater_records_win_a_tie_break() {
    const AAAA: &[u8] = &[0x20; 16];
    type Records = &'static [(Kind, &'static [u8])];
    // The device has the address 192.0.2.7.
    let cases: [(Records, bool); 8] = [
        (&[(Kind::A, &[192, 0, 2, 7])], false),
        (&[(Kind::A, &[192, 0, 2, 6])], false),
        (&[(Kind::A, &[192, 0, 2, 8])], true),
        // The records are compared in the order of their types and data, not in the order of the message.
        (&[(Kind::A, &[192, 0, 2, 8]), (Kind::A, &[192, 0, 2, 6])], false),
        (&[(Kind::AAAA, AAAA), (Kind::A, &[192, 0, 2, 6])], false),
        // If all our records are equal to theirs, the host with more records wins.
        (&[(Kind::A, &[192, 0, 2, 9]), (Kind::A, &[192, 0, 2, 7])], true),
        (&[(Kind::AAAA, AAAA), (Kind::A, &[192, 0, 2, 7])], true),
        // The type of an IPv6 address is greater than the type of an IPv4 address.
        (&[(Kind::AAAA, AAAA)], true),
    ];
    for (records, is_lost) in cases {
        let mut storage = Box::new(DeviceStorage::new());
        let mut hosts = [Host::new(&mut storage, 7, 1)];
        let Host { base, device, .. } = &mut hosts[0];
        mdns::announce(device, base, "pump", WEB).unwrap();
        run(&mut hosts, Instant::ZERO, Duration::from_millis(300), |_| Vec::new());
        hosts[0].deliver(&probe(records, 0x8001));
        let now = Instant::ZERO.after(Duration::from_millis(301));
        run(&mut hosts, now, Duration::from_millis(900), |_| Vec::new());
        // A host that has lost waits for a second.
        assert_eq!(hosts[0].device.names.is_empty(), is_lost, "{records:?}");
    }
}

#[test]
fn a_name_is_used_only_after_the_port_is_free() {
    let mut storage = Box::new(DeviceStorage::new());
    let mut hosts = [Host::new(&mut storage, 7, 1)];
    hosts[0].is_port_in_use = true;
    let Host { base, device, .. } = &mut hosts[0];
    mdns::announce(device, base, "pump", WEB).unwrap();
    let messages = run(&mut hosts, Instant::ZERO, seconds(20), |_| Vec::new());
    assert_eq!((messages.len(), hosts[0].device.responder.name()), (0, None));
    assert_eq!(hosts[0].device.names.len(), 0);
    hosts[0].is_port_in_use = false;
    let messages = run(&mut hosts, Instant::ZERO.after(seconds(20)), seconds(8), |_| Vec::new());
    assert_eq!((messages.len(), &hosts[0].device.names[..]), (5, &["pump".to_owned()][..]));
    // A withdrawn name leaves no socket and no event.
    hosts[0].is_port_in_use = true;
    let Host { base, device, .. } = &mut hosts[0];
    mdns::withdraw(device, base);
    mdns::announce(device, base, "pump", WEB).unwrap();
    run(&mut hosts, Instant::ZERO.after(seconds(28)), seconds(1), |_| Vec::new());
    let Host { base, device, .. } = &mut hosts[0];
    mdns::withdraw(device, base);
    assert_eq!((base.counts().events, base.udp_sockets().count()), (0, 0));
}

#[test]
fn several_questions_get_one_answer() {
    with_named(|hosts, now| {
        let both = question(5353, |writer| {
            writer.question("_http._tcp.local", Kind::PTR, 1);
            writer.question("pump.local", Kind::A, 1);
        });
        hosts[0].deliver(&both);
        let messages = send_question(
            hosts,
            now,
            question(5353, |w| w.question("_mqtt._tcp.local", Kind::PTR, 1)),
        );
        assert_eq!(messages.len(), 1, "{messages:?}");
        assert_eq!(answers(&messages[0]).len(), 3);
    });
}

#[test]
fn a_requested_unicast_answer_is_sent_at_once() {
    with_named(|hosts, now| {
        let messages = send_question(
            hosts,
            now,
            question(5353, |w| w.question("pump.local", Kind::A, 0x8001)),
        );
        assert_eq!(
            (messages.len(), messages[0].to, messages[0].at),
            (1, addr("192.0.2.99:5353"), now)
        );
        // The answer to a legacy querier repeats the ID and the question of the query, and has a short time to live.
        let legacy = question(4_000, |w| w.question("pUmp.local", Kind::A, 1));
        let messages = send_question(hosts, now, legacy);
        assert_eq!((messages.len(), messages[0].to), (1, addr("192.0.2.99:4000")));
        let message = Message::parse(&messages[0].bytes).unwrap();
        let question = message.questions().next().unwrap();
        assert!(message.id() == 77 && question.name.is_exactly(b"pUmp.local"));
        let answer = message.answers().next().unwrap();
        assert_eq!((answer.class, answer.ttl, answer.data()), (1, 10, Data::A(hosts[0].ip)));
    });
}

#[test]
fn a_number_is_appended_to_a_name_that_is_taken() {
    let mut storage = Box::new(DeviceStorage::new());
    let mut hosts = [Host::new(&mut storage, 7, 1)];
    let Host { base, device, .. } = &mut hosts[0];
    mdns::announce(device, base, "pump", WEB).unwrap();
    // Another host has the names in `taken`, and answers the probes for these names.
    run(&mut hosts, Instant::ZERO, seconds(60), |message| {
        let probe = Message::parse(&message.bytes).unwrap();
        let name = probe.questions().next().map(|question| format!("{:?}", question.name));
        let taken = ["pump.local.", "pump-2.local.", "pump-3.local."];
        let Some(name) = name.filter(|name| taken.contains(&&**name)) else { return Vec::new() };
        let mut buffer = [0; 512];
        let mut writer = Writer::new(&mut buffer, 0, flag::RESPONSE);
        writer.record(Section::Answer, &name, Kind::A, 120, |w| w.bytes(&[192, 0, 2, 99]));
        let bytes = writer.finish().unwrap().to_vec();
        vec![Sent { at: message.at, from: addr("192.0.2.99:5353"), to: addr(GROUP), bytes }]
    });
    assert_eq!(hosts[0].device.names, ["pump-4"]);
}

#[test]
fn two_devices_that_want_one_name_get_different_names() {
    for seed in 0..20 {
        for delay in [0, 100, 300, 700, 3_000] {
            let (mut first, mut second) =
                (Box::new(DeviceStorage::new()), Box::new(DeviceStorage::new()));
            let mut hosts =
                [Host::new(&mut first, 7, seed + 1), Host::new(&mut second, 8, seed + 2)];
            let Host { base, device, .. } = &mut hosts[0];
            mdns::announce(device, base, "pump", WEB).unwrap();
            run(&mut hosts, Instant::ZERO, Duration::from_millis(delay), |_| Vec::new());
            let Host { base, device, .. } = &mut hosts[1];
            mdns::announce(device, base, "pump", WEB).unwrap();
            let from = Instant::ZERO.after(Duration::from_millis(delay));
            let messages = run(&mut hosts, from, seconds(20), |_| Vec::new());
            let mut names = hosts.each_ref().map(|host| host.device.responder.name().unwrap());
            names.sort();
            assert_eq!(names, ["pump", "pump-2"], "seed {seed}, {delay} ms");
            assert!(messages.len() < 20, "seed {seed}, {delay} ms: {messages:#?}");
        }
    }
}

#[test]
fn a_name_is_probed_again_after_a_conflict() {
    with_named(|hosts, now| {
        // Another host claims the name. The other host did not answer our probes, because it had no link at that time.
        let claim = |name: &'static str| {
            let mut claim = question(5353, |_| ());
            let mut buffer = [0; 128];
            let mut writer = Writer::new(&mut buffer, 0, flag::RESPONSE);
            writer.record(Section::Answer, name, Kind::A, 120, |w| w.bytes(&[192, 0, 2, 99]));
            claim.bytes = writer.finish().unwrap().to_vec();
            claim
        };
        hosts[0].deliver(&claim("pump.local"));
        assert_eq!(hosts[0].device.responder.name(), Some("pump"));
        let messages = run(hosts, now, seconds(5), |_| Vec::new());
        assert_eq!(
            (messages.len(), hosts[0].device.responder.name()),
            (5, Some("pump")),
            "no other host defends the name"
        );
        hosts[0].deliver(&claim("pump.local"));
        run(hosts, now.after(seconds(5)), Duration::from_millis(400), |_| Vec::new());
        hosts[0].deliver(&claim("pump.local"));
        run(hosts, now.after(seconds(6)), seconds(5), |_| Vec::new());
        assert_eq!(hosts[0].device.names, ["pump", "pump", "pump-2"]);
    });
}

#[test]
fn our_own_records_other_ports_and_goodbyes_are_no_conflict() {
    with_named(|hosts, now| {
        let record = |port: u16, last: u8, ttl: u32| {
            let mut message = question(port, |_| ());
            let mut buffer = [0; 128];
            let mut writer = Writer::new(&mut buffer, 0, flag::RESPONSE);
            writer.record(Section::Answer, "pump.local", Kind::A, ttl, |w| {
                w.bytes(&[192, 0, 2, last])
            });
            message.bytes = writer.finish().unwrap().to_vec();
            message
        };
        // These are not conflicts: our own record, a record from a port other than 5353, and a
        // goodbye.
        for message in [record(5353, 7, 120), record(5354, 99, 120), record(5353, 99, 0)] {
            assert_eq!(send_question(hosts, now, message).len(), 0);
        }
        assert_eq!(hosts[0].device.names, ["pump"]);
    });
}

#[test]
fn a_withdrawn_name_sends_a_goodbye_and_no_more_answers() {
    with_named(|hosts, now| {
        let Host { base, device, .. } = &mut hosts[0];
        mdns::withdraw(device, base);
        let messages = run(hosts, now, seconds(1), |_| Vec::new());
        let message = Message::parse(&messages[0].bytes).unwrap();
        assert!(messages.len() == 1 && message.answers().count() == 3);
        assert!(message.answers().chain(message.additional()).all(|record| record.ttl == 0));
        assert_eq!(hosts[0].device.responder.name(), None);
        assert_eq!((hosts[0].base.events().count(), hosts[0].base.udp_sockets().count()), (0, 0));
        let messages =
            send_question(hosts, now, question(5353, |w| w.question("pump.local", Kind::A, 1)));
        assert_eq!(messages.len(), 0);
        // The responder can announce another name after `withdraw`.
        let Host { base, device, .. } = &mut hosts[0];
        mdns::announce(device, base, "valve", &[]).unwrap();
        run(hosts, now, seconds(5), |_| Vec::new());
        assert_eq!(hosts[0].device.responder.name(), Some("valve"));
    });
}

#[test]
fn an_invalid_announcement_is_refused() {
    let mut storage = Box::new(DeviceStorage::new());
    let mut host = Host::new(&mut storage, 7, 1);
    let Host { base, device, .. } = &mut host;
    for bad in ["", "a.b", "a b", "ä", "pump."] {
        assert_eq!(mdns::announce(device, base, bad, &[]), Err(AnnounceError::Invalid), "{bad:?}");
    }
    let long = "a".repeat(37);
    assert_eq!(mdns::announce(device, base, &long, &[]), Err(AnnounceError::TooLong { most: 36 }));
    static TOO_MANY: [Service; MAX_SERVICES + 1] =
        [Service { kind: "_a._tcp", port: 1, text: &[] }; MAX_SERVICES + 1];
    assert_eq!(mdns::announce(device, base, "a", &TOO_MANY), Err(AnnounceError::TooManyServices));
    mdns::announce(device, base, &"a".repeat(36), &TOO_MANY[..MAX_SERVICES]).unwrap();
    mdns::withdraw(device, base);
    let [timer, _] = [0, 1].map(|_| base.after(seconds(1), |_, _| ()).unwrap());
    let error = mdns::announce(device, base, "a", &[]).unwrap_err();
    assert_eq!(error, AnnounceError::Setup(SetupError::Full(picoevent::FullError::Events)));
    base.event(timer).unwrap().free();
    let mut storage = Box::new(DeviceStorage::new());
    let mut base = picoevent::EventBase::new(&mut storage);
    assert_eq!(mdns::announce(device, &mut base, "a", &[]), Err(AnnounceError::Unseeded));
}

#[test]
fn a_refused_announcement_keeps_no_socket_open() {
    let mut storage = Box::new(DeviceStorage::new());
    let mut hosts = [Host::new(&mut storage, 7, 1)];
    let Host { base, device, .. } = &mut hosts[0];
    for _ in 0..2 {
        base.bind(addr("0.0.0.0:7"), mdns::RINGS, |_, _, _| ()).unwrap();
    }
    for _ in 0..2 {
        let error = mdns::announce(device, base, "pump", WEB).unwrap_err();
        assert_eq!(error, AnnounceError::Setup(SetupError::Full(picoevent::FullError::Udp)));
        assert_eq!(base.counts().events, 1, "the next call uses the same timer");
    }
    let others: Vec<_> = base.udp_sockets().collect();
    others.into_iter().for_each(|socket| base.udp(socket).unwrap().close());
    run(&mut hosts, Instant::ZERO, seconds(1), |_| Vec::new());
    // When the browser stops, it closes its socket, because the responder has no name that needs the socket.
    let Host { base, device, .. } = &mut hosts[0];
    mdns::browse(device, base, "_http._tcp").unwrap();
    mdns::stop_browsing(device, base);
    assert_eq!(base.udp_sockets().count(), 0);
    mdns::withdraw(device, base);
    assert_eq!(base.counts().events, 0);
}

#[test]
fn random_messages_change_no_name() {
    with_named(|hosts, now| {
        let mut random = fastrand::Rng::with_seed(2);
        let good = question(5353, |w| {
            w.question("pump.local", Kind::ANY, 1);
            w.record(Section::Answer, "pump._http._tcp.local", Kind::SRV, 9, |w| w.bytes(&[0; 7]));
        });
        for _ in 0..20_000 {
            let mut message = good.clone();
            for _ in 0..random.usize(0..4) {
                let at = random.usize(..message.bytes.len());
                message.bytes[at] = random.u8(..);
            }
            // Clear the response flag, because a response can cause a conflict.
            message.bytes[2] &= 0x7F;
            hosts[0].deliver(&message);
            run(hosts, now, Duration::ZERO, |_| Vec::new());
        }
        assert_eq!(hosts[0].device.names, ["pump"]);
    });
}
