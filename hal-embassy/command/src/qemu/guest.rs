//! A running guest: its log, its serial port, its exit status.

use std::{
    fmt::Write as _,
    fs,
    io::{ErrorKind, Write},
    os::unix::net::{UnixListener, UnixStream},
    process::ExitStatus,
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, bail};
use defmt_decoder::Table;
use tempfile::TempDir;

use super::Qmp;
use crate::{
    defmt_log::{self, LogLine},
    locations::Locations,
    process::Process,
};

/// How long QEMU may take to connect after its start.
const CONNECT_LIMIT: Duration = Duration::from_secs(60);

/// The time between two checks whether QEMU has connected.
const POLL: Duration = Duration::from_millis(5);

/// The number of log lines that an error shows.
const SHOWN_LINES: usize = 30;

/// The byte that requests the firmware to end. A terminal sends the same byte for Ctrl-C.
const INTERRUPT: u8 = 0x03;

/// The byte that stands for the board's button.
const BUTTON: u8 = b'b';

/// A running guest. Dropping a `Guest` ends QEMU.
#[derive(Debug)]
pub struct Guest {
    process: Process,
    uart: Uart,
    lines: Receiver<LogLine>,
    history: Vec<LogLine>,
    qmp: Option<Qmp>,
    qmp_listener: UnixListener,
    // This is the last field, so the folder is removed after QEMU has ended.
    folder: TempDir,
}

/// The sending half of the guest's serial port.
#[derive(Debug)]
pub struct Uart(UnixStream);

