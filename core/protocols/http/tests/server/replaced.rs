//! Idle clients that occupy all places are replaced by new clients.

use picoevent_http::{Length, Reply, Route, Server, Site, Status};

use crate::bench::{Bench, End};
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

fn bench() -> Bench<App, Page> {
    Bench::new(App::default(), 256, 512, 0)
}

#[test]
fn the_client_that_waits_longest_gives_its_place_to_a_new_one() {
    let mut bench = bench();
    for attacker in 0..20 {
        let number = bench.connect();
        assert_eq!(number, attacker);
        bench.send(number, b"GET / HTTP/1.1\r\nX: ");
        let held = bench.clients.iter().filter(|client| client.end.is_none()).count();
        assert_eq!(held, 2.min(number + 1), "one place stays free");
        assert_eq!(bench.clients[number].end, None, "the newest stays");
    }
    assert!(bench.clients[..18].iter().all(|client| client.end == Some(End::Reset)));
    let honest = bench.connect();
    bench.send(honest, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(status(&bench.clients[honest].heard()), 200);
}

#[test]
fn a_client_whose_request_is_under_way_keeps_its_place() {
    let mut bench = bench();
    let later = bench.connect();
    bench.send(later, b"GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    let upload = bench.connect();
    bench.send(upload, b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n");
    let third = bench.connect();
    let fourth = bench.connect();
    assert_eq!(status(&bench.clients[fourth].heard()), 503, "there is no place");
    for client in [later, upload, third] {
        assert_eq!(bench.clients[client].end, None);
    }
}

#[test]
fn clients_that_took_a_long_answer_slowly_give_their_places_once_it_is_written() {
    let mut bench = bench();
    let slow = [(); 3].map(|()| {
        let client = bench.connect();
        bench.clients[client].takes = 0;
        bench.send(client, b"GET /long HTTP/1.1\r\nHost: a\r\n\r\n");
        client
    });
    let refused = bench.connect();
    assert_eq!(status(&bench.clients[refused].heard()), 503, "all answers are under way");
    for client in slow {
        assert_eq!(bench.clients[client].end, None);
        bench.clients[client].takes = usize::MAX;
        bench.run();
    }
    let ends = slow.map(|client| bench.clients[client].end);
    assert_eq!(ends, [Some(End::Reset), None, None], "one place is free");
    for _ in 0..4 {
        let honest = bench.connect();
        bench.send(honest, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(status(&bench.clients[honest].heard()), 200);
    }
}

#[test]
fn a_client_that_has_just_come_is_not_replaced_by_one_that_was_answered() {
    let mut bench = bench();
    let [first, second] = [(); 2].map(|()| {
        let client = bench.connect();
        bench.clients[client].takes = 0;
        bench.send(client, b"GET /long HTTP/1.1\r\nHost: a\r\n\r\n");
        client
    });
    let newest = bench.connect();
    bench.clients[first].takes = usize::MAX;
    bench.run();
    assert_eq!(bench.clients[first].heard().len(), 2_000 + 82, "it has its answer, and waits");
    assert_eq!(bench.clients[newest].end, None);
    bench.send(newest, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(status(&bench.clients[newest].heard()), 200);
    assert_eq!([first, second].map(|client| bench.clients[client].end), [Some(End::Reset), None]);
}
