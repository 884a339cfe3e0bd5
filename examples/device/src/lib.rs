//! A device with a web page. The page shows the state of a board in a browser.
//!
//! | path | content |
//! |---|---|
//! | `/` and its files | the page, from flash |
//! | `/live` | a WebSocket with a value every 200 ms |
//! | `/events` | the same values as server-sent events |
//! | `/settings` | `GET` returns the settings as JSON, `POST` of a form changes them |
//! | `/upload` | `PUT` uploads up to 64 MiB, `GET` returns the length and the SHA-256 of the last upload as JSON |
//! | `/download/BYTES` | `BYTES` bytes with a known content |
//! | `/metrics` | the loop's own figures, for Prometheus |
//! | `/echo` | a WebSocket that sends back what it receives |
//!
//! The crate is the whole application, and does not depend on a particular board.

#![no_std]

use core::fmt::Write;
use core::net::SocketAddr;
use core::time::Duration;

use heapless::String;
use picoevent::memory::StaticSlot;
use picoevent::{Conn, Cx, EventMut, Listener, Pool, SetupError, Signal, Storage};
use picoevent_http::{
    Http, Length, Limits, Message, Part, Reply, Request, Route, Server, Site, Socket, Status,
};
use sha2::{Digest, Sha256};

// The application logs through defmt or log.
#[cfg(feature = "defmt")]
use defmt::info;
#[cfg(not(feature = "defmt"))]
use log::info;

include!(concat!(env!("OUT_DIR"), "/page.rs"));

/// The port that the device listens on.
pub const PORT: u16 = 8080;
/// The number of clients at once. A browser opens up to six connections.
const CLIENTS: usize = 8;
/// The pool of the connections. It has one connection more than `CLIENTS`, so that a new client can connect and replace
/// a client without a request in progress.
pub const POOL: Pool = Pool::new(CLIENTS as u16 + 1).rings(512, 1024);
/// The memory of the loop: three events (a timer, a signal and the delay before the loop ends) and the pool.
pub type Memory = Storage<Device, 3, { POOL.conns() }, { POOL.bytes() }>;
/// Slots for the files that are being sent, one for each client.
pub type Files = [StaticSlot; CLIENTS];

/// The longest upload and the longest download, in bytes.
const LONGEST: u32 = 64 << 20;
const PERIOD: Duration = Duration::from_millis(200);
const JSON: Reply<'_> =
    Reply::new(Status::OK, "application/json").fields("Cache-Control: no-store\r\n");

type Requests = Server<CLIENTS, 96>;

/// The application.
pub struct Device {
    http: Requests,
    sensor: fn(micros: u64) -> i32,
    name: String<32>,
    threshold: u32,
    value: i32,
    samples: u32,
    upload: Upload,
    is_exiting: bool,
}

/// The current upload, and the result of the last complete upload.
struct Upload {
    /// The connection that uploads.
    from: Option<Conn>,
    length: u32,
    hash: Option<Sha256>,
    /// The length and the SHA-256 of the last complete upload.
    last: Option<(u32, [u8; 32])>,
}

/// The site: the web page, and the other paths of the device.
struct Page;

impl Site<Device> for Page {
    const ROUTES: &'static [Route<Device>] = &[
        Route::websocket("/live", |_, socket, _| {
            socket.take(usize::MAX);
        }),
        Route::websocket("/echo", Device::echo),
        Route::get("/events", Device::events),
        Route::get("/settings", Device::settings),
        Route::post("/settings", Device::set),
        Route::get("/upload", Device::uploaded),
        Route::put("/upload", Device::end_upload)
            .before(Device::begin_upload)
            .body(Device::take_upload),
        Route::get("/download/{bytes}", Device::download).pull(Device::download_more),
        Route::get("/metrics", Device::metrics),
        Route::files("/{*name}", &FILES),
    ];
    const LIMITS: Limits = Limits::new().body(LONGEST).line(512);
    /// The longest answer that is written at once is `/metrics`, with 580 bytes.
    const ROOM: usize = 600;
    const REPLACES: bool = true;
    type Server = Requests;

    fn server(app: &mut Device) -> &mut Requests {
        &mut app.http
    }
}

impl Device {
    /// Makes the application. `sensor` returns the sensor's value; the argument of `sensor` is the loop's time in
    /// microseconds. Call [`start`](Self::start) next.
    pub const fn new(sensor: fn(micros: u64) -> i32) -> Self {
        Self {
            http: Server::new(),
            sensor,
            name: String::new(),
            threshold: 24_000,
            value: 0,
            samples: 0,
            upload: Upload { from: None, length: 0, hash: None, last: None },
            is_exiting: false,
        }
    }

