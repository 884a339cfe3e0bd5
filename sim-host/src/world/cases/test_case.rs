//! A test case: an application, its clients, its servers and its invariants.

use std::net::SocketAddr;

use picoevent::{Counts, Cx, Pool, SetupError, Signal, Trigger};
use picoevent_embassy::Config;

use crate::world::device::interrupt::{Handler, Source};
use crate::world::device::program::Program;
use crate::world::device::size::Size;
use crate::world::peers::answers::UdpService;
use crate::world::peers::crowd::CrowdMaker;
use crate::world::peers::script::{Choices, Script};
use crate::world::peers::server::{AnyServer, Server};
use crate::world::peers::service::Service;
use crate::world::peers::udp_server::{MakeUdpServer, UdpServer};

type Write = dyn Fn(&mut Choices<'_>) -> Script + Send + Sync;

/// An application under test.
///
/// A test case runs the application's own code. It starts the application as the `main` function of the board's program
/// would. See the example in [`crate::world`].
pub struct TestCase<A> {
    pub(super) name: String,
    pub(super) program: Program<A>,
    /// The scripts of the clients, each with the port that the client connects to.
    pub(super) scripts: Vec<(u16, Box<Write>)>,
    /// The application's UDP services.
    pub(super) services: Vec<UdpService>,
    /// Makes the [`Service`] that runs the crowd. A crowd is a group of clients that follow no script.
    pub(super) crowd: Option<CrowdMaker>,
    pub(super) sizes: Vec<Size<A>>,
    /// The minimum size of a device's input ring and output ring, in bytes.
    min_input: usize,
    min_output: usize,
    /// The minimum number of sockets in a device's pool.
    min_sockets: usize,
    pub(super) ends_when_interrupted: bool,
    /// The application has no idle timeout, so silent clients stay connected.
    pub(super) keeps_silent_clients: bool,
    pub(super) relays: bool,
    /// The ports and programs of the UDP servers that the application queries.
    pub(super) udp_servers: Vec<(u16, Box<MakeUdpServer>)>,
    /// The number of connections and events that the application adds after its start and keeps.
    pub(super) later: Counts,
}

impl<A: 'static> TestCase<A> {
    /// Makes a test case. `make` makes the application. `start` starts the application as the `main` function of the
    /// board's program would. `start` must listen on the given address, and use the given pool for the connections of
    /// clients.
    pub fn new<R>(
        name: &str,
        port: u16,
        make: impl Fn() -> A + Send + Sync + 'static,
        start: impl Fn(&mut Cx<'_, A>, SocketAddr, Pool) -> Result<R, SetupError>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self::with_app(name, port, make, move |_, cx, address, clients| start(cx, address, clients))
    }

    /// Makes a test case like [`new`](Self::new), for an application whose start changes its state.
    pub fn with_app<R>(
        name: &str,
        port: u16,
        make: impl Fn() -> A + Send + Sync + 'static,
        start: impl Fn(&mut A, &mut Cx<'_, A>, SocketAddr, Pool) -> Result<R, SetupError>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self {
            name: name.to_owned(),
            program: Program {
                port,
                config: Config::default(),
                make: Box::new(make),
                start: Box::new(move |app, cx, address, clients| {
                    start(app, cx, address, clients).map(drop)
                }),
                invariants: Vec::new(),
                handlers: Vec::new(),
                has_ipv6: false,
                servers: Vec::new(),
            },
            scripts: Vec::new(),
            services: Vec::new(),
            crowd: None,
            sizes: Size::standard::<8, 1>().to_vec(),
            min_input: 0,
            min_output: 0,
            min_sockets: 0,
            ends_when_interrupted: true,
            keeps_silent_clients: false,
            relays: false,
            udp_servers: Vec::new(),
            later: Counts::default(),
        }
    }

    /// Adds a kind of client. `script` makes the script of a client: what the client sends and must receive. Each
    /// simulation chooses its clients at random from all kinds.
    #[must_use]
    pub fn client(
        self,
        script: impl Fn(&mut Choices<'_>) -> Script + Send + Sync + 'static,
    ) -> Self {
        let port = self.program.port;
        self.client_at(port, script)
    }

    /// Adds a kind of client that connects to the port `port`. The application must have a listener at this port.
    #[must_use]
    pub fn client_at(
        mut self,
        port: u16,
        script: impl Fn(&mut Choices<'_>) -> Script + Send + Sync + 'static,
    ) -> Self {
        self.scripts.push((port, Box::new(script)));
        self
    }

    /// Adds a crowd: a kind of client that follows no script. One program of type `S` runs all clients of this kind, so
    /// the program can compare what the clients receive. Each connection of a client is a
    /// [`Session`](crate::world::Session) of the program. A client is served when two conditions hold. First, the
    /// program has called [`served`](crate::world::Session::served) for the client. Second, the device has ended its
    /// stream, or the client has reset the connection.
    ///
    /// # Panics
    /// If the test case already has a crowd.
    #[must_use]
    pub fn crowd<S: Service>(
        mut self,
        make: impl Fn(&mut Choices<'_>) -> S + Send + Sync + 'static,
    ) -> Self {
        assert!(self.crowd.is_none(), "there is a crowd already");
        self.crowd = Some(CrowdMaker::new(make));
        self.client(|_| Script::of_crowd())
    }

    /// Adds UDP clients of the application, at a port of the device. `requests` makes the datagrams that a client
    /// sends, one after the other. A client sends each datagram again until the datagram is answered. `answer` returns
    /// the pattern of the answer to a datagram, as in [`Script::expect_pattern`], or `None` if there must be no answer.
    /// The pattern must match the whole answer. `answer` is called for each datagram that reaches the device, even if
    /// the datagram was cut or changed.
    ///
    /// Each answer must match a datagram that has reached the device and is not answered yet. The answer must go to the
    /// address from which this datagram came. At the end of the simulation, each request that needs an answer must be
    /// answered.
    ///
    /// ```
    /// # use picoevent_sim::world::TestCase;
    /// # fn case<A: 'static>(case: TestCase<A>) -> TestCase<A> {
    /// case.udp_clients(
    ///     9037,
    ///     |choices| vec![b"what time is it?".to_vec(); 1 + choices.up_to(3) as usize],
    ///     |_| Some("<digits>".to_owned()),
    /// )
    /// # }
    /// ```
    ///
    /// # Panics
    /// If the port is zero, or if there are already UDP clients for this port.
    #[must_use]
    pub fn udp_clients(
        mut self,
        port: u16,
        requests: impl Fn(&mut Choices<'_>) -> Vec<Vec<u8>> + Send + Sync + 'static,
        answer: impl Fn(&[u8]) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        assert!(port != 0, "UDP clients need a port other than 0");
        let is_known = self.services.iter().any(|service| service.port == port);
        assert!(!is_known, "there are UDP clients of port {port} already");
        self.services.push(UdpService::new(port, Box::new(requests), Box::new(answer)));
        self
    }

    /// Adds a server that the application may connect to.
    ///
    /// # Panics
    /// If there is already a server at the same port, or the server's script is empty.
    #[must_use]
    pub fn server<S: Service>(mut self, server: Server<A, S>) -> Self {
        let server = AnyServer::new(server);
        let port = server.port;
        assert!(
            self.program.servers.iter().all(|other| other.port != port),
            "there are two servers at port {port}"
        );
        self.program.servers.push(server);
        self
    }

    /// Adds a UDP server that the application may query.
    ///
    /// # Panics
    /// If the port is zero, or if there is already a UDP server at this port.
    #[must_use]
    pub fn udp_server<S: UdpServer + 'static>(
        mut self,
        port: u16,
        make: impl Fn(&mut Choices<'_>) -> S + Send + Sync + 'static,
    ) -> Self {
        assert!(port != 0, "a UDP server needs a port other than 0");
        let is_known = self.udp_servers.iter().any(|(known, _)| *known == port);
        assert!(!is_known, "there is a UDP server at port {port} already");
        self.udp_servers.push((port, Box::new(move |choices| Box::new(make(choices)))));
        self
    }

    /// Declares that the application adds this number of connections and events after its start, and keeps them. If
    /// there are more connections or events at the end of the simulation, the verdict is a leak.
    #[must_use]
    pub fn keeps_later(mut self, conns: usize, events: usize) -> Self {
        self.later = Counts { conns, events, added: events, ..Counts::default() };
        self
    }

    /// Adds a signal. In each simulation, an interrupt handler raises this signal a few times, at random times.
    ///
    /// # Panics
    /// If `signal` is [`Signal::INT`]. The simulator raises this signal itself, to end the application.
    #[must_use]
    pub fn signal(mut self, signal: Signal) -> Self {
        assert!(signal != Signal::INT, "the interrupt that ends the application comes by itself");
        self.program.handlers.push(Handler { trigger: Source::Signal(signal), run: |_| () });
        self
    }

    /// Adds an interrupt handler. In each simulation, the handler runs a few times, at random times. The handler
    /// receives a number that the simulation chooses, zero by default. For example, the handler can send this number to
    /// a mailbox. `trigger` returns the trigger that the handler raises.
    ///
    /// Simulations run on several threads at once, so `trigger` and `handler` must use a thread-local mailbox. The
    /// application's `make` must empty this mailbox.
    ///
    /// ```
    /// use picoevent::{Mailbox, Signal};
    ///
    /// thread_local!(static READINGS: &'static Mailbox<u8, 4> =
    ///     Box::leak(Box::new(Mailbox::new(Signal::USR1))));
    ///
    /// # use picoevent_sim::world::TestCase;
    /// # fn case<A: 'static>(case: TestCase<A>) -> TestCase<A> {
    /// case.interrupt(
    ///     || READINGS.with(|readings| readings.trigger()),
    ///     // A full mailbox loses a reading, as on the board.
    ///     |number| drop(READINGS.with(|readings| readings.send(number as u8))),
    /// )
    /// # }
    /// ```
    #[must_use]
    pub fn interrupt(mut self, trigger: fn() -> &'static Trigger, handler: fn(u64)) -> Self {
        self.program.handlers.push(Handler { trigger: Source::Own(trigger), run: handler });
        self
    }

    /// Gives the device and its peers IPv6 addresses in addition to their IPv4 addresses. Each client connects over
    /// IPv4 or IPv6. The application is started with the unspecified IPv6 address. A listener at this address accepts
    /// connections over both versions.
    #[must_use]
    pub fn over_ipv6(mut self) -> Self {
        self.program.has_ipv6 = true;
        self
    }

    /// Adds a condition that must hold after each callback and when the loop sleeps.
    #[must_use]
    pub fn invariant(
        mut self,
        invariant: impl Fn(&A, &Cx<'_, A>) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        self.program.invariants.push(Box::new(invariant));
        self
    }

    /// Sets the memory sizes that the device may have, the largest first. The default is
    /// [`Size::standard`] with 8 events and 1 listener.
    ///
    /// # Panics
    /// If `sizes` is empty, or if all sizes are smaller than the required minimum, for example
    /// [`min_sockets`](Self::min_sockets).
    #[must_use]
    pub fn sizes(mut self, sizes: &[Size<A>]) -> Self {
        assert!(!sizes.is_empty(), "a device needs a size");
        self.sizes = sizes.to_vec();
        self.leave_out_small()
    }

    /// Leaves out the sizes whose input ring has fewer than `bytes` bytes. Some applications read a line or a packet
    /// only after all its bytes have arrived. For such an application, `bytes` is the size of the longest line or the
    /// largest packet.
    ///
    /// # Panics
    /// If no size is left.
    #[must_use]
    pub fn min_input_ring(mut self, bytes: usize) -> Self {
        self.min_input = bytes;
        self.leave_out_small()
    }

    /// Leaves out the sizes whose output ring has fewer than `bytes` bytes. `bytes` is the largest number of bytes that
    /// the application writes at once.
    ///
    /// # Panics
    /// If no size is left.
    #[must_use]
    pub fn min_output_ring(mut self, bytes: usize) -> Self {
        self.min_output = bytes;
        self.leave_out_small()
    }

    /// Leaves out the sizes with fewer than `sockets` sockets. An application needs at least one socket for each
    /// listener.
    ///
    /// # Panics
    /// If no size is left.
    #[must_use]
    pub fn min_sockets(mut self, sockets: usize) -> Self {
        self.min_sockets = sockets;
        self.leave_out_small()
    }

    fn leave_out_small(mut self) -> Self {
        let Self { min_input: input, min_output: output, min_sockets: sockets, .. } = self;
        let fits = |size: &Size<A>| {
            size.input >= input && size.output >= output && size.sockets >= sockets
        };
        self.sizes.retain(fits);
        assert!(
            !self.sizes.is_empty(),
            "no size has {sockets} sockets, an input ring of {input} bytes and an output ring of \
             {output} bytes"
        );
        self
    }

    /// Sets the configuration of the adapter's sockets.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.program.config = config;
        self
    }

    /// Declares that the application has no idle timeout, so a silent client stays connected. In a simulation, silent
    /// clients leave when the faults are over.
    #[must_use]
    pub fn keeps_silent_clients(mut self) -> Self {
        self.keeps_silent_clients = true;
        self
    }

    /// Declares that the application connects to a server for each client and relays bytes between the client and the
    /// server. So the device needs two sockets for each client. After a byte of any connection is forged, the data on
    /// all connections is no longer checked.
    #[must_use]
    pub fn relays(mut self) -> Self {
        self.relays = true;
        self
    }

    /// Declares that [`Signal::INT`] does not end the application.
    #[must_use]
    pub fn goes_on_when_interrupted(mut self) -> Self {
        self.ends_when_interrupted = false;
        self
    }
}
