//! chat in the simulator: clients that talk, and one program that knows what each of them must
//! receive.

use std::collections::HashMap;

use chat::{Chat, PORT};
use picoevent::{Pool, Storage};
use picoevent_sim::world::{Choices, Service, Session, Size, Sockets, TestCase};

/// The application, with room for the largest pool.
type App = Chat<{ PLENTY.conns() }>;

/// The maximum number of clients at once.
const PLACES: u16 = 4;
const PLENTY: Pool = Pool::new(PLACES).spare(1).rings(512, 1024);
const LITTLE: Pool = Pool::new(PLACES).rings(260, 280);
const TWO: Pool = Pool::new(2).spare(1).rings(300, 600);

/// Devices whose rings have room for many lines or for one line, and with receive windows of different sizes.
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

/// What all clients have said and received.
///
/// A client says its lines, and then `/who`. The answer to `/who` confirms that the server has passed on all these
/// lines. From then on, every other client that was in the room before the first line must receive all these lines,
/// in order. So every other client sends `/who`, too, and must receive the lines before the answer.
struct Room {
    /// The number of lines that each connection says, by the number of the connection. After the end of the list, the
    /// numbers repeat.
    lines: Vec<u32>,
    /// The minimum length of a line.
    length: usize,
    talkers: HashMap<u32, Talker>,
}

/// The client of a connection.
#[derive(Default)]
struct Talker {
    name: Option<String>,
    /// The number of lines that it says.
    says: u32,
    /// The number of the next line expected from each connection.
    heard: HashMap<u32, u32>,
    /// The connections whose lines it may have missed, because these connections were there first.
    late: Vec<u32>,
    /// It knows that all its lines were passed on.
    is_confirmed: bool,
    /// For each `/who` that it sent after the lines of others: the connections with these lines.
    asked: Vec<Vec<u32>>,
    /// The number of answers received.
    answered: usize,
    has_quit: bool,
    is_open: bool,
}

impl Room {
    fn new(choices: &mut Choices<'_>) -> Self {
        let lines = (0..4).map(|_| choices.up_to(6) as u32).collect();
        Self { lines, length: choices.up_to(60) as usize, talkers: HashMap::new() }
    }

    /// Handles a line that a client receives.
    fn line(&mut self, number: u32, line: &str) -> Result<(), String> {
        if let Some(name) = line.strip_prefix("* you are ") {
            let is_taken = self
                .talkers
                .values()
                .any(|other| other.is_open && other.name.as_deref() == Some(name));
            let talker = self.talkers.entry(number).or_default();
            if is_taken || talker.name.replace(name.to_owned()).is_some() {
                return Err(format!("connection {number} heard {line:?}"));
            }
            return Ok(());
        }
        if line.starts_with("* here are ") {
            return self.answered(number);
        }
        if let Some(rest) = line.strip_prefix("* ") {
            let is_news =
                ["is here", "has left", "was too slow"].iter().any(|end| rest.ends_with(end));
            return match is_news || line == "* busy" {
                true => Ok(()),
                false => Err(format!("connection {number} heard {line:?}")),
            };
        }
        let wrong = || format!("connection {number} heard {line:?}, which nobody said");
        let (name, said) = line.split_once(": ").ok_or_else(wrong)?;
        let mut words = said.split(' ');
        let mut number_in = || words.next().and_then(|word| word.parse::<u32>().ok());
        let (from, nth) = number_in().zip(number_in()).ok_or_else(wrong)?;
        let sender =
            self.talkers.get(&from).filter(|sender| nth < sender.says).ok_or_else(wrong)?;
        let is_right = sender.name.as_deref().is_none_or(|known| known == name);
        if !is_right || from == number || said != self.text(from, nth) {
            return Err(wrong());
        }
        let listener = self.talkers.entry(number).or_default();
        let due = listener.heard.entry(from).or_insert(nth);
        if *due != nth {
            return Err(format!("connection {number} heard line {nth} of {from} instead of {due}"));
        }
        *due = nth + 1;
        Ok(())
    }

    /// Returns a line that a client says.
    fn text(&self, number: u32, nth: u32) -> String {
        format!("{number} {nth} {}", "-".repeat(self.length))
    }

