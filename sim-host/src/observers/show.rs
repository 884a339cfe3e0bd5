//! Shows a simulation in real time: one line for each event.
//!
//! ```text
//!     2.000100 │ peers ────▶ device │ 40001>9995 syn seq 1 ack 0 win 1024 len 0
//!     2.000200 │ peers ──✗   device │ 40001>9995 psh ack …  (dropped by chance)
//!     2.000300 │ callback           │ Echo::accepted, conn 0
//!     2.100000 │ fault              │ loss of 20 %, both ways, for 4.00 s
//! ```

use std::collections::HashMap;
use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use super::words;
use crate::world::{
    Callback, ClientEvent, Direction, Fate, Fault, Frame, Function, Observer, ServerEvent,
    ServerFault, Treatment, UdpClientEvent, describe,
};

/// The style of the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Text only.
    Plain,
    /// Colours, and a clock that also advances while nothing happens.
    Terminal,
}

/// The time between two updates of a terminal's clock.
const TICK: Duration = Duration::from_millis(100);

/// An observer that shows a simulation while the simulation runs. The observer delays the simulation to keep the
/// requested speed.
pub struct Show<W> {
    out: W,
    style: Style,
    /// Seconds of the simulation per second of real time.
    ratio: f64,
    began: Option<Instant>,
    names: HashMap<Function, Option<String>>,
    /// The time of the callback that was shown last, and the callback.
    last: Option<(u64, Callback)>,
    /// The number of further runs of the callback in `last`, at the same simulation time.
    again: u32,
}

#[derive(Clone, Copy)]
enum Colour {
    Quiet = 0,
    Bad = 31,
    Good = 32,
    Odd = 33,
    Code = 36,
    Faint = 90,
}

impl<W: Write> Show<W> {
    /// Makes an observer whose simulation runs at `ratio` times the speed of real time, or without
    /// delay if `ratio` is infinite.
    pub fn new(out: W, style: Style, ratio: f64) -> Self {
        Self { out, style, ratio, began: None, names: HashMap::new(), last: None, again: 0 }
    }

    /// Waits until the real time that corresponds to the simulation time `at`.
    fn keep_pace(&mut self, at: u64) {
        let began = *self.began.get_or_insert_with(Instant::now);
        let due = at as f64 / 1e6 / self.ratio;
        while let Some(left) = Duration::try_from_secs_f64(due - began.elapsed().as_secs_f64())
            .ok()
            .filter(|left| !left.is_zero())
        {
            if self.style == Style::Terminal {
                let now = began.elapsed().as_secs_f64() * self.ratio;
                let _ = write!(self.out, "\r\x1b[K\x1b[90m{now:>12.1} …\x1b[0m");
                let _ = self.out.flush();
            }
            thread::sleep(left.min(TICK));
        }
    }

    /// Shows a line. If the last callback ran several times, a line with the number of calls is printed first.
    fn line(&mut self, at: u64, colour: Colour, what: &str, text: &str) {
        let (last, again) = (self.last.take(), std::mem::take(&mut self.again));
        if let Some((then, _)) = last.filter(|_| again > 0) {
            self.print(then, Colour::Code, "", &format!("… {} times in all", again + 1));
        }
        self.keep_pace(at);
        self.print(at, colour, what, text);
    }

    /// Prints a line and ignores errors.
    fn print(&mut self, at: u64, colour: Colour, what: &str, text: &str) {
        let time = at as f64 / 1e6;
        let _ = match self.style {
            Style::Plain => writeln!(self.out, "{time:>12.6} │ {what:<18} │ {text}"),
            Style::Terminal => {
                let colour = colour as u8;
                let time = format!("\x1b[90m{time:>12.6} │\x1b[0m");
                let text = format!("\x1b[{colour}m{what:<18} \x1b[90m│\x1b[0;{colour}m {text}");
                writeln!(self.out, "\r\x1b[K{time} {text}\x1b[0m")
            }
        };
        let _ = self.out.flush();
    }
}

fn arrow(direction: Direction, arrives: bool) -> &'static str {
    match (direction, arrives) {
        (Direction::ToDevice, true) => "peers ────▶ device",
        (Direction::ToDevice, false) => "peers ──✗   device",
        (Direction::ToPeer, true) => "peers ◀──── device",
        (Direction::ToPeer, false) => "peers   ✗── device",
    }
}

impl<W: Write> Observer for Show<W> {
    fn frame(&mut self, at: u64, frame: Frame<'_>, fate: Fate, how: Treatment) {
        let text = describe(frame.bytes);
        let detail = words::loss(fate).map_or_else(|| words::treatment(how), str::to_owned);
        let arrives = matches!(fate, Fate::Arrives(_));
        let colour = match (arrives, detail.is_empty()) {
            (false, _) => Colour::Bad,
            (true, false) => Colour::Odd,
            (true, true) => Colour::Quiet,
        };
        let text = if detail.is_empty() { text } else { format!("{text}  ({detail})") };
        self.line(at, colour, arrow(frame.direction, arrives), &text);
    }

