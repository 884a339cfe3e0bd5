//! The gateway with DNS, SNTP and a broker.

use std::time::Duration;

use gateway::{Gateway, Host as Address, Settings, Setup, TimeServer};
use picoevent_sim::world::{Choices, Server, Service, Session, TestCase, server_address};

use super::{COLLECTOR_PORT, sensor};
use crate::servers::broker::{self, Host};
use crate::servers::names::{self, Names};
use crate::servers::time::{self, Time};

/// The longest time for which a negative answer of the DNS server is cached. If a forged byte makes an answer negative,
/// the gateway cannot find the name until this time has passed.
const KNOWN_WITHIN: Duration = Duration::from_secs(60);
/// The time after the last fault within which three conditions must hold: the gateway is online, has received all
/// messages of the broker, and has set its clock.
const UP_WITHIN: Duration = Duration::from_secs(200);

/// The connections and events that the gateway adds when the network is up: the broker's connection, and the timers
/// of the resolver and the clock.
const LATER: (usize, usize) = (1, 2);

/// Returns the test case of the gateway with a collector and a broker. The gateway finds the collector and the broker
/// by their names.
pub fn gateway_online() -> TestCase<Gateway> {
    case("gateway-online").server(samples())
}

/// Returns the test case of the gateway with DNS, SNTP and a collector, but without a broker.
pub(super) fn case(name: &str) -> TestCase<Gateway> {
    let make = || {
        time::forget();
        let mut gateway = Gateway::new(Setup { name: "gateway-1", sensor, collector: None });
        gateway.set_online(Settings {
            collector: Some(Address { name: "collector.example", port: COLLECTOR_PORT }),
            broker: Some(Address { name: "broker.example", port: broker::PORT }),
            time_server: Some(TimeServer::At(server_address(time::PORT))),
            clock_is_set: time::set,
            name_servers: vec![server_address(names::PORT)].leak(),
            ..Settings::NONE
        });
        gateway
    };
    super::case_of(name, KNOWN_WITHIN, make)
        .sizes(&super::ONLINE_SIZES)
        .udp_server(names::PORT, Names::new)
        .udp_server(time::PORT, Time::new)
        .keeps_later(LATER.0, LATER.1)
        .invariant(|_, _| time::check())
}

fn samples() -> Server<Gateway, Samples> {
    Server::new(broker::PORT, Samples::new)
        .always(|app: &Gateway, samples: &Samples| match samples.missing <= app.unpublished() {
            true => Ok(()),
            false => Err(format!(
                "{} samples are missing, but the gateway counts {}",
                samples.missing,
                app.unpublished()
            )),
        })
        .in_the_end(UP_WITHIN, |_, samples| {
            let state = samples.host.broker.retained("gateway-1/state");
            match (state, samples.host.is_done(), time::is_set()) {
                (Some(b"online"), true, true) => Ok(()),
                (Some(b"online"), true, false) => Err("the clock is not set".to_owned()),
                (Some(b"online"), false, _) => Err("it does not take all values".to_owned()),
                _ => Err("it is not online".to_owned()),
            }
        })
}

/// A broker that checks the samples that it receives.
pub(super) struct Samples {
    pub(super) host: Host,
    /// The number of deliveries already checked.
    checked: usize,
    /// The number of the next expected sample.
    pub(super) next: u32,
    /// The number of samples that have not arrived although a later sample has arrived.
    pub(super) missing: u32,
}

impl Samples {
    pub(super) fn new(choices: &mut Choices<'_>) -> Self {
        // The broker sets the keys `m0` to `m3`, and the clients of the console set the keys `k0` to `k3`.
        let message = |number| (format!("gateway-1/set/m{}", number % 4), b"value".to_vec(), 1);
        Self { host: Host::new(choices, message), checked: 0, next: 0, missing: 0 }
    }

    /// Checks the new messages.
    fn check_new(&mut self) -> Result<(), String> {
        let deliveries = self.host.broker.deliveries();
        let new = deliveries.get(self.checked..).unwrap_or_default();
        for delivery in new.iter().filter(|delivery| delivery.topic != "gateway-1/state") {
            let text = String::from_utf8_lossy(&delivery.payload);
            let number = text.strip_prefix("{\"number\":").and_then(|rest| rest.split(',').next());
            let number = number.and_then(|number| number.parse::<u32>().ok());
            let number = number.filter(|_| delivery.topic == "gateway-1/sample");
            let number = number.ok_or_else(|| format!("{delivery:?} is no sample"))?;
            // A sample that was sent again is not new.
            if number >= self.next {
                self.missing += number - self.next;
                self.next = number + 1;
            }
        }
        self.checked = deliveries.len();
        Ok(())
    }
}

impl Service for Samples {
    fn connecting(&mut self, at: Duration) -> Result<(), String> {
        self.host.connecting(at)
    }

    fn opened(&mut self, session: &mut Session) -> Result<(), String> {
        self.host.opened(session)
    }

    fn received(&mut self, session: &mut Session) -> Result<(), String> {
        self.host.received(session)?;
        self.check_new()
    }

    fn wakes_at(&self) -> Option<Duration> {
        self.host.wakes_at()
    }

    fn poll(&mut self, session: &mut Session) -> Result<(), String> {
        self.host.poll(session)
    }

    fn ended(&mut self, session: &mut Session) {
        self.host.ended(session);
    }

    fn restarted(&mut self) {
        self.host.restarted();
    }
}
