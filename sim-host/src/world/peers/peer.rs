//! The host on which clients and servers run: a plain smoltcp interface.

use std::cell::RefCell;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use picoevent_sim_support::net::{PeerEnd as PeerNic, host};
use smoltcp::iface::{Interface, SocketSet};
use smoltcp::socket::tcp::{Socket, State};
use smoltcp::socket::udp;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::IpCidr;

use crate::world::choices::server_fault::ServerFault;
use crate::world::network::address;
use crate::world::network::ether::{Ether, PEER};
use crate::world::observe::observer::{ClientEvent, ServerEvent};
use crate::world::peers::answers::{UdpService, Unanswered};
use crate::world::peers::client::{After, Client, Stage, Standing};
use crate::world::peers::crowd::Crowd;
use crate::world::peers::service::Running;
use crate::world::peers::serving::Serving;
use crate::world::peers::udp_client::UdpClient;
use crate::world::peers::udp_server::UdpServing;

pub(crate) struct Peer<'e> {
    ether: &'e RefCell<Ether>,
    nic: PeerNic<&'e RefCell<Ether>>,
    interface: Interface,
    sockets: SocketSet<'static>,
    pub(crate) clients: Vec<Client>,
    pub(crate) servers: Vec<Serving>,
    pub(crate) udp_clients: Vec<UdpClient>,
    pub(crate) udp_servers: Vec<UdpServing>,
    /// The device's UDP services.
    services: &'e [UdpService],
    unanswered: Unanswered,
    pub(crate) crowd: Option<Crowd>,
    /// The device relays bytes between connections.
    relays: bool,
    /// The programs of the servers.
    programs: &'e RefCell<Vec<Running>>,
    next_port: u16,
    /// The time of the interface's next poll.
    next_poll: u64,
    /// The device's address.
    pub(crate) device: Ipv4Addr,
}

/// An error of the device, found by a peer.
pub(crate) struct DeviceError(pub(crate) String);

impl DeviceError {
    fn of_client(number: u32, text: &str) -> Self {
        Self(format!("client {number}: {text}"))
    }

    fn of_udp(port: u16, text: &str) -> Self {
        Self(format!("UDP port {port}: {text}"))
    }

    fn of_server(port: u16, text: &str) -> Self {
        Self(format!("server {port}: {text}"))
    }
}

