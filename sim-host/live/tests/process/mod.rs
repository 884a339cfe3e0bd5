//! Runs a test of this program in a separate process, with a time limit.

use std::io::Read;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Runs a command. Returns its status and its output; `None` if the process has not ended within the limit and was
/// killed.
pub fn run_within(limit: Duration, command: &mut Command) -> Option<(ExitStatus, String)> {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let (sender, receiver) = mpsc::channel();
    let mut stdout = child.stdout.take().unwrap();
    thread::spawn(move || {
        let mut output = Vec::new();
        let _ = stdout.read_to_end(&mut output);
        let _ = sender.send(String::from_utf8_lossy(&output).into_owned());
    });
    // The output ends when the process ends.
    let output = receiver.recv_timeout(limit).ok();
    if output.is_none() {
        child.kill().unwrap();
    }
    let status = child.wait().unwrap();
    output.map(|output| (status, output))
}

#[test]
fn a_process_that_does_not_end_is_killed() {
    // `cat` copies its input. The input does not end, because `run_within` keeps the pipe of the input open.
    let mut endless = Command::new("cat");
    assert_eq!(run_within(Duration::from_millis(1), endless.stdin(Stdio::piped())), None);
    let ended = run_within(Duration::from_secs(60), Command::new("echo").arg("1 passed"));
    assert!(ended.is_some_and(|(status, output)| status.success() && output == "1 passed\n"));
}
