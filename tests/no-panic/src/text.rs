//! The texts of the core's errors. The writer may fail at any time.

use core::fmt::{self, Display, Write};

use picoevent::{
    AcceptError, AddError, ConnectError, FullError, IoError, LineError, OnceError, StaleError,
    StillActiveError,
};

use crate::unknown::any;

struct Writer;

impl Write for Writer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        any(text);
        any(Ok(()))
    }
}

pub fn every_display() {
    display(any(&StaleError));
    display(any(&StillActiveError));
    display(any(&FullError::Events));
    display(any(&AddError::MixedEdge));
    display(any(&OnceError::Full(FullError::Events)));
    display(any(&AcceptError::Full));
    display(any(&ConnectError::InUse));
    display(any(&LineError::TooLong));
    display(any(&IoError::Full));
}

fn display(value: &impl Display) {
    write!(any(&mut Writer), "{value}").ok();
}
