//! Shows the log that a board sends over the serial port of its USB connection.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use anyhow::{Context, Result};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

use crate::defmt_log::{read, read_table};

/// Decodes the input from a port, or from any file, and prints each line until the input ends. The input from a port
/// ends when the board is disconnected. This input also ends when the board's program ends and the board becomes a
/// drive.
///
/// # Errors
/// If the port cannot be opened. The error explains what to do.
pub fn run(elf: &Path, port: &Path) -> Result<()> {
    let shown = port.display();
    let file = File::open(port).with_context(|| {
        format!("cannot open {shown}: connect the board, and look for it in /dev/ttyACM* or /dev/cu.usbmodem*")
    })?;
    let table = read_table(elf)?;
    // A port in the default mode of a terminal would echo lines and change bytes, so the port is set to raw mode. A
    // file that is not a terminal is not set to raw mode.
    if let Ok(mut settings) = tcgetattr(&file) {
        settings.make_raw();
        tcsetattr(&file, OptionalActions::Now, &settings)
            .with_context(|| format!("cannot set up {shown}"))?;
    }
    read(table.as_ref(), UntilDisconnected(file), |line| println!("{line}"))
}

/// A serial port whose input ends when the device is disconnected.
struct UntilDisconnected(File);

impl Read for UntilDisconnected {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let disconnected = Some(rustix::io::Errno::IO.raw_os_error());
        self.0.read(target).or_else(|error| match error.raw_os_error() {
            code if code == disconnected => Ok(0),
            _ => Err(error),
        })
    }
}
