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
//! A frame is shown as a slice on the sender's track, a slice on the receiver's track, and an arrow between both. A
//! lost frame has no arrow, and its slice states the reason.

use std::collections::HashMap;

use super::chrome::{Chart, Track};
use super::words;
use crate::world::{
    About, Callback, Direction, Fate, Fault, Frame, Function, News, Object, Observer, ServerNews,
    Treatment, Trouble, UdpNews, describe,
};

const DEVICE: u32 = 1;
const PEERS: u32 = 2;
const FAULTS: u32 = 3;

/// The width of an event in nanoseconds.
const WIDTH: u64 = 20;

/// What a lane of the faults shows.
#[derive(Clone, Copy, PartialEq)]
enum Strike {
    Fault(Fault),
    /// A trouble of the server at this port.
    Trouble(u16, Trouble),
}

/// A connection to a server.
#[derive(Clone, Copy, PartialEq)]
struct Call {
    server: u16,
    number: u32,
}

/// An observer that draws the timeline of one simulation.
pub struct Trace {
    chart: Chart,
    named: Vec<Track>,
    /// The current microsecond, and the number of its nanoseconds already used.
    now: (u64, u64),
    callback: Option<(u64, Callback)>,
    /// The object whose callback returned last, and the time at which this callback began.
    last: Option<(u64, Object)>,
    /// The application's objects, each with its state and the time at which this state began.
    objects: Vec<(Object, About, u64)>,
    /// The fault in each lane, and its start time.
    lanes: Vec<Option<(Strike, u64)>>,
    /// The connection to a server in each lane, and its start time.
    calls: Vec<Option<(Call, u64)>>,
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
            calls: Vec::new(),
            connections: HashMap::new(),
            sent: HashMap::new(),
            functions: HashMap::new(),
        }
    }

    /// Returns the timeline as a JSON file, up to the last event.
    pub fn file(&mut self) -> String {
        let end = self.moment(self.now.0);
        self.callback_ends(self.now.0);
        self.objects(self.now.0, &[]);
        for lane in 0..self.lanes.len() {
            self.free_lane(lane, end);
        }
        for lane in 0..self.calls.len() {
            self.end_call(lane, end);
        }
        let clients: Vec<_> = self.connections.keys().copied().collect();
        clients
            .into_iter()
            .for_each(|client| self.end_connection(client, end, "the simulation ends"));
        self.chart.file()
    }

    /// Reserves the next free time in this microsecond. Returns its beginning.
    fn moment(&mut self, at: u64) -> u64 {
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

    /// Ends the slice of an object.
    fn close(&mut self, (object, about, since): (Object, About, u64), ends: u64) {
        let track = self.track_of(object);
        let deadline = match about {
            About::Waits(_, Some(deadline)) => {
                format!("{:.6} s", deadline.as_micros() as f64 / 1e6)
            }
            _ => String::new(),
        };
        let said = [("until, by the device's clock", deadline.as_str())];
        let said = if deadline.is_empty() { &[] } else { said.as_slice() };
        self.chart.slice(track, (since, ends), &words::about(about), said);
    }

    fn free_lane(&mut self, lane: usize, ends: u64) {
        let Some((strike, since)) = self.lanes[lane].take() else { return };
        let track = self.track(FAULTS, lane as u32 + 1, || format!("fault {lane}"));
        let text = match strike {
            Strike::Fault(fault) => words::fault(&fault),
            Strike::Trouble(port, trouble) => words::trouble(port, &trouble),
        };
        self.chart.slice(track, (since, ends), &text, &[]);
    }

    fn strike(&mut self, at: u64, strike: Strike, begins: bool) {
        let moment = self.moment(at);
        let shown = Some(strike).filter(|_| !begins);
        let lane = self.lanes.iter().position(|lane| lane.map(|(strike, _)| strike) == shown);
        match (begins, lane) {
            (true, Some(lane)) => self.lanes[lane] = Some((strike, moment)),
            (true, None) => self.lanes.push(Some((strike, moment))),
            (false, Some(lane)) => self.free_lane(lane, moment),
            (false, None) => {}
        }
    }

    fn end_call(&mut self, lane: usize, ends: u64) {
        let Some((call, since)) = self.calls[lane].take() else { return };
        // A server may have several connections at a time.
        let thread = 10_000_000 + u32::from(call.server) * 100 + lane as u32 % 100;
        let track = self.track(PEERS, thread, || format!("server {}", call.server));
        self.chart.slice(track, (since, ends), &format!("connection {}", call.number), &[]);
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
        let begins = self.moment(at);
        let track = self.network(ends(frame.direction).0);
        let mut name = describe(frame.bytes);
        if let Some(loss) = words::loss(fate) {
            name = format!("✗ {name}: {loss}");
        }
        let how = words::treatment(how);
        let said = [("in transit", how.as_str())];
        let said = if how.is_empty() { &[] } else { said.as_slice() };
        self.chart.slice(track, (begins, begins + WIDTH), &name, said);
        if matches!(fate, Fate::Arrives(_)) {
            self.sent.insert(frame.number, (begins, name));
        }
    }

    fn arrived(&mut self, at: u64, frame: Frame<'_>) {
        let Some((sent, name)) = self.sent.remove(&frame.number) else { return };
        let begins = self.moment(at);
        let (from, to) = ends(frame.direction);
        let (from, to) = (self.network(from), self.network(to));
        self.chart.slice(to, (begins, begins + WIDTH), &describe(frame.bytes), &[]);
        self.chart.arrow(frame.number, (from, sent), (to, begins), &name);
    }

    fn lost_in_transit(&mut self, at: u64, frame: Frame<'_>) {
        let Some((_, name)) = self.sent.remove(&frame.number) else { return };
        let begins = self.moment(at);
        let track = self.network(ends(frame.direction).1);
        let name = format!("✗ {name}: {}", words::LOST_IN_TRANSIT);
        self.chart.slice(track, (begins, begins + WIDTH), &name, &[]);
    }

    fn callback_begins(&mut self, at: u64, callback: Callback) {
        let begins = self.moment(at);
        // The object no longer waits for this deadline, so its slice ends.
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
        let ends = self.moment(at).max(begins + WIDTH);
        let track = self.track_of(callback.object);
        let known = self.functions.entry(callback.function);
        let (name, place) = known.or_insert_with(|| callback.function.look_up());
        let name = callback.title(name.as_deref());
        let mut said = vec![("because of", callback.name)];
        said.extend(place.as_deref().map(|place| ("at", place)));
        self.chart.slice(track, (begins, ends), name, &said);
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
        let moment = self.moment(at);
        gone.into_iter().for_each(|gone| self.close(gone, moment));
        for (object, about) in new {
            // The slice of a new connection begins with the callback that accepts the connection.
            let since = match (self.last, about) {
                (Some((began, of)), About::With(_)) if of == object => began,
                _ => moment,
            };
            self.objects.push((object, about, since));
        }
    }

    fn fault(&mut self, at: u64, fault: &Fault, begins: bool) {
        self.strike(at, Strike::Fault(*fault), begins);
    }

    fn trouble(&mut self, at: u64, port: u16, trouble: &Trouble, begins: bool) {
        self.strike(at, Strike::Trouble(port, *trouble), begins);
    }

    fn server(&mut self, at: u64, port: u16, connection: u32, news: ServerNews) {
        let moment = self.moment(at);
        let call = Call { server: port, number: connection };
        let shown = Some(call).filter(|_| news == ServerNews::Ended);
        let lane = self.calls.iter().position(|lane| lane.map(|(call, _)| call) == shown);
        match (news, lane) {
            (ServerNews::Accepted(_), Some(lane)) => self.calls[lane] = Some((call, moment)),
            (ServerNews::Accepted(_), None) => self.calls.push(Some((call, moment))),
            (ServerNews::Ended, Some(lane)) => self.end_call(lane, moment),
            (ServerNews::Ended, None) => {}
        }
    }

    fn udp_client(&mut self, at: u64, client: u32, news: UdpNews) {
        let moment = self.moment(at);
        let track = self.track(PEERS, 1_000 + client, || format!("UDP client {client}"));
        self.chart.slice(track, (moment, moment + WIDTH), &words::udp_news(news), &[]);
    }

    fn client(&mut self, at: u64, client: u32, news: News) {
        let moment = self.moment(at);
        match news {
            News::Connects(port) => {
                self.end_connection(client, moment, "it connects again");
                self.connections.insert(client, (port, moment));
            }
            News::IsServed(_) => {
                let track = self.client_track(client);
                self.chart.slice(track, (moment, moment + WIDTH), &words::news(news), &[]);
            }
            News::IsRefused | News::IsGone => {
                self.end_connection(client, moment, &words::news(news))
            }
        }
    }

    fn mark(&mut self, at: u64, line: &str) {
        let moment = self.moment(at);
        let track = self.track(DEVICE, 0, || "simulation".to_owned());
        self.chart.instant(track, moment, line);
    }
}
