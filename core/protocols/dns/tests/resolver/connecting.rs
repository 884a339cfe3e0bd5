//! Connections to hosts by name. Each attempt to connect has exactly one result: `opened` or `ended`.

use picoevent::{ConnError, ConnectError, SetupError};

use crate::*;
use picoevent_scripted::reply;

fn connect(
    base: &mut Base<'_>,
    app: &mut App,
    name: &str,
    pool: PoolId,
) -> Result<Conn, ResolveError> {
    dns::connect::<_, Uplink>(app, base, name, 7_000, pool)
}

#[test]
fn a_connection_opens_when_the_name_is_found() {
    with_base(|base, app| {
        let pool = pool(base, 64);
        let mut network = Network::new(|query| reply(query, query.addresses(60, &[7, 8])));
        let conn = connect(base, app, "uplink.example", pool).unwrap();
        assert!(base.conn(conn).unwrap().is_resting());
        run(&mut network, base, app);
        assert_eq!(app.opened, [conn]);
        assert_eq!(network.connects, [addr("192.0.2.7:7000")]);
        base.conn(conn).unwrap().abort();
        run(&mut network, base, app);
        // The next connection uses the next address of the name.
        connect(base, app, "uplink.example", pool).unwrap();
        run(&mut network, base, app);
        assert_eq!(network.connects[1], addr("192.0.2.8:7000"));
        assert_eq!((app.opened.len(), app.ended.len()), (2, 1));
    });
}

#[test]
fn a_name_that_is_not_found_ends_the_connection_once() {
    with_base(|base, app| {
        let pool = pool(base, 64);
        let mut network = Network::new(|query| reply(query, query.answer(3, |_| {})));
        let conn = connect(base, app, "no.example", pool).unwrap();
        run(&mut network, base, app);
        assert_eq!(app.ended, [(conn, ConnEnd::Failed(ConnError::NotFound))]);
        assert_eq!((base.conns_in_use(pool), network.connects.len()), (0, 0));
    });
}

#[test]
fn a_silent_server_ends_the_connection_as_timed_out() {
    with_base(|base, app| {
        let pool = pool(base, 64);
        let mut network = Network::new(|_| Vec::new());
        let conn = connect(base, app, "no.example", pool).unwrap();
        run(&mut network, base, app);
        assert_eq!(app.ended, [(conn, ConnEnd::Failed(ConnError::TimedOut))]);
    });
}

#[test]
fn one_family_is_enough_to_connect() {
    with_base(|base, app| {
        let pool = pool(base, 64);
        let is_v4 = |query: &picoevent_scripted::Datagram| query.kind() == dns::wire::Kind::A;
        let mut network = Network::new(move |query| match is_v4(query) {
            true => reply(query, query.addresses(60, &[7])),
            false => Vec::new(),
        });
        connect(base, app, "uplink.example", pool).unwrap();
        run(&mut network, base, app);
        assert_eq!((app.opened.len(), network.now().as_micros()), (1, 1_000));
    });
}

#[test]
fn a_literal_address_needs_no_server() {
    with_base(|base, app| {
        app.names.set_servers(&[]);
        let pool = pool(base, 64);
        let mut network = Network::new(|_| Vec::new());
        connect(base, app, "192.0.2.9", pool).unwrap();
        run(&mut network, base, app);
        assert_eq!(network.connects, [addr("192.0.2.9:7000")]);
    });
}

#[test]
fn a_connection_that_is_closed_during_the_look_up_stays_closed() {
    with_base(|base, app| {
        let pool = pool(base, 64);
        let mut network = Network::new(|query| reply(query, query.addresses(60, &[7])));
        let conn = connect(base, app, "uplink.example", pool).unwrap();
        base.conn(conn).unwrap().close();
        run(&mut network, base, app);
        assert_eq!(app.ended, [(conn, ConnEnd::Closed)]);
        assert_eq!((network.connects.len(), base.conns_in_use(pool)), (0, 0));
    });
}

