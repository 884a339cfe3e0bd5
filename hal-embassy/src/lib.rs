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
//! [`run`] is the loop. It owns a pool of sockets, [`Sockets`]; all unused sockets listen. The loop
//! sleeps until a packet, a [`Trigger`](picoevent::Trigger) or the next deadline wakes it; it never
//! polls. It uses only the public interface of embassy-net 0.9.
//!
//! The cost of a turn depends on the number of sockets with news. Each socket's waker sets the
//! socket's bit. A turn looks only at the sockets whose bit is set, and re-arms only their wakers.
//! On a board two loops at once have such bits. Any further loop works as well, but looks at all
//! its sockets in each turn. Sockets whose numbers in the pool are equal modulo 32 share a bit.
//!
//! # Requirements
//!
//! * The stack's `Runner::run()` in **another task**. In one task the two would wake each other
//!   forever: each look at a socket through embassy-net's futures wakes the runner.
//! * `StackResources` with room for the pool, and one more place each for DHCP and DNS if they are
//!   on. embassy-net panics when it has no room for a socket. `run` takes the whole pool when it
//!   begins, so a number that is too small shows at once.
//! * Enough sockets for the pools. A base with one pool works with any number of sockets; a client
//!   that comes while all are used is refused. With several pools, each pool gets as many sockets
//!   as it has connections, so no pool takes those of another. With fewer sockets in all, listeners
//!   fail with [`NoSocket`](picoevent::ListenError::NoSocket). One more socket for each listener
//!   lets clients wait, or get the text for busy times.
//! * An embassy-time driver. Without embassy-executor, embassy-time also needs one of its features
//!   `generic-queue-…`; otherwise linking fails because `__embassy_time_queue_item_from_waker` is
//!   missing.
//! * At most one other task that waits for the stack's link or address while `run` runs: the stack
//!   keeps one waker for all such tasks. `run` leaves this waker to the other task, and then
//!   notices a change with the next packet.
//!
//! # Changes of the network
//!
//! Listeners need no address: they listen before there is one and after it was lost. A connect
//! without a link, or without an address of the peer's family, waits for them. So an application
//! does not have to wait for DHCP. The connect fails with
//! [`Unreachable`](picoevent::ConnError::Unreachable) after [`Config::timeout`], or when the new
//! address has no route to the peer. Its handshake may then take [`Config::timeout`] again. The
//! application's own limit, [`STALL`](picoevent::Protocol::STALL), counts from the connect. When
//! the device loses a connection's local address, the connection fails with
//! [`AddressLost`](picoevent::ConnError::AddressLost). With a fixed address nothing happens while
//! the cable is out: the stack retransmits until [`Config::timeout`]. With DHCP, embassy-net
//! removes the address at once.
//!
//! With the feature `network` the application gets the link, the addresses, the gateways and the
//! name servers, from the first turn on (`Cx::on_network`, `Cx::network`).
//!
//! # Limits of the network stack
//!
//! embassy-net 0.9 on smoltcp 0.13 has no listener, no backlog and no queue for address resolution.
//! This crate does what the public interface allows. These limits remain:
//!
//! * **Clients that find no listening socket** are refused with a reset; the stack cannot ignore
//!   their SYN. When no other socket can listen, the adapter takes the socket that has waited
//!   longest in FIN-WAIT-2, at least 250 ms after the peer acknowledged everything. The peer
//!   is reset only if it sends more. A connection with undelivered data never loses its socket this
//!   way, so slow readers can hold all sockets, each for ten seconds
//!   ([`set_close_limits`](picoevent::Cx::set_close_limits)).
//! * **A client that retransmits its SYN** is answered by the socket in its handshake only if no
//!   listening socket comes before that socket, since the stack takes the first socket that accepts
//!   a segment. So from 0.5 s to 4 s after the first SYN, the sockets before it do not listen. If
//!   those are the only free ones, other clients are refused during this time. A retransmission
//!   after 4 s may reach another socket, and then the client may be reset.
//! * **A peer that has lost its connection**, for example by a restart, and reconnects from the
//!   same port. If a listening socket comes before the dead connection, that socket answers at
//!   once, and the dead connection fails with [`Reset`](picoevent::ConnError::Reset) when the
//!   handshake is complete. Otherwise the stack drops the SYN and does not send the challenge ACK
//!   of RFC 9293, 3.10.7.4, and the loop does not see the SYN. The peer resets the dead connection
//!   only when that connection sends its next segment: output, or a keep-alive
//!   ([`set_keep_alive`](picoevent::ConnMut::set_keep_alive), 20 s by default). The peer's next SYN
//!   is then answered. Without keep-alive and output the peer gets no answer until
//!   [`Config::timeout`]. The only remedy is a shorter keep-alive interval.
//! * **Connects to hosts that do not exist**: the stack sends at most one request for a hardware
//!   address per second, and the socket that asked first asks again first. So connects without an
//!   answer for 4.2 s take turns of that length, and wait while a younger connect is under way. A
//!   connect that has waited starts again from another local port. So when several are late, a peer
//!   whose handshake takes longer than a turn is not reached. Connections that are established, or
//!   were closed before that, do not take turns. One of them whose peer vanished may delay connects
//!   to new neighbours until it is dropped.
//! * **Datagrams**, with the feature `udp`: a datagram to a neighbour that does not answer is
//!   dropped after three seconds, and those behind it in the same socket wait as long. No datagram
//!   is longer than 1,472 bytes over IPv4 and 1,452 over IPv6. Datagrams that do not fit the
//!   stack's receive buffer are dropped, and not counted. Without a link, an address or a route a
//!   datagram is dropped at once and counted (`UdpMut::dropped`). The stack joins a multicast
//!   group, not a single socket. So every socket bound to the group's port receives its datagrams,
//!   also a socket that did not join.
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
mod pool;
mod ready;
mod run;
mod sleep;
mod slot;
mod socket;
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
