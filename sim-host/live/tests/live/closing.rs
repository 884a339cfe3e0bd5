//! How connections end, and what the peer has by then.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use picoevent::{Conn, ConnError, ConnEvent, Cx, Direction, FIN_WAIT};
use rustix::net::sockopt::set_socket_linger;

use crate::support::{RING, client, listen, read_all, run};

/// An application that notes what its connection hears of, and ends with it.
#[derive(Default)]
struct App {
    received: Vec<u8>,
    events: Vec<ConnEvent>,
    served: usize,
}

impl App {
    fn happened(&mut self, cx: &mut Cx<Self>, conn: Conn, event: ConnEvent) {
        self.events.push(event);
        if let Ok(conn) = cx.conn(conn) {
            conn.close();
        }
        cx.exit();
    }

    fn received(&mut self, cx: &mut Cx<Self>, conn: Conn) {
        let mut conn = cx.conn(conn).unwrap();
        let (first, second) = conn.peek();
        self.received.extend_from_slice(first);
        self.received.extend_from_slice(second);
        conn.consume(usize::MAX);
    }

    fn echo(&mut self, cx: &mut Cx<Self>, conn: Conn) {
        cx.transfer(conn, conn).unwrap();
    }

    /// Closes the connection after the last byte, once the client has sent its own.
    fn echo_ended(&mut self, cx: &mut Cx<Self>, conn: Conn, event: ConnEvent) {
        self.events.push(event);
        let left = |app: &mut Self, cx: &mut Cx<Self>, conn| {
            app.echo(cx, conn);
            let held = cx.conn(conn).unwrap();
            if held.input_len() == 0 {
                held.close();
                cx.exit();
            }
        };
        cx.conn(conn).unwrap().on_write(left);
        left(self, cx, conn);
    }
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 31 % 251) as u8).collect()
}

/// Accepts one connection with `on_accept` while `talk` is its client.
fn with_client<R: Send + 'static>(
    app: &mut App,
    on_accept: picoevent::OnConn<App>,
    talk: impl FnOnce(TcpStream) -> R + Send + 'static,
) -> JoinHandle<R> {
    let mut talking = None;
    run::<2, _>(app, |live, base, _| {
        let (_, server) = listen(live, base, on_accept);
        talking = Some(thread::spawn(move || talk(client(server))));
    });
    talking.unwrap()
}

#[test]
fn a_megabyte_comes_back_intact_through_small_rings() {
    let mut app = App::default();
    let accepted = |_: &mut App, cx: &mut Cx<App>, conn| {
        let mut conn = cx.conn(conn).unwrap();
        conn.on_read(App::echo).on_write(App::echo).on_event(App::echo_ended);
        conn.enable(Direction::Read);
    };
    let talking = with_client(&mut app, accepted, |mut client| {
        let mut sender = client.try_clone().unwrap();
        let sending = thread::spawn(move || {
            sender.write_all(&pattern(1 << 20)).unwrap();
            sender.shutdown(Shutdown::Write).unwrap();
        });
        let answer = read_all(&mut client);
        sending.join().unwrap();
        answer
    });
    assert!(talking.join().unwrap() == pattern(1 << 20), "what came back is something else");
    assert_eq!(app.events, [ConnEvent::Eof]);
}

/// As libevent's programs do: echo in the read callback, free at the end of the stream. The last
/// bytes and the end come together.
#[test]
fn what_is_echoed_before_the_end_of_the_stream_is_sent_before_it_is_reported() {
    let mut app = App::default();
    let accepted = |_: &mut App, cx: &mut Cx<App>, conn| {
        let ended = |app: &mut App, cx: &mut Cx<App>, conn, event| {
            app.events.push(event);
            cx.conn(conn).unwrap().free();
            cx.exit();
        };
        cx.conn(conn).unwrap().on_read(App::echo).on_event(ended).enable(Direction::Read);
    };
    let talking = with_client(&mut app, accepted, |mut client| {
        client.write_all(&pattern(10_000)).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        read_all(&mut client)
    });
    let echoed = talking.join().unwrap();
    assert!(echoed == pattern(10_000), "{} bytes came", echoed.len());
    assert_eq!(app.events, [ConnEvent::Eof]);
}

#[test]
fn a_client_that_half_closes_still_gets_its_answer() {
    let mut app = App::default();
    let accepted = |_: &mut App, cx: &mut Cx<App>, conn| {
        let ended = |app: &mut App, cx: &mut Cx<App>, conn, event| {
            cx.conn(conn).unwrap().write(b"late").unwrap();
            app.happened(cx, conn, event);
        };
        cx.conn(conn).unwrap().on_read(App::received).on_event(ended).enable(Direction::Read);
    };
    let talking = with_client(&mut app, accepted, |mut client| {
        client.write_all(b"bye").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        read_all(&mut client)
    });
    assert_eq!(talking.join().unwrap(), b"late");
    assert_eq!(
        (app.received.as_slice(), app.events.as_slice()),
        (&b"bye"[..], &[ConnEvent::Eof][..])
    );
}

