//! A timeline of a simulation, for <https://ui.perfetto.dev>.
//!
//! ```text
//!  device   network      ▌frame ──────────────┐      lines across all: faults' end, interrupt, verdict
//!           listener 0   ▐listens on 0.0.0.0:9995 ▐
//!           conn 0       ▐with 10.0.0.1:40001│▌Echo::accepted ▌Echo::moved ▐
//!           event 0      ▐waits for TIMEOUT   │▌Clock::tick▐waits for TIMEOUT
//!  peers    network      ◀────────────────────┘
//!           client 0     ▐port 40001         ▐
//!           server 7070  ▐connection 0       ▐
//!  faults   lane 0       ▐loss of 20 %       ▐
//! ```
//!
//! Code takes no time in a simulation. So events in the same microsecond are drawn one after another, each 20 ns wide.
//! A frame is shown as a slice on the sender's track, a slice on the receiver's track, and an arrow from the first
//! slice to the second. A lost frame has no arrow, and its slice states the reason.

use std::collections::HashMap;

use super::chrome::{Chart, Track};
use super::words;
use crate::world::{
    About, Callback, ClientEvent, Direction, Fate, Fault, Frame, Function, Object, Observer,
    ServerEvent, ServerFault, Treatment, UdpClientEvent, describe,
};

const DEVICE: u32 = 1;
const PEERS: u32 = 2;
const FAULTS: u32 = 3;

/// The width of an event in nanoseconds.
const WIDTH: u64 = 20;

/// A slice in the group `faults` of the timeline.
#[derive(Clone, Copy, PartialEq)]
enum ActiveFault {
    Fault(Fault),
    /// A fault of the server at this port.
    ServerFault(u16, ServerFault),
}

/// A connection to a server.
#[derive(Clone, Copy, PartialEq)]
struct ServerConnection {
    server: u16,
    number: u32,
}

/// An observer that draws the timeline of one simulation.
pub struct Trace {
    chart: Chart,
    named: Vec<Track>,
    /// The current time in microseconds, and the total width in nanoseconds of the events that are already drawn in
    /// this microsecond.
    now: (u64, u64),
    callback: Option<(u64, Callback)>,
    /// The object whose callback returned last, and the time at which this callback began.
    last: Option<(u64, Object)>,
    /// The application's objects, each with its state and the time at which this state began.
    objects: Vec<(Object, About, u64)>,
    /// The fault in each lane, and its start time.
    lanes: Vec<Option<(ActiveFault, u64)>>,
    /// The connection to a server in each lane, and its start time.
    server_connections: Vec<Option<(ServerConnection, u64)>>,
    /// The port of each client's connection, and the start time of the connection.
    connections: HashMap<u32, (u16, u64)>,
    sent: HashMap<u64, (u64, String)>,
    /// The names and source locations of functions that were looked up.
    functions: HashMap<Function, (Option<String>, Option<String>)>,
}

impl Trace {
    /// Makes an empty timeline.
    pub fn new() -> Self {
        let mut chart = Chart::default();
        chart.name_process(DEVICE, "device");
        chart.name_process(PEERS, "peers");
        chart.name_process(FAULTS, "faults");
        Self {
            chart,
            named: Vec::new(),
            now: (0, 0),
            callback: None,
            last: None,
            objects: Vec::new(),
            lanes: Vec::new(),
            server_connections: Vec::new(),
            connections: HashMap::new(),
            sent: HashMap::new(),
            functions: HashMap::new(),
        }
    }

    /// Returns the timeline as a JSON file, up to the last event.
    pub fn file(&mut self) -> String {
        let end = self.reserve_time(self.now.0);
        self.callback_ends(self.now.0);
        self.objects(self.now.0, &[]);
        for lane in 0..self.lanes.len() {
            self.free_lane(lane, end);
        }
        for lane in 0..self.server_connections.len() {
            self.end_server_connection(lane, end);
        }
        let clients: Vec<_> = self.connections.keys().copied().collect();
        clients
            .into_iter()
            .for_each(|client| self.end_connection(client, end, "the simulation ends"));
        self.chart.file()
    }

    /// Reserves [`WIDTH`] nanoseconds in the microsecond `at`, after the events that are already drawn in this
    /// microsecond. Returns the start of the reserved time in nanoseconds.
    fn reserve_time(&mut self, at: u64) -> u64 {
        if at != self.now.0 {
            self.now = (at, 0);
        }
        let begins = at * 1_000 + self.now.1;
        self.now.1 = (self.now.1 + WIDTH).min(1_000 - WIDTH);
        begins
    }

    fn track(&mut self, process: u32, thread: u32, name: impl FnOnce() -> String) -> Track {
        let track = Track { process, thread };
        if !self.named.contains(&track) {
            self.named.push(track);
            self.chart.name_track(track, &name());
        }
        track
    }

