//! An HTTP server with two routes.

#![no_std]
#![no_main]

use core::hint::black_box;

use picoevent::{EventBase, Pool, Storage};
use picoevent_alone::{act, peer, run};
use picoevent_http::{Http, Reply, Request, Route, Server, Site, Status};
use static_cell::ConstStaticCell;

const CLIENTS: Pool = Pool::new(4).rings(256, 512);

static STORAGE: ConstStaticCell<Storage<App, 1, { CLIENTS.conns() }, { CLIENTS.bytes() }>> =
    ConstStaticCell::new(Storage::new());

static APP: ConstStaticCell<App> = ConstStaticCell::new(App { http: Server::new(), level: 0 });

/// The application. Clients read and set the number `level`.
struct App {
    http: Server<4>,
    level: u32,
}

struct Page;

impl Site<App> for Page {
    const ROUTES: &'static [Route<App>] =
        &[Route::get("/level", App::level), Route::put("/level/{value}", App::set_level)];
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
