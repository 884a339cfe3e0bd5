//! picoevent's back end over embassy-net, for a board, or for a host under virtual time.
//!
//! ```text
//!   application        callbacks                        Protocol, fn(&mut App, …)
//!   picoevent          EventBase
//!   picoevent-embassy  run(…).await                     one of your tasks
//!   embassy-net        TcpSocket …, Runner::run()       another task
//!   driver             Ethernet, Wi-Fi
//! ```
//!
//! [`run`] is the loop. It gets a number of sockets, [`Sockets`]; all unused sockets listen. The loop sleeps until a
//! packet, a [`Trigger`](picoevent::Trigger) or the next deadline wakes it; the loop never polls while it waits. The
//! loop uses only the public interface of embassy-net 0.9.
//!
//! The cost of an iteration of the event loop depends on the number of sockets that have changed. Each socket has a
//! bit, and the socket's waker sets this bit. An iteration examines only the sockets whose bit is set, and sets only
//! the wakers of these sockets again. On a board there are bits for two loops. Any further loop works without bits, and
//! examines all its sockets in each iteration. Sockets whose indexes are equal modulo 32 share a bit.
//!
//! # Requirements
//!
//! * The stack's `Runner::run()` in **another task**. Each poll of a socket's future in embassy-net wakes the runner.
//!   So in one task, the runner and the loop would wake each other forever.
//! * `StackResources` with room for these sockets, for one more socket if DHCP is used, and for one more socket if DNS
//!   is used. embassy-net panics when it has no room for a socket. `run` adds all its sockets to the stack when it
//!   begins, so `run` panics at once if there is not enough room.
//! * Enough sockets for the connection pools of the base. A base with one connection pool works with any number of
//!   sockets; a client that connects while all sockets are used is refused. A base with several connection pools needs
//!   at least as many sockets as all these pools can have connections, so that no connection pool takes the sockets of
//!   another connection pool. With fewer sockets, listeners fail with [`NoSocket`](picoevent::ListenError::NoSocket).
//!   One more socket for each listener is useful: a client that connects while the connection pool is full can then
//!   wait, or can receive the text [`BUSY`](picoevent::Protocol::BUSY).
//! * An embassy-time driver. Without embassy-executor, embassy-time also needs one of its features
//!   `generic-queue-…`; otherwise linking fails because `__embassy_time_queue_item_from_waker` is
//!   missing.
//! * At most one other task that waits for the stack's link or address while `run` runs: the stack keeps one waker
//!   for all such tasks. `run` leaves this waker to the other task. In this case `run` notices a change of the link or
//!   the address only when the next packet wakes the task of `run`.
//!
//! # Changes of the network
//!
//! Listeners need no address: they listen before the device has an address and after it has lost its address. A
//! connect without a link, or without an address of the peer's family, waits for the link and the address. So an
//! application does not have to wait for DHCP. The connect fails with
//! [`Unreachable`](picoevent::ConnError::Unreachable) after [`Config::timeout`], or when the new address has no route
//! to the peer. If the network is up in time, the handshake may take [`Config::timeout`] again. The application's own
//! limit, [`STALL`](picoevent::Protocol::STALL), counts from the connect. When the device loses a connection's local
//! address, the connection fails with [`AddressLost`](picoevent::ConnError::AddressLost). With a fixed address,
//! connections stay open while the cable is unplugged: the stack retransmits until [`Config::timeout`]. With DHCP,
//! embassy-net removes the address at once.
//!
//! With the feature `network` the application gets the state of the link, the addresses, the gateways and the name
//! servers, from the first iteration on (`Cx::on_network`, `Cx::network`).
//!
//! # Limits of the network stack
//!
//! embassy-net 0.9 on smoltcp 0.13 has no listener, no backlog and no queue for address resolution.
//! This crate does what the public interface allows. These limits remain:
//!
//! * **Three frames during a handshake can make the stack panic**, up to smoltcp 0.14.0. The first frame is a reset.
//!   The second frame is another SYN of the same client, whose sequence number is 2³¹ away from the number of the first
//!   SYN. The third frame is the same reset again, before the stack has answered the second SYN. After the first reset
//!   the socket listens again, but still has the last acknowledgement of the first handshake. At the third frame the
//!   stack subtracts sequence numbers of the two handshakes, and panics, because they are too far apart. The adapter
//!   cannot prevent this, because the stack can handle all three frames before the adapter's task runs. Let the panic
//!   handler or a watchdog restart the device. The repair is one line in smoltcp: forget the last acknowledgement
//!   when a socket returns to LISTEN.
//! * **Clients that find no listening socket** are refused with a reset; the stack cannot ignore their SYN. When no
//!   other socket can listen, the adapter takes the socket that has waited longest in FIN-WAIT-2. The adapter takes
//!   this socket only if the peer acknowledged everything at least 250 ms ago. The peer is reset only if the peer sends
//!   another segment. The adapter never takes the socket of a connection with undelivered data. So slow readers can
//!   hold all sockets, each for ten seconds ([`set_close_limits`](picoevent::Cx::set_close_limits)).
//! * **A client that retransmits its SYN**: the stack gives a segment to the first socket that accepts it, and a
//!   listening socket accepts every SYN. If, in the stack's list of sockets, a listening socket comes before the socket
//!   that is in the handshake with this client, the repeated SYN reaches the listening socket. Therefore the sockets
//!   before the socket in the handshake do not listen from 0.5 s to 4 s after the first SYN. If no other sockets are
//!   free, other clients are refused during this time. A retransmission after 4 s may reach another socket, and then
//!   the client may be reset.
//! * **A peer that has lost its connection**, for example by a restart, and reconnects from the same port. If a
//!   listening socket comes before the socket of the dead connection, the listening socket answers at once, and the
//!   dead connection fails with [`Reset`](picoevent::ConnError::Reset) when the handshake is complete. If no listening
//!   socket comes before the socket of the dead connection, the stack drops the SYN and does not send the challenge ACK
//!   of RFC 9293, 3.10.7.4, and the loop does not see the SYN. The peer resets the dead connection only when that
//!   connection sends its next segment: output, or a keep-alive
//!   ([`set_keep_alive`](picoevent::ConnMut::set_keep_alive), 20 s by default). After this reset, the peer's next SYN
//!   is answered. Without keep-alive and output the peer gets no answer until [`Config::timeout`]. The only remedy is a
//!   shorter keep-alive interval.
//! * **Connects to hosts that do not exist**: the stack sends at most one request for a hardware address per second,
//!   and the socket that sent the first request also sends the next one. So a connect without an answer for 4.2 s is
//!   late. Late connects use the stack one after another, each for a time slice of 4.2 s. While a connect
//!   that is not late is under way, the late connects have only every fourth time slice, and the other connect waits
//!   during this time slice. A connect that has waited starts again from another local port. So when several connects
//!   are late, a peer whose handshake takes longer than a time slice is not reached. There are no time
//!   slices for established connections and for connections that were closed before they were established. If the peer
//!   of such a connection has vanished, the connection may delay connects to new neighbours until it is dropped.
//! * **Datagrams**, with the feature `udp`: a datagram to a neighbour that does not answer is dropped after three
//!   seconds, and the datagrams behind it in the same socket wait until then. No datagram is longer than 1,472 bytes
//!   over IPv4 and 1,452 over IPv6. Received datagrams that do not fit the stack's receive buffer are dropped, and not
//!   counted. Without a link, an address or a route, a datagram to send is dropped at once and counted
//!   (`UdpMut::dropped`). A socket cannot join a multicast group on its own: the whole stack joins it. So every socket
//!   that is bound to the destination port of the group's datagrams receives them, even if the socket did not join the
//!   group.
//! * **A changed keep-alive interval** applies from the connection's next segment on.

#![no_std]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod adapter;
mod address;
mod config;
mod connects;
mod conns;
mod env;
mod listeners;
mod log;
mod network;
mod observe;
mod ready;
mod run;
mod sleep;
mod slot;
mod socket;
mod socket_table;
mod sockets;
mod time;
mod udp;

pub use adapter::Adapter;
pub use config::Config;
pub use connects::Outgoing;
pub use observe::Observe;
pub use run::{run, run_observed};
pub use sockets::Sockets;
#[cfg(feature = "udp")]
pub use udp::UdpSockets;
