//! Tests of the client on real sockets, with nginx and lighttpd. `cargo xtask interop` runs these tests. The programs
//! nginx and lighttpd must be installed.

use std::collections::HashSet;
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use picoevent::{Cx, EventBase, EventMut, Pool, PoolId, Storage};
use picoevent_http::{
    CallError, Caller, Calls, Client, ClientRequest, Limits, Method, Response, Status,
};
use picoevent_mio::Live;

const LIMIT: Duration = Duration::from_secs(30);
const LARGE: usize = 1_000_000;

/// A server process in a separate folder. The process ends when this value is dropped.
struct Server {
    folder: PathBuf,
    address: SocketAddr,
    process: Child,
}

impl Server {
    /// Starts the server program `name`. `settings` gets the server's folder and port, and returns the text of the
    /// configuration file. `words` gets the path of this file, and returns the command-line arguments.
    fn start(
        name: &str,
        settings: impl FnOnce(&Path, u16) -> String,
        words: impl FnOnce(&Path) -> Vec<String>,
    ) -> Self {
        // The port of a socket that was just closed is usually free.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let folder = std::env::temp_dir().join(format!("picoevent-{name}-{}", address.port()));
        let pages = folder.join("pages");
        fs::create_dir_all(&pages).unwrap();
        fs::write(pages.join("small"), "small\n").unwrap();
        fs::write(pages.join("page.html"), "<!--#echo var=\"none\" -->the end\n").unwrap();
        let large: Vec<u8> = (0..LARGE).map(|at| (at % 251) as u8).collect();
        fs::write(pages.join("large"), large).unwrap();
        let file = folder.join("settings");
        fs::write(&file, settings(&folder, address.port())).unwrap();
        let mut command = Command::new(name);
        command.args(words(&file)).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().unwrap_or_else(|error| panic!("{name}: {error}"));
        let server = Self { folder, address, process };
        let began = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(began.elapsed() < LIMIT, "{name} does not listen");
            std::thread::yield_now();
        }
        server
    }

    /// Ends the server. Returns the lines of its log: the client's port for each request.
    fn log(mut self) -> Vec<String> {
        let id = self.process.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).status().unwrap();
        self.process.wait().unwrap();
        let log = fs::read_to_string(self.folder.join("log")).unwrap();
        log.lines().map(str::to_owned).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        // A failed test must not panic a second time here.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A client that requests one page after the other.
struct App {
    http: Client,
    server: SocketAddr,
    pool: Option<PoolId>,
    content: Vec<u8>,
    answers: Vec<(Result<u16, CallError>, Vec<u8>)>,
}

const REQUESTS: [(Method, &str, &str); 8] = [
    (Method::Get, "/small", ""),
    (Method::Head, "/large", ""),
    (Method::Get, "/large", ""),
    (Method::Get, "/large", "Range: bytes=251000-251003\r\n"),
    (Method::Get, "/nothing", ""),
    (Method::Get, "/old", ""),
    (Method::Get, "/page.html", ""),
    (Method::Get, "/small", ""),
];

struct Fetch;

impl Caller<App> for Fetch {
    const LIMITS: Limits = Limits::new();
    type Client = Client;

    fn client(app: &mut App) -> &mut Client {
        &mut app.http
    }

    fn part(app: &mut App, response: &mut Response<App>) {
        app.content.extend(response.data());
        response.take(usize::MAX);
    }

    fn done(app: &mut App, cx: &mut Cx<App>, outcome: Result<Status, CallError>) {
        let content = std::mem::take(&mut app.content);
        app.answers.push((outcome.map(Status::code), content));
        app.request_next(cx);
    }
}

impl App {
    fn request_next(&mut self, cx: &mut Cx<Self>) {
        let next = REQUESTS.get(self.answers.len());
        let (Some((method, target, fields)), Some(pool)) = (next, self.pool) else {
            return cx.exit();
        };
        let request = ClientRequest::new(*method, self.server, "localhost", target).fields(fields);
        Calls::<Fetch>::request(self, cx, pool, &request).unwrap();
    }

