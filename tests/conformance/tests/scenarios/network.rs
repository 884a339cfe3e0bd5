//! Scenarios for the state of the network, which the base reports to the application.

use picoevent::NetworkChange;
use picoevent_conformance::{App, Harness, Sizes};

/// Makes an event for the network. The event's callback checks that the network has changed, and logs the call.
fn watch<S: Harness>(harness: &mut S) -> picoevent::Event {
    let event = harness.base().on_network(|app: &mut App, event| {
        assert!(!event.network_change().is_empty());
        app.log.push("network".to_owned());
    });
    event.expect("there is room")
}

fn the_network_state_at_the_start_is_reported<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    watch(&mut harness);
    let is_online = |harness: &mut S| {
        let network = harness.base().network();
        network.is_link_up() && !network.addresses().is_empty()
    };
    assert!(!is_online(&mut harness), "the loop has not run");
    assert!(harness.until(is_online));
    harness.expect(["network"]);
    assert!(harness.base().network().addresses().iter().any(|address| address.prefix > 0));
    harness.end();
}

fn each_event_for_the_network_is_called<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    let events = [(); 3].map(|()| watch(&mut harness));
    harness.base().event(events[1]).expect("it was made just now").free();
    harness.expect(["network", "network"]);
    harness.end();
}

fn an_event_that_is_made_later_gets_only_changes<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    harness.step();
    let event = watch(&mut harness);
    harness.step();
    assert_eq!(harness.app().log, [""; 0]);
    // No change is pending for this event.
    let event = harness.base().event(event).expect("it was not freed");
    assert_eq!(event.network_change(), NetworkChange::default());
    harness.end();
}

on_every_back_end!(
    the_network_state_at_the_start_is_reported,
    each_event_for_the_network_is_called,
    an_event_that_is_made_later_gets_only_changes,
);
