//! picoevent's HTTP server over embassy-net: measures a request on a keep-alive connection.

#![no_std]
#![no_main]

use core::net::{Ipv4Addr, SocketAddr};

use embassy_net::{Stack, StackResources};
use picoevent::{EventBase, Pool, Signal, Storage, Trigger};
use picoevent_bench_chip::executor::Executor;
use picoevent_bench_chip::greeting::Tasks;
use picoevent_bench_chip::http_client::{self, CONTENT, Memory, PORT};
use picoevent_bench_chip::meter::Report;
use picoevent_bench_chip::network;
use picoevent_bench_chip::wire::Wire;
use picoevent_embassy::{Config, Sockets, run};
use picoevent_http::{Http, Reply, Request, Route, Server, Site, Status};
use static_cell::{ConstStaticCell, StaticCell};

const POOL: Pool = Pool::new(4).rings(256, 512);

type BaseStorage = Storage<App, 1, { POOL.conns() }, { POOL.bytes() }>;

struct App {
    http: Server<4>,
}

struct Page;

impl Site<App> for Page {
    const ROUTES: &'static [Route<App>] = &[Route::get("/", App::page)];
    type Server = Server<4>;

    fn server(app: &mut App) -> &mut Server<4> {
        &mut app.http
    }
}

impl App {
    fn page(&mut self, request: &mut Request<Self>) {
        let answered = request.reply(Reply::text(Status::OK), CONTENT);
        answered.expect("the answer fits into the ring");
    }
}

static INTERRUPT: Trigger = Trigger::new(Signal::INT);
static WIRE: ConstStaticCell<Wire> = ConstStaticCell::new(Wire::new());
static CLIENT: ConstStaticCell<Memory> = ConstStaticCell::new(Memory::new());
static STORAGE: ConstStaticCell<BaseStorage> = ConstStaticCell::new(Storage::new());
static RESOURCES: StaticCell<StackResources<5>> = StaticCell::new();
static SOCKETS: ConstStaticCell<Sockets<4, 256, 512>> = ConstStaticCell::new(Sockets::new());

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut report = Report::start("");
    let mut tasks = Tasks(Executor::take());
    let wire = &*WIRE.take();
    let resources = RESOURCES.init_with(StackResources::new);
    let stack = network::start(tasks.0.spawner(), wire, resources);
    let task = serve(stack, SOCKETS.take(), STORAGE.take());
    tasks.0.spawner().spawn(task.expect("spawned once"));
    let names = ["GET of 100 bytes", "frames of GET of 100 bytes"];
    http_client::report(&mut report, names, &mut tasks, wire, CLIENT.take());
    report.end()
}

#[embassy_executor::task]
async fn serve(
    stack: Stack<'static>,
    sockets: &'static mut Sockets<4, 256, 512>,
    storage: &'static mut BaseStorage,
) {
    let mut base = EventBase::new(storage);
    let clients = base.add_pool(POOL).expect("the storage has room");
    let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT));
    base.listen::<Http<Page>>(address, clients).expect("the storage has room");
    let mut app = App { http: Server::new() };
    run(stack, sockets, &[&INTERRUPT], &mut base, &mut app, Config::default()).await;
    panic!("nothing ends the loop");
}
