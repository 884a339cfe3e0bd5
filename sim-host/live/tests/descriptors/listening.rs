//! A listener whose connections take all descriptors.

use std::io::Read;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use picoevent::{Conn, Cx, Event, EventBase, Storage, What};
use picoevent_mio::Live;

use crate::{LIMIT, Warnings, leave_descriptors, run_alone};

const CLIENTS: usize = 6;

/// Connections that there are descriptors for.
const DESCRIPTORS: usize = 2;

#[derive(Default)]
struct App {
    held: Vec<Conn>,
    most: usize,
    served: usize,
}

impl App {
    fn accepted(&mut self, _: &mut Cx<Self>, conn: Conn) {
        self.held.push(conn);
        self.most = self.most.max(self.held.len());
    }

    fn answer(&mut self, cx: &mut Cx<Self>, _: Event, _: What) {
        for conn in self.held.drain(..) {
            let mut conn = cx.conn(conn).unwrap();
            conn.write(b"at last").unwrap();
            conn.close();
            self.served += 1;
        }
        if self.served == CLIENTS {
            cx.exit();
        }
    }
}

#[test]
fn out_of_descriptors_the_listener_pauses_and_resumes() {
    run_alone("listening::out_of_descriptors");
}

#[test]
#[ignore = "another test runs it, as a process of its own"]
fn out_of_descriptors() {
    Warnings::start_counting();
    let mut storage = Storage::<App, 2, 16>::new();
    let mut base = EventBase::new(&mut storage);
    let mut live = Live::new().unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = base.listen(address, App::accepted).unwrap();
    base.every(Duration::from_millis(50), App::answer).unwrap();
    base.after(LIMIT, |_, _, _, _| panic!("not all clients were served")).unwrap();
    live.settle(&mut base).unwrap();
    let server = live.local_addr(listener).unwrap();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let mut client = TcpStream::connect(server).unwrap();
            thread::spawn(move || {
                let mut answer = Vec::new();
                client.read_to_end(&mut answer).unwrap();
                // The socket itself stays, or its descriptor would be one more for the server.
                client.shutdown(Shutdown::Write).unwrap();
                (answer, client)
            })
        })
        .collect();
    let _taken = leave_descriptors(DESCRIPTORS);

    let mut app = App::default();
    live.run(&mut base, &mut app).unwrap();

    for client in clients {
        assert_eq!(client.join().unwrap().0, b"at last");
    }
    assert_eq!(app.most, DESCRIPTORS);
    // Each descriptor that comes back is worth one try; a listener that spins tries thousands.
    let pauses = Warnings::count();
    assert!((1..=4 * CLIENTS).contains(&pauses), "it paused {pauses} times");
}
