//! What the core's types say of themselves, to a writer that may fail at any time.

use core::fmt::{self, Debug, Display, Write};

use picoevent::{
    AcceptError, AddError, ConnError, Event, Full, ListenError, OnceError, Stale, StillActive,
    WriteError,
};

use crate::Base;
use crate::unknown::{any, what};

struct Writer;

impl Write for Writer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        any(text);
        any(Ok(()))
    }
}

pub fn every_text(base: &mut Base<'_>) {
    display(any(&base.dump()));
    base.events().for_each(|info| display(any(&info)));
    errors();
    debug(any(&what()));
}

/// What a handle of any kind says.
pub fn handle(event: Event) {
    debug(any(&event));
}

fn errors() {
    display(any(&Stale));
    display(any(&StillActive));
    display(any(&Full::Events));
    display(any(&AddError::MixedEdge));
    display(any(&OnceError::Full(Full::Events)));
    display(any(&AcceptError::Full));
    display(any(&WriteError::Full { room: 1 }));
    display(any(&ConnError::Reset));
    display(any(&ListenError::InUse));
}

fn display(value: &impl Display) {
    write!(any(&mut Writer), "{value}").ok();
}

fn debug(value: &impl Debug) {
    write!(any(&mut Writer), "{value:?}").ok();
}
