//! picoevent's HTTP server, for the workload W8. The server answers every request for `/` with 100 bytes.

use std::io::Write;

use picoevent::{EventBase, Pool, Storage};
use picoevent_bench_servers::http::CONTENT;
use picoevent_http::{Http, Limits, Reply, Request, Route, Server, Site, Status};
use picoevent_mio::Live;

const CLIENTS: usize = 64;
const POOL: Pool = Pool::new(CLIENTS as u16).rings(1024, 1024);

struct App {
    http: Server<CLIENTS>,
}

struct Page;

impl Site<App> for Page {
    const ROUTES: &'static [Route<App>] = &[Route::get("/", App::page)];
    const LIMITS: Limits = Limits::new().requests(u16::MAX);
    type Server = Server<CLIENTS>;

    fn server(app: &mut App) -> &mut Server<CLIENTS> {
        &mut app.http
    }
}

impl App {
    fn page(&mut self, request: &mut Request<Self>) {
        // The reply fits into the connection's output ring, so this cannot fail.
        let _ = request.reply(Reply::new(Status::OK, "text/plain"), CONTENT);
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut storage = Storage::<App, 1, { POOL.conns() }, { POOL.bytes() }>::new();
    let mut base = EventBase::new(&mut storage);
    let clients = base.add_pool(POOL)?;
    let listener = base.listen::<Http<Page>>(([127, 0, 0, 1], 0).into(), clients)?;
    let mut live = Live::new()?;
    live.settle(&mut base)?;
    println!("listening on {}", live.local_addr(listener)?);
    std::io::stdout().flush()?;
    live.run(&mut base, &mut App { http: Server::new() })?;
    Ok(())
}