    fn network(&mut self, process: u32) -> Track {
        self.track(process, 1, || "network".to_owned())
    }

    fn track_of(&mut self, object: Object) -> Track {
        let kind = match object {
            Object::Listener(_) => 1_000,
            Object::Udp(_) => 1_500,
            Object::Conn(_) => 2_000,
            Object::Event(_) => 100_000,
        };
        self.track(DEVICE, kind + object.slot() as u32, || words::object(object))
    }

    /// Adds the slice that shows the state of an object. The slice ends at the time `ends`.
    fn close(&mut self, (object, about, since): (Object, About, u64), ends: u64) {
        let track = self.track_of(object);
        let deadline = match about {
            About::Waits(_, Some(deadline)) => {
                format!("{:.6} s", deadline.as_micros() as f64 / 1e6)
            }
            _ => String::new(),
        };
        let arguments = [("until, by the device's clock", deadline.as_str())];
        let arguments = if deadline.is_empty() { &[] } else { arguments.as_slice() };
        self.chart.slice(track, (since, ends), &words::about(about), arguments);
    }

    fn free_lane(&mut self, lane: usize, ends: u64) {
        let Some((fault, since)) = self.lanes[lane].take() else { return };
        let track = self.track(FAULTS, lane as u32 + 1, || format!("fault {lane}"));
        let text = match fault {
            ActiveFault::Fault(fault) => words::fault(&fault),
            ActiveFault::ServerFault(port, fault) => words::server_fault(port, &fault),
        };
        self.chart.slice(track, (since, ends), &text, &[]);
    }

    fn change_fault(&mut self, at: u64, fault: ActiveFault, begins: bool) {
        let time = self.reserve_time(at);
        let shown = Some(fault).filter(|_| !begins);
        let lane = self.lanes.iter().position(|lane| lane.map(|(active, _)| active) == shown);
        match (begins, lane) {
            (true, Some(lane)) => self.lanes[lane] = Some((fault, time)),
            (true, None) => self.lanes.push(Some((fault, time))),
            (false, Some(lane)) => self.free_lane(lane, time),
            (false, None) => {}
        }
    }

    fn end_server_connection(&mut self, lane: usize, ends: u64) {
        let Some((connection, since)) = self.server_connections[lane].take() else { return };
        // A server can have several open connections at a time, so each of them needs a separate track.
        let thread = 10_000_000 + u32::from(connection.server) * 100 + lane as u32 % 100;
        let track = self.track(PEERS, thread, || format!("server {}", connection.server));
        self.chart.slice(track, (since, ends), &format!("connection {}", connection.number), &[]);
    }

    fn end_connection(&mut self, client: u32, ends: u64, why: &str) {
        let Some((port, since)) = self.connections.remove(&client) else { return };
        let track = self.client_track(client);
        self.chart.slice(track, (since, ends), &format!("from port {port}"), &[("until", why)]);
    }

    fn client_track(&mut self, client: u32) -> Track {
        self.track(PEERS, 10 + client, || format!("client {client}"))
    }
}

impl Default for Trace {
    fn default() -> Self {
        Self::new()
    }
}

const fn ends(direction: Direction) -> (u32, u32) {
    match direction {
        Direction::ToDevice => (PEERS, DEVICE),
        Direction::ToPeer => (DEVICE, PEERS),
    }
}

impl Observer for Trace {
    fn frame(&mut self, at: u64, frame: Frame<'_>, fate: Fate, how: Treatment) {
        let begins = self.reserve_time(at);
        let track = self.network(ends(frame.direction).0);
        let mut name = describe(frame.bytes);
        if let Some(loss) = words::loss(fate) {
            name = format!("✗ {name}: {loss}");
        }
        let how = words::treatment(how);
        let arguments = [("in transit", how.as_str())];
        let arguments = if how.is_empty() { &[] } else { arguments.as_slice() };
        self.chart.slice(track, (begins, begins + WIDTH), &name, arguments);
        if matches!(fate, Fate::Arrives(_)) {
            self.sent.insert(frame.number, (begins, name));
        }
    }

    fn arrived(&mut self, at: u64, frame: Frame<'_>) {
        let Some((sent, name)) = self.sent.remove(&frame.number) else { return };
        let begins = self.reserve_time(at);
        let (from, to) = ends(frame.direction);
        let (from, to) = (self.network(from), self.network(to));
        self.chart.slice(to, (begins, begins + WIDTH), &describe(frame.bytes), &[]);
        self.chart.arrow(frame.number, (from, sent), (to, begins), &name);
    }

