//! Names on the local network. These names end in `.local`.

use picoevent_scripted::{Reply, reply};

use crate::*;

/// A host on the local network. It answers questions that are sent to the multicast group.
const LOCAL_HOST: &str = "192.0.2.9:5353";

#[test]
fn a_local_name_is_queried_by_multicast_and_from_no_server() {
    with_base(|base, app| {
        let mut network = Network::new(|query| {
            let bytes = query.addresses(120, &[9]);
            vec![Reply { after: Duration::from_millis(20), from: addr(LOCAL_HOST), bytes }]
        });
        app.resolve(base, "Pump-7.Local").unwrap();
        run(&mut network, base, app);
        assert_eq!(app.answers(), [Ok(vec![v4(9)])]);
        let [query] = &network.received[..] else { panic!("{:?}", network.received) };
        assert_eq!((query.server, query.name()), (addr("224.0.0.251:5353"), "pump-7.local".into()));
        assert!(query.from_port >= 0xC000, "so that local hosts answer by unicast");
    });
}

#[test]
fn a_local_name_without_an_answer_is_queried_three_times() {
    with_base(|base, app| {
        app.names.set_servers(&[]);
        let mut network = Network::new(|_| Vec::new());
        app.resolve(base, "nobody.local").unwrap();
        run(&mut network, base, app);
        assert_eq!(app.answers(), [Err(LookupError::NoSuchName)]);
        assert_eq!(network.received.len(), 3);
    });
}

#[test]
fn only_local_hosts_answer_local_names_and_only_servers_answer_others() {
    with_base(|base, app| {
        let mut network = Network::new(|query| {
            let forged = query.addresses(60, &[66]);
            let is_local = query.name().ends_with("local");
            let from = if is_local { addr(SERVER) } else { addr(LOCAL_HOST) };
            let mut replies = vec![Reply { after: Duration::ZERO, from, bytes: forged }];
            if !is_local {
                replies.extend(reply(query, query.addresses(60, &[7])));
            }
            replies
        });
        app.resolve(base, "pump.local").unwrap();
        app.resolve(base, "example.org").unwrap();
        // The name is the domain itself, not a name in this domain.
        app.resolve(base, "local").unwrap();
        run(&mut network, base, app);
        let no_such_name = Err(LookupError::NoSuchName);
        assert_eq!(app.answers(), [Ok(vec![v4(7)]), Ok(vec![v4(7)]), no_such_name]);
    });
}
