//! Tests of the examples in all kinds of simulations. Each test runs a few hundred seeds.

use picoevent_sim::world::{AnyTestCase, FaultKind, ServerFaultKind, Simulator, Sweep, Tally};
use picoevent_sim_command::{
    caller, chat, days, device, echo, echo_filtered, gateway, gateway_day, gateway_online,
    gateway_v6, hello_world, hello_world_v6, prober, proxy, publisher, publisher_3, udp_time,
};

fn sweep(case: &dyn AnyTestCase, seeds: u64, jobs: usize) -> Tally {
    let sweep = Sweep { jobs, check: true, ..Sweep::over(0..seeds) };
    let tally = sweep.run(case, |_| ());
    assert!(tally.failures.is_empty(), "{:#?}", tally.failures.first());
    assert!(
        tally.diverged.is_empty(),
        "the second runs of seeds {:?} differ from the first",
        tally.diverged
    );
    assert!(tally.checked > 0 && tally.seeds == seeds);
    tally
}

/// Simulations are the same in every build and on every machine. If a change of the simulations is intended, this test
/// prints the new values. Write these values here.
#[test]
fn simulations_are_the_same_in_every_build() {
    let digests = [sweep(&hello_world(), 400, 1).digest, sweep(&echo(), 300, 1).digest];
    assert_eq!(
        digests.map(|digest| format!("{digest:016x}")),
        ["db1fafc2a09e5351", "f7b1f68a12867725"]
    );
}

/// Two filters do not change the behaviour of the echo server above them.
#[test]
fn echo_above_two_filters_works_in_every_kind_of_simulation() {
    let tally = sweep(&echo_filtered(), 500, 2);
    assert!(tally.served > 500, "{tally:?}");
}

/// The prober's callbacks change other connections while callbacks of these connections are due.
#[test]
fn a_due_callback_is_checked_again_before_it_runs() {
    let tally = sweep(&prober(), 1_000, 1);
    assert!(tally.served > 1_000, "{tally:?}");
}

/// The application `caller` connects to a server. Each connect waits for a link and an address. The application is
/// informed when the link is up and when there is an address.
#[test]
fn a_client_that_connects_at_the_start_waits_for_the_network() {
    let tally = sweep(&caller(), 600, 2);
    assert!(tally.accepted > 600, "{tally:?}");
    for kind in [FaultKind::LinkDown, FaultKind::AddressLost, FaultKind::AddressChanged] {
        assert!(tally.fault_counts[kind as usize] > 0, "{}: {:?}", kind.word(), tally.fault_counts);
    }
    // The first connect succeeds even if the device gets its address late and the link is down at the beginning.
    for (server, link) in [(1, 0), (5_000_000, 0), (3_000_000, 8_000_000), (9_000_000, 2_000_000)] {
        let mut log = format!("setup lease-s 0 600\nsetup dhcp-start-us 0 {server}\n");
        log += "setup quiet-after-us 0 20000000\n";
        if link > 0 {
            log += "setup faults 0 1\nfault kind 0 link-down\n";
            log += &format!("fault life-us 0 {link}\n");
        }
        let outcome = caller().replay(&log).expect("it is a choice log");
        assert!(outcome.verdict.is_pass(), "{log}: {}", outcome.verdict);
        assert_eq!(outcome.accepted, 1, "it connected once: {log}");
    }
}

#[test]
fn clients_and_collector_of_the_gateway_receive_correct_data() {
    let tally = sweep(&gateway(), 300, 2);
    assert!(tally.served > 300 && tally.accepted > 300, "{tally:?}");
    for kind in ServerFaultKind::ALL.iter().filter(|kind| **kind != ServerFaultKind::None) {
        assert!(
            tally.server_fault_counts[*kind as usize] > 0,
            "{}: {:?}",
            kind.word(),
            tally.server_fault_counts
        );
    }
}

/// The broker and the network fail. The broker must still have delivered every acknowledged message, and must have
/// delivered each message with QoS 2 only once.
#[test]
fn messages_are_delivered_according_to_their_quality_of_service() {
    for case in [publisher(), publisher_3()] {
        let tally = sweep(&case, 300, 2);
        // The client reconnects again and again.
        assert!(tally.accepted > 600, "{tally:?}");
        for kind in ServerFaultKind::ALL.iter().filter(|kind| **kind != ServerFaultKind::None) {
            assert!(
                tally.server_fault_counts[*kind as usize] > 0,
                "{}: {:?}",
                kind.word(),
                tally.server_fault_counts
            );
        }
    }
}

/// The DNS server sends wrong answers, the time server is wrong, and the broker fails.
#[test]
fn the_gateway_finds_collector_and_broker_by_their_names() {
    let tally = sweep(&gateway_online(), 100, 2);
    assert!(tally.served > 100 && tally.accepted > 200, "{tally:?}");
}

/// A day of the gateway, while its broker goes offline and comes back many times. The gateway publishes all day. At the
/// end of the day, the gateway has the same number of objects as at the beginning.
#[test]
#[ignore = "takes minutes"]
fn the_gateway_lasts_for_a_day() {
    // In most simulations an interrupt ends the gateway before the end of the day.
    for seed in 0..40 {
        let tally = Sweep::over(seed..seed + 1).run(&gateway_day(), |_| ());
        assert!(tally.failures.is_empty(), "{:#?}", tally.failures.first());
        if days() > 0 {
            return;
        }
    }
    panic!("no gateway has lasted for a day");
}