    fn lost_in_transit(&mut self, at: u64, frame: Frame<'_>) {
        let Some((_, name)) = self.sent.remove(&frame.number) else { return };
        let begins = self.reserve_time(at);
        let track = self.network(ends(frame.direction).1);
        let name = format!("✗ {name}: {}", words::LOST_IN_TRANSIT);
        self.chart.slice(track, (begins, begins + WIDTH), &name, &[]);
    }

    fn callback_begins(&mut self, at: u64, callback: Callback) {
        let begins = self.reserve_time(at);
        // When the callback of an event begins, the event no longer waits for its deadline. So the slice that shows the
        // waiting ends.
        if let Some(index) = self.objects.iter().position(|(object, about, _)| {
            *object == callback.object && matches!(about, About::Waits(_, Some(_)))
        }) {
            let waited = self.objects.swap_remove(index);
            self.close(waited, begins);
        }
        self.callback = Some((begins, callback));
    }

    fn callback_ends(&mut self, at: u64) {
        let Some((begins, callback)) = self.callback.take() else { return };
        self.last = Some((begins, callback.object));
        let ends = self.reserve_time(at).max(begins + WIDTH);
        let track = self.track_of(callback.object);
        let known = self.functions.entry(callback.function);
        let (name, location) = known.or_insert_with(|| callback.function.look_up());
        let name = callback.title(name.as_deref());
        let mut arguments = vec![("because of", callback.name)];
        arguments.extend(location.as_deref().map(|location| ("at", location)));
        self.chart.slice(track, (begins, ends), name, &arguments);
    }

    fn objects(&mut self, at: u64, objects: &[(Object, About)]) {
        let old = |(object, about, _): &(Object, About, u64)| objects.contains(&(*object, *about));
        let is_known = |new: &(Object, About)| {
            self.objects.iter().any(|(object, about, _)| (*object, *about) == *new)
        };
        let new: Vec<_> = objects.iter().filter(|new| !is_known(new)).copied().collect();
        let (stay, gone): (Vec<_>, Vec<_>) = self.objects.drain(..).partition(old);
        self.objects = stay;
        if new.is_empty() && gone.is_empty() {
            return;
        }
        let time = self.reserve_time(at);
        gone.into_iter().for_each(|gone| self.close(gone, time));
        for (object, about) in new {
            // If a connection is new and its callback has just returned, its slice begins at the same time as this
            // callback.
            let since = match (self.last, about) {
                (Some((began, of)), About::With(_)) if of == object => began,
                _ => time,
            };
            self.objects.push((object, about, since));
        }
    }

    fn fault(&mut self, at: u64, fault: &Fault, begins: bool) {
        self.change_fault(at, ActiveFault::Fault(*fault), begins);
    }

    fn server_fault(&mut self, at: u64, port: u16, fault: &ServerFault, begins: bool) {
        self.change_fault(at, ActiveFault::ServerFault(port, *fault), begins);
    }

    fn server(&mut self, at: u64, port: u16, connection: u32, event: ServerEvent) {
        let time = self.reserve_time(at);
        let accepted = ServerConnection { server: port, number: connection };
        let shown = Some(accepted).filter(|_| event == ServerEvent::Ended);
        let lane =
            self.server_connections.iter().position(|lane| lane.map(|(open, _)| open) == shown);
        match (event, lane) {
            (ServerEvent::Accepted(_), Some(lane)) => {
                self.server_connections[lane] = Some((accepted, time))
            }
            (ServerEvent::Accepted(_), None) => {
                self.server_connections.push(Some((accepted, time)))
            }
            (ServerEvent::Ended, Some(lane)) => self.end_server_connection(lane, time),
            (ServerEvent::Ended, None) => {}
        }
    }

    fn udp_client(&mut self, at: u64, client: u32, event: UdpClientEvent) {
        let time = self.reserve_time(at);
        let track = self.track(PEERS, 1_000 + client, || format!("UDP client {client}"));
        self.chart.slice(track, (time, time + WIDTH), &words::udp_client_event(event), &[]);
    }

    fn client(&mut self, at: u64, client: u32, event: ClientEvent) {
        let time = self.reserve_time(at);
        match event {
            ClientEvent::Connects(port) => {
                self.end_connection(client, time, "it connects again");
                self.connections.insert(client, (port, time));
            }
            ClientEvent::IsServed(_) => {
                let track = self.client_track(client);
                self.chart.slice(track, (time, time + WIDTH), &words::client_event(event), &[]);
            }
            ClientEvent::IsRefused | ClientEvent::IsGone => {
                self.end_connection(client, time, &words::client_event(event))
            }
        }
    }

    fn mark(&mut self, at: u64, line: &str) {
        let time = self.reserve_time(at);
        let track = self.track(DEVICE, 0, || "simulation".to_owned());
        self.chart.instant(track, time, line);
    }
}
