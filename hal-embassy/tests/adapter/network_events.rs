//! The network events that an application gets.
#![cfg(feature = "network")]

use std::cell::RefCell;
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::time::Duration;

use embassy_net::{Config as NetConfig, ConfigV4};
use picoevent::{EventBase, EventMut, Network, NetworkChange, OwnAddress, Run, Storage};
use picoevent_embassy::{Adapter, Config, Sockets};

use crate::world::{DEVICE, Task, World, address, static_address};

const LINK: NetworkChange = NetworkChange::LINK;
const IPV4: NetworkChange = NetworkChange::IPV4;
const NAME_SERVERS: NetworkChange = NetworkChange::NAME_SERVERS;

type Seen = Rc<RefCell<Vec<(NetworkChange, Network)>>>;

struct App(Seen);

impl App {
    fn record(&mut self, event: &mut EventMut<'_, '_, Self>) {
        self.0.borrow_mut().push((event.network_change(), *event.network()));
    }
}

/// Makes a device that records its network events. Neither the stack nor the loop has run yet.
fn device(net: NetConfig) -> (World, Seen) {
    let seen = Seen::default();
    let app_seen = seen.clone();
    let world = World::of::<4, _>(net, async move |stack, trigger| {
        let mut storage = Box::new(Storage::<App, 2, 0, 0, 0>::new());
        let mut base = EventBase::new(&mut storage);
        base.on_network(App::record).expect("there is room");
        let mut sockets = Sockets::<1, 64, 64>::new();
        let triggers = [trigger];
        let mut adapter = Adapter::new(stack, &mut sockets, &triggers, Config::SERVER);
        adapter.run(&mut base, &mut App(app_seen), Run::NO_EXIT_ON_EMPTY).await
    });
    (world, seen)
}

/// Returns the network changes since the last call.
fn take(seen: &Seen) -> Vec<NetworkChange> {
    seen.take().into_iter().map(|(change, _)| change).collect()
}

fn network(up: bool, ip: Option<Ipv4Addr>) -> Network {
    let mut network = Network::new();
    network.set_link_up(up);
    if let Some(ip) = ip {
        network.add_address(OwnAddress { ip: ip.into(), prefix: 24 });
    }
    network
}

#[test]
fn the_network_is_reported_at_the_start() {
    let (mut world, seen) = device(address(DEVICE));
    // The stack runs before the loop runs.
    world.settle_network();
    world.settle();
    assert_eq!(seen.take(), [(LINK | IPV4, network(true, Some(DEVICE)))]);
    world.pass(Duration::from_secs(3_600));
    assert_eq!(take(&seen), []);
}

#[test]
fn changes_of_the_link_and_the_address_are_reported() {
    let (mut world, seen) = device(NetConfig::default());
    world.cable.borrow_mut().plug(false);
    world.settle();
    assert_eq!(take(&seen), [], "there is nothing at first");
    world.plug(true);
    assert_eq!(seen.take(), [(LINK, network(true, None))]);
    world.set_address(Some(DEVICE));
    assert_eq!(seen.take(), [(IPV4, network(true, Some(DEVICE)))]);
    let other = Ipv4Addr::new(10, 0, 0, 3);
    world.set_address(Some(other));
    assert_eq!(seen.take(), [(IPV4, network(true, Some(other)))]);
    world.plug(false);
    assert_eq!(seen.take(), [(LINK, network(false, Some(other)))]);
    world.set_address(None);
    assert_eq!(seen.take(), [(IPV4, network(false, None))]);
}

#[test]
fn changes_of_name_servers_and_gateways_are_reported() {
    let (mut world, seen) = device(address(DEVICE));
    world.settle();
    take(&seen);
    let servers = [1, 2, 3].map(|last| Ipv4Addr::new(10, 0, 0, last));
    let mut config = static_address(DEVICE);
    config.dns_servers.extend(servers);
    for (change, change_config) in [(NAME_SERVERS, false), (IPV4, true)] {
        if change_config {
            config.gateway = Some(servers[0]);
        }
        world.stack.set_config_v4(ConfigV4::Static(config.clone()));
        world.settle();
        let reported = seen.take();
        assert_eq!(reported.len(), 1);
        assert_eq!(reported[0].0, change);
        assert_eq!(reported[0].1.name_servers(), servers.map(IpAddr::from));
        assert_eq!(reported[0].1.gateways().len(), usize::from(change_config));
    }
    world.set_address(Some(DEVICE));
    assert_eq!(take(&seen), [IPV4 | NAME_SERVERS]);
}

#[test]
fn changes_between_two_iterations_are_one_report_or_none() {
    let (mut world, seen) = device(address(DEVICE));
    world.settle();
    take(&seen);
    world.cable.borrow_mut().plug(false);
    world.settle_network();
    world.set_address(None);
    assert_eq!(seen.take(), [(LINK | IPV4, network(false, None))]);
    world.plug(true);
    world.set_address(Some(DEVICE));
    assert_eq!(take(&seen), [LINK, IPV4]);
    for address in [None, Some(Ipv4Addr::new(10, 0, 0, 9)), Some(DEVICE)] {
        world.stack.set_config_v4(match address {
            Some(address) => ConfigV4::Static(static_address(address)),
            None => ConfigV4::None,
        });
        world.settle_network();
    }
    world.settle();
    assert_eq!(take(&seen), []);
}

#[test]
fn another_task_that_waits_for_the_address_delays_the_report() {
    let (mut world, seen) = device(NetConfig::default());
    world.settle();
    take(&seen);
    let stack = world.stack;
    let mut other = Task::new(async move { stack.wait_config_up().await });
    for _ in 0..100 {
        if !other.poll_if_woken() {
            break;
        }
        world.settle();
    }
    world.set_address(Some(DEVICE));
    other.poll_if_woken();
    assert!(other.output.is_some());
    world.trigger.raise();
    world.settle();
    assert_eq!(take(&seen), [IPV4]);
}