    /// Listens for clients. Returns the listener.
    ///
    /// # Errors
    /// [`SetupError`] when the storage is smaller than [`Memory`].
    pub fn start(cx: &mut Cx<Self>, address: SocketAddr) -> Result<Listener, SetupError> {
        Self::start_with(cx, address, POOL)
    }

    /// Starts like [`start`](Self::start), with the pool `clients`. The pool may have fewer connections than [`POOL`],
    /// and rings of other sizes. A connection needs at least 128 bytes for input and 640 bytes for output.
    ///
    /// # Errors
    /// [`SetupError`] when the storage has no room for two events, one listener and the pool.
    pub fn start_with(
        cx: &mut Cx<Self>,
        address: SocketAddr,
        clients: Pool,
    ) -> Result<Listener, SetupError> {
        let clients = cx.add_pool(clients)?;
        let listener = cx.listen::<Http<Page>>(address, clients)?;
        cx.every(PERIOD, Self::sample)?;
        cx.on_signal(Signal::INT, Self::interrupted)?;
        Ok(listener)
    }

    fn sample(&mut self, event: &mut EventMut<Self>) {
        let micros = event.now().as_micros();
        self.value = (self.sensor)(micros);
        self.samples = self.samples.wrapping_add(1);
        let (counts, peaks) = (event.counts(), event.peaks());
        let mut text = String::<160>::new();
        let _ = write!(
            text,
            r#"{{"value":{},"warm":{},"samples":{},"uptime":{},"clients":{},"most":{}}}"#,
            self.value,
            self.value >= self.threshold.cast_signed(),
            self.samples,
            micros / 1_000_000,
            counts.conns,
            peaks.conns,
        );
        // A client that reads too slowly misses values.
        Http::<Page>::each_socket(self, event, "/live", |_, socket| {
            let _ = socket.send_text(&text);
        });
        Http::<Page>::each(self, event, "/events", |_, request| {
            let _ = request.event("value", format_args!("{text}"));
        });
    }

    /// Sends back the received data, as far as the output ring has room.
    fn echo(&mut self, socket: &mut Socket<Self>, message: Message) {
        let (is_text, is_last) = match message {
            Message::Text { is_last } => (true, is_last),
            Message::Binary { is_last } => (false, is_last),
            Message::Opened | Message::Closed(_) => return,
        };
        let mut buffer = [0; 512];
        let data = socket.data();
        let held = data.len();
        let amount = held.min(buffer.len());
        buffer[..amount].copy_from_slice(&data[..amount]);
        let amount = amount.min(socket.room());
        let is_last = is_last && amount == held;
        if amount == 0 && !is_last {
            return;
        }
        let sent = match is_text {
            true => socket.send_text_part(&buffer[..amount], is_last),
            false => socket.send_binary(&buffer[..amount], is_last),
        };
        if sent.is_ok() {
            socket.take(amount);
        }
    }

    fn events(&mut self, request: &mut Request<Self>) {
        let _ = request.begin_events();
    }

    fn settings(&mut self, request: &mut Request<Self>) {
        let _ = request.reply_fmt(
            JSON,
            format_args!("{{\"name\":\"{}\",\"threshold\":{}}}\n", self.name, self.threshold),
        );
    }

    fn set(&mut self, request: &mut Request<Self>) {
        let mut buffer = [0; 32];
        let name = request.form("name").and_then(|name| name.decode(&mut buffer));
        let name =
            name.filter(|name| !name.contains(['"', '\\']) && !name.contains(char::is_control));
        let threshold = request.form("threshold").and_then(|threshold| threshold.number());
        let (Some(name), Some(threshold)) = (name.and_then(|name| name.try_into().ok()), threshold)
        else {
            let bad_request = Reply::text(Status::BAD_REQUEST);
            let _ = request.reply(bad_request, b"a name of 32 bytes at most, and a threshold\n");
            return;
        };
        (self.name, self.threshold) = (name, threshold);
        info!("the threshold is {}", threshold);
        self.settings(request);
    }

    fn begin_upload(&mut self, request: &mut Request<Self>) {
        if self.upload.from.is_some() {
            let _ = request.reply(Reply::text(Status::CONFLICT), b"another upload is under way\n");
            return;
        }
        let from = Some(request.id());
        self.upload = Upload { from, length: 0, hash: Some(Sha256::new()), last: self.upload.last };
    }

