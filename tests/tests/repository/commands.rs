//! Checks `docs/commands.md`, the list of all commands in the documents. Every command in the documents must be in the
//! list. For each command, the list must name a test that runs it, or a reason why no test runs it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use clap::Parser;
use xtask::command_line::CommandLine;

use crate::{documents, root};

const LIST: &str = "docs/commands.md";

/// A row of the list.
struct Row {
    /// The command. If the text ends with a space and an ellipsis, it is only the beginning of a command.
    command: String,
    tried_by: String,
}

impl Row {
    fn is_about(&self, command: &str) -> bool {
        match self.command.strip_suffix('…') {
            Some(begin) => command.starts_with(begin.trim_end()),
            None => self.command == command,
        }
    }
}

#[test]
fn commands_in_documents_and_in_the_list_are_the_same() {
    let (list, commands) = (list(), commands());
    assert!(commands.len() > 60, "the documents have another form than this test knows");
    let missing: Vec<_> =
        commands.iter().filter(|(_, text)| !list.iter().any(|row| row.is_about(text))).collect();
    assert!(missing.is_empty(), "{LIST} does not say what tries {missing:#?}");
    let unused = list.iter().find(|row| !commands.iter().any(|(_, text)| row.is_about(text)));
    let unused = unused.map(|row| &row.command);
    assert_eq!(unused, None, "no document has this command of {LIST}");
}

#[test]
fn each_listed_command_names_an_existing_test_or_a_reason() {
    for Row { command, tried_by } in list() {
        if let Some(why) = tried_by.strip_prefix("not run: ") {
            assert!(why.len() > 5, "why is {command} not run?");
            continue;
        }
        for file in tried_by.split(", ") {
            let file = file.trim_matches('`');
            assert!(
                root().join(file).exists(),
                "{file}, which is to try {command}, does not exist"
            );
        }
    }
}

#[test]
fn commands_of_xtask_are_understood() {
    for (document, command) in commands() {
        let Some(words) = command.strip_prefix("cargo xtask ") else { continue };
        // A command with optional parts, an ellipsis or a line continuation cannot be parsed, so it is skipped.
        let words = words.split(" | ").next().unwrap();
        if words.contains(['[', '…', '\\']) {
            continue;
        }
        let line = ["cargo xtask"].into_iter().chain(words.split_whitespace());
        let read = CommandLine::try_parse_from(line);
        assert!(read.is_ok(), "{document} has {command}: {}", read.unwrap_err());
    }
}

fn list() -> Vec<Row> {
    let text = fs::read_to_string(root().join(LIST)).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    let rows = rows.map(|line| {
        let [command, tried_by] = &documents::cells(line)[..] else {
            panic!("{LIST} has a row of another form: {line}")
        };
        Row { command: command.trim_matches('`').to_owned(), tried_by: tried_by.clone() }
    });
    rows.collect()
}

/// Returns every command in the documents, each with the name of its document. Comments are removed from the commands.
fn commands() -> BTreeSet<(String, String)> {
    let mut commands = BTreeSet::new();
    documents::all(&root(), &mut |file: &Path| {
        let text = fs::read_to_string(file).unwrap();
        let name = file.strip_prefix(root()).unwrap().display().to_string();
        let blocks = text.split("```console\n").skip(1).filter_map(|rest| rest.split("```").next());
        for line in blocks.flat_map(str::lines).filter_map(|line| line.trim().strip_prefix("$ ")) {
            let command = line.split(" # ").next().unwrap();
            let words: Vec<_> = command.split_whitespace().collect();
            commands.insert((name.clone(), words.join(" ")));
        }
    });
    commands
}
