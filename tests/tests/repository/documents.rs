//! Checks that the documents name existing tests, and that their links are valid.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::{root, sources};

#[test]
fn every_test_that_from_libevent_md_names_exists() {
    let named = named_in("docs/from-libevent.md");
    assert!(named.len() > 100, "the tables have another form than this test knows: {named:?}");
    assert_exist(&named);
}

#[test]
fn every_test_that_regress_md_names_exists() {
    let named = named_in("docs/regress.md");
    assert!(named.len() > 60, "the tables have another form than this test knows: {named:?}");
    assert_exist(&named);
}

/// The map is `docs/from-libevent.md`. It must have a row for each public function of libevent.
#[test]
fn every_public_function_of_libevent_is_in_the_map() {
    let names: BTreeSet<_> = include_str!("libevent.txt")
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .map(str::to_owned)
        .collect();
    assert!(names.len() > 200, "the list has another form than this test knows");
    let verdicts = ["same", "different", "not applicable", "left out"];
    let judged: BTreeSet<_> = rows("docs/from-libevent.md")
        .into_iter()
        .filter(|row| verdicts.iter().any(|verdict| row[1].starts_with(verdict)))
        .flat_map(|row| in_backticks(&row[0]))
        .map(|call| call.split(['(', ' ']).next().unwrap_or_default().to_owned())
        .collect();
    let missing: Vec<_> = names.difference(&judged).collect();
    assert!(missing.is_empty(), "no row says what has become of {missing:?}");
}

/// The list is `docs/regress.md`. It must have a row for each test in `core/tests/regress` and in
/// `sim-host/live/tests/regress`.
#[test]
fn every_test_taken_from_libevent_is_in_the_list() {
    let named = named_in("docs/regress.md");
    let on_a_desk: BTreeSet<_> = rows("docs/regress.md")
        .into_iter()
        .filter(|row| row[row.len() - 2] == "yes")
        .map(|row| row[0].trim_matches('`').to_owned())
        .collect();
    assert!(tests_in("core/tests/regress").is_subset(&named));
    assert_eq!(tests_in("sim-host/live/tests/regress"), on_a_desk);
}

#[test]
fn every_link_between_documents_has_a_target() {
    let mut links = 0;
    all(&root(), &mut |file| {
        let text = without_code(&fs::read_to_string(file).unwrap());
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            links += 1;
            let (path, heading) = link.split_once('#').unwrap_or((link, ""));
            let to = if path.is_empty() { file.into() } else { file.parent().unwrap().join(path) };
            assert!(to.exists(), "{} links to {link}", file.display());
            let found = heading.is_empty() || headings(&to).contains(heading);
            assert!(found, "{} links to {link}, which is no heading", file.display());
        }
    });
    assert!(links > 100, "the documents have another form than this test knows");
}

/// Returns the headings of a document in the form that links use.
fn headings(document: &Path) -> BTreeSet<String> {
    let text = without_code(&fs::read_to_string(document).unwrap());
    let headings = text.lines().filter_map(|line| line.trim_start_matches('#').strip_prefix(' '));
    let named = headings.map(|heading| {
        let kept = heading.to_lowercase().replace(' ', "-");
        kept.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect()
    });
    named.collect()
}

/// Removes the code blocks from a document.
fn without_code(text: &str) -> String {
    text.split("```").step_by(2).collect()
}

#[track_caller]
fn assert_exist(named: &BTreeSet<String>) {
    let folders = ["core", "hal-embassy", "sim-host", "examples", "tests"];
    let tests: BTreeSet<_> = folders.into_iter().flat_map(tests_in).collect();
    let missing: Vec<_> = named.difference(&tests).collect();
    assert!(missing.is_empty(), "there are no tests {missing:?}");
}

/// Returns the names of tests in a document. The names are in backticks, in the last cells of table rows.
fn named_in(document: &str) -> BTreeSet<String> {
    let rows = rows(document);
    for row in &rows {
        let cell = row.last().unwrap();
        assert!(cell == "–" || cell.contains('`'), "a row names neither a test nor none: {row:?}");
    }
    rows.iter().filter_map(|row| row.last()).flat_map(|cell| in_backticks(cell)).collect()
}

fn in_backticks(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Returns the rows of all tables whose last column is *test*, as cells.
fn rows(document: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(root().join(document)).unwrap();
    let tables = text.split("\n\n").filter(|part| part.starts_with('|'));
    let of_tests = tables.filter(|table| table.lines().next().unwrap().ends_with("| test |"));
    of_tests.flat_map(|table| table.lines().skip(2)).map(cells).collect()
}

/// Splits a row into cells. A bar after a backslash belongs to the cell.
pub(crate) fn cells(row: &str) -> Vec<String> {
    let row = row.trim().trim_matches('|').replace("\\|", "\\");
    row.split('|').map(|cell| cell.trim().replace('\\', "|")).collect()
}

/// Calls `pass` for every document in a folder and its subfolders, except changelogs. Skips hidden folders, build
/// output and `node_modules`.
pub(crate) fn all(folder: &Path, pass: &mut impl FnMut(&Path)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy();
        let is_ours = !name.starts_with('.') && name != "target" && name != "node_modules";
        if path.is_dir() && is_ours {
            all(&path, pass);
        } else if name.ends_with(".md") && name != "CHANGELOG.md" {
            pass(&path);
        }
    }
}

/// Returns the names of all test functions in a folder's Rust files.
fn tests_in(folder: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for text in sources(folder) {
        let functions = text.split("#[test]\n").skip(1).filter_map(|test| {
            let (_, function) = test.split_once("fn ")?;
            Some(function.split_once("()")?.0.to_owned())
        });
        names.extend(functions);
        // The macro makes tests with the names of its scenarios, so each name in its list is the name of a test.
        let lists =
            text.split("on_every_back_end! {").skip(1).filter_map(|list| list.split('}').next());
        names.extend(lists.flat_map(|list| list.split(',')).map(|name| name.trim().to_owned()));
    }
    names
}
