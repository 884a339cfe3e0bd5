//! mosquitto, for the client of MQTT: its tests on real sockets.

use anyhow::Result;

use super::{Program, stage::Stage};
use crate::{command, workspace};

pub(super) const MOSQUITTO: Program = Program {
    name: "mosquitto",
    needs: &[("mosquitto", "mosquitto"), ("mosquitto_passwd", "mosquitto")],
    run,
};

fn run(_: &Stage) -> Result<String> {
    let mut cargo = command::cargo(&workspace::root());
    cargo.args(["test", "--release", "--package", "picoevent-mqtt", "--", "--ignored"]);
    command::run(&mut cargo)?;
    Ok("the tests of `core/protocols/mqtt/tests/interop.rs`".to_owned())
}