#[test]
fn a_reset_is_a_failure() {
    let mut app = App::default();
    let accepted = |_: &mut App, cx: &mut Cx<App>, conn| {
        cx.conn(conn)
            .unwrap()
            .on_read(App::received)
            .on_event(App::happened)
            .enable(Direction::Read);
    };
    let talking = with_client(&mut app, accepted, |client| {
        set_socket_linger(&client, Some(Duration::ZERO)).unwrap();
    });
    talking.join().unwrap();
    assert_eq!(app.events, [ConnEvent::Failed(ConnError::Reset)]);
}

#[test]
fn a_reset_is_noticed_while_reading_is_disabled() {
    let mut app = App::default();
    let accepted = |_: &mut App, cx: &mut Cx<App>, conn| {
        cx.conn(conn).unwrap().on_event(App::happened);
    };
    let talking = with_client(&mut app, accepted, |mut client| {
        client.write_all(b"nobody reads this").unwrap();
        set_socket_linger(&client, Some(Duration::ZERO)).unwrap();
    });
    talking.join().unwrap();
    assert_eq!(app.events, [ConnEvent::Failed(ConnError::Reset)]);
}

#[test]
fn close_delivers_everything_to_a_client_whose_input_was_never_read() {
    let mut app = App::default();
    let accepted = |_: &mut App, cx: &mut Cx<App>, conn| {
        let mut conn = cx.conn(conn).unwrap();
        conn.write(&pattern(RING)).unwrap();
        conn.close();
        // The loop goes on until the client has everything.
    };
    let talking = {
        let mut talking = None;
        run::<2, _>(&mut app, |live, base, _| {
            let (_, server) = listen(live, base, accepted);
            static READ: picoevent::Trigger = picoevent::Trigger::new(picoevent::Signal::USR1);
            live.add_trigger(&READ);
            base.on_signal(picoevent::Signal::USR1, |_, cx, _, _| cx.exit()).unwrap();
            talking = Some(thread::spawn(move || {
                let mut client = client(server);
                // More than one turn discards, and after the server's end of stream too.
                let sent = client.write_all(&vec![0; 4 << 20]);
                let answer = read_all(&mut client);
                READ.raise();
                (sent.map_err(|error| error.kind()), answer)
            }));
        });
        talking.unwrap()
    };
    let (sent, answer) = talking.join().unwrap();
    assert_eq!(sent, Ok(()));
    assert!(answer == pattern(RING), "{} bytes came", answer.len());
}

#[test]
fn free_resets() {
    let mut app = App::default();
    let accepted = |_: &mut App, cx: &mut Cx<App>, conn| {
        cx.conn(conn).unwrap().free();
        cx.exit();
    };
    let talking = with_client(&mut app, accepted, |mut client| {
        client.read(&mut [0]).map_err(|error| error.kind())
    });
    assert_eq!(talking.join().unwrap(), Err(ErrorKind::ConnectionReset));
}

#[test]
fn finish_ends_one_direction_after_the_output_and_leaves_the_other() {
    let mut app = App::default();
    let accepted = |_: &mut App, cx: &mut Cx<App>, conn| {
        let mut conn = cx.conn(conn).unwrap();
        conn.on_read(App::received).on_event(App::happened).enable(Direction::Read);
        conn.write(b"all there is").unwrap();
        conn.finish();
    };
    let talking = with_client(&mut app, accepted, |mut client| {
        let answer = read_all(&mut client);
        client.write_all(b"thanks").unwrap();
        answer
    });
    assert_eq!(talking.join().unwrap(), b"all there is");
    assert_eq!(app.received, b"thanks");
    assert_eq!(app.events, [ConnEvent::Eof]);
}

/// The one slot is held by a client that never reads. It is closed, the system takes no more, and
/// after the linger limit the slot goes to the client that waits for it.
#[test]
fn a_client_that_never_reads_gives_its_slot_back() {
    let mut app = App::default();
    let mut clients = None;
    let accepted = |app: &mut App, cx: &mut Cx<App>, conn| {
        app.served += 1;
        if app.served == 2 {
            cx.conn(conn).unwrap().close();
            return cx.exit();
        }
        let pour = |_: &mut App, cx: &mut Cx<App>, conn| {
            cx.conn(conn).unwrap().write_some(&[0; RING]);
        };
        let stuck = |app: &mut App, cx: &mut Cx<App>, conn, event| {
            app.events.push(event);
            cx.conn(conn).unwrap().close();
        };
        let mut held = cx.conn(conn).unwrap();
        held.on_write(pour).on_event(stuck).set_timeouts(None, Some(Duration::from_millis(500)));
        pour(app, cx, conn);
    };
    run::<1, _>(&mut app, |live, base, _| {
        base.set_close_limits(Duration::from_millis(300), FIN_WAIT);
        let (_, server) = listen(live, base, accepted);
        let never_reads = client(server);
        clients = Some((never_reads, client(server)));
    });
    assert_eq!(app.events, [ConnEvent::Timeout(Direction::Write)]);
    let (mut never_reads, mut waited) = clients.unwrap();
    assert_eq!(read_all(&mut waited), b"");
    let mut received = Vec::new();
    let error = never_reads.read_to_end(&mut received).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}