    fn take_upload(&mut self, request: &mut Request<Self>, part: Part) {
        if part == Part::Lost {
            (self.upload.from, self.upload.hash) = (None, None);
            return;
        }
        let data = request.data();
        if let Some(hash) = &mut self.upload.hash {
            hash.update(data);
        }
        let amount = data.len();
        request.take(amount);
        self.upload.length = self.upload.length.wrapping_add(amount as u32);
    }

    fn end_upload(&mut self, request: &mut Request<Self>) {
        let hash = self.upload.hash.take().unwrap_or_default().finalize();
        self.upload.last = Some((self.upload.length, hash.into()));
        self.upload.from = None;
        info!("an upload of {} bytes", self.upload.length);
        self.uploaded(request);
    }

    fn uploaded(&mut self, request: &mut Request<Self>) {
        let mut digits = String::<64>::new();
        let (length, hash) = self.upload.last.unwrap_or_default();
        for byte in hash {
            let _ = write!(digits, "{byte:02x}");
        }
        let content = format_args!("{{\"length\":{length},\"sha256\":\"{digits}\"}}\n");
        let _ = request.reply_fmt(JSON, content);
    }

    fn download(&mut self, request: &mut Request<Self>) {
        let bytes = request.param("bytes").and_then(|bytes| bytes.number());
        let _ = match bytes {
            Some(bytes @ ..=LONGEST) => {
                let reply = Reply::new(Status::OK, "application/octet-stream");
                request.begin(reply.fields("Cache-Control: no-store\r\n"), Length::Known(bytes))
            }
            _ => request.reply(Reply::text(Status::NOT_FOUND), b"how many bytes, up to 64 MiB?\n"),
        };
    }

    fn download_more(&mut self, request: &mut Request<Self>) {
        while request.unwritten() > 0 {
            let written = request.written();
            let chunk: [u8; 128] =
                core::array::from_fn(|at| downloaded(written.wrapping_add(at as u32)));
            if request.write_some(&chunk) == 0 {
                return;
            }
        }
    }

    fn metrics(&mut self, request: &mut Request<Self>) {
        let (counts, peaks) = (request.cx().counts(), request.cx().peaks());
        let uptime = request.cx().now().as_micros() / 1_000_000;
        let lines = [
            ("picoevent_uptime_seconds counter", uptime),
            ("picoevent_samples_total counter", self.samples.into()),
            ("picoevent_value_millidegrees gauge", self.value.unsigned_abs().into()),
            ("picoevent_connections gauge", counts.conns as u64),
            ("picoevent_connections_peak gauge", peaks.conns as u64),
            ("picoevent_events gauge", counts.events as u64),
        ];
        let _ = request.begin(Reply::new(Status::OK, "text/plain; version=0.0.4"), Length::Unknown);
        for (name, value) in lines {
            let bare_name = name.split(' ').next().unwrap_or(name);
            let _ = write!(request, "# TYPE {name}\n{bare_name} {value}\n");
        }
        let _ = request.finish();
    }

    /// Checks the invariants that hold between callbacks. Returns a description of the violation, if an invariant is
    /// violated.
    pub fn problem(&self, cx: &Cx<Self>) -> Option<&'static str> {
        let conns = cx.counts().conns;
        if conns < self.http.len() {
            return Some("there are requests of connections that have ended");
        }
        if self.upload.from.is_some() != self.upload.hash.is_some() {
            return Some("an upload has no hash, or a hash no upload");
        }
        if self.upload.from.is_some() && conns == 0 {
            return Some("an upload waits for a connection that has ended");
        }
        None
    }

    fn interrupted(&mut self, event: &mut EventMut<Self>) {
        if core::mem::replace(&mut self.is_exiting, true) {
            return;
        }
        info!("the device ends");
        for path in ["/live", "/echo"] {
            Http::<Page>::each_socket(self, event, path, |_, socket| socket.close(1001));
        }
        event.exit_after(Duration::from_millis(200));
    }
}

/// Returns the byte at the offset `at` of a download.
pub const fn downloaded(at: u32) -> u8 {
    (at % 251) as u8
}

/// Returns the value of a simulated sensor: a temperature in thousandths of a degree. The temperature rises from 20 to
/// 25 degrees and falls again, in 20 seconds.
pub fn temperature(micros: u64) -> i32 {
    let millis = (micros / 1_000 % 20_000) as i32;
    25_000 - (millis - 10_000).abs() / 2
}
