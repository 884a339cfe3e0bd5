//! Listeners, and the connections they bring.

use picoevent::{Conn, ListenError, Listener};

use crate::unknown::{address, any};
use crate::{App, Base, Loop};

fn on_accept(_: &mut App, cx: &mut Loop<'_>, conn: Conn) {
    any((cx, conn));
}

fn on_error(_: &mut App, cx: &mut Loop<'_>, listener: Listener, error: ListenError) {
    any((cx, listener, error));
}

pub fn every_verb(base: &mut Base<'_>) {
    let Ok(listener) = base.listen(address(), on_accept) else { return };
    any(base.has_room());
    any(any(&mut *base).accepted(any(listener), address())).ok();
    any(base.address_of(any(listener)));
    any(&mut *base).listen_failed(any(listener), any(ListenError::InUse));
    let Ok(mut view) = any(&mut *base).listener(any(listener)) else { return };
    any(&mut view).on_error(on_error);
    any(&mut view).enable();
    any(&mut view).disable();
    any(&mut view).set_user(any(1));
    any((view.address(), view.user(), view.is_enabled()));
    any(view).free();
}
