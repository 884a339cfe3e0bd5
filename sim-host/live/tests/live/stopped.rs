//! A process that is stopped for a while, and then continues.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use picoevent::{ConnEnd, ConnMut, Protocol};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

use crate::support::{ANY_PORT, client, pool, run};

/// The idle timeout of the connection.
const TIMEOUT: Duration = Duration::from_millis(300);

/// Greets its client. Sends the word `read` when it receives something, and ends the loop.
struct Greeter;

impl Protocol<()> for Greeter {
    const IDLE: Option<Duration> = Some(TIMEOUT);

    fn opened((): &mut (), conn: &mut ConnMut<()>) {
        conn.write(b"hello").unwrap();
    }

    fn readable((): &mut (), conn: &mut ConnMut<()>) {
        conn.consume(usize::MAX);
        conn.write(b"read").unwrap();
        conn.close();
    }

    fn ended((): &mut (), conn: &mut ConnMut<()>, _: ConnEnd) {
        conn.cx().exit();
    }
}

#[test]
#[ignore = "it is run by the test below, in a separate process"]
fn the_process_that_is_stopped() {
    run::<1, _>(&mut (), |live, base, ()| {
        let pool = pool(base);
        let listener = base.listen::<Greeter>(ANY_PORT, pool).unwrap();
        live.settle(base).unwrap();
        println!("\n{}", live.local_addr(listener).unwrap());
    });
}

/// Returns whether all threads of a process are asleep or have ended, so the loop waits for events.
fn is_asleep(process: Pid) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
    threads.flatten().all(|thread| {
        let status = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        // The state follows the name of the thread, which is in parentheses.
        status.rsplit_once(") ").is_none_or(|(_, rest)| !rest.starts_with('R'))
    })
}

/// A signal ends the wait of a process that was stopped and continues. Input that arrived meanwhile must be reported,
/// although the timeout has passed.
#[test]
fn input_that_arrived_while_the_process_was_stopped_comes_before_the_timeout() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "--ignored", "--nocapture", "stopped::the_process_that_is_stopped"]);
    let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let address = lines.by_ref().map_while(Result::ok).find_map(|line| line.parse().ok());
    let mut client = client(address.expect("the process prints its address"));
    let mut greeting = [0; 5];
    client.read_exact(&mut greeting).unwrap();

    let pid = Pid::from_child(&process);
    while !is_asleep(pid) {
        thread::yield_now();
    }
    kill_process(pid, Signal::STOP).unwrap();
    let (_, status) = waitpid(Some(pid), WaitOptions::UNTRACED).unwrap().unwrap();
    // On a slow host, the timeout may have ended the connection and the process. In this case, there is nothing to
    // check.
    if status.stopped() {
        client.write_all(b"x").unwrap();
        thread::sleep(TIMEOUT * 2);
        kill_process(pid, Signal::CONT).unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "read");
    }
    drop(client);
    process.wait().unwrap();
}
