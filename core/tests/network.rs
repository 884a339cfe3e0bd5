//! Events for network changes: when they are called, and with which changes.
#![cfg(feature = "network")]

use std::net::IpAddr;
use std::time::Duration;

use picoevent::{
    Cx, Event, EventBase, EventFlags, EventMut, Network, NetworkChange, OwnAddress, Priority,
    Storage, Wait,
};

/// The event, the changes and the network state of each call.
#[derive(Default, Debug, PartialEq)]
struct App {
    seen: Vec<(u32, NetworkChange, Network)>,
    timeouts: u32,
}

impl App {
    fn called(&mut self, event: &mut EventMut<Self>) {
        self.timeouts += u32::from(event.what().contains(EventFlags::TIMEOUT));
        self.seen.push((event.user(), event.network_change(), *event.network()));
    }

    fn watch(cx: &mut Cx<Self>, number: u32) -> Event {
        let event = cx.on_network(Self::called).unwrap();
        cx.event(event).unwrap().set_user(number);
        event
    }

    /// Returns the events and changes of the calls since the last `take`.
    fn take(&mut self) -> Vec<(u32, NetworkChange)> {
        std::mem::take(&mut self.seen).into_iter().map(|(who, what, _)| (who, what)).collect()
    }
}

type TestStorage = Storage<App, 4, 0, 0, 0>;

const LINK: NetworkChange = NetworkChange::LINK;
const IPV4: NetworkChange = NetworkChange::IPV4;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn online() -> Network {
    let mut network = Network::new();
    network.set_link_up(true);
    network.add_address(OwnAddress { ip: ip("10.0.0.2"), prefix: 24 });
    network
}

#[test]
fn a_change_is_reported_once_with_the_network_at_that_time() {
    let (mut storage, mut app) = (TestStorage::new(), App::default());
    let mut base = EventBase::new(&mut storage);
    App::watch(&mut base, 1);
    base.dispatch(&mut app);
    assert_eq!(app.take(), [], "nothing has happened");
    base.network_is(&online());
    base.network_is(&online());
    base.dispatch(&mut app);
    assert_eq!(app.seen, [(1, LINK | IPV4, online())]);
    app.take();
    base.network_is(&online());
    base.dispatch(&mut app);
    assert_eq!(app.take(), [], "it is the same");
    let mut more = online();
    more.add_name_server(ip("10.0.0.1"));
    base.network_is(&more);
    base.dispatch(&mut app);
    assert_eq!(app.take(), [(1, NetworkChange::NAME_SERVERS)]);
    more.add_address(OwnAddress { ip: ip("fd00::2"), prefix: 64 });
    base.network_is(&more);
    base.dispatch(&mut app);
    assert_eq!(app.take(), [(1, NetworkChange::IPV6)]);
    assert_eq!(base.network(), &more);
}

#[test]
fn changes_before_the_callback_are_one_call_even_if_they_cancel_out() {
    let (mut storage, mut app) = (TestStorage::new(), App::default());
    let mut base = EventBase::new(&mut storage);
    App::watch(&mut base, 1);
    base.network_is(&online());
    base.dispatch(&mut app);
    app.take();
    let mut without = online();
    without.set_link_up(false);
    base.network_is(&without);
    base.network_is(&Network::new());
    base.network_is(&online());
    base.dispatch(&mut app);
    assert_eq!(app.seen, [(1, LINK | IPV4, online())]);
}

#[test]
fn each_network_event_is_called_unless_it_is_deleted_or_freed() {
    let (mut storage, mut app) = (TestStorage::new(), App::default());
    let mut base = EventBase::new(&mut storage);
    let [first, second, third] = [1, 2, 3].map(|number| App::watch(&mut base, number));
    base.event(second).unwrap().set_priority(Priority::new(7).unwrap()).unwrap();
    base.event(third).unwrap().del();
    base.network_is(&online());
    base.dispatch(&mut app);
    assert_eq!(app.take(), [(1, LINK | IPV4)]);
    base.dispatch(&mut app);
    assert_eq!(app.take(), [(2, LINK | IPV4)]);
    base.event(first).unwrap().free();
    base.event(third).unwrap().add(None).unwrap();
    base.network_is(&Network::new());
    // An event can also be deleted while it is due. Its callback does not run then.
    base.event(second).unwrap().del();
    base.dispatch(&mut app);
    assert_eq!(app.take(), [(3, LINK | IPV4)]);
    base.event(third).unwrap().free();
    base.event(second).unwrap().free();
    base.network_is(&online());
    base.dispatch(&mut app);
    assert_eq!(app.take(), []);
    assert_eq!(base.counts().events, 0);
}

