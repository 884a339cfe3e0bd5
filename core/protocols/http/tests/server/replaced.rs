//! Waiting clients that occupy all slots are replaced by new clients.

use picoevent_http::{Length, Reply, Route, Server, Site, Status};

use crate::memory::{End, TestBench};
use crate::status;

#[derive(Default)]
struct App(Server<3>);

struct Page;

impl Site<App> for Page {
    const ROUTES: &'static [Route<App>] = &[
        Route::get("/", |_, request| {
            request.reply(Reply::text(Status::OK), b"here\n").unwrap();
        }),
        Route::get("/later", |_, request| request.later()),
        Route::get("/long", |_, request| {
            request.begin(Reply::text(Status::OK), Length::Known(2_000)).unwrap();
        })
        .pull(|_, request| {
            request.write_some(&[b'.'; 2_000]);
        }),
        Route::put("/", |_, request| {
            request.reply(Reply::empty(Status::NO_CONTENT), b"").unwrap();
        })
        .body(|_, _, _| {}),
    ];
    const REPLACES: bool = true;
    type Server = Server<3>;

    fn server(app: &mut App) -> &mut Server<3> {
        &mut app.0
    }
}

fn bench() -> TestBench<App, Page> {
    TestBench::new(App::default(), 256, 512, 0)
}

#[test]
fn the_client_that_waits_longest_gives_its_slot_to_a_new_one() {
    let mut bench = bench();
    for attacker in 0..20 {
        let number = bench.connect();
        assert_eq!(number, attacker);
        bench.send(number, b"GET / HTTP/1.1\r\nX: ");
        let kept = bench.clients.iter().map(|client| client.end.is_none());
        let oldest = (number + 1).saturating_sub(3);
        assert!(kept.eq((0..=number).map(|client| client >= oldest)), "the newest three stay");
    }
    assert!(bench.clients[..17].iter().all(|client| client.end == Some(End::Reset)));
    let honest = bench.connect();
    bench.send(honest, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(status(&bench.clients[honest].received()), 200);
}

#[test]
fn clients_on_all_slots_keep_their_connections() {
    let mut bench = bench();
    let clients = [(); 3].map(|()| bench.connect());
    for client in clients.repeat(10) {
        bench.send(client, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(status(&bench.clients[client].received()), 200);
    }
    assert!(bench.clients.iter().all(|client| client.end.is_none()));
}

#[test]
fn a_client_whose_request_is_in_progress_keeps_its_slot() {
    let mut bench = bench();
    let later = bench.connect();
    bench.send(later, b"GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    let waiting = bench.connect();
    let upload = bench.connect();
    bench.send(upload, b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n");
    let another = bench.connect();
    bench.send(another, b"GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    let refused = bench.connect();
    assert_eq!(status(&bench.clients[refused].received()), 503, "there is no slot");
    assert_eq!(bench.clients[refused].end, Some(End::Finished));
    assert_eq!(bench.clients[waiting].end, Some(End::Reset));
    assert!([later, upload, another].iter().all(|client| bench.clients[*client].end.is_none()));
}

#[test]
fn clients_that_took_a_long_answer_slowly_give_their_slots_once_it_is_written() {
    let mut bench = bench();
    let slow = [(); 3].map(|()| {
        let client = bench.connect();
        bench.clients[client].takes = 0;
        bench.send(client, b"GET /long HTTP/1.1\r\nHost: a\r\n\r\n");
        client
    });
    let refused = bench.connect();
    assert_eq!(status(&bench.clients[refused].received()), 503, "all answers are in progress");
    for client in slow {
        bench.clients[client].takes = usize::MAX;
        bench.run();
        assert_eq!(
            bench.clients[client].received().len(),
            2_000 + 82,
            "it has its answer, and waits"
        );
    }
    assert!(slow.iter().all(|client| bench.clients[*client].end.is_none()), "nobody is new");
    for _ in 0..4 {
        let honest = bench.connect();
        bench.send(honest, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(status(&bench.clients[honest].received()), 200);
    }
    assert!(slow.iter().all(|client| bench.clients[*client].end == Some(End::Reset)));
}
