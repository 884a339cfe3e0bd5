//! The uplink: sends samples to the collector, which confirms them.

use core::time::Duration;

use picoevent::{Backoff, Conn, ConnEnd, ConnMut, Cx, Protocol};

use crate::{Gateway, Sample, info};

const HEARTBEAT: Duration = Duration::from_secs(5);
/// The longest time without data from the collector. After this time, the connection counts as lost.
const SILENCE: Duration = Duration::from_secs(12);

pub(crate) struct Uplink {
    pub(crate) conn: Option<Conn>,
    /// The number of samples that were sent on this connection and are not confirmed. These samples are the oldest of
    /// the kept samples.
    pub(crate) sent: usize,
    backoff: Backoff,
    heartbeats: u32,
}

impl Uplink {
    pub(crate) const fn new() -> Self {
        let backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(30));
        Self { conn: None, sent: 0, backoff, heartbeats: 0 }
    }

    /// Returns the state of the connection as one word.
    pub(crate) fn name(&self, cx: &mut Cx<Gateway>) -> &'static str {
        match self.conn.map(|conn| cx.conn(conn)) {
            Some(Ok(conn)) if conn.is_open() => "up",
            Some(Ok(conn)) if !conn.is_resting() => "connecting",
            _ => "waiting",
        }
    }
}

impl Protocol<Gateway> for Uplink {
    const IDLE: Option<Duration> = Some(SILENCE);
    /// The time limit for a connect, and for a collector that accepts no samples.
    const STALL: Option<Duration> = Some(Duration::from_secs(8));

    fn opened(app: &mut Gateway, conn: &mut ConnMut<Gateway>) {
        info!("the uplink is up");
        app.uplink.heartbeats = 0;
        conn.alarm_every(HEARTBEAT);
        app.send_samples(conn);
    }

    fn writable(app: &mut Gateway, conn: &mut ConnMut<Gateway>) {
        app.send_samples(conn);
    }

    fn alarm(app: &mut Gateway, conn: &mut ConnMut<Gateway>) {
        app.uplink.heartbeats = app.uplink.heartbeats.wrapping_add(1);
        // If the output ring has no room for a heartbeat, the ring contains samples. These samples also show the
        // collector that the gateway is alive.
        let _ = writeln!(conn, "H {}", app.uplink.heartbeats);
    }

    /// Reads confirmations: `A NUMBER` confirms all samples up to that number.
    fn readable(app: &mut Gateway, conn: &mut ConnMut<Gateway>) {
        let mut buffer = [0; 32];
        while let Some(line) = conn.read_line(&mut buffer) {
            let number = line.ok().and_then(|line| line.strip_prefix("A ")?.parse().ok());
            let Some(number): Option<u32> = number else { continue };
            // The collector works. A full collector may accept connections and close them.
            app.uplink.backoff.reset();
            let is_confirmed =
                |sample: &Sample| number.wrapping_sub(sample.number).cast_signed() >= 0;
            while app.uplink.sent > 0 && app.samples.front().is_some_and(is_confirmed) {
                app.samples.pop_front();
                app.uplink.sent -= 1;
            }
        }
    }

    /// Ends the connection at once. Samples that are not confirmed are sent again on the next connection.
    fn eof(_: &mut Gateway, conn: &mut ConnMut<Gateway>) {
        conn.abort();
    }

    fn ended(app: &mut Gateway, conn: &mut ConnMut<Gateway>, end: ConnEnd) {
        let delay = app.uplink.backoff.next_delay(conn.cx());
        info!("the uplink is down ({}), again in {} ms", end, delay.as_millis() as u32);
        app.uplink.sent = 0;
        app.connect_uplink(conn, delay);
    }
}

impl Gateway {
    /// Sends the samples that were not yet sent on this connection, as far as the output ring has room.
    pub(crate) fn send_samples(&mut self, conn: &mut ConnMut<Self>) {
        if !conn.is_open() {
            return;
        }
        for sample in self.samples.iter().skip(self.uplink.sent) {
            let forced = if sample.forced { " F" } else { "" };
            let (number, micros, value) = (sample.number, sample.micros, sample.value);
            if writeln!(conn, "S {number} {micros} {value}{forced}").is_err() {
                return; // `writable` is called later.
            }
            self.uplink.sent += 1;
        }
    }
}