#[test]
fn an_event_for_the_network_does_not_keep_the_loop_alive() {
    let (mut storage, mut app) = (TestStorage::new(), App::default());
    let mut base = EventBase::new(&mut storage);
    let event = App::watch(&mut base, 1);
    assert!(matches!(base.wait(), Wait::Ended(_)));
    // If the event has a timeout, the timeout keeps the loop running.
    base.event(event).unwrap().add(Some(Duration::from_secs(1))).unwrap();
    assert!(matches!(base.wait(), Wait::Until(_)));
    base.advance(base.now().after(Duration::from_secs(1)));
    base.network_is(&online());
    base.dispatch(&mut app);
    assert_eq!((app.timeouts, app.take()), (1, vec![(1, LINK | IPV4)]));
}

#[test]
fn a_new_timeout_of_a_due_event_cancels_the_timeout_but_not_the_change() {
    let (mut storage, mut app) = (TestStorage::new(), App::default());
    let mut base = EventBase::new(&mut storage);
    let [_, event] = [1, 2].map(|number| App::watch(&mut base, number));
    base.event(event).unwrap().set_priority(Priority::LOWEST).unwrap();
    let timeout = Some(Duration::from_secs(1));
    base.event(event).unwrap().add(timeout).unwrap();
    base.advance(base.now().after(Duration::from_secs(1)));
    base.network_is(&online());
    // This pass calls only the first event. The second event becomes due for its timeout, too.
    base.dispatch(&mut app);
    assert_eq!(app.take(), [(1, LINK | IPV4)]);
    base.event(event).unwrap().add(timeout).unwrap();
    base.dispatch(&mut app);
    assert_eq!((app.timeouts, app.take()), (0, vec![(2, LINK | IPV4)]));
}

#[test]
fn an_event_made_later_reports_later_changes_only() {
    let (mut storage, mut app) = (TestStorage::new(), App::default());
    let mut base = EventBase::new(&mut storage);
    base.network_is(&online());
    App::watch(&mut base, 1);
    base.dispatch(&mut app);
    assert_eq!(app.take(), []);
    assert!(base.network().has_ipv4() && !base.network().has_ipv6());
}

#[test]
fn on_network_fails_when_the_event_table_is_full() {
    let mut storage = TestStorage::new();
    let mut base = EventBase::<App>::new(&mut storage);
    (0..4).for_each(|number| {
        App::watch(&mut base, number);
    });
    assert_eq!(base.on_network(App::called), Err(picoevent::FullError::Events));
}

#[cfg(feature = "record")]
#[test]
fn a_replay_has_the_same_network() {
    use std::sync::Mutex;

    use picoevent::record::{Entry, Record, Replay};

    struct Kept(Mutex<Vec<u8>>);

    impl Record for Kept {
        fn record(&self, entry: &Entry<'_>) {
            entry.encode(|part| self.0.lock().unwrap().extend(part));
        }
    }

    let kept = Kept(Mutex::default());
    let (mut storage, mut app) = (TestStorage::new(), App::default());
    let mut base = EventBase::new(&mut storage);
    base.record_to(&kept);
    App::watch(&mut base, 1);
    base.network_is(&online());
    base.dispatch(&mut app);
    base.network_is(&online());
    base.network_is(&Network::new());
    base.dispatch(&mut app);
    let bytes = kept.0.lock().unwrap().clone();
    let (mut storage, mut again) = (TestStorage::new(), App::default());
    let mut base = EventBase::new(&mut storage);
    App::watch(&mut base, 1);
    Replay::new(&bytes).unwrap().finish(&mut base, &mut again).unwrap();
    assert_eq!((again.seen.len(), again), (2, app));
}
