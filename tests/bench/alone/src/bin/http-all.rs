//! An HTTP server with eight routes. There is a route of every kind: whole answers, answers in parts (`pull`),
//! server-sent events, files, an upload and a WebSocket.

#![no_std]
#![no_main]

use core::hint::black_box;

use picoevent::{EventBase, Pool, Storage};
use picoevent_alone::{act, peer, run};
use picoevent_http::{
    File, Http, Length, Message, Part, Reply, Request, Route, Server, Site, Socket, Status,
};
use static_cell::ConstStaticCell;

const CLIENTS: Pool = Pool::new(4).rings(256, 512);

static STORAGE: ConstStaticCell<Storage<App, 1, { CLIENTS.conns() }, { CLIENTS.bytes() }>> =
    ConstStaticCell::new(Storage::new());

static FILES: [File; 1] = [File::new("", "text/html", b"page", 1).gzip(b"zipped")];

static APP: ConstStaticCell<App> = ConstStaticCell::new(App { http: Server::new(), level: 0 });

/// The application. Clients read and change the number `level`.
struct App {
    http: Server<4>,
    level: u32,
}

struct Page;

impl Site<App> for Page {
    const ROUTES: &'static [Route<App>] = &[
        Route::get("/level", App::level),
        Route::put("/level/{value}", App::set_level),
        Route::get("/numbers", App::numbers).pull(App::more_numbers),
        Route::get("/events", App::events),
        Route::post("/form", App::form),
        Route::put("/upload", App::uploaded).body(App::part),
        Route::websocket("/live", App::received),
        Route::files("/{*name}", &FILES),
    ];
    type Server = Server<4>;

    fn server(app: &mut App) -> &mut Server<4> {
        &mut app.http
    }
}

impl App {
    fn level(&mut self, request: &mut Request<Self>) {
        let level = [b'0' | self.level as u8, b'\n'];
        black_box(request.reply(Reply::text(Status::OK), &level).is_ok());
    }

    fn set_level(&mut self, request: &mut Request<Self>) {
        let value = request.param("value").and_then(|value| value.number());
        self.level = value.filter(|value| *value < 10).unwrap_or(self.level);
        black_box(request.reply(Reply::empty(Status::NO_CONTENT), b"").is_ok());
    }

    fn numbers(&mut self, request: &mut Request<Self>) {
        black_box(request.begin(Reply::text(Status::OK), Length::Unknown).is_ok());
    }

    fn more_numbers(&mut self, request: &mut Request<Self>) {
        while request.written() < 1_000 && request.write(b"12345678").is_ok() {}
        black_box(request.finish().is_ok());
    }

    fn events(&mut self, request: &mut Request<Self>) {
        black_box(request.begin_events().is_ok());
    }

    fn form(&mut self, request: &mut Request<Self>) {
        self.level = request.form("level").and_then(|level| level.number()).unwrap_or(0);
        black_box(request.reply(Reply::empty(Status::NO_CONTENT), b"").is_ok());
    }

    fn part(&mut self, request: &mut Request<Self>, part: Part) {
        if part == Part::More {
            let taken = request.take(usize::MAX);
            self.level = self.level.wrapping_add(taken as u32);
        }
    }

    fn uploaded(&mut self, request: &mut Request<Self>) {
        black_box(request.reply(Reply::empty(Status::CREATED), b"").is_ok());
    }

    fn received(&mut self, socket: &mut Socket<Self>, message: Message) {
        if let Message::Text { .. } = message {
            let taken = socket.take(usize::MAX);
            self.level = self.level.wrapping_add(taken as u32);
            black_box(socket.send_text("thank you").is_ok());
        }
    }
}

/// The image's entry.
// SAFETY: no other function has this name.
#[unsafe(no_mangle)]
pub extern "C" fn image() {
    let mut base = EventBase::new(STORAGE.take());
    let Ok(clients) = base.add_pool(CLIENTS) else { return };
    black_box(base.listen::<Http<Page>>(peer(), clients).is_ok());
    run(&mut base, APP.take(), act);
}
