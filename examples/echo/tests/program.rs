//! Tests the program as a process on a host.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::thread;

use desk::program::{Program, read_all};

const SERVER: &str = env!("CARGO_BIN_EXE_echo");

fn pattern(seed: usize) -> Vec<u8> {
    (0..1 << 20).map(|at| ((at + seed) * 31 % 251) as u8).collect()
}

#[test]
fn four_clients_at_once_each_get_a_megabyte_back_unchanged() {
    let server = Program::start(SERVER);
    thread::scope(|scope| {
        for seed in 0..4 {
            let mut client = server.connect();
            scope.spawn(move || {
                let mut sender = client.try_clone().unwrap();
                let sending = thread::spawn(move || sender.write_all(&pattern(seed)).unwrap());
                let mut echoed = vec![0; pattern(seed).len()];
                client.read_exact(&mut echoed).unwrap();
                assert!(echoed == pattern(seed), "it came back changed");
                sending.join().unwrap();
                // End the stream only now. The server closes the connection when the client's stream ends. After the
                // close, the server delivers the remaining output for at most ten seconds.
                client.shutdown(Shutdown::Write).unwrap();
                assert_eq!(read_all(&mut client), []);
            });
        }
    });
}

#[test]
fn an_interrupt_ends_the_server() {
    let server = Program::start(SERVER);
    server.interrupt();
    let (status, lines) = server.wait();
    assert_eq!(status.code(), Some(0));
    assert_eq!(lines.last().map(String::as_str), Some("done"));
}
