//! The example `chat` in the simulator. Its clients send lines to each other. One program runs all clients. So the
//! program can check what each client receives.

use std::collections::HashMap;

use chat::{Chat, PORT};
use picoevent::{Pool, Storage};
use picoevent_sim::world::{Choices, Service, Session, Size, Sockets, TestCase};

/// The application, with room for the largest pool.
type App = Chat<{ PLENTY.conns() }>;

/// The maximum number of clients at once.
const SLOTS: u16 = 4;
const PLENTY: Pool = Pool::new(SLOTS).spare(1).rings(512, 1024);
const LITTLE: Pool = Pool::new(SLOTS).rings(260, 280);
const TWO: Pool = Pool::new(2).spare(1).rings(300, 600);

/// Three devices. They have rings with room for many lines or for one line, and receive windows of different sizes.
const SIZES: [Size<App>; 3] = [
    Size::of(
        PLENTY,
        Storage::<App, 1, { PLENTY.conns() }, { PLENTY.bytes() }>::new,
        Sockets::<7, 512, 512>::new,
    ),
    Size::of(
        LITTLE,
        Storage::<App, 1, { LITTLE.conns() }, { LITTLE.bytes() }>::new,
        Sockets::<5, 64, 64>::new,
    ),
    Size::of(
        TWO,
        Storage::<App, 1, { TWO.conns() }, { TWO.bytes() }>::new,
        Sockets::<4, 256, 16>::new,
    ),
];

/// The chat server.
pub fn chat() -> TestCase<App> {
    TestCase::new("chat", PORT, App::new, App::start)
        .sizes(&SIZES)
        .keeps_silent_clients()
        .crowd(Room::new)
        .invariant(|_, cx| match cx.conns().count() {
            0..=5 => Ok(()),
            many => Err(format!("there are {many} connections")),
        })
}

/// What all clients have sent and received.
///
/// A client sends its lines, and then `/who`. The answer to `/who` shows that the server has passed on all these lines.
/// So every other client that was in the room before the first of these lines must receive all of the lines, in order.
/// To check this, every other client then sends `/who`, too. At each of these clients, the lines must arrive before the
/// answer to its own `/who`.
struct Room {
    /// The number of lines that the client of a connection sends. The index is the number of the connection, modulo the
    /// length of the list.
    lines: Vec<u32>,
    /// The minimum length of a line.
    length: usize,
    clients: HashMap<u32, Client>,
}

/// The client of a connection.
#[derive(Default)]
struct Client {
    name: Option<String>,
    /// The number of lines that the client sends.
    line_count: u32,
    /// The number of the next line expected from each connection.
    next_lines: HashMap<u32, u32>,
    /// The connections from which the client may have missed lines. These connections were opened before the client
    /// connected, or began to send before the client had a name.
    may_have_missed: Vec<u32>,
    /// The server has answered the client's first `/who`, so the server has passed on all lines of the client.
    is_confirmed: bool,
    /// For each later `/who` of the client, the connections whose lines must arrive before the answer.
    requested: Vec<Vec<u32>>,
    /// The number of entries of `requested` that the server has answered.
    answered: usize,
    has_quit: bool,
    is_open: bool,
}

impl Room {
    fn new(choices: &mut Choices<'_>) -> Self {
        let lines = (0..4).map(|_| choices.up_to(6) as u32).collect();
        Self { lines, length: choices.up_to(60) as usize, clients: HashMap::new() }
    }

    /// Handles a line that a client receives.
    fn line(&mut self, number: u32, line: &str) -> Result<(), String> {
        if let Some(name) = line.strip_prefix("* you are ") {
            let is_taken = self
                .clients
                .values()
                .any(|other| other.is_open && other.name.as_deref() == Some(name));
            let client = self.clients.entry(number).or_default();
            if is_taken || client.name.replace(name.to_owned()).is_some() {
                return Err(format!("connection {number} received {line:?}"));
            }
            return Ok(());
        }
        if line.starts_with("* here are ") {
            return self.answered(number);
        }
        if let Some(rest) = line.strip_prefix("* ") {
            let is_event =
                ["is here", "has left", "was too slow"].iter().any(|end| rest.ends_with(end));
            return match is_event || line == "* busy" {
                true => Ok(()),
                false => Err(format!("connection {number} received {line:?}")),
            };
        }
        let wrong = || format!("connection {number} received {line:?}, which no client sent");
        let (name, text) = line.split_once(": ").ok_or_else(wrong)?;
        let mut words = text.split(' ');
        let mut number_in = || words.next().and_then(|word| word.parse::<u32>().ok());
        let (from, nth) = number_in().zip(number_in()).ok_or_else(wrong)?;
        let sender =
            self.clients.get(&from).filter(|sender| nth < sender.line_count).ok_or_else(wrong)?;
        let is_right = sender.name.as_deref().is_none_or(|known| known == name);
        if !is_right || from == number || text != self.text(from, nth) {
            return Err(wrong());
        }
        let receiver = self.clients.entry(number).or_default();
        let due = receiver.next_lines.entry(from).or_insert(nth);
        if *due != nth {
            return Err(format!(
                "connection {number} received line {nth} of connection {from} instead of line {due}"
            ));
        }
        *due = nth + 1;
        Ok(())
    }

