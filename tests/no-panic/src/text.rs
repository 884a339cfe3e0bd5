//! What the core's errors say of themselves, to a writer that may fail at any time.

use core::fmt::{self, Display, Write};

use picoevent::{AcceptError, AddError, Full, OnceError, Stale, StillActive};

use crate::unknown::any;

struct Writer;

impl Write for Writer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        any(text);
        any(Ok(()))
    }
}

pub fn every_text() {
    display(any(&Stale));
    display(any(&StillActive));
    display(any(&Full::Events));
    display(any(&AddError::MixedEdge));
    display(any(&OnceError::Full(Full::Events)));
    display(any(&AcceptError::Full));
}

fn display(value: &impl Display) {
    write!(any(&mut Writer), "{value}").ok();
}
