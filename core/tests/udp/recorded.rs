//! A recording of datagrams is replayed on another base, with the same results.

use std::sync::Mutex;

use picoevent::record::{Entry, Record, Replay, ReplayError};

use super::*;

/// Stores a recording.
struct Kept(Mutex<Vec<u8>>);

impl Record for Kept {
    fn record(&self, entry: &Entry<'_>) {
        entry.encode(|part| self.0.lock().unwrap().extend(part));
    }
}

/// Echoes datagrams.
fn echo(_: &mut App, udp: &mut UdpMut<App>, _: UdpEvent) {
    let mut buffer = [0; 64];
    while let Some(received) = udp.receive_from(&mut buffer) {
        let _ = udp.send_to(&buffer[..received.len], received.from);
    }
}

fn recorded() -> Vec<u8> {
    let kept = Kept(Mutex::default());
    let mut storage = TestStorage::new();
    let (mut base, mut app) =
        (Base::new(&mut storage), App { react: Some(echo), ..App::default() });
    base.record_to(&kept);
    let sockets = [bind(&mut base), bind(&mut base)];
    base.bound(sockets[0], addr("[fe80::1%2]:7"));
    base.bind_failed(sockets[1], UdpError::System(13));
    for (from, data) in [(PEER, &b"one"[..]), ("[2001:db8::1]:5", b""), (PEER, &[7; 200])] {
        if !base.received_from(sockets[0], addr(from), data) {
            base.input_dropped(sockets[0]);
        }
    }
    let _ = actions(&mut base);
    base.dispatch(&mut app);
    base.dispatch(&mut app);
    assert!(actions(&mut base).contains(&Action::Udp(sockets[0], UdpAction::SendTo)));
    base.udp_done(sockets[0], Ok(()));
    base.udp_done(sockets[0], Err(UdpError::Unreachable));
    base.udp_failed(sockets[0], UdpError::Refused);
    base.dispatch(&mut app);
    base.close_all();
    let _ = actions(&mut base);
    kept.0.into_inner().unwrap()
}

fn replayed(bytes: &[u8], app: &mut App) -> Result<(), String> {
    let mut storage = TestStorage::new();
    let mut base = Base::new(&mut storage);
    let mut replay = Replay::new(bytes).map_err(|error| error.to_string())?;
    bind(&mut base);
    bind(&mut base);
    replay.finish(&mut base, app).map(drop).map_err(|error| error.to_string())
}

#[test]
fn a_replay_of_datagrams_repeats_the_recorded_run() {
    let bytes = recorded();
    let mut app = App { react: Some(echo), ..App::default() };
    assert_eq!(replayed(&bytes, &mut app), Ok(()));
    let failed = [UdpError::System(13), UdpError::Refused].map(UdpEvent::Failed);
    assert_eq!(app.events(), [failed[0], UdpEvent::Readable, failed[1]]);
}

#[test]
fn a_replay_finds_an_application_that_answers_differently() {
    let bytes = recorded();
    let answer_another: fn(&mut App, &mut UdpMut<App>, UdpEvent) = |_, udp, _| {
        while let Some(received) = udp.receive_from(&mut [0; 64]) {
            let _ = udp.send_to(b"another", received.from);
        }
    };
    let mut app = App { react: Some(answer_another), ..App::default() };
    let difference = replayed(&bytes, &mut app).unwrap_err();
    assert!(difference.contains("has sent (sum"), "{difference}");
}

#[test]
fn a_base_without_udp_sockets_cannot_replay_datagrams() {
    let bytes = recorded();
    let mut storage = Storage::<App, 0, 0, 256, 0, 0>::new();
    let mut base = EventBase::new(&mut storage);
    let replayed = Replay::new(&bytes).unwrap().finish(&mut base, &mut App::default());
    assert!(matches!(replayed, Err(ReplayError::OtherSizes { .. })));
}
