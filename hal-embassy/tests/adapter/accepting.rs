//! Listening and accepting: the backlog, and what waits for the base to have room.

mod world;

use smoltcp::socket::tcp::State;
use world::World;
use world::app::App;

fn serving(mut world: World) -> World {
    world.command(|_, cx| {
        let _ = App::listen(cx, "0.0.0.0:9995");
    });
    world
}

#[test]
fn a_client_is_greeted_and_closed() {
    let mut world = World::new();
    world.command(|app, cx| {
        app.greeting = Some(b"Hello, World!\n".to_vec());
        App::listen(cx, "0.0.0.0:9995");
    });
    let call = world.call();
    assert_eq!(world.peer.receive(call), b"Hello, World!\n");
    assert_eq!(world.peer.state(call), State::CloseWait);
    world.peer.close(call);
    world.settle();
    assert_eq!(world.peer.state(call), State::Closed);
    assert!(!world.sent().iter().any(|segment| segment.rst));
}

#[test]
fn a_client_is_accepted() {
    let mut world = serving(World::new());
    let call = world.call();
    assert_eq!(world.peer.state(call), State::Established);
    assert_eq!(world.seen.borrow().accepted.len(), 1);
}
