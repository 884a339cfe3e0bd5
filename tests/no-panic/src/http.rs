//! The HTTP package. Its functions are called from the handlers of a site, with values that the compiler cannot know.

use core::time::Duration;

use picoevent::{Conn, ConnMut, Cx, EventBase, Instant, Pool, PoolId, Protocol, Storage};
use picoevent_http::{
    ByName, CallError, Caller, Calls, Client, ClientRequest, Clock, Encoded, File, Http, Length,
    Limits, Message, Method, Multipart, MultipartError, Part, Piece, Reply, Request, Response,
    Route, Server, SetCookie, Site, Socket, SocketCaller, SocketCalls, Status, fields,
};

use crate::unknown::{address, any, bytes, word};

/// An application with a server.
pub struct App {
    http: Server<2, 40>,
    client: Client<40>,
    live: Client<80>,
}

fn connect(_: &mut App, conn: &mut ConnMut<'_, '_, App>, name: &str, port: u16) -> bool {
    any((name, port));
    conn.connect(address()).is_ok()
}

type Base<'s> = EventBase<'s, App>;

/// The site of the application.
pub struct Page;

static FILES: [File; 1] =
    [File::new("", "text/html", b"page", File::tag(b"page")).gzip(b"zipped").cache("no-store")];

impl Site<App> for Page {
    const ROUTES: &'static [Route<App>] = &[
        Route::new(Method::Patch, "/a", respond),
        Route::get("/b/{name}", begin_response).pull(continue_response),
        Route::post("/c", login),
        Route::put("/d", respond).body(part).before(respond),
        Route::delete("/e", query_request),
        Route::file("/f", &FILES[0]),
        Route::files("/g/{*name}", &FILES),
        Route::websocket("/h", message).protocols(&["one", "two"]),
    ];
    const LIMITS: Limits = Limits::new()
        .line(100)
        .fields(9)
        .body(1_000)
        .message(1_000)
        .requests(9)
        .head(Duration::from_secs(1))
        .rate(1)
        .idle(Duration::from_secs(1))
        .stall(Duration::from_secs(1));
    const HEADERS: &'static [&'static str] = &["Cookie", "Authorization"];
    const CLOCK: Option<Clock<App>> =
        Some(|_, now| any(Some(any(now).since(Instant::ZERO).as_secs())));
    type Server = Server<2, 40>;

    fn server(app: &mut App) -> &mut Server<2, 40> {
        &mut any(app).http
    }
}

pub fn every_function() {
    let mut storage = any(Storage::<App, 1, 2, 900, 1, 1>::new());
    let base = &mut EventBase::new(&mut storage);
    let Ok(pool) = any(&mut *base).add_pool(any(Pool::new(2))) else { return };
    any(any(&mut *base).listen::<Http<Page>>(address(), any(pool))).ok();
    let mut app = any(App { http: Server::new(), client: Client::new(), live: Client::new() });
    any((app.http.len(), app.http.is_empty(), Limits::default().line(any(1)).body(any(1))));
    any(Server::<1, 1>::default().len());
    if let Ok(conn) = any(&mut *base).connect::<Http<Page>>(address(), any(pool)) {
        each_connection(&mut app, any(&mut *base), any(conn));
        if let Ok(mut view) = any(&mut *base).conn(any(conn)) {
            Http::<Page>::eof(&mut app, &mut view);
        }
        any(&mut *base).advance(any(Instant::ZERO));
        any(&mut *base).dispatch(&mut app);
    }
    client_requests(&mut app, any(&mut *base), any(pool));
    for (name, value) in fields(bytes()) {
        any((
            name == word(),
            value == *word(),
            value.raw(),
            value.number(),
            Encoded::bytes(value).last(),
        ));
        any(value.decode(any(&mut [0; 9])));
    }
    any(File::tag(bytes()));
    any(&FILES);
}

fn each_connection(app: &mut App, base: &mut Base<'_>, conn: Conn) {
    any(Http::<Page>::with(app, any(&mut *base), conn, respond));
    Http::<Page>::each(app, any(&mut *base), word(), continue_response);
    any(Http::<Page>::socket(app, any(&mut *base), conn, |app, socket| {
        message(app, socket, any(Message::Opened));
    }));
    Http::<Page>::each_socket(app, any(&mut *base), word(), |app, socket| {
        message(app, socket, any(Message::Closed(1)));
    });
}

fn query_request(_: &mut App, request: &mut Request<'_, '_, '_, App>) {
    any(request.method().name());
    any((request.target(), request.path(), request.param(word()), request.query(word())));
    any((request.header(word()), request.id(), request.content_length()));
    any(request.conn().peer_addr());
    any(request.cx().now());
}

fn respond(app: &mut App, request: &mut Request<'_, '_, '_, App>) {
    query_request(app, any(&mut *request));
    any(request.form(word()));
    let status = any(Status::new(any(1))).unwrap_or(Status::OK);
    any((status.code(), status.reason()));
    let reply = Reply::new(status, word()).fields(word());
    let done = match any(0) {
        0 => request.reply(any(reply), bytes()),
        1 => request.reply_fmt(any(Reply::text(status)), format_args!("{}", word())),
        2 => request.reply_static(any(Reply::html(status)), bytes()),
        3 => request.reply(any(Reply::empty(status)), bytes()),
        _ => {
            request.later();
            Ok(())
        }
    };
    any(done).ok();
}

