//! Runs the application in a thousand simulations, with lost frames, links that go down and up, and different clients.

use app::{App, CLIENTS, PORT, Storage};
use picoevent_sim::world::{Script, Size, Sockets, TestCase};

/// The memory of the firmware.
const BOARD: Size<App> = Size::of(
    CLIENTS,
    Storage::new,
    Sockets::<{ CLIENTS.conns() + 1 }, 128, 128>::new,
);

#[test]
fn serves_in_every_simulation() {
    TestCase::new("app", PORT, App::default, App::start)
        .sizes(&[BOARD])
        .client(|choices| {
            let level = choices.up_to(100);
            // `what` is not a command. The four error messages do not fit into the output ring at once.
            let script = Script::new()
                .send(format!("set {level}\nget\n{}", "what\n".repeat(4)).as_bytes())
                .expect_pattern("ok\n<digits>\n")
                .expect("error: get, set LEVEL, quit\n".repeat(4).as_bytes())
                .may_end_with(b"busy\n");
            match choices.up_to(2) {
                0 => script.send(b"quit\n").expect(b"bye\n").expect_end(),
                _ => script.finish().expect_end(),
            }
        })
        .check(0..1000);
}
