//! Checks the dependencies of packages. A server on real sockets must not depend on the simulator, and a published
//! package must not depend on tests or examples.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::root;

/// The simulator's dependencies that a server on real sockets must not have. Each name stands for a family of
/// packages: `embassy` includes `embassy-net`, and `toml` includes `toml_parser`.
const SIMULATOR: [&str; 12] = [
    "backtrace",
    "clap",
    "embassy",
    "gimli",
    "maud",
    "picoevent-embassy",
    "picoevent-sim",
    "serde",
    "serde_json",
    "smoltcp",
    "toml",
    "winnow",
];

/// The packages for other projects. They are published.
pub(crate) const PRODUCT: [&str; 12] = [
    "picoevent",
    "picoevent-command",
    "picoevent-dns",
    "picoevent-embassy",
    "picoevent-http",
    "picoevent-http-files",
    "picoevent-mio",
    "picoevent-mqtt",
    "picoevent-recording",
    "picoevent-sim",
    "picoevent-sim-support",
    "picoevent-sntp",
];

#[test]
fn a_server_on_real_sockets_does_not_depend_on_the_simulator() {
    let tree = tree("picoevent-mio");
    assert!(tree.contains_key("mio") && tree.contains_key("picoevent"), "{tree:?}");
    for server in ["picoevent-mio", "picoevent-recording", "desk", "hello-world", "echo"] {
        let carried = of_the_simulator(server);
        assert!(carried.is_empty(), "{server} depends on {carried:?}");
    }
}

/// If a name in [`SIMULATOR`] matched no package, the other tests would pass for the wrong reason.
#[test]
fn the_simulator_is_recognised_by_each_name() {
    let carried = of_the_simulator("picoevent-sim");
    let missing: Vec<_> = SIMULATOR
        .into_iter()
        .filter(|name| !carried.iter().any(|carried| is_of_family(carried, name)))
        .collect();
    assert!(missing.is_empty(), "the simulator has {carried:?}, without {missing:?}");
}

#[test]
fn the_product_depends_on_no_package_of_tests_or_examples() {
    let apart = [root().join("tests"), root().join("examples")];
    for package in PRODUCT {
        for (name, path) in tree(package) {
            let found = apart.iter().any(|folder| Path::new(&path).starts_with(folder));
            assert!(!found, "{package} depends on {name} in {path}");
        }
    }
}

/// Returns the simulator's packages among the dependencies of a package.
fn of_the_simulator(package: &str) -> Vec<String> {
    let names = tree(package).into_keys();
    names.filter(|name| SIMULATOR.iter().any(|family| is_of_family(name, family))).collect()
}

fn is_of_family(name: &str, family: &str) -> bool {
    name.strip_prefix(family).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
}

/// Returns the names of a package and of all its normal dependencies, with all features. The value of a name is the
/// folder of the package, if the package is in this repository.
fn tree(package: &str) -> BTreeMap<String, String> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["tree", "--offline", "--locked", "--edges", "normal", "--all-features"]);
    cargo.args(["--prefix", "none", "--package", package]);
    let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    let packages = lines.lines().map(|line| {
        let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
        let path = rest.split_once('(').and_then(|(_, path)| path.split_once(')'));
        (name.to_owned(), path.map_or(String::new(), |(path, _)| path.to_owned()))
    });
    // If a package was already listed, cargo prints `(*)` instead of its folder.
    packages.filter(|(_, path)| path != "*").collect()
}