impl Guest {
    /// Waits until QEMU has connected to `uart`, then starts a thread that decodes the guest's log.
    pub(super) fn connect(
        process: Process,
        folder: TempDir,
        uart: &UnixListener,
        qmp_listener: UnixListener,
        (table, locations): (Option<Table>, Locations),
    ) -> Result<Self> {
        let uart = accept(uart, &process)
            .map_err(|error| anyhow!("{error:#}; its output: {}", console(&folder).trim()))?;
        let log = uart.try_clone()?;
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            // `read` returns when the guest has ended or the log cannot be read. Then the channel closes, so a
            // receiver that waits for a line sees that the guest has ended.
            let send = |line| drop(sender.send(locations.explain(line)));
            let _ = defmt_log::read(table.as_ref(), log, send);
        });
        let uart = Uart(uart);
        Ok(Self { process, uart, lines, history: Vec::new(), qmp: None, qmp_listener, folder })
    }

    /// Waits for the next line of the firmware's log and returns it; `None` if the guest has ended.
    ///
    /// # Errors
    /// If no line comes within `limit`.
    pub fn next_line(&mut self, limit: Duration) -> Result<Option<LogLine>> {
        match self.take(limit) {
            Ok(line) => Ok(Some(line)),
            Err(RecvTimeoutError::Disconnected) => Ok(None),
            Err(RecvTimeoutError::Timeout) => {
                bail!("the guest logged nothing for {limit:?}{}", self.report())
            }
        }
    }

    /// Returns the next line whose message contains `text`. The lines before the returned line are consumed, too.
    ///
    /// # Errors
    /// If no such line comes within `limit`, or the guest has ended; the error contains the last
    /// lines.
    pub fn wait_for(&mut self, text: &str, limit: Duration) -> Result<LogLine> {
        let deadline = Instant::now() + limit;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.take(left) {
                Ok(line) if line.message.contains(text) => return Ok(line),
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => {
                    bail!("the guest did not log {text:?} within {limit:?}{}", self.report())
                }
                Err(RecvTimeoutError::Disconnected) => {
                    // The guest's serial port closes shortly before its exit status is available.
                    self.process.wait(CONNECT_LIMIT)?;
                    bail!("the guest ended before it logged {text:?}{}", self.report())
                }
            }
        }
    }

    fn take(&mut self, limit: Duration) -> Result<LogLine, RecvTimeoutError> {
        let line = self.lines.recv_timeout(limit)?;
        self.history.push(line.clone());
        Ok(line)
    }

    /// Returns all lines read so far.
    pub fn history(&self) -> &[LogLine] {
        &self.history
    }

    /// Sends Ctrl-C to the guest's serial port.
    pub fn interrupt(&mut self) -> Result<()> {
        self.uart.interrupt()
    }

    /// Returns another sender to the guest's serial port, for use by another thread.
    pub fn uart(&self) -> Result<Uart> {
        Ok(Uart(self.uart.0.try_clone()?))
    }

    /// Returns QEMU's control socket.
    ///
    /// # Errors
    /// If QEMU has ended or does not answer.
    pub fn qmp(&mut self) -> Result<&mut Qmp> {
        let qmp = match self.qmp.take() {
            Some(qmp) => qmp,
            None => Qmp::new(accept(&self.qmp_listener, &self.process)?)?,
        };
        Ok(self.qmp.insert(qmp))
    }

    /// Returns QEMU's process, to kill it from another thread or to read its process number.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Returns QEMU's process number, for `/proc`.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Waits for the firmware to end. Returns its exit status.
    ///
    /// # Errors
    /// If the firmware still runs after `limit`, or QEMU was killed. The error contains the last log lines.
    pub fn wait_exit(&mut self, limit: Duration) -> Result<i32> {
        let Some(status) = self.process.wait(limit)? else {
            bail!("the guest did not end within {limit:?}{}", self.report());
        };
        let report = |guest: &mut Self| anyhow!("QEMU was killed ({status}){}", guest.report());
        status.code().ok_or_else(|| report(self))
    }

    /// Returns QEMU's standard output and error, with the text that the firmware prints by semihosting.
    pub fn console(&self) -> String {
        console(&self.folder)
    }

    /// Returns the text of an error about the guest: how the guest ended, its last log lines and QEMU's output.
    pub fn report(&mut self) -> String {
        self.history.extend(self.lines.try_iter());
        let mut report = match self.process.status() {
            Ok(Some(status)) => format!("\nQEMU has ended: {}", describe(status)),
            _ => "\nQEMU runs".to_owned(),
        };
        let console = self.console();
        if !console.trim().is_empty() {
            // Writing to a string cannot fail.
            let _ = write!(report, "\nthe output of QEMU:\n{}", console.trim_end());
        }
        report += "\nthe guest's last log lines:";
        let skipped = self.history.len().saturating_sub(SHOWN_LINES);
        for line in &self.history[skipped..] {
            let _ = write!(report, "\n  {line}");
        }
        report
    }
}

impl Uart {
    /// Sends Ctrl-C to the guest's serial port.
    pub fn interrupt(&mut self) -> Result<()> {
        self.send_byte(INTERRUPT)
    }

    /// Sends the byte that stands for the board's button.
    pub fn press_button(&mut self) -> Result<()> {
        self.send_byte(BUTTON)
    }

    fn send_byte(&mut self, byte: u8) -> Result<()> {
        self.0.write_all(&[byte]).context("the guest's serial port is gone")
    }
}

/// Waits until QEMU has connected to `listener`. QEMU connects before it runs the guest.
fn accept(listener: &UnixListener, process: &Process) -> Result<UnixStream> {
    listener.set_nonblocking(true)?;
    let deadline = Instant::now() + CONNECT_LIMIT;
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false)?;
                return Ok(stream);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error).context("cannot accept QEMU's connection"),
        }
        if let Some(status) = process.status()? {
            bail!("QEMU ended at once: {}", describe(status));
        }
        if Instant::now() >= deadline {
            bail!("QEMU did not connect within {CONNECT_LIMIT:?}");
        }
        thread::sleep(POLL);
    }
}

fn describe(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("status {code}"),
        None => status.to_string(),
    }
}

fn console(folder: &TempDir) -> String {
    // QEMU also writes the bytes that the guest prints. These bytes need not be text. A missing file counts as empty.
    let bytes = fs::read(folder.path().join("console")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}
