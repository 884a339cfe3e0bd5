//! Tests of the peer against a second stack in the same process, without QEMU and firmware.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use smoltcp::socket::tcp::{Socket, SocketBuffer, State};
use smoltcp::socket::{AnySocket, dhcpv4};

use super::*;
use crate::dhcp::Lease;
use crate::pattern::pattern;

/// The time limit of a test. The limit only ends a test that hangs. Normally, a test takes milliseconds.
const LIMIT: Duration = Duration::from_secs(60);
const GREETING: &[u8] = b"Hello, World!\n";
const SERVER: SocketAddrV4 = SocketAddrV4::new(Ipv4Address::new(10, 0, 2, 15), 9995);

/// The behaviour of a server on one of its connections. The function is called after each poll of the server's stack.
type Behaviour = fn(&mut Socket<'_>);

fn greets(socket: &mut Socket<'_>) {
    if socket.may_send() {
        socket.send_slice(GREETING).unwrap();
        socket.close();
    }
}

fn greets_then_aborts(socket: &mut Socket<'_>) {
    if socket.state() == State::FinWait1 {
        socket.abort();
    }
    greets(socket);
}

fn greets_with_a_wrong_byte(socket: &mut Socket<'_>) {
    if socket.may_send() {
        socket.send_slice(b"Hello, Wirld!\n").unwrap();
        socket.close();
    }
}

fn greets_too_briefly(socket: &mut Socket<'_>) {
    if socket.may_send() {
        socket.send_slice(&GREETING[..5]).unwrap();
        socket.close();
    }
}

fn resets(socket: &mut Socket<'_>) {
    if socket.may_send() {
        socket.abort();
    }
}

fn echoes(socket: &mut Socket<'_>) {
    while socket.can_recv() && socket.can_send() {
        let bytes = socket.peek(512).map(<[u8]>::to_vec).unwrap();
        let sent = socket.send_slice(&bytes).unwrap();
        socket.recv(|_| (sent, ())).unwrap();
    }
    if socket.state() == State::CloseWait && !socket.can_recv() {
        socket.close();
    }
}

/// A second stack on the far side of a peer's wire. The stack runs in a thread that ends when this value is dropped.
struct FarStack {
    stop: Arc<AtomicBool>,
    /// The states of the stack's TCP sockets after the last call of `step`.
    states: Arc<Mutex<Vec<State>>>,
    thread: Option<JoinHandle<()>>,
}

impl FarStack {
    /// Starts the stack with `sockets`, and with `address` if it is `Some`. Calls `step` with the sockets and the
    /// interface after each poll of the stack.
    fn start(
        address: Option<Ipv4Address>,
        mut sockets: SocketSet<'static>,
        mut step: impl FnMut(&mut Interface, &mut SocketSet<'static>) + Send + 'static,
    ) -> (Peer, Self) {
        let (near_end, far_end) = UnixDatagram::pair().unwrap();
        let near_end = Wire::over(near_end, None).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let states = Arc::new(Mutex::new(Vec::new()));
        let (stopped, stated) = (Arc::clone(&stop), Arc::clone(&states));
        let thread = std::thread::spawn(move || {
            let mut device = Wire::over(far_end, None).unwrap().device();
            let mut interface = host::interface(&mut device, [0x02, 0, 0, 0, 0, 0x02], address, 0);
            while !stopped.load(Ordering::Relaxed) {
                let now = StackTime::now();
                interface.poll(now, &mut device, &mut sockets);
                step(&mut interface, &mut sockets);
                *stated.lock().unwrap() = tcp_sockets(&mut sockets).map(|s| s.state()).collect();
                let next = interface.poll_delay(now, &sockets).map(Duration::from);
                device.0.borrow().wait(next.unwrap_or(LIMIT).min(Duration::from_millis(10)));
            }
        });
        (Peer::new(near_end), Self { stop, states, thread: Some(thread) })
    }

    /// Starts a server at [`SERVER`] with `slots` listening sockets. Each socket serves one connection.
    fn server(slots: usize, behaviour: Behaviour) -> (Peer, Self) {
        let mut sockets = SocketSet::new(Vec::new());
        for _ in 0..slots {
            let buffer = || SocketBuffer::new(vec![0; 2048]);
            let mut socket = Socket::new(buffer(), buffer());
            socket.listen(SERVER.port()).unwrap();
            sockets.add(socket);
        }
        Self::start(Some(*SERVER.ip()), sockets, move |_, sockets| {
            tcp_sockets(sockets).for_each(behaviour);
        })
    }
}

impl Drop for FarStack {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            assert!(matches!(ended, Some(Ok(()))), "the far stack has panicked");
        }
    }
}

