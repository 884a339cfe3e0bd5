//! nginx and lighttpd: runs the tests of the HTTP client against these servers, on real sockets.

use anyhow::Result;

use super::{Program, environment::Environment};
use crate::{command, workspace};

pub(super) const NGINX: Program = Program {
    name: "nginx",
    needs: &[("nginx", "nginx-light")],
    run: |_: &Environment| run("nginx"),
};

pub(super) const LIGHTTPD: Program = Program {
    name: "lighttpd",
    needs: &[("lighttpd", "lighttpd")],
    run: |_: &Environment| run("lighttpd"),
};

fn run(server: &str) -> Result<String> {
    let mut cargo = command::cargo(&workspace::root());
    cargo.args(["test", "--release", "--package", "picoevent-http", "--test", "servers", "--"]);
    command::run(cargo.args(["--ignored", server]))?;
    Ok("GET, HEAD, 404, a range, a redirect, 1 MB down, keep-alive, by our client".to_owned())
}
