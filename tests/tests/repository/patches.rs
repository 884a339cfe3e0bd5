//! Checks that all planted bugs, which are patches, apply to the current code.

use std::fs;
use std::process::Command;

use xtask::workspace;

#[test]
fn every_planted_bug_applies() {
    for folder in ["tests/mutants", "tests/oracle/bugs"] {
        let entries = fs::read_dir(workspace::root().join(folder)).expect(folder);
        let patches = entries.flatten().map(|entry| entry.path());
        let patches: Vec<_> =
            patches.filter(|path| path.extension().is_some_and(|is| is == "patch")).collect();
        assert!(!patches.is_empty(), "{folder} is empty");
        for patch in patches {
            let mut git = Command::new("git");
            git.current_dir(workspace::root()).args(["apply", "--check"]).arg(&patch);
            let checked = git.output().expect("git is there");
            let errors = String::from_utf8_lossy(&checked.stderr);
            assert!(checked.status.success(), "{}: {errors}", patch.display());
        }
    }
}
