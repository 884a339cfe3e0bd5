//! Pools: connections that clients of other pools cannot take, and spare connections for a short answer when all other
//! connections are in use.

use std::time::Duration;

use picoevent::{Settings, SetupError};
use picoevent_conformance::{Ending, Sizes, Stage};

const LONG: Duration = Duration::from_secs(3600);
const BUSY: &str = "busy, try again\r\n";

static ANSWERING: Settings = Settings::new().busy(BUSY.as_bytes());

/// Makes a device whose four connections are in use, and that has one spare connection.
fn busy<S: Stage>() -> (S, std::net::SocketAddr) {
    let mut stage = S::new(Sizes { spare: 1, ..Sizes::default() });
    stage.base().set_close_limits(LONG, LONG);
    stage.app().settings = &ANSWERING;
    let (_, address) = stage.listen();
    for accepted in ["0 accepted", "1 accepted", "2 accepted", "3 accepted"] {
        stage.call(address);
        stage.expect([accepted]);
    }
    (stage, address)
}

fn the_fifth_client_of_four_gets_the_busy_text<S: Stage>() {
    let (mut stage, address) = busy::<S>();
    let fifth = stage.call(address);
    stage.expect_heard(fifth, BUSY, Some(Ending::End));
    // The application does not see this client.
    stage.expect([]);
    assert_eq!(stage.base().conns().count(), 4);
    stage.finish(fifth);
    stage.expect_conns(4);
    stage.end();
}

/// The spare connection is free for the next client as soon as the answer is delivered.
fn all_further_clients_get_the_busy_text_from_one_spare_place<S: Stage>() {
    let (mut stage, address) = busy::<S>();
    let calls = [(); 3].map(|()| {
        let call = stage.call(address);
        stage.expect_heard(call, BUSY, Some(Ending::End));
        call
    });
    stage.expect([]);
    calls.iter().for_each(|call| stage.finish(*call));
    stage.expect_conns(4);
    stage.conn(2).abort();
    stage.expect(["2 Ended(Aborted)"]);
    let next = stage.call(address);
    stage.expect(["4 accepted"]);
    stage.expect_heard(next, "", None);
    stage.end();
}

fn clients_of_two_pools_do_not_take_each_others_places<S: Stage>() {
    let mut stage = S::new(Sizes { conns: 2, others: 1, ..Sizes::default() });
    let (_, address) = stage.listen();
    let other_address = stage.free_address();
    let (base, app) = stage.parts();
    let other = app.listen_for(1, base, other_address);
    stage.step();
    let other_address = stage.address_of(other);
    let calls = [stage.call(address), stage.call(address), stage.call(address)];
    stage.expect(["0 accepted", "1 accepted"]);
    // The third client waits, although the other pool has a free connection.
    let others = [stage.call(other_address), stage.call(other_address)];
    stage.expect(["2 accepted"]);
    let pools = stage.app().pools.clone();
    assert_eq!(
        [0, 1, 2].map(|number| stage.conn(number).pool().unwrap()),
        [pools[0], pools[0], pools[1]]
    );
    assert_eq!([0, 1, 2].map(|number| stage.conn(number).place().unwrap()), [0, 1, 0]);
    // Each pool goes on with its own clients.
    stage.conn(2).abort();
    stage.expect(["2 Ended(Aborted)", "3 accepted"]);
    stage.expect_reset(others[0]);
    stage.conn(0).abort();
    stage.expect(["0 Ended(Aborted)", "4 accepted"]);
    stage.expect_reset(calls[0]);
    stage.end();
}

fn clients_do_not_take_the_place_of_an_outgoing_connection<S: Stage>() {
    let mut stage = S::new(Sizes { conns: 1, others: 1, ..Sizes::default() });
    let (_, address) = stage.listen();
    let _clients = [stage.call(address), stage.call(address)];
    stage.expect(["0 accepted"]);
    let (peer, host) = stage.host();
    let (base, app) = stage.parts();
    assert_eq!(app.connect(base, peer), Err(SetupError::PoolFull));
    app.connect_from(1, base, peer).unwrap();
    stage.expect(["1 Opened"]);
    stage.send(host, b"there you are");
    stage.expect(["1 read there you are"]);
    stage.end();
}

on_every_stage! {
    the_fifth_client_of_four_gets_the_busy_text,
    all_further_clients_get_the_busy_text_from_one_spare_place,
    clients_of_two_pools_do_not_take_each_others_places,
    clients_do_not_take_the_place_of_an_outgoing_connection,
}
