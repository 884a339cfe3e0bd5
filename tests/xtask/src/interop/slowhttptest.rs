//! slowhttptest: two hundred attackers connect to a device that serves at most eight clients at once. One well-behaved
//! client must still receive answers.

use std::{
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};

use super::{Program, environment::Environment};
use crate::{command, process::Process};

pub(super) const SLOWHTTPTEST: Program =
    Program { name: "slowhttptest", needs: &[("slowhttptest", "slowhttptest")], run };

/// The modes: slow heads, slow bodies, many ranges, and slow reading of a long answer.
const MODES: [(&str, &[&str]); 4] = [
    ("heads", &["-H", "-i", "2", "-x", "24"]),
    ("bodies", &["-B", "-i", "2", "-s", "8192", "-t", "PUT"]),
    ("ranges", &["-R", "-a", "1", "-b", "200"]),
    ("reading", &["-X", "-w", "10", "-y", "20", "-n", "2", "-z", "4"]),
];
/// The duration of each mode.
const LASTS: Duration = Duration::from_secs(15);
/// The time limit of an answer.
const ANSWER: Duration = Duration::from_secs(1);
/// The time between two attempts.
const PAUSE: Duration = Duration::from_millis(100);

fn run(environment: &Environment) -> Result<String> {
    let mut results = Vec::new();
    for (name, words) in MODES {
        let device = environment.device()?;
        let path = match name {
            "bodies" => "/upload",
            "reading" => "/download/1000000",
            _ => "/settings",
        };
        let mut attack = Command::new("slowhttptest");
        let seconds = LASTS.as_secs().to_string();
        attack.args(["-c", "200", "-r", "200", "-p", "3", "-l", &seconds]).args(words);
        attack.args(["-u", &device.url(path)]).stdout(Stdio::null()).stderr(Stdio::null());
        println!("$ {}", command::describe(&attack));
        let attack = Process::spawn(&mut attack, Some(2 * LASTS))?;
        let (began, mut tries, mut answered, mut served) = (Instant::now(), 0_u32, 0_u32, 0_u32);
        while attack.status()?.is_none() && began.elapsed() < LASTS {
            tries += 1;
            if let Ok(answer) = device.get("/settings", ANSWER) {
                answered += u32::from(answer.starts_with("HTTP/1.1 "));
                served += u32::from(answer.starts_with("HTTP/1.1 200 "));
            }
            thread::sleep(PAUSE);
        }
        attack.kill();
        println!("{name}: {tries} tries, {answered} answered, {served} of them served");
        ensure!(tries >= 10, "{name}: there were only {tries} tries");
        ensure!(answered * 100 >= tries * 95, "{name}: {answered} of {tries} tries were answered");
        results.push(format!("{name} {served} of {tries} ({answered} answered)"));
        // The device must free all its connections within ten seconds.
        device.end()?;
    }
    Ok(format!("200 attackers; within 1 s a normal client was served: {}", results.join(", ")))
}
