//! Names on the local network, which end in `.local`.

use picoevent_scripted::{Reply, reply};

use crate::*;

/// A host on the local network. It answers questions that are sent to the multicast group.
const NEIGHBOUR: &str = "192.0.2.9:5353";

#[test]
fn a_local_name_is_asked_from_the_neighbours_and_from_no_server() {
    with_base(|base, app| {
        let mut world = World::new(|heard| {
            let bytes = heard.addresses(120, &[9]);
            vec![Reply { after: Duration::from_millis(20), from: addr(NEIGHBOUR), bytes }]
        });
        app.resolve(base, "Pump-7.Local").unwrap();
        run(&mut world, base, app);
        assert_eq!(app.answers(), [Ok(vec![v4(9)])]);
        let [heard] = &world.heard[..] else { panic!("{:?}", world.heard) };
        assert_eq!((heard.server, heard.name()), (addr("224.0.0.251:5353"), "pump-7.local".into()));
        assert!(heard.from_port >= 0xC000, "so that neighbours answer to us alone");
    });
}

#[test]
fn a_local_name_that_nobody_has_is_asked_three_times() {
    with_base(|base, app| {
        app.names.set_servers(&[]);
        let mut world = World::new(|_| Vec::new());
        app.resolve(base, "nobody.local").unwrap();
        run(&mut world, base, app);
        assert_eq!(app.answers(), [Err(LookupError::NoSuchName)]);
        assert_eq!(world.heard.len(), 3);
    });
}

#[test]
fn neighbours_answer_local_names_only_and_servers_others_only() {
    with_base(|base, app| {
        let mut world = World::new(|heard| {
            let wrong = heard.addresses(60, &[66]);
            let is_local = heard.name().ends_with("local");
            let from = if is_local { addr(SERVER) } else { addr(NEIGHBOUR) };
            let mut replies = vec![Reply { after: Duration::ZERO, from, bytes: wrong }];
            if !is_local {
                replies.extend(reply(heard, heard.addresses(60, &[7])));
            }
            replies
        });
        app.resolve(base, "pump.local").unwrap();
        app.resolve(base, "example.org").unwrap();
        // The name is the domain itself, not a name in it.
        app.resolve(base, "local").unwrap();
        run(&mut world, base, app);
        let nothing = Err(LookupError::NoSuchName);
        assert_eq!(app.answers(), [Ok(vec![v4(7)]), Ok(vec![v4(7)]), nothing]);
    });
}