#[test]
fn a_connection_reconnects_after_a_delay_with_a_new_address() {
    with_base(|base, app| {
        let pool = pool(base, 64);
        let mut number = 0;
        let mut network = Network::new(move |query| {
            number += 1;
            reply(query, query.addresses(1, &[number]))
        });
        app.react_to_end = Some(|app, conn| {
            let delay = Duration::from_secs(5);
            dns::connect_again(app, conn, delay, "uplink.example", 7_000).unwrap();
        });
        let conn = connect(base, app, "uplink.example", pool).unwrap();
        run(&mut network, base, app);
        for _ in 0..3 {
            base.conn(conn).unwrap().abort();
            run(&mut network, base, app);
        }
        assert_eq!(app.opened, [conn; 4], "it keeps its handle");
        let times: Vec<_> =
            network.received.iter().map(|query| query.at.as_micros() / 1_000_000).collect();
        assert_eq!(times, [0, 0, 5, 5, 10, 10, 15, 15], "both families, each time");
        assert_eq!((app.ended.len(), network.connects.len()), (3, 4));
    });
}

#[test]
fn a_delayed_reconnect_does_not_delay_a_look_up_of_the_same_name() {
    with_base(|base, app| {
        let pool = pool(base, 64);
        let mut number = 0;
        let mut network = Network::new(move |query| {
            number += 1;
            reply(query, query.addresses(1, &[number]))
        });
        app.react_to_end = Some(|app, conn| {
            let delay = Duration::from_secs(5);
            dns::connect_again(app, conn, delay, "uplink.example", 7_000).unwrap();
        });
        let conn = connect(base, app, "uplink.example", pool).unwrap();
        network.run(base, app, seconds(2));
        base.conn(conn).unwrap().abort();
        network.run(base, app, seconds(3));
        app.resolve(base, "uplink.example").unwrap();
        network.run(base, app, seconds(4));
        assert_eq!(app.ends[0].2, seconds(3).after(Duration::from_millis(1)));
        // The answer has expired when the connection reconnects, so the name is looked up again.
        run(&mut network, base, app);
        let times: Vec<_> =
            network.received.iter().map(|query| query.at.as_micros() / 1_000_000).collect();
        assert_eq!(times, [0, 0, 3, 7, 7]);
        assert_eq!((app.opened.len(), network.connects[1]), (2, addr("192.0.2.5:7000")));
    });
}

#[test]
fn each_failed_attempt_to_reconnect_calls_ended_once() {
    with_base(|base, app| {
        let pool = pool(base, 64);
        let mut network = Network::new(|query| reply(query, query.answer(3, |_| {})));
        app.react_to_end = Some(|app, conn| {
            let delay = Duration::from_secs(5);
            dns::connect_again(app, conn, delay, "no.example", 7_000).unwrap();
        });
        connect(base, app, "no.example", pool).unwrap();
        network.run(base, app, seconds(101));
        assert_eq!(app.ended.len(), 21);
        assert_eq!((app.names.as_mut().lookups(), base.conns_in_use(pool)), (1, 1));
    });
}

#[test]
fn a_refused_connect_keeps_no_connection_and_no_look_up() {
    with_base(|base, app| {
        let pool = pool(base, 64);
        let conn = connect(base, app, "uplink.example", pool).unwrap();
        let full = connect(base, app, "other.example", pool);
        assert_eq!(full, Err(ResolveError::Setup(SetupError::PoolFull)));
        assert_eq!(app.names.as_mut().lookups(), 1);
        let bad = connect(base, app, "bad name", pool);
        assert_eq!(bad, Err(ResolveError::Invalid));
        // An open connection cannot reconnect.
        let mut network = Network::new(|query| reply(query, query.addresses(60, &[7])));
        run(&mut network, base, app);
        let mut view = base.conn(conn).unwrap();
        let again = dns::connect_again(app, &mut view, Duration::ZERO, "uplink.example", 1);
        assert_eq!(again, Err(ResolveError::Connect(ConnectError::InUse)));
        assert_eq!(app.names.as_mut().lookups(), 0);
    });
}
