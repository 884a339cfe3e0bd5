//! The functions of listeners, and the report of an accepted connection.

use picoevent::{ListenError, ListenerMut, PoolId};

use crate::conns::{Plain, call, settings};
use crate::unknown::{address, any};
use crate::{App, Base};

fn on_error(app: &mut App, listener: &mut ListenerMut<'_, '_, App>, error: ListenError) {
    any((app, listener, error));
}

pub fn every_function(base: &mut Base<'_>, pool: PoolId) {
    any(any(&mut *base).listen::<Plain>(address(), any(pool))).ok();
    let made = any(&mut *base).listen_with(address(), any(pool), settings(), call);
    let Ok(listener) = made else { return };
    any(base.has_room(any(listener)));
    any(any(&mut *base).accepted(any(listener), address())).ok();
    any(base.address_of(any(listener)));
    any(base.pool_of_listener(any(listener)));
    any(&mut *base).listen_failed(any(listener), any(ListenError::InUse));
    let Ok(mut view) = any(&mut *base).listener(any(listener)) else { return };
    any(&mut view).on_error(on_error);
    any(&mut view).enable();
    any(&mut view).disable();
    any(&mut view).set_user(any(1)).set_limit(any(1));
    any((view.address(), view.user(), view.is_enabled(), view.conns(), view.id()));
    any(any(&mut view).cx());
    any(&mut view).for_each(|conn| _ = any(conn));
    any(view).free();
}
