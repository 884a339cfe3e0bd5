//! A plug-in in C is a contender like all other contenders. The tests use the plug-in `epoll`, which needs no library.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Compiles the plug-in into a separate file for this test. Returns the path of the file.
fn epoll(name: &str) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("c/epoll.c");
    let plugin = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.so"));
    let mut cc = Command::new("cc");
    cc.args(["-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o"]);
    let status =
        cc.arg(&plugin).arg(source).status().expect("there is a C compiler: it links Rust");
    assert!(status.success());
    plugin
}

fn run(plugin: &Path, words: &str) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_picoevent-loops"));
    program.args(words.split(' ')).arg("--plugin").arg(plugin);
    program.args(["--only", "epoll, level", "--only", "epoll, edge"]);
    program.output().unwrap()
}

#[test]
fn a_plugin_runs_in_each_round_over_every_kind_of_pair() {
    let plugin = epoll("iterations");
    for kind in ["eventfd", "sockets", "pipes"] {
        let words = format!("chain --kind {kind} --pairs 10 --tokens 3 --writes 100 --rounds 4");
        let output = run(&plugin, &words);
        assert!(output.status.success(), "{output:?}");
        let lines = String::from_utf8(output.stdout).unwrap();
        for name in ["epoll, level\t", "epoll, edge\t"] {
            assert_eq!(lines.lines().filter(|line| line.starts_with(name)).count(), 4, "{lines}");
        }
    }
}

#[test]
fn a_planted_fault_fails_the_run_and_is_reported() {
    let plugin = epoll("faults");
    for (fault, expected) in [("lost", "a token was lost"), ("wrong", "received a wrong byte")] {
        let words = format!("chain --kind sockets --pairs 10 --writes 100 --fault {fault}");
        let output = run(&plugin, &words);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.starts_with("error: epoll") && error.contains(expected), "{error}");
    }
}

#[test]
fn invalid_plugins_and_unknown_contenders_are_refused() {
    let plugin = epoll("refusals");
    let output = run(Path::new("/no/such/file.so"), "chain --pairs 10");
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("/no/such/file.so cannot be loaded"), "{error}");
    let output = run(&plugin, "timers --timers 10");
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("there is no contender \"epoll, level\": known are"), "{error}");
}

#[test]
fn a_ring_that_needs_too_many_descriptors_has_a_separate_exit_status() {
    let output = run(&epoll("limits"), "chain --kind sockets --pairs 2000000000 --rounds 1");
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("2000000000 pairs need 4000000064 descriptors"), "{error}");
}
