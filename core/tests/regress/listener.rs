//! Listeners.

use picoevent::{ConnEnd, ConnError, ConnEvent, ConnMut, ListenError, Listener, Run};

use super::network::{App, Scene, play};

const RESET: ConnEvent = ConnEvent::Ended(ConnEnd::Failed(ConnError::Reset));

fn enabled(scene: &mut Scene<'_, '_>, listener: Listener) -> bool {
    scene.base.listener(listener).unwrap().is_enabled()
}

/// Runs `change` on the listener of an accepted connection, when the connection opens.
fn when_accepted(
    conn: &mut ConnMut<App>,
    event: ConnEvent,
    change: impl FnOnce(picoevent::ListenerMut<'_, '_, App>),
) {
    if let (ConnEvent::Opened, Some(listener)) = (event, conn.listener()) {
        change(conn.cx().listener(listener).unwrap());
    }
}

/// There are two listeners. The first listener is disabled after two clients, and the second listener after one client.
#[test]
fn randport() {
    play(|mut scene| {
        let [(one, first), (two, second)] = [(); 2].map(|()| scene.listen());
        scene.base.listener(one).unwrap().set_user(2);
        scene.base.listener(two).unwrap().set_user(1);
        scene.app.react = Some(|app, conn, event| {
            when_accepted(conn, event, |mut listener| {
                let id = listener.id();
                let accepted = app.accepted.iter().filter(|(by, _)| *by == id).count();
                if accepted == listener.user() as usize {
                    listener.disable();
                }
            });
        });
        for address in [first, first, first, second, second] {
            scene.connect(address);
        }
        assert_eq!(scene.run(Run::DEFAULT), None);
        let by = |listener| scene.app.accepted.iter().filter(|(by, _)| *by == listener).count();
        assert_eq!((by(one), by(two)), (2, 1));
        assert_eq!([one, two].map(|listener| enabled(&mut scene, listener)), [false; 2]);
    });
}

/// A listener that cannot listen is reported once and disabled.
#[test]
fn error() {
    play(|mut scene| {
        scene.network.refuses_to_listen = Some(ListenError::InUse);
        let (listener, _) = scene.listen();
        scene.base.listener(listener).unwrap().on_error(App::record_failure);
        assert_ne!(scene.run(Run::DEFAULT), Some(picoevent::End::Exit));
        assert_eq!(scene.app.failed, [(listener, ListenError::InUse)]);
        assert!(!enabled(&mut scene, listener));
    });
}

/// In libevent's test the accept fails. Here the pool is full, so clients wait until slots are free.
#[test]
fn error_unlock() {
    play(|mut scene| {
        let (listener, address) = scene.listen();
        // The clients are in the same base and pool as the listener. So each client takes two slots of the pool: one
        // for its outgoing connection, and one for the accepted connection.
        let clients: Vec<_> = (0..10).map(|_| scene.connect(address)).collect();
        assert_eq!(scene.run(Run::DEFAULT), None);
        assert_eq!(scene.app.accepted.len(), 6);
        assert_eq!(scene.app.failed, []);
        assert!(enabled(&mut scene, listener));
        scene.base.conn(clients[0]).unwrap().abort();
        assert_eq!(scene.run(Run::DEFAULT), None);
        assert!(scene.app.accepted.len() > 6, "{:?}", scene.app.accepted);
    });
}

/// The callback of the first accepted connection frees the listener. The next client in the backlog is reset.
#[test]
fn close_accepted_fd() {
    play(|mut scene| {
        let (listener, address) = scene.listen();
        scene.app.react = Some(|_, conn, event| {
            if event == ConnEvent::Opened
                && let Some(listener) = conn.listener()
            {
                conn.cx().listener(listener).unwrap().free();
                conn.abort();
            }
        });
        let clients = [scene.connect(address), scene.connect(address)];
        scene.run(Run::DEFAULT);
        assert_eq!(scene.app.accepted.len(), 1);
        assert!(scene.base.listener(listener).is_err());
        for client in clients {
            assert_eq!(scene.app.events(client).last(), Some(&RESET));
        }
    });
}

/// When the first of two waiting clients is accepted, the callback of the accepted connection disables the listener.
/// The other client keeps waiting.
#[test]
fn immediate_close() {
    play(|mut scene| {
        let (listener, address) = scene.listen();
        scene.app.react = Some(|_, conn, event| {
            when_accepted(conn, event, |mut listener| {
                listener.disable();
            });
        });
        let [first, second] = [scene.connect(address), scene.connect(address)];
        assert_eq!(scene.run(Run::DEFAULT), None);
        assert_eq!(scene.app.accepted.len(), 1);
        scene.base.listener(listener).unwrap().enable();
        assert_eq!(scene.run(Run::DEFAULT), None);
        assert_eq!(scene.app.accepted.len(), 2);
        let opened = |client| scene.app.events(client) == [ConnEvent::Opened];
        assert!(opened(first) && opened(second));
    });
}
