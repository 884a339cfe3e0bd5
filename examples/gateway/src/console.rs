//! The console: each line of text is a command.

use core::fmt::Write;
use core::time::Duration;

use heapless::String;
use picoevent::{ConnEnd, ConnMut, LineError, Protocol, WriteError};

use crate::store::StoreError;
use crate::{Gateway, info};

const WATCH_PERIOD: Duration = Duration::from_secs(1);

pub(crate) struct Console;

impl Protocol<Gateway> for Console {
    const IDLE: Option<Duration> = Some(Duration::from_secs(60));
    /// The time limit for a client that does not read its answers.
    const STALL: Option<Duration> = Some(Duration::from_secs(10));
    const ROOM: usize = 96;
    const BUSY: &[u8] = b"busy\r\n";

    fn opened(app: &mut Gateway, conn: &mut ConnMut<Gateway>) {
        if app.is_exiting {
            Gateway::send_goodbye(conn);
        }
    }

    fn readable(app: &mut Gateway, conn: &mut ConnMut<Gateway>) {
        let mut buffer = [0; 128];
        while let Some(line) = conn.read_line(&mut buffer) {
            if conn.cancel_alarm() {
                conn.set_idle(Self::IDLE);
            }
            // The output ring has room for an answer, unless the connection has failed.
            let _ = match line {
                Ok(line) => app.command(conn, line),
                Err(LineError::TooLong) => conn.write(b"error: line too long\r\n"),
                Err(LineError::NotText) => usage(conn),
            };
        }
    }

    /// Sends the current values to a client that watches, if its output ring has room.
    fn alarm(app: &mut Gateway, conn: &mut ConnMut<Gateway>) {
        let mut line = String::<250>::new();
        let value = app.latest.map_or(0, |sample| sample.value);
        let _ = write!(line, "temp={value} samples={}", app.taken);
        for (key, value) in app.store.iter() {
            let length = line.len();
            if write!(line, " {key}={value}").is_err() {
                line.truncate(length);
                break;
            }
        }
        let _ = write!(conn, "{line}\r\n");
    }

    fn idle(_: &mut Gateway, conn: &mut ConnMut<Gateway>) {
        let _ = conn.write(b"idle, good bye\r\n");
        conn.close();
    }

    fn ended(_: &mut Gateway, _: &mut ConnMut<Gateway>, end: ConnEnd) {
        if let ConnEnd::Failed(error) = end {
            info!("lost a client of the console: {}", error);
        }
    }
}

impl Gateway {
    fn command(&mut self, conn: &mut ConnMut<Self>, line: &str) -> Result<(), WriteError> {
        let mut words = line.splitn(3, ' ');
        match (words.next(), words.next(), words.next()) {
            (Some(""), None, _) => Ok(()),
            (Some("get"), Some(key), None) => match (key, self.latest, self.store.get(key)) {
                ("temp", Some(sample), _) => write!(conn, "{}\r\n", sample.value),
                ("samples", ..) => write!(conn, "{}\r\n", self.taken),
                (.., Some(value)) => write!(conn, "{value}\r\n"),
                _ => conn.write(b"error: no such key\r\n"),
            },
            (Some("set"), Some(key), Some(value)) if !key.is_empty() => {
                conn.write(match self.store.set(key, value) {
                    Ok(()) => b"ok\r\n",
                    Err(StoreError::KeyTooLong) => b"error: key too long\r\n",
                    Err(StoreError::ValueTooLong) => b"error: value too long\r\n",
                    Err(StoreError::Full) => b"error: no room\r\n",
                })
            }
            (Some("watch"), None, _) => {
                conn.set_idle(None).alarm_every(WATCH_PERIOD);
                Ok(())
            }
            (Some("quit"), None, _) => {
                conn.write(b"bye\r\n")?;
                conn.close();
                Ok(())
            }
            _ => usage(conn),
        }
    }
}

fn usage(conn: &mut ConnMut<Gateway>) -> Result<(), WriteError> {
    conn.write(b"error: get KEY, set KEY VALUE, watch, quit\r\n")
}
