//! The end of connections, and the bytes that the peer has received before the end. The clients run on separate
//! threads. The conformance suite tests all other ways to end a connection.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use picoevent::{ConnEnd, ConnError, ConnEvent, ConnMut, End, EventBase, OnConn, Pool, Run};
use picoevent_mio::{Capacities, HeapStorage, Live};
use rustix::net::sockopt::set_socket_linger;

use crate::support::{ANY_PORT, LIMIT, PLAIN, RING, client, listen, read_all, run};

const CLOSED: ConnEvent = ConnEvent::Ended(ConnEnd::Closed);
const ABORTED: ConnEvent = ConnEvent::Ended(ConnEnd::Aborted);

/// An application that logs the end of its connection and then exits.
#[derive(Default)]
struct App {
    events: Vec<ConnEvent>,
    served: usize,
}

impl App {
    /// Sends input back, and closes the connection at the end of the stream.
    fn echo(&mut self, conn: &mut ConnMut<Self>, event: ConnEvent) {
        match event {
            ConnEvent::Readable => drop(conn.transfer(conn.id()).unwrap()),
            ConnEvent::Opened | ConnEvent::Writable => {}
            event => {
                self.events.push(event);
                conn.close();
            }
        }
        if let ConnEvent::Ended(_) = event {
            conn.cx().exit();
        }
    }
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 31 % 251) as u8).collect()
}

/// Serves one connection with `call`. The client runs `client_work` on another thread. Returns the handle of the
/// client's thread.
fn with_client<R: Send + 'static>(
    app: &mut App,
    call: OnConn<App>,
    client_work: impl FnOnce(TcpStream) -> R + Send + 'static,
) -> JoinHandle<R> {
    let mut client_thread = None;
    run::<2, _>(app, |live, base, _| {
        let (_, server) = listen(live, base, call);
        client_thread = Some(thread::spawn(move || client_work(client(server))));
    });
    client_thread.unwrap()
}

#[test]
fn a_megabyte_comes_back_intact_through_small_rings() {
    let mut app = App::default();
    let client_thread = with_client(&mut app, App::echo, |mut client| {
        let mut sender = client.try_clone().unwrap();
        let sending = thread::spawn(move || {
            sender.write_all(&pattern(1 << 20)).unwrap();
            sender.shutdown(Shutdown::Write).unwrap();
        });
        let answer = read_all(&mut client);
        sending.join().unwrap();
        answer
    });
    assert!(client_thread.join().unwrap() == pattern(1 << 20), "the echo differs");
    assert_eq!(app.events, [ConnEvent::Eof, CLOSED]);
}

/// The server works like libevent's sample programs: it echoes in the read callback, and frees the connection at the
/// end of the stream. The last bytes and the end of stream arrive together.
#[test]
fn echoed_bytes_are_sent_before_the_end_of_stream_is_reported() {
    let mut app = App::default();
    let call = |app: &mut App, conn: &mut ConnMut<App>, event| {
        if event == ConnEvent::Eof {
            conn.abort();
        }
        app.echo(conn, event);
    };
    let client_thread = with_client(&mut app, call, |mut client| {
        client.write_all(&pattern(10_000)).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        read_all(&mut client)
    });
    let echoed = client_thread.join().unwrap();
    assert!(echoed == pattern(10_000), "{} bytes came", echoed.len());
    assert_eq!(app.events, [ConnEvent::Eof, ABORTED]);
}

#[test]
fn close_delivers_everything_to_a_client_whose_input_was_never_read() {
    static READ: picoevent::Trigger = picoevent::Trigger::new(picoevent::Signal::USR1);
    let mut app = App::default();
    let mut client_thread = None;
    run::<2, _>(&mut app, |live, base, _| {
        // The limits must be longer than a slow client needs to send everything.
        base.set_close_limits(LIMIT, LIMIT);
        // The loop continues until the client has received everything.
        let (_, server) = listen(live, base, |_, conn, event| {
            if event == ConnEvent::Opened {
                conn.write(&pattern(RING)).unwrap();
                conn.close();
            }
        });
        live.add_trigger(&READ);
        base.on_signal(picoevent::Signal::USR1, |_, event| event.exit()).unwrap();
        client_thread = Some(thread::spawn(move || {
            let mut client = client(server);
            // The client sends more bytes than the server discards in one iteration. The client continues to send after
            // the server's end of stream.
            let sent = client.write_all(&vec![0; 4 << 20]);
            let answer = read_all(&mut client);
            READ.raise();
            (sent.map_err(|error| error.kind()), answer)
        }));
    });
    let (sent, answer) = client_thread.unwrap().join().unwrap();
    assert_eq!(sent, Ok(()));
    assert!(answer == pattern(RING), "{} bytes came", answer.len());
}

