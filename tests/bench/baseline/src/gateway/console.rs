//! The console: each line is a command.

use core::fmt::Write;

use embassy_futures::select::{Either3, select3};
use embassy_net::Stack;
use embassy_net::tcp::{Error, TcpReader, TcpWriter};
use embassy_time::{Duration, Ticker, Timer};
use heapless::String;

use super::net::{Line, SOCKETS, drain, listen, send};
use super::store::SetError;
use super::{ENDING, Gateway, State};

/// The console's port.
pub const PORT: u16 = 2323;
/// The answer to a client if the console has no room for one more client.
const BUSY: &str = "busy\r\n";

/// The maximum length of a received line, without the line's end.
const LINE: usize = 128;
/// The maximum length of the line of values that a client gets after the command `watch`, without the line's end.
const VALUES: usize = 250;
const IDLE: Duration = Duration::from_secs(60);
const WATCHING: Duration = Duration::from_secs(1);

type Text = String<{ VALUES + 2 }>;

/// What the console does after an answer.
enum Next {
    Command,
    Watch,
    End,
}

/// Serves clients on one socket forever.
#[embassy_executor::task(pool_size = SOCKETS)]
pub async fn run(stack: Stack<'static>, gateway: &'static Gateway) -> ! {
    listen::<256, 512>(stack, PORT, &gateway.console, BUSY, async |reader, writer| {
        serve(reader, writer, gateway).await
    })
    .await
}

/// Serves a client until the client quits, ends its stream, or is idle for too long, or until the gateway ends.
///
/// # Errors
/// If the connection must be reset.
async fn serve(
    mut reader: TcpReader<'_>,
    mut writer: TcpWriter<'_>,
    gateway: &Gateway,
) -> Result<(), Error> {
    let mut ending = ENDING.receiver().expect("each client has a receiver");
    let mut line = Line::<{ LINE + 1 }>::default();
    let mut watch = None::<Ticker>;
    loop {
        if reader.recv_queue() == 0 {
            drain(&mut writer).await?;
        }
        let due = async {
            match &mut watch {
                Some(ticker) => ticker.next().await,
                None => Timer::after(IDLE).await,
            }
        };
        let mut text = Text::new();
        let next = match select3(ending.get(), line.receive(&mut reader), due).await {
            Either3::First(()) => end(&mut text, "bye: the gateway ends\r\n"),
            Either3::Second(Err(_)) => return Ok(()),
            Either3::Second(Ok(false)) => continue,
            Either3::Second(Ok(true)) => {
                watch = None;
                gateway.state.borrow_mut().command(line.text(LINE), &mut text)
            }
            Either3::Third(()) if watch.is_some() => {
                gateway.state.borrow().values(&mut text);
                Next::Command
            }
            Either3::Third(()) => end(&mut text, "idle, good bye\r\n"),
        };
        send(&mut writer, text.as_bytes()).await?;
        match next {
            Next::Command => {}
            Next::Watch => watch = Some(Ticker::every(WATCHING)),
            Next::End => return Ok(()),
        }
    }
}

fn end(text: &mut Text, last: &str) -> Next {
    let _ = text.push_str(last);
    Next::End
}

impl State {
    /// Executes the command in a line, and writes the answer. If the line was too long, `line` is `None`, and the
    /// answer is an error.
    fn command(&mut self, line: Option<&str>, text: &mut Text) -> Next {
        let Some(line) = line else {
            let _ = text.push_str("error: line too long\r\n");
            return Next::Command;
        };
        let mut words = line.splitn(3, ' ');
        // The longest answer is a value of the store. `text` has room for this answer, so no write can fail.
        let _ = match (words.next(), words.next(), words.next()) {
            (Some(""), None, None) => Ok(()),
            (Some("get"), Some(key), None) => match (key, self.latest, self.store.get(key)) {
                ("temp", Some(sample), _) => write!(text, "{}\r\n", sample.value),
                ("samples", ..) => write!(text, "{}\r\n", self.taken),
                (_, _, Some(value)) => write!(text, "{value}\r\n"),
                _ => text.write_str("error: no such key\r\n"),
            },
            (Some("set"), Some(key), Some(value)) => {
                text.write_str(match self.store.set(key, value) {
                    Ok(()) => "ok\r\n",
                    Err(SetError::KeyTooLong) => "error: key too long\r\n",
                    Err(SetError::ValueTooLong) => "error: value too long\r\n",
                    Err(SetError::Full) => "error: no room\r\n",
                })
            }
            (Some("watch"), None, None) => return Next::Watch,
            (Some("quit"), None, None) => return end(text, "bye\r\n"),
            _ => text.write_str("error: get KEY, set KEY VALUE, watch, quit\r\n"),
        };
        Next::Command
    }

    /// Writes a line with the temperature, the number of samples, and as many values of the store as fit into the line.
    fn values(&self, text: &mut Text) {
        let value = self.latest.map_or(0, |sample| sample.value);
        let _ = write!(text, "temp={value} samples={}", self.taken);
        for (key, value) in self.store.iter() {
            if text.len() + key.len() + value.len() + 2 > VALUES {
                break;
            }
            let _ = write!(text, " {key}={value}");
        }
        let _ = text.push_str("\r\n");
    }
}
