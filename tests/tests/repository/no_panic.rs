//! Checks that the program `tests/no-panic` calls all public functions of the core and of the protocols. This program
//! links only if none of the functions that it calls can panic.

use std::collections::BTreeSet;
use std::fs;

use crate::{root, sources};

#[test]
fn every_public_function_of_the_core_and_the_protocols_is_in_the_image() {
    let image = sources("tests/no-panic/src").concat();
    let protocols = fs::read_dir(root().join("core/protocols")).unwrap();
    let protocols = protocols.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let folders = protocols.map(|name| format!("core/protocols/{name}/src"));
    let sources = folders.chain(["core/src".into()]).flat_map(|folder| sources(&folder));
    let names: BTreeSet<_> = sources.flat_map(|source| functions(&source)).collect();
    assert!(names.len() > 80, "functions are written in another way than this test knows");
    let is_called = |name: &String| {
        let called = [format!(".{name}("), format!(".{name}::<")];
        let function = format!("::{name}");
        called.iter().any(|call| image.contains(call)) || followed_by_no_letter(&image, &function)
    };
    let missing: Vec<_> = names.iter().filter(|name| !is_called(name)).collect();
    assert!(missing.is_empty(), "tests/no-panic does not call {missing:?}");
}

/// Returns the names of the public functions in a source, without its tests.
fn functions(source: &str) -> Vec<String> {
    let (source, _) = source.split_once("#[cfg(test)]").unwrap_or((source, ""));
    let lines = source.lines().map(str::trim_start);
    let heads = lines.filter_map(|line| {
        line.strip_prefix("pub fn ").or_else(|| line.strip_prefix("pub const fn "))
    });
    let name = |head: &str| head.split(['(', '<']).next().unwrap_or_default().to_owned();
    heads.map(name).collect()
}

/// Returns whether `text` occurs in `image`, and not as the beginning of a longer name.
fn followed_by_no_letter(image: &str, text: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    image.match_indices(text).any(|(at, _)| !image[at + text.len()..].starts_with(is_name))
}