impl<'e> Peer<'e> {
    #[allow(clippy::too_many_arguments, reason = "they are what a machine begins with")]
    pub(crate) fn new(
        ether: &'e RefCell<Ether>,
        clients: Vec<Client>,
        (udp_clients, services): (Vec<UdpClient>, &'e [UdpService]),
        (crowd, relays): (Option<Crowd>, bool),
        (ports, programs): (&[u16], &'e RefCell<Vec<Running>>),
        has_ipv6: bool,
        device: Ipv4Addr,
        seed: u64,
    ) -> Self {
        let mut nic = PeerNic(ether);
        let mut interface = host::interface(&mut nic, PEER, Some(address::PEER), seed);
        if has_ipv6 {
            interface.update_ip_addrs(|addresses| {
                let added = addresses.push(IpCidr::new(address::PEER_V6.into(), 64));
                added.expect("there is room for two");
            });
        }
        let sockets = SocketSet::new(Vec::with_capacity(clients.len() + 1));
        let next_port = 40_000 + (seed % 10_000) as u16;
        let servers = ports.iter().map(|port| Serving::new(*port)).collect();
        Self {
            ether,
            nic,
            interface,
            sockets,
            clients,
            servers,
            udp_clients,
            udp_servers: Vec::new(),
            services,
            unanswered: Unanswered::default(),
            crowd,
            relays,
            programs,
            next_port,
            next_poll: u64::MAX,
            device,
        }
    }

    /// Polls the stack, all clients and all servers. Returns whether anything happened. If `quiet` is set, clients
    /// behave correctly: the faults are over, or the application is ending while faults are still active.
    ///
    /// # Errors
    /// An error of the device, found by a peer.
    pub(crate) fn work(
        &mut self,
        now: u64,
        (quiet, faults_are_over): (bool, bool),
        ending: bool,
    ) -> Result<bool, DeviceError> {
        let has_frames = !self.ether.borrow().to_peer.is_empty();
        let woken = self.clients.iter().any(|client| client.wake <= now)
            || self.servers.iter().any(|server| server.wake <= now)
            || self.udp_clients.iter().any(|client| client.wake <= now)
            || self.udp_servers.iter().any(|server| server.wake <= now);
        if !has_frames && !woken && self.next_poll > now {
            return Ok(false);
        }
        let frames = self.ether.borrow().frames;
        let time = Instant::from_micros(now as i64);
        self.interface.poll(time, &mut self.nic, &mut self.sockets);
        for index in 0..self.clients.len() {
            self.run_client(index, now, quiet, ending)?;
        }
        self.wake_crowd(now);
        for index in 0..self.servers.len() {
            self.run_server(index, (now, faults_are_over), ending)?;
        }
        for index in 0..self.udp_clients.len() {
            self.run_udp_client(index, now, quiet, ending);
        }
        for server in &mut self.udp_servers {
            server.work(&mut self.sockets, now, faults_are_over);
        }
        self.interface.poll(time, &mut self.nic, &mut self.sockets);
        let next = self.interface.poll_at(time, &self.sockets);
        self.next_poll = next.map_or(u64::MAX, |at| at.total_micros() as u64);
        let worked = has_frames || woken || self.ether.borrow().frames != frames;
        if !worked && self.next_poll <= now {
            // The stack requests an immediate poll, but polling changes nothing. So the next poll is one millisecond
            // later, and the time advances.
            self.next_poll = now + 1_000;
        }
        Ok(worked)
    }

    fn run_client(
        &mut self,
        index: usize,
        now: u64,
        quiet: bool,
        ending: bool,
    ) -> Result<(), DeviceError> {
        let client = &mut self.clients[index];
        if client.stage == Stage::Waiting && client.wake <= now {
            if ending {
                client.gone();
            } else {
                self.connect(index);
            }
            return Ok(());
        }
        let Some(handle) = client.socket else { return Ok(()) };
        let socket = self.sockets.get_mut(handle);
        let port = client.port;
        let before = client.standing();
        let is_forged = {
            let forged = &self.ether.borrow().forged;
            forged.contains(&port) || self.relays && !forged.is_empty()
        };
        if let Some(crowd) = &mut self.crowd {
            crowd.affected_by_forgery |= is_forged && client.has_crowd_connection();
        }
        let affected_by_forgery =
            self.crowd.as_ref().is_some_and(|crowd| crowd.affected_by_forgery);
        let after = match client.work(socket, self.crowd.as_mut(), (now, quiet, ending)) {
            Ok(after) => after,
            // If the program of the crowd has received a forged byte, its error may be caused by this byte. So the
            // error is ignored, and the client leaves.
            Err(_) if affected_by_forgery && client.has_crowd_connection() => {
                client.end_crowd_connection(self.crowd.as_mut());
                client.excuse(socket, now);
                After::Stays
            }
            Err(_) if is_forged || affected_by_forgery => {
                client.end_crowd_connection(self.crowd.as_mut());
                client.lost(now, ending);
                After::Removed
            }
            Err(text) => {
                if let Some(received) = client.describe_received() {
                    let number = client.number;
                    self.ether.borrow_mut().mark(|| {
                        format!("client {number} has received {received}; its port is {port}")
                    });
                }
                return Err(DeviceError::of_client(client.number, &text));
            }
        };
        self.report(index, now, before);
        if after != After::Stays {
            self.sockets.remove(handle);
        }
        if after == After::Vanishes {
            self.ether.borrow_mut().vanished.push(port);
        }
        Ok(())
    }

    /// Wakes all connected clients of the crowd, if something happened on a connection of the crowd.
    fn wake_crowd(&mut self, now: u64) {
        let Some(crowd) = &mut self.crowd else { return };
        if std::mem::take(&mut crowd.has_changed) {
            let connected = self.clients.iter_mut().filter(|client| client.has_crowd_connection());
            connected.for_each(|client| client.wake = now);
        }
    }

    /// Runs a server.
    fn run_server(
        &mut self,
        index: usize,
        (now, quiet): (u64, bool),
        ending: bool,
    ) -> Result<(), DeviceError> {
        let mut programs = self.programs.borrow_mut();
        let (Some(server), Some(running)) = (self.servers.get_mut(index), programs.get_mut(index))
        else {
            return Ok(());
        };
        let worked = server.work(&mut *running.program, &mut self.sockets, (now, quiet), ending);
        let mut ether = self.ether.borrow_mut();
        // If a byte in a UDP server's answer is forged, the device may store a wrong address, or store an address for
        // too long. In this case, it is no error if the device does not connect to a TCP server.
        let has_forged_answer = self.udp_servers.iter().any(|udp| ether.forged.contains(&udp.port));
        running.affected_by_forgery |= has_forged_answer
            || ether.forged.contains(&server.port)
            || self.relays && !ether.forged.is_empty();
        for (connection, event) in server.events.drain(..) {
            ether.digest.word(u64::from(connection) << 1 | u64::from(event == ServerEvent::Ended));
            if let Some(observer) = &mut ether.observer {
                observer.server(now, server.port, connection, event);
            }
        }
        match worked {
            Ok(called) => {
                running.has_changed |= called;
                Ok(())
            }
            Err(_) if running.affected_by_forgery => Ok(()),
            Err(text) => Err(DeviceError::of_server(server.port, &text)),
        }
    }

    /// Runs a UDP client.
    fn run_udp_client(&mut self, index: usize, now: u64, quiet: bool, ending: bool) {
        let client = &mut self.udp_clients[index];
        if ending {
            client.wake = u64::MAX;
            return;
        }
        let handle = match client.socket {
            Some(handle) => handle,
            None if client.wake > now => return,
            None => {
                let port = self.next_port;
                self.next_port = following(port);
                let handle = self.sockets.add(UdpClient::socket(port));
                client.begin(handle, port);
                handle
            }
        };
        let device = match client.over_ipv6 {
            true => IpAddr::V6(address::DEVICE_V6),
            false => IpAddr::V4(self.device),
        };
        let device = SocketAddr::new(device, client.target_port);
        let of_port = |service: &&UdpService| service.port == client.target_port;
        let Some(service) = self.services.iter().find(of_port) else { return };
        let socket = self.sockets.get_mut::<udp::Socket<'_>>(handle);
        let mut ether = self.ether.borrow_mut();
        let event = client.work(socket, device, service, (now, quiet), &mut ether);
        if let (Some(event), Some(observer)) = (event, &mut ether.observer) {
            observer.udp_client(now, client.number, event);
        }
    }

    /// Checks the datagrams that the device has received and sent.
    ///
    /// # Errors
    /// A text that describes what the device did wrong.
    pub(crate) fn check_datagrams(&mut self) -> Result<(), DeviceError> {
        if self.ether.borrow().datagrams.is_empty() {
            return Ok(());
        }
        let datagrams = std::mem::take(&mut self.ether.borrow_mut().datagrams);
        datagrams.into_iter().try_for_each(|datagram| {
            let port = datagram.port;
            let checked = self.unanswered.process(datagram, self.services);
            checked.map_err(|text| DeviceError::of_udp(port, &text))
        })
    }

    /// Informs the servers of the connects that the device has begun. `at` is the current time of the device's clock.
    ///
    /// # Errors
    /// An error of the device, found by a server.
    pub(crate) fn report_connects(&mut self, at: u64) -> Result<(), DeviceError> {
        if self.ether.borrow().connects.is_empty() {
            return Ok(());
        }
        let connects = std::mem::take(&mut self.ether.borrow_mut().connects);
        let mut programs = self.programs.borrow_mut();
        for (port, from) in connects {
            let mut servers = self.servers.iter_mut().zip(programs.iter_mut());
            if let Some((server, running)) = servers.find(|(server, _)| server.port == port) {
                let result = server.connecting(from, at, &mut *running.program);
                result.map_err(|text| DeviceError::of_server(port, &text))?;
            }
        }
        Ok(())
    }

    /// Checks that the device has not requested the hardware address for [`address::UNUSED`], an address that no host
    /// has. This request is no error if a byte of a UDP server's datagram was forged, because the forged byte may be
    /// the reason for the request.
    ///
    /// # Errors
    /// A text that describes what the device did wrong.
    pub(crate) fn check_address_requests(&mut self) -> Result<(), DeviceError> {
        let ether = &mut self.ether.borrow_mut();
        let is_requested = std::mem::take(&mut ether.requests_unused_address);
        let affected_by_forgery =
            self.udp_servers.iter().any(|server| ether.forged.contains(&server.port));
        match is_requested && !affected_by_forgery {
            true => Err(DeviceError(format!(
                "the device requested the hardware address of {}, an address that only forged \
                 answers contain",
                address::UNUSED
            ))),
            false => Ok(()),
        }
    }

    /// Begins or ends a [`ServerFault`], a time in which a server misbehaves.
    pub(crate) fn change_server_fault(&mut self, fault: ServerFault, begins: bool) {
        let mut programs = self.programs.borrow_mut();
        let server = self.servers.get_mut(fault.server);
        if let (Some(server), Some(running)) = (server, programs.get_mut(fault.server)) {
            server.change_fault(fault, begins, &mut *running.program, &mut self.sockets);
        }
        let silent = self.servers.iter().filter(|server| server.is_silent());
        self.ether.borrow_mut().silent = silent.map(|server| server.port).collect();
    }

    /// Reports to the observer what has changed about a client since `before`.
    fn report(&self, index: usize, now: u64, before: Standing) {
        let Some(observer) = &mut self.ether.borrow_mut().observer else { return };
        let client = &self.clients[index];
        let after = client.standing();
        for (is_event, event) in [
            (after.refused != before.refused, ClientEvent::IsRefused),
            (after.served != before.served, ClientEvent::IsServed(client.waited)),
            (after.gone != before.gone, ClientEvent::IsGone),
        ] {
            if is_event {
                observer.client(now, client.number, event);
            }
        }
    }

    fn connect(&mut self, index: usize) {
        let window = self.clients[index].window();
        let mut socket = host::socket(window, 1024);
        socket.set_timeout(Some(Duration::from_secs(20)));
        socket.set_keep_alive(Some(Duration::from_secs(6)));
        let port = match self.clients[index].reuses_port() {
            true => self.clients[index].port,
            false => self.fresh_port(),
        };
        let device = match self.clients[index].over_ipv6 {
            true => IpAddr::V6(address::DEVICE_V6),
            false => IpAddr::V4(self.device),
        };
        let listener = (device, self.clients[index].target_port);
        let connected = socket.connect(self.interface.context(), listener, port);
        connected.expect("a fresh socket connects to an address and a port");
        let handle = self.sockets.add(socket);
        self.clients[index].begin(handle, port);
        let ether = &mut self.ether.borrow_mut();
        let now = ether.choice_log.now;
        if let Some(observer) = &mut ether.observer {
            observer.client(now, self.clients[index].number, ClientEvent::Connects(port));
        }
    }

    fn fresh_port(&mut self) -> u16 {
        let port = self.next_port;
        self.next_port = following(port);
        port
    }

    /// Resets the connections of the clients that must still be served, and makes these clients connect again.
    pub(crate) fn connect_again(&mut self) {
        let is_owed = |client: &&mut Client| client.is_owed() && client.stage == Stage::Connected;
        self.clients.iter_mut().filter(is_owed).for_each(Client::will_connect_again);
        self.dismiss(Client::is_owed);
    }

    /// Resets the connections of the clients that the device does not have to serve, and makes these clients leave.
    pub(crate) fn dismiss_others(&mut self) {
        self.dismiss(|client| !client.is_owed());
    }

    /// Resets the connections of the clients that `which` selects, and makes these clients leave.
    fn dismiss(&mut self, which: impl Fn(&Client) -> bool) {
        for client in &mut self.clients {
            if let Some(handle) = client.socket
                && client.stage == Stage::Connected
                && which(client)
            {
                self.sockets.get_mut::<Socket<'_>>(handle).abort();
                client.wake = 0;
                client.end_crowd_connection(self.crowd.as_mut());
                client.stage = Stage::Leaving;
            }
        }
    }

    /// Restarts the host: all connections are lost without a reset.
    pub(crate) fn reboot(&mut self, now: u64, ending: bool) {
        self.forget(now, ending, |_| true);
        self.restart_udp_clients(now);
        let mut programs = self.programs.borrow_mut();
        for (server, running) in self.servers.iter_mut().zip(programs.iter_mut()) {
            server.reboot(&mut *running.program, &mut self.sockets);
        }
    }

    /// Handles a change of the device's address. Clients that are still connecting to the old address give up.
    pub(crate) fn device_is_at(&mut self, address: Ipv4Addr, now: u64, ending: bool) {
        self.device = address;
        // In the sockets of the UDP clients, datagrams to the old address may wait. The stack cannot send these
        // datagrams, because no host has this address any more. So the clients get new sockets.
        self.restart_udp_clients(now);
        self.forget(now, ending, |state| state == State::SynSent);
        self.drop_resets(now);
    }

    /// Removes the sockets of clients that have reset their connection, if the reset is not sent yet. The reset cannot
    /// be sent, because no host has the destination address any more.
    fn drop_resets(&mut self, now: u64) {
        for index in 0..self.clients.len() {
            let client = &mut self.clients[index];
            if let Some(handle) = client.socket
                && client.stage == Stage::Leaving
                && self.sockets.get::<Socket<'_>>(handle).state() == State::Closed
            {
                let before = client.standing();
                self.sockets.remove(handle);
                client.left(now);
                self.report(index, now, before);
            }
        }
    }

    fn restart_udp_clients(&mut self, now: u64) {
        for client in &mut self.udp_clients {
            if let Some(handle) = client.socket {
                self.sockets.remove(handle);
                client.restart(now);
            }
        }
    }

    fn forget(&mut self, now: u64, ending: bool, which: impl Fn(State) -> bool) {
        for index in 0..self.clients.len() {
            let client = &mut self.clients[index];
            if let Some(handle) = client.socket
                && which(self.sockets.get::<Socket<'_>>(handle).state())
            {
                let before = client.standing();
                self.sockets.remove(handle);
                client.end_crowd_connection(self.crowd.as_mut());
                client.lost(now, ending);
                self.report(index, now, before);
            }
        }
    }

    /// Returns the time of the next poll, if no frame arrives.
    pub(crate) fn next(&self) -> u64 {
        let wakes = self.clients.iter().map(|client| client.wake);
        let wakes = wakes.chain(self.servers.iter().map(|server| server.wake));
        let wakes = wakes.chain(self.udp_clients.iter().map(|client| client.wake));
        let wakes = wakes.chain(self.udp_servers.iter().map(|server| server.wake));
        wakes.min().unwrap_or(u64::MAX).min(self.next_poll)
    }

    /// Returns the number of bytes sent and received on the current connections of all clients that the
    /// device must still serve.
    pub(crate) fn progress(&self) -> u64 {
        self.clients.iter().filter(|client| client.is_owed()).map(Client::progress).sum()
    }

    /// Returns whether all clients that must be served have been served, and no client is about to connect.
    pub(crate) fn is_served(&self) -> bool {
        self.udp_clients.iter().all(|client| client.served)
            && !self.clients.iter().any(|client| client.is_owed() || self.is_coming(client))
    }

    fn is_coming(&self, client: &Client) -> bool {
        let state = client.socket.map(|socket| self.sockets.get::<Socket<'_>>(socket).state());
        client.stage == Stage::Waiting || state == Some(State::SynSent)
    }
}

/// Returns the local port after `port`.
const fn following(port: u16) -> u16 {
    if port >= 60_000 { 40_000 } else { port + 1 }
}