/// The loop ends before the clients have received all output, and before the server has received their ends of stream.
#[test]
fn close_delivers_all_output_and_the_base_can_run_again() {
    let pool = Pool::new(2).rings(RING, 1 << 20);
    let capacities = Capacities { events: 1, ..Capacities::of(&[pool]) };
    let mut storage = HeapStorage::new(capacities).unwrap();
    let (mut base, mut app) = (EventBase::over(storage.memory()), App::default());
    let mut live = Live::new().unwrap();
    let pool = base.add_pool(pool).unwrap();
    let call = |app: &mut App, conn: &mut ConnMut<App>, event| match event {
        ConnEvent::Opened => {
            conn.write(&pattern(1 << 20)).unwrap();
            app.served += 1;
            if app.served == 2 {
                conn.cx().exit();
            }
        }
        event => app.events.push(event),
    };
    base.after(LIMIT, |_, _| panic!("the connections have not ended")).unwrap();
    base.set_close_limits(LIMIT, LIMIT);
    let listener = base.listen_with(ANY_PORT, pool, PLAIN, call).unwrap();
    live.settle(&mut base).unwrap();
    let server = live.local_addr(listener).unwrap();
    let reading = [(); 2].map(|()| thread::spawn(move || read_all(&mut client(server))));
    assert_eq!(live.run(&mut base, &mut app).unwrap(), End::Exit);
    app.events.clear();
    live.close(&mut base).unwrap();
    assert!(reading.into_iter().all(|client| client.join().unwrap() == pattern(1 << 20)));
    assert_eq!(app.events, [], "no callback runs meanwhile");
    while base.counts().conns > 0 || app.events.is_empty() {
        live.run_with(&mut base, &mut app, Run::ONCE).unwrap();
    }
    assert_eq!(app.events, [CLOSED; 2]);
}

/// Counts input, and answers the first input once.
#[derive(Default)]
struct AnswerOnce {
    received: usize,
    has_answered: bool,
    ends: Vec<ConnEvent>,
}

impl AnswerOnce {
    fn event(&mut self, conn: &mut ConnMut<Self>, event: ConnEvent) {
        match event {
            ConnEvent::Readable => {
                self.received += conn.consume(usize::MAX);
                if !std::mem::replace(&mut self.has_answered, true) {
                    conn.write(b"answer").unwrap();
                    // The client's system answers this output with a reset.
                    thread::sleep(Duration::from_millis(20));
                }
            }
            ConnEvent::Eof => {
                self.ends.push(event);
                conn.abort();
            }
            ConnEvent::Ended(_) => {
                self.ends.push(event);
                conn.cx().exit();
            }
            _ => {}
        }
    }
}

/// The peer has sent more than the ring holds, and has closed its socket. So its system resets the connection when an
/// answer arrives.
#[test]
fn input_and_its_end_come_before_the_reset_that_answers_later_output() {
    let mut app = AnswerOnce::default();
    run::<2, _>(&mut app, |live, base, _| {
        let (_, server) = listen(live, base, AnswerOnce::event);
        let mut client = client(server);
        client.write_all(&[b'x'; 10 * RING]).unwrap();
        drop(client);
    });
    assert_eq!((app.received, app.ends[0]), (10 * RING, ConnEvent::Eof));
}

/// Answers each input. The client sends ten times more than the ring holds, and then leaves without reading the
/// answers.
struct AnswerEach {
    client: Option<TcpStream>,
    leave: fn(TcpStream),
    answer: fn(&mut ConnMut<Self>) -> usize,
    received: usize,
    ends: Vec<ConnEvent>,
}

impl AnswerEach {
    fn event(&mut self, conn: &mut ConnMut<Self>, event: ConnEvent) {
        match event {
            ConnEvent::Opened => {
                let mut client = self.client.take().unwrap();
                client.write_all(&[b'x'; 10 * RING]).unwrap();
                (self.leave)(client);
            }
            ConnEvent::Readable | ConnEvent::Writable => self.received += (self.answer)(conn),
            ConnEvent::Eof => self.ends.push(event),
            ConnEvent::Ended(_) => {
                self.ends.push(event);
                conn.cx().exit();
            }
            _ => {}
        }
    }

    /// Runs until the connection has ended. Returns the number of bytes received, and the events at the end.
    fn run(
        leave: fn(TcpStream),
        answer: fn(&mut ConnMut<Self>) -> usize,
    ) -> (usize, Vec<ConnEvent>) {
        let mut app = Self { client: None, leave, answer, received: 0, ends: Vec::new() };
        run::<2, _>(&mut app, |live, base, app| {
            let (_, server) = listen(live, base, Self::event);
            app.client = Some(client(server));
        });
        (app.received, app.ends)
    }

