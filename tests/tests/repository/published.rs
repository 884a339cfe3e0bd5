//! Checks that each package for other projects can be published. It must have a description, it must be complete, and
//! it must depend only on published packages.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::packages::PRODUCT;
use crate::root;

/// The crates.io categories of the packages here. Without this list, only the registry would detect a wrong category.
const CATEGORIES: [&str; 14] = [
    "asynchronous",
    "command-line-utilities",
    "date-and-time",
    "development-tools::build-utils",
    "development-tools::cargo-plugins",
    "development-tools::debugging",
    "development-tools::testing",
    "embedded",
    "network-programming",
    "no-std::no-alloc",
    "simulation",
    "web-programming::http-client",
    "web-programming::http-server",
    "web-programming::websocket",
];

#[test]
fn the_published_packages_are_those_that_others_depend_on() {
    let mut names: Vec<_> = published().iter().map(|package| text(package, "name")).collect();
    names.sort();
    assert_eq!(names, PRODUCT);
}

#[test]
fn nothing_of_the_other_workspaces_is_published() {
    for folder in ["examples/boards", "examples/boards/esp32", "tests/fuzz", "tests/no-panic"] {
        let packages = packages(&root().join(folder));
        assert!(!packages.is_empty());
        for package in packages {
            assert_eq!(package["publish"], Value::Array(Vec::new()), "{}", package["name"]);
        }
    }
}

#[test]
fn a_published_package_says_what_it_is() {
    for package in published() {
        let name = text(&package, "name");
        assert!(text(&package, "description").len() > 20, "{name}");
        assert_eq!(text(&package, "license"), "MIT OR Apache-2.0", "{name}");
        assert!(!text(&package, "rust_version").is_empty(), "{name}");
        assert_eq!(text(&package, "documentation"), format!("https://docs.rs/{name}"));
        assert_eq!(text(&package, "readme"), "README.md", "{name}");
        let keywords = list(&package, "keywords");
        assert!((1..=5).contains(&keywords.len()), "{name} has {keywords:?}");
        for word in keywords {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-+".contains(&byte);
            assert!(word.len() <= 20 && word.bytes().all(allowed), "{name} has {word:?}");
        }
        let categories = list(&package, "categories");
        assert!((1..=5).contains(&categories.len()), "{name} has {categories:?}");
        for category in categories {
            assert!(CATEGORIES.contains(&&*category), "{name} has {category:?}");
        }
        assert_eq!(package["metadata"]["docs"]["rs"]["all-features"], true, "{name}");
    }
}

#[test]
fn a_published_package_contains_its_front_page_and_the_licences() {
    for package in published() {
        let (name, folder) = (text(&package, "name"), folder(&package));
        let page = fs::read_to_string(folder.join("README.md")).unwrap();
        assert!(page.starts_with(&format!("# {name}\n")), "{name}");
        for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
            let here = fs::read(folder.join(licence)).expect(&name);
            assert_eq!(here, fs::read(root().join(licence)).unwrap(), "{name}: {licence}");
        }
    }
}

/// A registry shows the README of a package (its front page) without the other files of the repository. So relative
/// links would not work.
#[test]
fn the_links_of_a_front_page_work_from_anywhere() {
    let mut links = 0;
    for package in published() {
        let name = text(&package, "name");
        let page = fs::read_to_string(folder(&package).join("README.md")).unwrap();
        for link in page.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            assert!(link.starts_with("https://"), "{name} links to {link}");
            let ours =
                link.strip_prefix("https://docs.rs/").filter(|to| to.starts_with("picoevent"));
            let known = ours.is_none_or(|to| PRODUCT.contains(&to));
            assert!(known, "{name} links to {link}, which is not published");
            links += 1;
        }
    }
    assert!(links > PRODUCT.len(), "this test knows another form of links");
}

/// The path of a dependency works only in this repository, so a published package must also state the dependency's
/// version.
#[test]
fn a_published_package_needs_only_published_ones_of_their_version() {
    for package in published() {
        let (name, version) = (text(&package, "name"), text(&package, "version"));
        for needed in package["dependencies"].as_array().unwrap() {
            let (other, wanted) = (text(needed, "name"), text(needed, "req"));
            if needed["path"].is_null() || (needed["kind"] == "dev" && wanted == "*") {
                continue;
            }
            assert!(PRODUCT.contains(&&*other), "{name} needs {other}, which is not published");
            assert_eq!(wanted, format!("^{version}"), "{name} needs {other}");
        }
    }
}

/// Returns the published packages of the main workspace.
fn published() -> Vec<Value> {
    packages(&root()).into_iter().filter(|package| package["publish"].is_null()).collect()
}

/// Returns all packages of a workspace, as `cargo metadata` describes them.
fn packages(workspace: &Path) -> Vec<Value> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--format-version", "1", "--no-deps", "--offline"]);
    let output = cargo.current_dir(workspace).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let described: Value = serde_json::from_slice(&output.stdout).unwrap();
    described["packages"].as_array().unwrap().clone()
}

fn folder(package: &Value) -> PathBuf {
    Path::new(&text(package, "manifest_path")).parent().unwrap().to_owned()
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

fn list(value: &Value, field: &str) -> Vec<String> {
    let list = value[field].as_array().unwrap();
    list.iter().map(|item| item.as_str().unwrap_or_default().to_owned()).collect()
}
