//! Runs a test of this program in a separate process, with a time limit.

use std::io::Read;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Runs a command. Returns its status and its output; `None` if it has not ended within the limit and was killed.
pub fn run_within(limit: Duration, command: &mut Command) -> Option<(ExitStatus, String)> {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let (sender, receiver) = mpsc::channel();
    let mut stdout = child.stdout.take().unwrap();
    thread::spawn(move || {
        let mut said = Vec::new();
        let _ = stdout.read_to_end(&mut said);
        let _ = sender.send(String::from_utf8_lossy(&said).into_owned());
    });
    // The output ends when the process does.
    let said = receiver.recv_timeout(limit).ok();
    if said.is_none() {
        child.kill().unwrap();
    }
    let status = child.wait().unwrap();
    said.map(|said| (status, said))
}

#[test]
fn a_process_that_does_not_end_is_killed() {
    // It copies its input, which has no end while the command is held.
    let mut endless = Command::new("cat");
    assert_eq!(run_within(Duration::from_millis(1), endless.stdin(Stdio::piped())), None);
    let ended = run_within(Duration::from_secs(60), Command::new("echo").arg("1 passed"));
    assert!(ended.is_some_and(|(status, said)| status.success() && said == "1 passed\n"));
}