fn tcp_sockets<'a>(
    sockets: &'a mut SocketSet<'static>,
) -> impl Iterator<Item = &'a mut Socket<'static>> {
    sockets.iter_mut().filter_map(|(_, socket)| Socket::downcast_mut(socket))
}

/// Runs all `plans` at once against a server with this behaviour. Returns the outcomes.
fn outcomes(behaviour: Behaviour, plans: Vec<Plan>) -> Vec<Outcome> {
    let (mut peer, _far) = FarStack::server(plans.len(), behaviour);
    let clients: Vec<_> = plans.into_iter().map(|plan| peer.connect(SERVER, plan)).collect();
    peer.finish(&clients, LIMIT)
}

#[test]
fn many_clients_get_the_greeting_at_once() {
    let plans = vec![Plan::listener_to(GREETING); 20];
    assert_eq!(outcomes(greets, plans), vec![Outcome::Served; 20]);
}

#[test]
fn a_client_that_half_closes_gets_the_greeting_too() {
    assert_eq!(outcomes(greets, vec![Plan::half_closer(GREETING)]), [Outcome::Served]);
}

#[test]
fn a_wrong_byte_is_detected_with_its_index() {
    assert_eq!(
        outcomes(greets_with_a_wrong_byte, vec![Plan::listener_to(GREETING)]),
        [Outcome::Wrong { at: 8 }]
    );
}

#[test]
fn an_excess_byte_is_detected() {
    let plan = Plan::listener_to(&GREETING[..13]);
    assert_eq!(outcomes(greets, vec![plan]), [Outcome::Wrong { at: 13 }]);
}

#[test]
fn an_early_end_is_detected() {
    assert_eq!(
        outcomes(greets_too_briefly, vec![Plan::listener_to(GREETING)]),
        [Outcome::Short { after: 5 }]
    );
}

#[test]
fn a_reset_is_detected() {
    let reset = Outcome::Reset { after: 0 };
    assert_eq!(outcomes(resets, vec![Plan::listener_to(GREETING)]), [reset]);
}

#[test]
fn a_reset_in_place_of_the_last_acknowledgement_is_detected() {
    let plan = Plan::listener_to(GREETING);
    assert_eq!(outcomes(greets_then_aborts, vec![plan]), [Outcome::ResetAtEnd]);
}

#[test]
fn without_a_listener_a_connect_is_refused() {
    let (mut peer, _far) = FarStack::server(0, greets);
    let client = peer.connect(SERVER, Plan::listener_to(GREETING));
    assert_eq!(peer.finish(&[client], LIMIT), [Outcome::Refused]);
}

#[test]
fn an_echo_comes_back_intact() {
    let plans = (0..4).map(|seed| Plan::echo(pattern(seed, 200_000))).collect();
    assert_eq!(outcomes(echoes, plans), vec![Outcome::Served; 4]);
}

#[test]
fn each_bad_client_leaves_the_server_in_its_state() {
    let plans = [
        (Plan::resetter(), State::Closed),
        (Plan::vanisher(), State::FinWait1),
        (Plan::silent(), State::FinWait2),
        (Plan::non_reader(Vec::new()), State::FinWait1),
        (Plan::flooder(pattern(1, 100_000)), State::FinWait2),
    ];
    let (mut peer, far) = FarStack::server(plans.len(), greets);
    let mut wanted = Vec::new();
    let deadline = Instant::now() + LIMIT;
    for (plan, state) in plans {
        peer.connect(SERVER, plan);
        wanted.push(state);
        let reached = |states: &[State]| states.starts_with(&wanted);
        while !reached(&far.states.lock().unwrap()) && Instant::now() < deadline {
            peer.step(Duration::from_millis(10));
        }
    }
    assert_eq!(*far.states.lock().unwrap(), wanted);
}

