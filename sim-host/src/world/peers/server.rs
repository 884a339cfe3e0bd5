//! Servers that the device connects to. A server is a service at a port of the peers' host. A test case can set
//! conditions that the application and the server must meet.

use std::any::Any;
use std::net::SocketAddr;
use std::time::Duration;

use crate::world::choices::choice_log::ChoiceLog;
use crate::world::choices::kinds::ServerFaultKind;
use crate::world::network::address;
use crate::world::peers::script::{Choices, SERVERS_FROM, Script};
use crate::world::peers::service::{Scripted, Service};

/// A server that the device connects to, for [`TestCase::server`](crate::world::TestCase::server).
///
/// `A` is the application, `S` the server's program.
pub struct Server<A, S> {
    port: u16,
    make: Box<dyn Fn(&mut Choices<'_>) -> S + Send + Sync>,
    always: Vec<Box<Condition<A, S>>>,
    in_the_end: Vec<(Duration, Box<Condition<A, S>>)>,
    /// The kinds of [`ServerFault`](crate::world::ServerFault) that the server may have, as bits.
    server_faults: u64,
}

/// A condition on an application and a server.
type Condition<A, S> = dyn Fn(&A, &S) -> Result<(), String> + Send + Sync;

/// The time in which a device must follow a server's script, after the faults are over.
const FOLLOWED_WITHIN: Duration = Duration::from_secs(240);

impl<A, S: Service> Server<A, S> {
    /// Makes a server at a port of the peers' host. `make` makes the program of the server.
    ///
    /// # Panics
    /// If the port is zero.
    pub fn new(port: u16, make: impl Fn(&mut Choices<'_>) -> S + Send + Sync + 'static) -> Self {
        assert!(port != 0, "a server needs a port other than 0");
        let make = Box::new(make);
        Self { port, make, always: Vec::new(), in_the_end: Vec::new(), server_faults: u64::MAX }
    }

    /// Excludes server faults of this kind in simulations with a seed. A choice log or a scenario may still contain
    /// server faults of this kind.
    #[must_use]
    pub fn without(mut self, kind: ServerFaultKind) -> Self {
        self.server_faults &= !(1 << kind as u64);
        self
    }

    /// Adds a condition that must hold after each callback of the application, and when the application's loop sleeps.
    #[must_use]
    pub fn always(
        mut self,
        condition: impl Fn(&A, &S) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        self.always.push(Box::new(condition));
        self
    }

    /// Adds a condition that must hold at least once in the quiet phase, not later than the time `within` after the
    /// quiet phase begins. The condition need not hold if the application is interrupted before this time is over.
    #[must_use]
    pub fn in_the_end(
        mut self,
        within: Duration,
        condition: impl Fn(&A, &S) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        self.in_the_end.push((within, Box::new(condition)));
        self
    }
}

impl<A> Server<A, Scripted> {
    /// Makes a server at a port of the peers' host. On each connection, the server follows a script. On at least one
    /// connection, the device must communicate with the server to the end of the script.
    ///
    /// # Panics
    /// If the port is zero.
    pub fn scripted(
        port: u16,
        script: impl Fn(&mut Choices<'_>) -> Script + Send + Sync + 'static,
    ) -> Self {
        let server = Self::new(port, move |choices| Scripted::new(script(choices)));
        server.in_the_end(FOLLOWED_WITHIN, |_, server| match server.finished() {
            0 => Err("no connection has followed its script to the end".to_owned()),
            _ => Ok(()),
        })
    }
}

/// Returns the address of the server at a port, for the application's configuration.
pub fn server_address(port: u16) -> SocketAddr {
    SocketAddr::new(address::PEER.into(), port)
}

/// Returns the IPv6 address of the server at a port, for a test case with
/// [`over_ipv6`](crate::world::TestCase::over_ipv6).
pub fn server_address_v6(port: u16) -> SocketAddr {
    SocketAddr::new(address::PEER_V6.into(), port)
}

/// A server without the type of its program.
pub(crate) struct AnyServer<A> {
    pub(crate) port: u16,
    make: Box<MakeService>,
    always: Vec<Box<AnyCondition<A>>>,
    in_the_end: Vec<(Duration, Box<AnyCondition<A>>)>,
    /// The kinds of server faults that the server may have, as bits.
    pub(crate) server_faults: u64,
}

type MakeService = dyn Fn(&mut Choices<'_>) -> Box<dyn Service> + Send + Sync;

type AnyCondition<A> = dyn Fn(&A, &dyn Service) -> Result<(), String> + Send + Sync;

impl<A: 'static> AnyServer<A> {
    /// Erases the type of a server's program.
    ///
    /// # Panics
    /// If the script of the server is empty.
    pub(crate) fn new<S: Service>(server: Server<A, S>) -> Self {
        let Server { port, make, always, in_the_end, server_faults } = server;
        let made = make(&mut Choices::new(&mut ChoiceLog::of_lines(&[]), SERVERS_FROM));
        if let Some(scripted) = (&made as &dyn Any).downcast_ref::<Scripted>() {
            assert!(!scripted.script.steps.is_empty(), "the script of server {port} is empty");
        }
        Self {
            port,
            make: Box::new(move |choices| Box::new(make(choices))),
            always: always.into_iter().map(of_any).collect(),
            in_the_end: in_the_end
                .into_iter()
                .map(|(by, condition)| (by, of_any(condition)))
                .collect(),
            server_faults,
        }
    }

    /// Makes the server's program. `choices` must have been made with the server's number.
    pub(crate) fn make(&self, choices: &mut Choices<'_>) -> Box<dyn Service> {
        (self.make)(choices)
    }

    /// Checks the conditions that must always hold.
    pub(crate) fn check(&self, app: &A, service: &dyn Service) -> Result<(), String> {
        self.always
            .iter()
            .try_for_each(|condition| condition(app, service))
            .map_err(|text| self.with_port(&text))
    }

    /// Returns the time limits of the conditions that must hold in the quiet phase.
    pub(crate) fn limits(&self) -> impl Iterator<Item = Duration> {
        self.in_the_end.iter().map(|(within, _)| *within)
    }

    /// Checks the condition with this number among the conditions that must hold in the quiet phase.
    pub(crate) fn check_end(
        &self,
        number: usize,
        app: &A,
        service: &dyn Service,
    ) -> Result<(), String> {
        let condition = self.in_the_end.get(number);
        condition
            .map_or(Ok(()), |(_, condition)| condition(app, service))
            .map_err(|text| self.with_port(&text))
    }

    fn with_port(&self, text: &str) -> String {
        format!("server {}: {text}", self.port)
    }
}

fn of_any<A: 'static, S: Service>(condition: Box<Condition<A, S>>) -> Box<AnyCondition<A>> {
    Box::new(move |app, service| match (service as &dyn Any).downcast_ref() {
        Some(service) => condition(app, service),
        None => Err("its program is of another type".to_owned()),
    })
}
