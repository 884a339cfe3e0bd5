//! Checks that all dependencies come from crates.io and have licences that `deny.toml` allows.
//!
//! `deny.toml` is the configuration of cargo-deny, which also checks the dependencies for other targets. The build of
//! cargo-deny takes minutes, so cargo-deny runs in a separate job. This test uses only cargo.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::root;

#[test]
fn every_dependency_comes_from_the_registry() {
    let mut found = 0;
    for lock in ["", "examples/boards/", "examples/boards/esp32/", "tests/fuzz/", "tests/no-panic/"]
    {
        let text = fs::read_to_string(root().join(lock).join("Cargo.lock")).unwrap();
        for source in text.lines().filter_map(|line| line.strip_prefix("source = ")) {
            let registry = "\"registry+https://github.com/rust-lang/crates.io-index\"";
            assert_eq!(source, registry, "in the lock file of /{lock}");
            found += 1;
        }
    }
    assert!(found > 300, "the lock files have another form than this test knows");
}

#[test]
fn every_licence_is_allowed() {
    let rules = Rules::read();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--format-version", "1", "--offline", "--locked"]);
    // Without this option, cargo would need the packages for all other systems.
    cargo.args(["--filter-platform", &host()]);
    let output = cargo.current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let described: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = described["packages"].as_array().unwrap();
    assert!(packages.len() > 100, "cargo lists too few packages: {}", packages.len());
    for package in packages {
        let name = package["name"].as_str().unwrap();
        let licence = package["license"].as_str().unwrap_or("no licence");
        assert!(rules.allow(name, licence), "{name} has {licence}: see deny.toml");
    }
}

#[test]
fn expressions_of_licences_are_understood() {
    let rules = Rules {
        allowed: ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned).to_vec(),
        exceptions: BTreeMap::from([("tool".to_owned(), vec!["MPL-2.0".to_owned()])]),
    };
    for licence in
        ["MIT", "GPL-3.0 OR MIT", "MIT/GPL-3.0", "MIT AND ISC", "(GPL-3.0 OR MIT) AND ISC"]
    {
        assert!(rules.allow("x", licence), "{licence}");
    }
    assert!(rules.allow("x", "Apache-2.0 WITH LLVM-exception OR GPL-3.0"));
    for licence in
        ["", "GPL-3.0", "MIT AND GPL-3.0", "(MIT OR ISC) AND GPL-3.0", "MPL-2.0", "Apache-2.0"]
    {
        assert!(!rules.allow("x", licence), "{licence}");
    }
    assert!(rules.allow("tool", "MPL-2.0") && !rules.allow("tool", "GPL-3.0"));
}

/// Returns the host's target triple.
fn host() -> String {
    let output = Command::new("rustc").args(["--print", "host-tuple"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The licences that `deny.toml` allows. `allowed` is for all packages, and `exceptions` has additional licences for
/// single packages.
struct Rules {
    allowed: Vec<String>,
    exceptions: BTreeMap<String, Vec<String>>,
}

impl Rules {
    fn read() -> Self {
        let text = fs::read_to_string(root().join("deny.toml")).unwrap();
        let rules: toml::Table = text.parse().unwrap();
        let names = |list: &toml::Value| {
            let list = list["allow"].as_array().unwrap().iter();
            list.map(|name| name.as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let exceptions = rules["licenses"]["exceptions"].as_array().unwrap().iter();
        let exceptions =
            exceptions.map(|one| (one["crate"].as_str().unwrap().to_owned(), names(one)));
        Self { allowed: names(&rules["licenses"]), exceptions: exceptions.collect() }
    }

    /// Evaluates an SPDX expression. `/` is an older form of `OR`. `AND` binds more tightly than
    /// `OR`.
    fn allow(&self, package: &str, licence: &str) -> bool {
        if let (Some(open), Some(close)) = (licence.find('('), licence.rfind(')')) {
            let inner = self.allow(package, &licence[open + 1..close]);
            let stands_for = if inner { self.allowed[0].as_str() } else { "refused" };
            let flat = [&licence[..open], stands_for, &licence[close + 1..]].concat();
            return self.allow(package, &flat);
        }
        let exceptions = self.exceptions.get(package).into_iter().flatten();
        let known: Vec<_> = self.allowed.iter().chain(exceptions).collect();
        licence.replace('/', " OR ").split(" OR ").any(|choice| {
            choice.split(" AND ").all(|name| known.iter().any(|known| *known == name.trim()))
        })
    }
}