    fn acknowledge(conn: &mut ConnMut<Self>) -> usize {
        match conn.consume(usize::MAX) {
            0 => 0,
            received => {
                // After the connection has failed, nothing can be written.
                let _ = conn.write(b"got it");
                received
            }
        }
    }

    fn echo(conn: &mut ConnMut<Self>) -> usize {
        conn.transfer(conn.id()).unwrap_or_else(|_| conn.consume(usize::MAX))
    }

    /// Consumes nothing, and writes as much as possible.
    fn flood(conn: &mut ConnMut<Self>) -> usize {
        conn.write_some(&[b'y'; RING]);
        0
    }
}

fn reset(client: TcpStream) {
    set_socket_linger(&client, Some(Duration::ZERO)).unwrap();
}

const RESET: ConnEvent = ConnEvent::Ended(ConnEnd::Failed(ConnError::Reset));

#[test]
fn all_input_comes_although_an_answer_finds_that_the_peer_has_reset() {
    for answer in [AnswerEach::acknowledge, AnswerEach::echo] {
        assert_eq!(AnswerEach::run(reset, answer), (10 * RING, vec![RESET]));
    }
}

#[test]
fn all_input_and_its_end_come_although_an_answer_finds_that_the_peer_has_gone() {
    for answer in [AnswerEach::acknowledge, AnswerEach::echo] {
        assert_eq!(AnswerEach::run(drop, answer), (10 * RING, vec![ConnEvent::Eof, RESET]));
    }
}

#[test]
fn a_connection_fails_although_its_input_is_never_consumed_and_its_output_never_ends() {
    for leave in [reset, drop] {
        assert_eq!(AnswerEach::run(leave, AnswerEach::flood), (0, vec![RESET]));
    }
}

#[test]
fn output_that_a_reset_has_discarded_is_not_reported_as_sent() {
    #[derive(Default)]
    struct App(Option<TcpStream>, Vec<ConnEvent>);
    let mut app = App::default();
    let call = |app: &mut App, conn: &mut ConnMut<App>, event: ConnEvent| {
        app.1.push(event);
        match event {
            ConnEvent::Opened => {
                reset(app.0.take().unwrap());
                conn.write(b"anybody there?").unwrap();
            }
            _ => conn.cx().exit(),
        }
    };
    run::<2, _>(&mut app, |live, base, app| {
        let (_, server) = listen(live, base, call);
        app.0 = Some(client(server));
    });
    assert_eq!(app.1, [ConnEvent::Opened, RESET]);
}

/// The server does not consume the input, so the end of stream behind the input is not reported either.
#[test]
fn a_reset_is_reported_although_input_and_its_end_are_not_consumed() {
    let mut client = None;
    let call = |client: &mut Option<TcpStream>, conn: &mut ConnMut<_>, event: ConnEvent| match event
    {
        ConnEvent::Readable => reset(client.take().unwrap()),
        ConnEvent::Ended(_) => {
            assert_eq!(event, RESET);
            conn.cx().exit();
        }
        _ => {}
    };
    run::<2, _>(&mut client, |live, base, client| {
        let (_, server) = listen(live, base, call);
        let mut sender = crate::support::client(server);
        sender.write_all(b"?").unwrap();
        sender.shutdown(Shutdown::Write).unwrap();
        *client = Some(sender);
    });
}

/// Between the last check for new events and `close`, the client has sent something that is not read.
#[test]
fn output_arrives_although_input_is_unread_when_the_loop_closes() {
    const LENGTH: usize = 1 << 20;
    let pool = Pool::new(1).rings(RING, LENGTH);
    let capacities = Capacities { listeners: 1, ..Capacities::of(&[pool]) };
    let mut storage = HeapStorage::new(capacities).unwrap();
    let mut base = EventBase::over(storage.memory());
    let (mut app, mut live) = (App::default(), Live::new().unwrap());
    let pool = base.add_pool(pool).unwrap();
    let write = |_: &mut App, conn: &mut ConnMut<App>, event: ConnEvent| {
        if event == ConnEvent::Opened {
            conn.write(&[b'y'; LENGTH]).unwrap();
            conn.cx().exit();
        }
    };
    let listener = base.listen_with(ANY_PORT, pool, PLAIN, write).unwrap();
    live.settle(&mut base).unwrap();
    let mut client = client(live.local_addr(listener).unwrap());
    live.run(&mut base, &mut app).unwrap();
    client.write_all(b"unread").unwrap();
    let reader = thread::spawn(move || read_all(&mut client).len());
    live.close(&mut base).unwrap();
    assert_eq!(reader.join().unwrap(), LENGTH);
}
