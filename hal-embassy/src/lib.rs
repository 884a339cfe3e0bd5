//! picoevent's back end over embassy-net: a board, or a desk under virtual time.
//!
//! ```text
//!   application        callbacks                        fn(&mut App, &mut Cx<App>, …)
//!   picoevent          EventBase
//!   picoevent-embassy  run(…).await                     a task of yours
//!   embassy-net        TcpSocket …, Runner::run()       a task of its own
//!   driver             Ethernet, Wi-Fi
//! ```
//!
//! [`run`] is the loop. It owns a pool of sockets, [`Sockets`], that listen while no connection
//! needs them; it sleeps until a packet, a [`Trigger`](picoevent::Trigger) or the next deadline
//! wakes it, and never polls. Only what embassy-net 0.9 offers to everyone is used.
//!
//! A turn costs what there is news of. Each socket has a waker that notes which socket it belongs to,
//! and only the sockets with a note are looked at and watched again. On a board two loops at once
//! have such notes; any further loop works as well, but looks at all its sockets in each turn. Sockets
//! whose numbers in the pool are equal modulo 32 share a note.
//!
//! # What it needs
//!
//! * The stack's `Runner::run()` in **another task**. Joined into one, the two would wake each
//!   other for ever: each look at a socket through embassy-net's futures wakes the runner.
//! * `StackResources` with room for the pool, and one more each for DHCP and DNS if they are on:
//!   embassy-net panics on a socket too many. All of the pool is taken when `run` begins, so a
//!   number too small shows at once, never later.
//! * An embassy-time driver. Without embassy-executor, also a feature `generic-queue-…` of
//!   embassy-time, or the link fails for want of `__embassy_time_queue_item_from_waker`.
//! * At most one other task that waits for the stack's link or address while `run` runs: the stack
//!   keeps one waker for all of them. `run` gives way, and then hears of a change with its next
//!   packet.
//!
//! # When the network comes and goes
//!
//! Listeners need no address: they listen before there is one and after it was lost. When the
//! address of a connection goes, the connection fails with
//! [`AddressLost`](picoevent::ConnError::AddressLost). With a fixed address nothing happens while
//! the cable is out: what was sent meanwhile is sent again, until [`Config::timeout`]. With DHCP
//! embassy-net takes the address back at once.
//!
//! # Limits of the stack below
//!
//! embassy-net 0.9 on smoltcp 0.13 has no listener, no backlog and no queue for address resolution.
//! What can be done about that with its public interface is done here. The rest:
//!
//! * **Clients that find no listening socket** are refused with a reset; the stack cannot be made
//!   to stay silent. When nothing else can listen, the socket that has waited longest in FIN-WAIT-2
//!   is taken, 250 ms after the peer acknowledged everything. Its peer is not reset, but what it
//!   still sends is answered by a reset. A connection with anything undelivered is never given up
//!   for another, so slow readers can hold all sockets, each for [`Config::linger`].
//! * **A client that repeats its SYN** is answered by the socket that has its handshake only while
//!   no listening socket stands before it, since the stack takes the first socket that accepts a
//!   segment. So from 0.5 s to 4 s after the first SYN, sockets before it do not listen. If those
//!   were the only free ones, others are refused meanwhile. A repetition after 4 s may reach another
//!   socket, and then the client may be reset.
//! * **A peer that has lost its connection**, by a restart for instance, and calls again from the
//!   same port: a listening socket that stands before the dead connection answers at once, and the
//!   dead connection fails with [`Reset`](picoevent::ConnError::Reset) when the handshake is over.
//!   In any other case the stack drops the SYN and does not send the challenge ACK of RFC 9293,
//!   3.10.7.4, and the loop does not see the SYN. Then it takes the next segment that the dead
//!   connection sends to make the peer reset it: output, or a keep-alive
//!   ([`set_keep_alive`](picoevent::ConnMut::set_keep_alive), 20 s at first); and after that the
//!   peer's next SYN. Without keep-alive and output the peer is not answered until
//!   [`Config::timeout`]. A shorter keep-alive interval is the only remedy.
//! * **Connects to hosts that are not there**: the stack asks for one hardware address a second in
//!   all, and the socket that asked first asks again first. So connects that have got no answer for
//!   4.2 s take turns of that length, and stand back while a younger connect is under way. A connect
//!   that has to stand back begins anew with another local port, so with several that are late, a
//!   peer whose handshake takes longer than a turn is not reached. Connections that are established,
//!   or closed before they were, do not take part: one whose peer vanished may delay connects to new
//!   neighbours, until it is given up.
//! * **A changed keep-alive interval** holds from the connection's next segment on.

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
mod leave;
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

pub use config::Config;
pub use connects::Outgoing;
pub use observe::Observe;
pub use run::{run, run_observed};
pub use sockets::Sockets;