#[test]
fn an_address_is_leased_refused_and_leased_again() {
    let lease = |last_byte| Lease {
        address: Ipv4Address::new(10, 0, 2, last_byte),
        duration: Duration::from_secs(100),
        renewal: Some(Duration::from_secs(1)),
    };
    let mut client = dhcpv4::Socket::new();
    let mut retry = dhcpv4::RetryConfig::default();
    retry.discover_timeout = smoltcp::time::Duration::from_millis(50);
    client.set_retry_config(retry);
    let mut sockets = SocketSet::new(Vec::new());
    let handle = sockets.add(client);
    let address = Arc::new(Mutex::new(None));
    let reported = Arc::clone(&address);
    let (mut peer, _far) = FarStack::start(None, sockets, move |interface, sockets| {
        match sockets.get_mut::<dhcpv4::Socket<'_>>(handle).poll() {
            Some(dhcpv4::Event::Configured(config)) => {
                host::set_address(interface, Some(config.address.address()));
            }
            Some(dhcpv4::Event::Deconfigured) => host::set_address(interface, None),
            None => return,
        }
        *reported.lock().unwrap() = interface.ipv4_addr();
    });
    let mut run_until = |policy, wanted| {
        peer.serve_dhcp(policy);
        let deadline = Instant::now() + LIMIT;
        while *address.lock().unwrap() != wanted && Instant::now() < deadline {
            peer.step(Duration::from_millis(10));
        }
        assert_eq!(*address.lock().unwrap(), wanted);
    };
    run_until(Policy::Grant(lease(15)), Some(lease(15).address));
    run_until(Policy::Refuse, None);
    run_until(Policy::Grant(lease(16)), Some(lease(16).address));
    assert!(peer.dhcp_tally().refused >= 1);
}

/// Connects a host client to a server with this behaviour through a forwarded port.
fn forwarded<T: Send>(behaviour: Behaviour, client: impl FnOnce(TcpStream) -> T + Send) -> T {
    let (mut peer, _far) = FarStack::server(1, behaviour);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    peer.forward(listener, SERVER).unwrap();
    std::thread::scope(|scope| {
        let talking = scope.spawn(move || {
            let near = TcpStream::connect(address).unwrap();
            near.set_read_timeout(Some(LIMIT)).unwrap();
            client(near)
        });
        while !talking.is_finished() {
            peer.step(Duration::from_millis(1));
        }
        talking.join().unwrap()
    })
}

#[test]
fn a_forwarded_port_passes_bytes_and_both_ends() {
    let payload = pattern(3, 300_000);
    let received = forwarded(echoes, |mut near| {
        let mut sender = near.try_clone().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                sender.write_all(&payload).unwrap();
                sender.shutdown(Shutdown::Write).unwrap();
            });
            let mut received = Vec::new();
            near.read_to_end(&mut received).map(|_| received)
        })
    });
    assert_eq!(received.unwrap(), payload);
    let greeted = forwarded(greets, |mut near| {
        let mut received = Vec::new();
        near.read_to_end(&mut received).map(|_| received)
    });
    assert_eq!(greeted.unwrap(), GREETING);
}

#[test]
fn a_forwarded_port_passes_resets() {
    let read = forwarded(resets, |mut near| near.read(&mut [0]));
    assert_eq!(read.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
}

#[test]
fn a_reversed_port_is_open_while_the_server_is() {
    const PORT: u16 = 7;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);

    let attempts = Arc::new(AtomicUsize::new(0));
    let received = Arc::new(Mutex::new(Vec::new()));
    let (attempted, recorder) = (Arc::clone(&attempts), Arc::clone(&received));
    let mut sockets = SocketSet::new(Vec::new());
    let handle = sockets.add(host::socket(2048, 2048));
    let far_address = Some(*SERVER.ip());
    let (mut peer, _far) = FarStack::start(far_address, sockets, move |interface, sockets| {
        let socket = sockets.get_mut::<Socket<'_>>(handle);
        let mut recorder = recorder.lock().unwrap();
        if socket.state() == State::Closed && recorder.is_empty() {
            let number = attempted.fetch_add(1, Ordering::Relaxed) as u16;
            socket.connect(interface.context(), (ADDRESS, PORT), 50_000 + number).unwrap();
        }
        if socket.may_send() && socket.send_queue() == 0 && recorder.is_empty() {
            socket.send_slice(b"ping").unwrap();
            recorder.push(b'>');
        }
        while socket.can_recv() {
            socket.recv(|bytes| (bytes.len(), recorder.extend_from_slice(bytes))).unwrap();
        }
    });
    peer.reverse(PORT, address);
    let mut run_until = |is_met: &dyn Fn() -> bool| {
        let deadline = Instant::now() + LIMIT;
        while !is_met() {
            assert!(Instant::now() < deadline, "{:?}", received.lock().unwrap());
            peer.step(Duration::from_millis(1));
        }
    };
    run_until(&|| attempts.load(Ordering::Relaxed) > 2);

    let listener = TcpListener::bind(address).unwrap();
    let server = std::thread::spawn(move || {
        let (mut near, _) = listener.accept().unwrap();
        near.set_read_timeout(Some(LIMIT)).unwrap();
        let mut request = [0; 4];
        near.read_exact(&mut request).unwrap();
        near.write_all(b"pong").unwrap();
        request
    });
    run_until(&|| *received.lock().unwrap() == b">pong");
    assert_eq!(&server.join().unwrap(), b"ping");
}