    /// Returns the line with the number `nth` of the client with the number `number`.
    fn text(&self, number: u32, nth: u32) -> String {
        format!("{number} {nth} {}", "-".repeat(self.length))
    }

    /// Handles an answer to `/who`. All lines that must come before this answer must have arrived.
    fn answered(&mut self, number: u32) -> Result<(), String> {
        let Some(client) = self.clients.get_mut(&number) else { return Ok(()) };
        if !client.is_confirmed {
            client.is_confirmed = true;
            return Ok(());
        }
        let Some(due) = client.requested.get(client.answered).cloned() else {
            return Err(format!(
                "connection {number} received an answer to /who that it did not request"
            ));
        };
        client.answered += 1;
        let next_lines = client.next_lines.clone();
        for from in due {
            let line_count = self.clients.get(&from).map_or(0, |sender| sender.line_count);
            let received = next_lines.get(&from).copied().unwrap_or(0);
            if received < line_count {
                return Err(format!(
                    "connection {number} has received {received} of the {line_count} lines of \
                     connection {from}"
                ));
            }
        }
        Ok(())
    }
}

impl Service for Room {
    fn opened(&mut self, session: &mut Session) -> Result<(), String> {
        let number = session.number();
        let line_count = self.lines.get(number as usize % self.lines.len()).copied().unwrap_or(0);
        // The new client may have missed lines of the clients that connected earlier.
        let may_have_missed = self.clients.keys().copied().collect();
        let client = Client { line_count, may_have_missed, is_open: true, ..Client::default() };
        self.clients.insert(number, client);
        Ok(())
    }

    fn received(&mut self, session: &mut Session) -> Result<(), String> {
        while let Some(line) = session.read_line() {
            let number = session.number();
            let was_named = self.clients.get(&number).is_some_and(|client| client.name.is_some());
            self.line(number, &line)?;
            let Some(client) = self.clients.get(&number) else { continue };
            if !was_named && client.name.is_some() {
                // All lines of this client must arrive at the other clients that have a name. A client without a name
                // may miss some or all of these lines.
                let line_count = client.line_count;
                for nth in 0..line_count {
                    let text = self.text(number, nth);
                    session.write(format!("{text}\n").as_bytes());
                }
                let numbers: Vec<_> = self.clients.keys().copied().collect();
                for other in numbers {
                    let is_named = |room: &Self| {
                        room.clients.get(&other).is_some_and(|other| other.name.is_some())
                    };
                    if other != number
                        && !is_named(self)
                        && let Some(other) = self.clients.get_mut(&other)
                    {
                        other.may_have_missed.push(number);
                    }
                }
                session.write(b"/who\n");
            }
        }
        Ok(())
    }

    /// Sends `/who` when other clients have sent all their lines, to check that the lines have arrived. Leaves when all
    /// clients have sent all their lines and all answers have arrived.
    fn poll(&mut self, session: &mut Session) -> Result<(), String> {
        let number = session.number();
        let Some(me) = self.clients.get(&number) else { return Ok(()) };
        if !me.is_confirmed || me.has_quit {
            return Ok(());
        }
        let is_known = |from: &u32| {
            me.may_have_missed.contains(from)
                || me.requested.iter().flatten().any(|known| known == from)
        };
        let new: Vec<u32> = self
            .clients
            .iter()
            .filter(|(from, sender)| **from != number && sender.is_confirmed && !is_known(from))
            .map(|(from, _)| *from)
            .collect();
        let others_send = self.clients.iter().any(|(from, other)| {
            *from != number && other.is_open && other.name.is_some() && !other.is_confirmed
        });
        let Some(me) = self.clients.get_mut(&number) else { return Ok(()) };
        if !new.is_empty() {
            me.requested.push(new);
            session.write(b"/who\n");
        } else if me.answered == me.requested.len() && !others_send {
            me.has_quit = true;
            session.served();
            session.write(b"/quit\n");
        }
        Ok(())
    }

    fn finished(&mut self, session: &mut Session) -> Result<(), String> {
        session.close();
        // A client that was refused because the server was full has no name.
        match self.clients.get(&session.number()) {
            Some(client) if client.name.is_some() && !client.has_quit => {
                Err(format!("the device ended the stream of connection {}", session.number()))
            }
            _ => Ok(()),
        }
    }

    fn ended(&mut self, session: &mut Session) {
        if let Some(client) = self.clients.get_mut(&session.number()) {
            client.is_open = false;
        }
    }
}
