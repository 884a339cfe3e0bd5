//! What the core's types say of themselves, to a writer that may fail at any time.

use core::fmt::{self, Debug, Display, Write};

use picoevent::{
    AcceptError, AddError, ConnError, ConnEvent, Full, ListenError, OnceError, Run, Stale,
    StillActive, Wait, WriteError,
};

use crate::Base;
use crate::unknown::{any, direction, duration, priority, signal, what};

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
    base.events().for_each(|info| debug(any(&info)));
    debug(any(&base.counts()));
    debug(&base.next_action());
    debug(&base.wait());
    debug(&base.common_timeout(duration()));
    errors();
    values();
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
    debug(any(&OnceError::Add(AddError::MixedEdge)));
    debug(any(&AcceptError::NoListener));
    debug(any(&WriteError::Finished));
    debug(any(&ListenError::Denied));
}

fn values() {
    debug(any(&ConnEvent::Failed(ConnError::Reset)));
    debug(any(&Run::ONCE));
    debug(any(&Wait::Not));
    debug(any(&(what(), direction(), signal(), priority())));
}

fn display(value: &impl Display) {
    write!(any(&mut Writer), "{value}").ok();
}

fn debug(value: &impl Debug) {
    write!(any(&mut Writer), "{value:?} {value:#?}").ok();
}
