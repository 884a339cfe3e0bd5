//! Calls that are refused. Afterwards, no look-up and no connection is in use.

use crate::*;
use picoevent_scripted::reply;

#[test]
fn an_invalid_name_is_refused() {
    with_base(|base, app| {
        for bad in ["", ".", "a b", "a..b", "http://a", "a/b", "ä.example"] {
            assert_eq!(app.resolve(base, bad), Err(ResolveError::Invalid), "{bad}");
            assert_eq!(dns::add_host(app, bad, v4(1)), Err(ResolveError::Invalid), "{bad}");
        }
        let long = "a".repeat(33);
        assert_eq!(app.resolve(base, &long), Err(ResolveError::TooLong { most: 32 }));
        assert_eq!(app.names.as_mut().lookups(), 0);
    });
}

#[test]
fn a_look_up_is_refused_while_all_slots_or_all_names_are_in_use() {
    with_base(|base, app| {
        let mut network = Network::new(|query| reply(query, query.addresses(60, &[7])));
        for name in ["a.example", "b.example", "c.example"] {
            app.resolve(base, name).unwrap();
        }
        assert_eq!(app.resolve(base, "d.example"), Err(ResolveError::Lookups));
        run(&mut network, base, app);
        assert_eq!(app.answers().len(), 3);
        // The two names, each with both families, use all four entries.
        for name in ["e.example", "f.example"] {
            dns::resolve(app, base, name, None, App::found).unwrap();
        }
        assert_eq!(app.resolve(base, "g.example"), Err(ResolveError::Names));
        run(&mut network, base, app);
        assert_eq!(app.answers().len(), 2);
        app.resolve(base, "g.example").unwrap();
    });
}

#[test]
fn a_refused_look_up_keeps_no_name() {
    with_base(|base, app| {
        for name in ["a.example", "b.example", "c.example"] {
            dns::add_host(app, name, v4(1)).unwrap();
        }
        let both = dns::resolve(app, base, "d.example", None, App::found);
        assert_eq!(both, Err(ResolveError::Names), "there is one free entry for two questions");
        let mut network = Network::new(|query| reply(query, query.addresses(60, &[7])));
        app.resolve(base, "d.example").unwrap();
        run(&mut network, base, app);
        assert_eq!(app.answers(), [Ok(vec![v4(7)])]);
        // A refused look-up can remove a cached answer: its first question reuses the entry of `d.example`, and there
        // is no entry for its second question.
        let both = dns::resolve(app, base, "e.example", None, App::found);
        assert_eq!(both, Err(ResolveError::Names));
        app.resolve(base, "d.example").unwrap();
        run(&mut network, base, app);
        assert_eq!(network.received.len(), 2, "the query is sent again");
    });
}

#[test]
fn a_look_up_without_a_seed_or_a_free_event_is_refused() {
    let mut storage = Box::new(TestStorage::new());
    let mut base = EventBase::new(&mut storage);
    let mut app = App::default();
    assert_eq!(app.resolve(&mut base, "a.example"), Err(ResolveError::Unseeded));
    base.seed(&[7; 32]);
    let timers = [0, 1].map(|_| base.after(Duration::from_secs(1), |_, _| ()).unwrap());
    let error = app.resolve(&mut base, "a.example").unwrap_err();
    assert_eq!(error, ResolveError::Setup(picoevent::FullError::Events.into()));
    base.event(timers[0]).unwrap().free();
    assert!(app.resolve(&mut base, "a.example").is_ok());
}

#[test]
fn the_next_look_up_uses_the_event_of_a_refused_one() {
    with_base(|base, app| {
        for _ in 0..2 {
            assert_eq!(app.resolve(base, "a b"), Err(ResolveError::Invalid));
            assert_eq!(base.counts().events, 1);
        }
        app.resolve(base, "a.example").unwrap();
        assert_eq!(base.counts().events, 1);
    });
}

#[test]
fn a_look_up_without_a_free_socket_fails() {
    with_base(|base, app| {
        for _ in 0..2 {
            let rings = picoevent::UdpRings::new(25, 25);
            base.bind(addr("0.0.0.0:0"), rings, |_, _, _| ()).unwrap();
        }
        let mut network = Network::new(|_| Vec::new());
        app.resolve(base, "a.example").unwrap();
        run(&mut network, base, app);
        assert_eq!(app.answers(), [Err(LookupError::NoSocket)]);
    });
}