    /// Handles an answer to `/who`: everything said before it must have arrived.
    fn answered(&mut self, number: u32) -> Result<(), String> {
        let Some(talker) = self.talkers.get_mut(&number) else { return Ok(()) };
        if !talker.is_confirmed {
            talker.is_confirmed = true;
            return Ok(());
        }
        let Some(due) = talker.asked.get(talker.answered).cloned() else {
            return Err(format!("connection {number} was told twice who is here"));
        };
        talker.answered += 1;
        let heard = talker.heard.clone();
        for from in due {
            let says = self.talkers.get(&from).map_or(0, |sender| sender.says);
            let heard = heard.get(&from).copied().unwrap_or(0);
            if heard < says {
                return Err(format!(
                    "connection {number} has heard {heard} of the {says} lines of connection {from}"
                ));
            }
        }
        Ok(())
    }
}

impl Service for Room {
    fn opened(&mut self, session: &mut Session) -> Result<(), String> {
        let number = session.number();
        let says = self.lines.get(number as usize % self.lines.len()).copied().unwrap_or(0);
        // It may have missed some lines of clients that are already talking.
        let late = self.talkers.keys().copied().collect();
        let talker = Talker { says, late, is_open: true, ..Talker::default() };
        self.talkers.insert(number, talker);
        Ok(())
    }

    fn received(&mut self, session: &mut Session) -> Result<(), String> {
        while let Some(line) = session.read_line() {
            let number = session.number();
            let was_named = self.talkers.get(&number).is_some_and(|talker| talker.name.is_some());
            self.line(number, &line)?;
            let Some(talker) = self.talkers.get(&number) else { continue };
            if !was_named && talker.name.is_some() {
                // Clients in the room receive all lines from now on. Other clients receive only a part of the
                // lines, or none.
                let says = talker.says;
                for nth in 0..says {
                    let text = self.text(number, nth);
                    session.write(format!("{text}\n").as_bytes());
                }
                let there: Vec<_> = self.talkers.keys().copied().collect();
                for other in there {
                    let is_named = |room: &Self| {
                        room.talkers.get(&other).is_some_and(|other| other.name.is_some())
                    };
                    if other != number
                        && !is_named(self)
                        && let Some(other) = self.talkers.get_mut(&other)
                    {
                        other.late.push(number);
                    }
                }
                session.write(b"/who\n");
            }
        }
        Ok(())
    }

    /// Sends `/who` when other clients have said all their lines, to check that the lines have arrived. Leaves when
    /// all clients have said all their lines and the answers have come.
    fn going_on(&mut self, session: &mut Session) -> Result<(), String> {
        let number = session.number();
        let Some(me) = self.talkers.get(&number) else { return Ok(()) };
        if !me.is_confirmed || me.has_quit {
            return Ok(());
        }
        let is_known = |from: &u32| {
            me.late.contains(from) || me.asked.iter().flatten().any(|known| known == from)
        };
        let new: Vec<u32> = self
            .talkers
            .iter()
            .filter(|(from, sender)| **from != number && sender.is_confirmed && !is_known(from))
            .map(|(from, _)| *from)
            .collect();
        let others_talk = self.talkers.iter().any(|(from, other)| {
            *from != number && other.is_open && other.name.is_some() && !other.is_confirmed
        });
        let Some(me) = self.talkers.get_mut(&number) else { return Ok(()) };
        if !new.is_empty() {
            me.asked.push(new);
            session.write(b"/who\n");
        } else if me.answered == me.asked.len() && !others_talk {
            me.has_quit = true;
            session.served();
            session.write(b"/quit\n");
        }
        Ok(())
    }

    fn finished(&mut self, session: &mut Session) -> Result<(), String> {
        session.close();
        // A client that was refused because the server was full has no name.
        match self.talkers.get(&session.number()) {
            Some(talker) if talker.name.is_some() && !talker.has_quit => {
                Err(format!("connection {} was ended", session.number()))
            }
            _ => Ok(()),
        }
    }

    fn ended(&mut self, session: &mut Session) {
        if let Some(talker) = self.talkers.get_mut(&session.number()) {
            talker.is_open = false;
        }
    }
}
