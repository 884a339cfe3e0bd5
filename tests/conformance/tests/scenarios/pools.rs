//! Scenarios for pools. Clients of one pool cannot take the connections of another pool. A spare connection sends a
//! short answer when all other connections of its pool are in use.

use std::time::Duration;

use picoevent::{Settings, SetupError};
use picoevent_conformance::{Ending, Harness, Sizes};

const LONG: Duration = Duration::from_secs(3600);
const BUSY: &str = "busy, try again\r\n";

static ANSWERING: Settings = Settings::new().busy(BUSY.as_bytes());

/// Makes a harness whose device has four connections, all in use, and one free spare connection.
fn busy<S: Harness>() -> (S, std::net::SocketAddr) {
    let mut harness = S::new(Sizes { spare: 1, ..Sizes::default() });
    harness.base().set_close_limits(LONG, LONG);
    harness.app().settings = &ANSWERING;
    let (_, address) = harness.listen();
    for accepted in ["0 accepted", "1 accepted", "2 accepted", "3 accepted"] {
        harness.connect_peer(address);
        harness.expect([accepted]);
    }
    (harness, address)
}

fn a_client_gets_the_busy_text_when_all_connections_are_in_use<S: Harness>() {
    let (mut harness, address) = busy::<S>();
    let fifth = harness.connect_peer(address);
    harness.expect_received(fifth, BUSY, Some(Ending::End));
    // The application does not see this client.
    harness.expect([]);
    assert_eq!(harness.base().conns().count(), 4);
    harness.finish(fifth);
    harness.expect_conns(4);
    harness.end();
}

/// As soon as the answer to one client is delivered, the spare connection serves the next client.
fn all_further_clients_get_the_busy_text_from_one_spare_slot<S: Harness>() {
    let (mut harness, address) = busy::<S>();
    let peers = [(); 3].map(|()| {
        let peer = harness.connect_peer(address);
        harness.expect_received(peer, BUSY, Some(Ending::End));
        peer
    });
    harness.expect([]);
    peers.iter().for_each(|peer| harness.finish(*peer));
    harness.expect_conns(4);
    harness.conn(2).abort();
    harness.expect(["2 Ended(Aborted)"]);
    let next = harness.connect_peer(address);
    harness.expect(["4 accepted"]);
    harness.expect_received(next, "", None);
    harness.end();
}

fn clients_of_two_pools_do_not_take_each_others_slots<S: Harness>() {
    let mut harness = S::new(Sizes { conns: 2, others: 1, ..Sizes::default() });
    let (_, address) = harness.listen();
    let other_address = harness.free_address();
    let (base, app) = harness.parts();
    let other = app.listen_for(1, base, other_address);
    harness.step();
    let other_address = harness.address_of(other);
    let peers = [
        harness.connect_peer(address),
        harness.connect_peer(address),
        harness.connect_peer(address),
    ];
    harness.expect(["0 accepted", "1 accepted"]);
    // The third client waits, although the other pool has a free connection.
    let others = [harness.connect_peer(other_address), harness.connect_peer(other_address)];
    harness.expect(["2 accepted"]);
    let pools = harness.app().pools.clone();
    assert_eq!(
        [0, 1, 2].map(|number| harness.conn(number).pool().unwrap()),
        [pools[0], pools[0], pools[1]]
    );
    assert_eq!([0, 1, 2].map(|number| harness.conn(number).index_in_pool().unwrap()), [0, 1, 0]);
    // When a connection ends, the next waiting client of the same pool is accepted.
    harness.conn(2).abort();
    harness.expect(["2 Ended(Aborted)", "3 accepted"]);
    harness.expect_reset(others[0]);
    harness.conn(0).abort();
    harness.expect(["0 Ended(Aborted)", "4 accepted"]);
    harness.expect_reset(peers[0]);
    harness.end();
}

fn clients_do_not_take_the_slot_of_an_outgoing_connection<S: Harness>() {
    let mut harness = S::new(Sizes { conns: 1, others: 1, ..Sizes::default() });
    let (_, address) = harness.listen();
    let _clients = [harness.connect_peer(address), harness.connect_peer(address)];
    harness.expect(["0 accepted"]);
    let (peer, host) = harness.listening_peer();
    let (base, app) = harness.parts();
    assert_eq!(app.connect(base, address), Err(SetupError::PoolFull));
    app.connect_from(1, base, peer).unwrap();
    harness.expect(["1 Opened"]);
    harness.send(host, b"there you are");
    harness.expect(["1 read there you are"]);
    harness.end();
}

on_every_back_end! {
    a_client_gets_the_busy_text_when_all_connections_are_in_use,
    all_further_clients_get_the_busy_text_from_one_spare_slot,
    clients_of_two_pools_do_not_take_each_others_slots,
    clients_do_not_take_the_slot_of_an_outgoing_connection,
}
