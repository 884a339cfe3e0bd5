//! What the base reports to the application about the network.

use picoevent::NetworkChange;
use picoevent_conformance::{App, Sizes, Stage};

/// Makes an event for the network. Its callback checks that something has changed, and writes down the call.
fn watch<S: Stage>(stage: &mut S) -> picoevent::Event {
    let event = stage.base().on_network(|app: &mut App, event| {
        assert!(!event.network_change().is_empty());
        app.log.push("network".to_owned());
    });
    event.expect("there is room")
}

fn the_network_that_is_there_at_the_start_is_told<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    watch(&mut stage);
    let is_online = |stage: &mut S| {
        let network = stage.base().network();
        network.is_link_up() && !network.addresses().is_empty()
    };
    assert!(!is_online(&mut stage), "the loop has not run");
    assert!(stage.until(is_online));
    stage.expect(["network"]);
    assert!(stage.base().network().addresses().iter().any(|address| address.prefix > 0));
    stage.end();
}

fn each_event_for_the_network_is_told<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let events = [(); 3].map(|()| watch(&mut stage));
    stage.base().event(events[1]).expect("it was made just now").free();
    stage.expect(["network", "network"]);
    stage.end();
}

fn an_event_that_is_made_later_hears_of_changes_only<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    stage.step();
    let event = watch(&mut stage);
    stage.step();
    assert_eq!(stage.app().log, [""; 0]);
    // No change is pending for this event.
    let event = stage.base().event(event).expect("it was not freed");
    assert_eq!(event.network_change(), NetworkChange::default());
    stage.end();
}

on_every_stage!(
    the_network_that_is_there_at_the_start_is_told,
    each_event_for_the_network_is_told,
    an_event_that_is_made_later_hears_of_changes_only,
);
