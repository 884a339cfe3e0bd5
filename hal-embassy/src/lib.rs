//! picoevent's back end over embassy-net, for a board, or for a PC under virtual time.
//!
//! ```text
//!   application        callbacks                        Protocol, fn(&mut App, …)
//!   picoevent          EventBase
//!   picoevent-embassy  run(…).await                     one of your tasks
//!   embassy-net        TcpSocket …, Runner::run()       another task
//!   driver             Ethernet, Wi-Fi
//! ```
//!
//! [`run`] is the loop. It owns a pool of sockets, [`Sockets`], that listen while no connection
//! needs them; it sleeps until a packet, a [`Trigger`](picoevent::Trigger) or the next deadline
//! wakes it, and never polls. It uses only the public interface of embassy-net 0.9.
//!
//! The cost of a turn depends on the number of sockets with news. The waker of a socket sets the
//! socket's bit, and a turn looks at the sockets whose bit is set and watches only them again. On a
//! board two loops at once have such bits; any further loop works as well, but looks at all its
//! sockets in each turn. Sockets whose numbers in the pool are equal modulo 32 share a bit.
//!
//! # What it needs
//!
//! * The stack's `Runner::run()` in **another task**. In one task the two would wake each other
//!   forever: each look at a socket through embassy-net's futures wakes the runner.
//! * `StackResources` with room for the pool, and one more each for DHCP and DNS if they are on:
//!   embassy-net panics when it has no room for a socket. `run` takes the whole pool when it begins,
//!   so a number that is too small shows at once, never later.
//! * Sockets for the pools. A base with one pool does with the sockets there are; a client that comes
//!   while all are used is refused. With several pools, as many sockets are held for each pool as it has
//!   connections, so no pool takes those of another; with fewer sockets in all, listeners fail with
//!   [`NoSocket`](picoevent::ListenError::NoSocket). One more for each listener lets clients wait, or get
//!   the text for busy times.
//! * An embassy-time driver. Without embassy-executor, also a feature `generic-queue-…` of
//!   embassy-time, or linking fails because `__embassy_time_queue_item_from_waker` is missing.
//! * At most one other task that waits for the stack's link or address while `run` runs: the stack
//!   keeps one waker for all of them. `run` leaves the waker to that task, and then notices a change
//!   with its next packet.
//!
//! # When the network comes and goes
//!
//! Listeners need no address: they listen before there is one and after it was lost. A connect that
//! is made while there is no link, or no address of the peer's family, waits for them, so no
//! application asks whether DHCP is done. It fails with
//! [`Unreachable`](picoevent::ConnError::Unreachable) after [`Config::timeout`], or when the new
//! address has no route to the peer; its handshake may then take [`Config::timeout`] again. The
//! application's own limit, [`STALL`](picoevent::Protocol::STALL), counts from the connect. When the
//! address of a connection is lost, the connection fails with
//! [`AddressLost`](picoevent::ConnError::AddressLost). With a fixed address nothing happens while
//! the cable is out: the stack sends again what was not acknowledged, until [`Config::timeout`].
//! With DHCP embassy-net removes the address at once.
//!
//! With the feature `network` an application is told of the link, the addresses, the gateways and the
//! name servers, from the first turn on (`Cx::on_network`, `Cx::network`).
//!
//! # Limits of the stack below
//!
//! embassy-net 0.9 on smoltcp 0.13 has no listener, no backlog and no queue for address resolution.
//! This crate does what the public interface allows. These limits remain:
//!
//! * **Clients that find no listening socket** are refused with a reset; the stack cannot be made
//!   to stay silent. When nothing else can listen, the socket that has waited longest in FIN-WAIT-2
//!   is taken, 250 ms after the peer acknowledged everything. Its peer is not reset, but what it
//!   still sends is answered by a reset. A connection with undelivered data never has to give its
//!   socket to another, so slow readers can hold all sockets, each for ten seconds
//!   ([`set_close_limits`](picoevent::Cx::set_close_limits)).
//! * **A client that repeats its SYN** is answered by the socket in its handshake only while no
//!   listening socket comes before that socket, since the stack takes the first socket that accepts
//!   a segment. So from 0.5 s to 4 s after the first SYN, sockets before it do not listen. If those
//!   were the only free ones, others are refused meanwhile. A repetition after 4 s may reach another
//!   socket, and then the client may be reset.
//! * **A peer that has lost its connection**, by a restart for instance, and connects again from the
//!   same port: a listening socket that comes before the dead connection answers at once, and the
//!   dead connection fails with [`Reset`](picoevent::ConnError::Reset) when the handshake is over.
//!   In any other case the stack drops the SYN and does not send the challenge ACK of RFC 9293,
//!   3.10.7.4, and the loop does not see the SYN. The peer resets the dead connection only when that
//!   connection sends its next segment: output, or a keep-alive
//!   ([`set_keep_alive`](picoevent::ConnMut::set_keep_alive), 20 s at first). The peer's next SYN
//!   is then answered. Without keep-alive and output the peer is not answered until
//!   [`Config::timeout`]. A shorter keep-alive interval is the only remedy.
//! * **Connects to hosts that do not exist**: the stack asks for one hardware address a second in
//!   all, and the socket that asked first asks again first. So connects without an answer for 4.2 s
//!   take turns of that length, and wait while a younger connect is under way. A connect that has to
//!   wait starts again with another local port, so when several are late, a peer whose handshake
//!   takes longer than a turn is not reached. Connections that are established, or were closed
//!   before that, do not take turns: one whose peer vanished may delay connects to new neighbours,
//!   until it is given up.
//! * **Datagrams**, with the feature `udp`: one to a neighbour that does not answer is given up after three
//!   seconds, and those behind it in the same socket wait as long. None is longer than 1,472 bytes over IPv4
//!   and 1,452 over IPv6. What the stack's receive buffer has no room for is dropped, and not counted.
//!   Without a link, an address or a route a datagram is dropped at once and counted
//!   (`UdpMut::dropped`). A group is joined by the stack, not by a socket: a
//!   socket that is bound to the port of another's group receives its datagrams too.
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
