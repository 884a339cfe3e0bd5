//! Checks that code and documents do not use words that were replaced by plainer words.

use std::fs;
use std::process::Command;

use super::root;

/// Words that must not be used in this repository, each with the word to use instead. The list has only words that have
/// no other meaning here. The test also finds these words in upper case, as plurals and as parts of names.
const WORDS: [(&str, &str); 27] = [
    ("aging", "expiry queue"),
    ("attention", "slow-path flag"),
    ("bell", "waker"),
    ("calm", "quiet phase"),
    ("chore", "on-fire flags"),
    ("contestant", "contender"),
    ("doubling", "duplication"),
    ("farewell", "linger timeout"),
    ("lab", "simulator"),
    ("mail", "pending action bits"),
    ("manieth", "sequence number"),
    ("manner", "client behaviour"),
    ("mild", "undisturbed"),
    ("mischief", "attack"),
    ("narrator", "log observer"),
    ("news", "report, or new event"),
    ("patience", "idle timeout, or blocking mode"),
    ("poor", "below backlog"),
    ("rich", "above backlog"),
    ("roll call", "socket-leak check"),
    ("rough", "fault phase"),
    ("seeing", "log observer"),
    ("strays", "attacker, or stray segments"),
    ("subject", "test case, or the object"),
    ("tape", "choice log"),
    ("trial", "test case"),
    ("vandal", "attacker"),
];

/// This file. It is the only file that may contain the words.
const TABLE: &str = "tests/tests/repository/language.rs";

#[test]
fn no_file_uses_a_replaced_word() {
    let mut problems = Vec::new();
    for file in tracked().iter().filter(|file| *file != TABLE) {
        problems.extend(
            found(file)
                .map(|(word, instead)| format!("the name {file} has {word:?}: use {instead:?}")),
        );
        let Ok(text) = fs::read_to_string(root().join(file)) else { continue };
        for (number, line) in text.lines().enumerate() {
            problems.extend(found(line).map(|(word, instead)| {
                format!("{file}:{} has {word:?}: use {instead:?}", number + 1)
            }));
        }
    }
    assert!(problems.is_empty(), "words that were replaced:\n{}", problems.join("\n"));
}

#[test]
fn no_file_has_the_markers_of_a_merge_conflict() {
    // The markers of a merge conflict are built at run time, so that this file does not contain them.
    let markers = ["<", ">"].map(|sign| format!("{} ", sign.repeat(7)));
    let mut problems = Vec::new();
    for file in tracked() {
        let Ok(text) = fs::read_to_string(root().join(&file)) else { continue };
        let marked = |line: &str| markers.iter().any(|marker| line.starts_with(marker));
        let lines = text.lines().enumerate().filter(|(_, line)| marked(line));
        problems.extend(lines.map(|(number, _)| format!("{file}:{}", number + 1)));
    }
    assert!(problems.is_empty(), "an unresolved merge conflict:\n{}", problems.join("\n"));
}

#[test]
fn replaced_words_are_found_in_names_and_plurals_but_not_inside_other_words() {
    let words = |text: &str| found(text).map(|(word, _)| word).collect::<Vec<_>>();
    assert_eq!(words("fn shrinks_a_tape(tapes: &[NarratorLog])"), ["narrator", "tape"]);
    assert_eq!(words("//! The Roll-Call of all sockets"), ["roll call"]);
    assert_eq!(words("call_roll and roll_call"), ["roll call"]);
    assert_eq!(words("a label that is available, tapered and industrial"), [""; 0]);
}

/// Returns the table entries whose words are in a text.
fn found(text: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let text = format!(" {} ", split(text));
    let has =
        move |word: &str| [" ", "s "].iter().any(|end| text.contains(&format!(" {word}{end}")));
    WORDS.into_iter().filter(move |(word, _)| has(word))
}

/// Returns a text's words in lower case with single spaces between them. Names in snake case, kebab
/// case and camel case are split into their words.
fn split(text: &str) -> String {
    let mut words = String::new();
    let mut before = ' ';
    for letter in text.chars() {
        if letter.is_uppercase() && before.is_lowercase() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase().map(|lower| match lower.is_alphabetic() {
            true => lower,
            false => ' ',
        }));
        before = letter;
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns the tracked files that are written by people.
fn tracked() -> Vec<String> {
    let mut git = Command::new("git");
    git.current_dir(root())
        .args(["ls-files", "--", "*.rs", "*.md", "*.toml", "*.patch", "*.c", "*.h"]);
    let output = git.output().expect("git lists the files of this repository");
    assert!(output.status.success(), "git: {}", String::from_utf8_lossy(&output.stderr));
    let files: Vec<_> =
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    assert!(files.len() > 500, "git lists too few files: {}", files.len());
    files
}
