//! `cargo fuzz run sntp`: passes byte strings from libFuzzer to a client as answers from a time server.

#![no_main]

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use picoevent::{Action, Cx, EventBase, Instant, Storage, UdpAction, UdpRequest, UdpSocket, Wait};
use picoevent_sntp::{self as sntp, Client, HasClock, SyncError, Synced};

struct App {
    clock: Client,
}

impl HasClock for App {
    fn clock(&mut self) -> &mut Client {
        &mut self.clock
    }

    fn synced(&mut self, cx: &mut Cx<Self>, result: Result<Synced, SyncError>) {
        let wall = self.clock.wall(cx.now());
        assert!(result.is_err() || wall.is_some());
        if let Some(wall) = wall {
            let _ = (wall.iso().to_string(), wall.http().to_string(), wall.error());
        }
    }
}

const SERVER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 123);

fuzz_target!(|bytes: &[u8]| {
    let mut storage = Box::new(Storage::<App, 1, 0, 4_096, 0, 0, 0, 1>::new());
    let mut base = EventBase::new(&mut *storage);
    base.seed(&[1; 32]);
    let mut app = App { clock: Client::new() };
    app.clock.set_servers(&[SERVER]);
    sntp::start(&mut app, &mut base, Duration::from_secs(15)).expect("the base has room");
    let mut now = Instant::ZERO;
    let mut pending: Option<(UdpSocket, [u8; 8])>;
    // Two bytes precede each answer: the delay before the answer, and whether the answer repeats the last eight bytes
    // of the request.
    for answer in bytes.chunks(50) {
        let [time, repeats, answer @ ..] = answer else { return };
        pending = None;
        for _ in 0..100 {
            while let Some(action) = base.next_action() {
                match action {
                    Action::Udp(udp, UdpAction::Bind) => {
                        base.bound(udp, (Ipv4Addr::UNSPECIFIED, 9).into())
                    }
                    Action::Udp(udp, UdpAction::SendTo) => {
                        while let Some(request) = base.udp_request(udp) {
                            if let UdpRequest::Send(_, bytes) = request {
                                let timestamp = bytes.last_chunk().copied().expect("48 bytes");
                                pending = Some((udp, timestamp));
                            }
                            base.udp_done(udp, Ok(()));
                        }
                    }
                    _ => {}
                }
            }
            base.dispatch(&mut app);
            match base.wait() {
                Wait::Not => {}
                Wait::Until(next) if pending.is_none() => {
                    now = next;
                    base.advance(now);
                }
                _ => break,
            }
        }
        if let Some((socket, timestamp)) = pending {
            now = now.after(Duration::from_millis(u64::from(*time)));
            base.advance(now);
            let mut answer = answer.to_vec();
            if *repeats != 0 && answer.len() >= 32 {
                answer[24..32].copy_from_slice(&timestamp);
            }
            base.received_from(socket, SERVER, &answer);
            base.dispatch(&mut app);
        }
    }
});