fn begin_response(_: &mut App, request: &mut Request<'_, '_, '_, App>) {
    any(request.begin(Reply::text(Status::OK), any(Length::Known(3)))).ok();
    any(any(&mut *request).begin_events()).ok();
}

fn continue_response(_: &mut App, request: &mut Request<'_, '_, '_, App>) {
    any((request.written(), request.unwritten()));
    any(any(&mut *request).write(bytes())).ok();
    any(any(&mut *request).write_some(bytes()));
    any(any(&mut *request).write_fmt(format_args!("{}", word()))).ok();
    any(any(&mut *request).event(word(), format_args!("{}", word()))).ok();
    any(any(&mut *request).finish()).ok();
}

fn part(_: &mut App, request: &mut Request<'_, '_, '_, App>, part: Part) {
    any((part, request.data()));
    any(request.take(any(1)));
}

fn message(_: &mut App, socket: &mut Socket<'_, '_, '_, '_, App>, message: Message) {
    any((message, socket.data()));
    any(any(&mut *socket).take(any(1)));
    any((socket.id(), socket.protocol(), socket.room()));
    any(socket.request().path());
    any(socket.cx().now());
    any(any(&mut *socket).send_text(word())).ok();
    any(any(&mut *socket).send_fmt(format_args!("{}", word()))).ok();
    any(any(&mut *socket).send_text_part(bytes(), any(true))).ok();
    any(any(&mut *socket).send_binary(bytes(), any(true))).ok();
    socket.close(any(1));
}

fn login(app: &mut App, request: &mut Request<'_, '_, '_, App>) {
    any((request.is_user(word(), word()), request.cookie(word())));
    if let Some(cookie) = SetCookie::new(word(), word()) {
        let cookie = cookie.max_age(any(1));
        any(any(&mut *request).reply(Reply::text(Status::OK).fields(cookie.field()), bytes())).ok();
    }
    any(any(&mut *request).ask_for_password(word())).ok();
    let Some(mut form) = Multipart::new(bytes()) else { return };
    while let Some(piece) = request.next_piece(any(&mut form)) {
        any(piece == Err(MultipartError::TooLong) || piece == Ok(Piece::Ends));
    }
    any((form.is_complete(), &mut *app));
}

struct Requests;

impl Caller<App> for Requests {
    const HEADERS: &'static [&'static str] = &["Content-Type"];
    const BY_NAME: Option<ByName<App>> = Some(connect);
    type Client = Client<40>;

    fn client(app: &mut App) -> &mut Client<40> {
        &mut any(app).client
    }

    fn answered(_: &mut App, response: &mut Response<'_, '_, '_, '_, App>) {
        any((response.status(), response.header(word())));
        any(response.cx().now());
    }

    fn part(_: &mut App, response: &mut Response<'_, '_, '_, '_, App>) {
        any(response.data());
        any(response.take(any(1)));
    }

    fn upload(_: &mut App, response: &mut Response<'_, '_, '_, '_, App>) {
        any((response.written(), response.unwritten()));
        any(any(&mut *response).write(bytes())).ok();
        any(any(&mut *response).write_some(bytes()));
        any(any(&mut *response).finish()).ok();
    }

    fn done(app: &mut App, cx: &mut Cx<'_, App>, outcome: Result<Status, CallError>) {
        any((app, cx.now(), outcome == Err(CallError::Cancelled)));
    }
}

fn client_requests(app: &mut App, base: &mut Base<'_>, pool: PoolId) {
    any((app.client.is_busy(), Client::<1>::default().is_busy()));
    let ask =
        ClientRequest::get(address(), word(), word()).fields(word()).content(any(Length::Unknown));
    any(Calls::<Requests>::request(app, any(&mut *base), pool, any(&ask))).ok();
    any(ClientRequest::new(any(Method::Put), address(), word(), word()));
    let named = ClientRequest::named(any(Method::Put), word(), word());
    any(Calls::<Requests>::request(app, any(&mut *base), pool, any(&named))).ok();
    any(Calls::<Requests>::go_on(app, any(&mut *base)));
    any(Calls::<Requests>::cancel(app, any(&mut *base)));
    any(SocketCalls::<Live>::open(app, any(&mut *base), pool, any(&ask))).ok();
    any(SocketCalls::<Live>::with(app, any(&mut *base), |app, socket| {
        message(app, socket, any(Message::Opened));
    }));
    any(SocketCalls::<Live>::cancel(app, any(&mut *base)));
    any(&mut *base).dispatch(app);
}

struct Live;

impl SocketCaller<App> for Live {
    const PROTOCOLS: &'static [&'static str] = &["one", "two"];
    const BY_NAME: Option<ByName<App>> = Some(connect);
    type Client = Client<80>;

    fn client(app: &mut App) -> &mut Client<80> {
        &mut any(app).live
    }

    fn received(app: &mut App, socket: &mut Socket<'_, '_, '_, '_, App>, received: Message) {
        message(app, socket, any(received));
    }

    fn ended(app: &mut App, cx: &mut Cx<'_, App>, outcome: Result<u16, CallError>) {
        any((app, cx.now(), outcome == Err(CallError::Unseeded)));
    }
}