    fn lost_in_transit(&mut self, at: u64, frame: Frame<'_>) {
        let text = format!("{}  ({})", describe(frame.bytes), words::LOST_IN_TRANSIT);
        self.line(at, Colour::Bad, arrow(frame.direction, false), &text);
    }

    fn callback_begins(&mut self, at: u64, callback: Callback) {
        // If a ring has only a few bytes, the same callback runs many times in one microsecond. Only the first of these
        // calls is shown. The others are counted.
        if self.last == Some((at, callback)) {
            self.again += 1;
            return;
        }
        let name = self.names.entry(callback.function);
        let name = name.or_insert_with(|| callback.function.look_up().0);
        let name = callback.title(name.as_deref());
        let text = format!("{name}, {}", words::object(callback.object));
        self.line(at, Colour::Code, "callback", &text);
        self.last = Some((at, callback));
    }

    fn fault(&mut self, at: u64, fault: &Fault, begins: bool) {
        let text = words::fault(fault);
        match begins {
            true => {
                let lasts = words::time(fault.until.saturating_sub(fault.from));
                self.line(at, Colour::Odd, "fault begins", &format!("{text}, for {lasts}"));
            }
            false => self.line(at, Colour::Odd, "fault ends", &text),
        }
    }

    fn client(&mut self, at: u64, client: u32, event: ClientEvent) {
        let colour = match event {
            ClientEvent::IsServed(_) => Colour::Good,
            ClientEvent::IsRefused => Colour::Bad,
            ClientEvent::Connects(_) | ClientEvent::IsGone => Colour::Faint,
        };
        self.line(at, colour, &format!("client {client}"), &words::client_event(event));
    }

    fn udp_client(&mut self, at: u64, client: u32, event: UdpClientEvent) {
        let colour = match event {
            UdpClientEvent::IsServed(_) => Colour::Good,
            UdpClientEvent::Requests { again: true, .. } => Colour::Bad,
            UdpClientEvent::Requests { .. } => Colour::Faint,
        };
        self.line(at, colour, &format!("UDP client {client}"), &words::udp_client_event(event));
    }

    fn server(&mut self, at: u64, port: u16, connection: u32, event: ServerEvent) {
        let colour = match event {
            ServerEvent::Accepted(_) => Colour::Good,
            ServerEvent::Ended => Colour::Faint,
        };
        self.line(at, colour, &format!("server {port}"), &words::server_event(connection, event));
    }

    fn server_fault(&mut self, at: u64, port: u16, fault: &ServerFault, begins: bool) {
        let text = words::server_fault(port, fault);
        match begins {
            true => {
                let lasts = words::time(fault.until.saturating_sub(fault.from));
                self.line(at, Colour::Odd, "fault begins", &format!("{text}, for {lasts}"));
            }
            false => self.line(at, Colour::Odd, "fault ends", &text),
        }
    }

    fn mark(&mut self, at: u64, line: &str) {
        self.line(at, Colour::Quiet, "simulation", line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::Object;

    #[test]
    fn a_simulation_is_delayed_to_keep_its_pace() {
        let mut out = Vec::new();
        let began = Instant::now();
        let mut show = Show::new(&mut out, Style::Plain, 1000.0);
        show.mark(10_000_000, "early");
        show.mark(40_000_000, "late");
        assert!(began.elapsed() >= Duration::from_millis(40));
        let text = String::from_utf8(out).unwrap();
        let wanted = "   10.000000 │ simulation         │ early";
        assert_eq!(text.lines().next(), Some(wanted));
    }

    #[test]
    fn a_callback_that_runs_again_and_again_takes_two_lines() {
        let mut storage = picoevent::Storage::<(), 1, 0, 0>::new();
        let mut base = picoevent::EventBase::new(&mut storage);
        let event = base.after(Duration::from_secs(1), |_, _| ()).unwrap();
        let callback =
            Callback { name: "timer", object: Object::Event(event), function: Function::at(0) };
        let mut out = Vec::new();
        let mut show = Show::new(&mut out, Style::Plain, f64::INFINITY);
        (0..42).for_each(|_| show.callback_begins(7, callback));
        show.mark(8, "over");
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert!(lines[0].ends_with("timer, event 0"), "{text}");
        assert!(lines[1].ends_with("… 42 times in all"), "{text}");
    }

    #[test]
    fn a_simulation_without_a_pace_is_not_delayed() {
        let mut show = Show::new(std::io::sink(), Style::Plain, f64::INFINITY);
        let began = Instant::now();
        show.mark(u64::MAX, "the end of time");
        assert!(began.elapsed() < Duration::from_secs(5));
    }
}