    fn time_out(&mut self, _: &mut EventMut<Self>) {
        panic!("only {} of {} answers have arrived", self.answers.len(), REQUESTS.len());
    }

    /// Requests all pages from a server.
    fn run(server: SocketAddr) -> Vec<(Result<u16, CallError>, Vec<u8>)> {
        const POOL: Pool = Pool::new(1).rings(1_024, 512);
        let mut storage = Storage::<Self, 1, { POOL.conns() }, { POOL.bytes() }>::new();
        let mut base = EventBase::new(&mut storage);
        let mut app = Self {
            http: Client::new(),
            server,
            pool: None,
            content: Vec::new(),
            answers: Vec::new(),
        };
        app.pool = Some(base.add_pool(POOL).unwrap());
        base.after(LIMIT, Self::time_out).unwrap();
        app.request_next(&mut base);
        Live::new().unwrap().run(&mut base, &mut app).unwrap();
        app.answers
    }
}

fn check(server: Server) {
    let answers = App::run(server.address);
    let large: Vec<u8> = (0..LARGE).map(|at| (at % 251) as u8).collect();
    let answer = |status, content: &[u8]| (Ok(status), content.to_vec());
    assert_eq!(answers[0], answer(200, b"small\n"));
    assert_eq!(answers[1], answer(200, b""));
    assert!(answers[2] == answer(200, &large), "{:?}, {} bytes", answers[2].0, answers[2].1.len());
    assert_eq!(answers[3], answer(206, &[0, 1, 2, 3]));
    assert_eq!(answers[4].0, Ok(404));
    assert_eq!(answers[5], answer(200, b"small\n"));
    assert!(answers[6].0 == Ok(200) && answers[6].1.ends_with(b"the end\n"), "{:?}", answers[6]);
    assert_eq!(answers[7], answer(200, b"small\n"));
    let log = server.log();
    assert_eq!(
        log.len(),
        REQUESTS.len() + 1,
        "a request for each, and one behind the redirect: {log:?}"
    );
    let ports: HashSet<_> = log.iter().collect();
    // After a redirect, the client uses a new connection.
    assert!(ports.len() <= 2, "the requests used more than two connections: {log:?}");
}

#[test]
#[ignore = "needs nginx: cargo xtask interop runs it"]
fn nginx_is_understood() {
    let settings = |folder: &Path, port: u16| {
        let folder = folder.display();
        format!(
            "daemon off; master_process off; pid {folder}/pid; error_log {folder}/errors;\n\
             events {{ worker_connections 16; }}\n\
             http {{\n\
               log_format port $remote_port; access_log {folder}/log port;\n\
               client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;\n\
               fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;\n\
               scgi_temp_path {folder}/scgi; types {{ text/html html; }}\n\
               server {{\n\
                 listen 127.0.0.1:{port}; root {folder}/pages; ssi on; absolute_redirect off;\n\
                 location = /old {{ return 302 /small; }}\n\
               }}\n\
             }}\n"
        )
    };
    check(Server::start("nginx", settings, |file| {
        vec!["-c".to_owned(), file.display().to_string()]
    }));
}

#[test]
#[ignore = "needs lighttpd: cargo xtask interop runs it"]
fn lighttpd_is_understood() {
    let settings = |folder: &Path, port: u16| {
        let folder = folder.display();
        format!(
            "server.modules = (\"mod_accesslog\", \"mod_redirect\")\n\
             server.bind = \"127.0.0.1\"\nserver.port = {port}\n\
             server.document-root = \"{folder}/pages\"\n\
             accesslog.filename = \"{folder}/log\"\naccesslog.format = \"%{{remote}}p\"\n\
             server.max-keep-alive-requests = 1000\n\
             mimetype.assign = (\".html\" => \"text/html\")\n\
             url.redirect = (\"^/old$\" => \"/small\")\nurl.redirect-code = 302\n"
        )
    };
    check(Server::start("lighttpd", settings, |file| {
        vec!["-D".to_owned(), "-f".to_owned(), file.display().to_string()]
    }));
}
