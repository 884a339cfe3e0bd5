//! Shows the log that a board sends over a serial port of its USB cable.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use anyhow::{Context, Result};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

use crate::defmt_log::{read, read_table};

/// Decodes what comes from a port, or from any file, and prints each line until it ends: when the board is
/// disconnected, or becomes a drive because its program has ended.
///
/// # Errors
/// If the port cannot be opened; the error says what to do.
pub fn run(elf: &Path, port: &Path) -> Result<()> {
    let shown = port.display();
    let file = File::open(port).with_context(|| {
        format!("cannot open {shown}: connect the board, and look for it in /dev/ttyACM* or /dev/cu.usbmodem*")
    })?;
    let table = read_table(elf)?;
    // As a terminal it would send lines back and change bytes. What is no terminal stays as it is.
    if let Ok(mut settings) = tcgetattr(&file) {
        settings.make_raw();
        tcsetattr(&file, OptionalActions::Now, &settings)
            .with_context(|| format!("cannot set up {shown}"))?;
    }
    read(table.as_ref(), UntilGone(file), |line| println!("{line}"))
}

/// A port that ends when its device is gone.
struct UntilGone(File);

impl Read for UntilGone {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let gone = Some(rustix::io::Errno::IO.raw_os_error());
        self.0.read(target).or_else(|error| match error.raw_os_error() {
            code if code == gone => Ok(0),
            _ => Err(error),
        })
    }
}