#[test]
fn examples_work_over_ipv6() {
    let (hello, gateway) = (sweep(&hello_world_v6(), 300, 1), sweep(&gateway_v6(), 60, 2));
    assert!(hello.served > 300, "{hello:?}");
    assert!(gateway.served > 60 && gateway.accepted > 60, "{gateway:?}");
}

#[test]
fn datagrams_get_their_answers() {
    let tally = sweep(&udp_time(), 1_000, 1);
    assert!(tally.served > 1_000, "{tally:?}");
}

#[test]
fn clients_of_chat_and_proxy_receive_correct_data() {
    for tally in [sweep(&chat(), 400, 1), sweep(&proxy(), 200, 1)] {
        assert!(tally.served > 200, "{tally:?}");
    }
}

/// The clients of the example `device`: browsers, uploads, WebSockets and attackers.
#[test]
fn the_device_answers_each_request_correctly() {
    let tally = sweep(&device(), 400, 1);
    assert!(tally.served > 300, "{tally:?}");
}

/// Found by seed 389508: clients that had to start again sent a reset to an address that the device no longer had,
/// and waited forever for this reset to be sent.
#[test]
fn clients_whose_resets_cannot_be_sent_begin_again() {
    device().check_choices(
        "setup faults 0 4\nsetup attacks 0 2\nsetup lease-s 0 1\nsetup dhcp-start-us 0 101\n\
         fault kind 0 forgery\nfault severity 0 1\nfault life-us 0 1\nfault kind 3 address-changed\n\
         attacker kind 1 syn-flood\nto-device forged 1 1\n",
    );
}

/// Found by seed 619546: the device sends only sixteen bytes every 160 milliseconds. So a client is served only after
/// the usual time limit for clients has passed.
#[test]
fn a_client_that_is_served_slowly_is_waited_for() {
    device().check_choices(
        "setup size 0 1\nsetup latency-us 0 78779\nscript number 121600 5\nscript number 121601 6\n\
         script number 121602 1996\n",
    );
}

/// Found by seed 713250. In the socket-leak check, several clients connect at once. The device echoes the long messages
/// of one client in segments of sixteen bytes. Meanwhile the next client waits, because the device has room for only
/// one connection.
#[test]
fn a_slow_client_of_the_socket_leak_check_is_waited_for() {
    device().check_choices(
        "setup size 0 2\nsetup latency-us 0 78026\nsetup socket-leak-check 0 3\n\
         script number 121601 4\nscript number 121604 1\nscript number 121630 5\n\
         script number 121631 5\nscript number 121632 1350\n",
    );
}

/// Found by seed 292: a client had ended its stream. Then the proxy's connection to the server was reset, but the
/// client received a normal end of stream.
#[test]
fn a_proxy_passes_on_a_reset_also_after_the_clients_end_of_stream() {
    proxy().check_choices(
        "setup more-clients 0 1\nserver server-faults 0 1\nserver kind 0 refuses\nserver life-us 0 600\n\
         script number 67 1\n",
    );
}

#[test]
fn the_number_of_threads_changes_nothing() {
    assert_eq!(sweep(&hello_world(), 300, 1).digest, sweep(&hello_world(), 300, 3).digest);
}

#[test]
fn every_kind_of_fault_occurs() {
    let (hello, echo) = (sweep(&hello_world(), 600, 1), sweep(&echo(), 600, 1));
    for kind in FaultKind::ALL.iter().filter(|kind| **kind != FaultKind::None) {
        let count = hello.fault_counts[*kind as usize] + echo.fault_counts[*kind as usize];
        assert!(count > 0, "{}: {:?} {:?}", kind.word(), hello.fault_counts, echo.fault_counts);
    }
}

#[test]
fn a_simulation_does_not_affect_the_next() {
    let echo = echo();
    let mut simulator = Simulator::new();
    let mut run = |seed| {
        simulator.take_seed(seed);
        echo.run(&mut simulator)
    };
    let first = run(7);
    for seed in 100..150 {
        run(seed);
    }
    assert_eq!(run(7), first);
}

/// Found by seed 246: the application had written bytes that fitted into the output ring but not into the socket's
/// buffer. The device never sent these bytes.
#[test]
fn hello_world_gives_up_a_client_that_never_reads() {
    hello_world().check_choices("setup size 0 4\nclient kind 0 zero-window\n");
}

#[test]
fn an_address_is_leased_lost_and_leased_again() {
    let choice_log = "\
setup lease-s 0 30
setup dhcp-start-us 0 3000000
setup faults 0 1
setup quiet-after-us 0 20000000
fault kind 0 address-changed
fault start-us 0 8000000
fault life-us 0 1000000
client start-us 0 7900000
client kind 0 slow-writer
script number 0 30
";
    let outcome = echo().replay(choice_log).unwrap();
    assert!(outcome.verdict.is_pass() && outcome.served == 1, "{outcome:?}");
}
