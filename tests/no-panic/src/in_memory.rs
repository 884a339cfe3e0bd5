//! The functions of pairs, and of connections with filters.

use picoevent::{Conn, ConnError, ConnMut, Filter, PoolId};

use crate::conns::{Plain, call, settings};
use crate::unknown::any;
use crate::{App, Base};

/// A filter with values that the compiler cannot know.
struct Unknown;

type Moved = Result<(usize, usize), ConnError>;

impl Filter<App> for Unknown {
    fn input(_: &mut App, above: Conn, from: &[u8], to: &mut [u8]) -> Moved {
        any((above, from, to));
        any(Ok((any(1), any(1))))
    }

    fn output(_: &mut App, above: Conn, from: &[u8], to: &mut [u8]) -> Moved {
        any((above, from, to));
        any(Err(ConnError::Filter))
    }

    fn finish(_: &mut App, above: Conn, to: &mut [u8]) -> Moved {
        any((above, to));
        any(Ok((any(1), any(1))))
    }
}

pub fn every_function(base: &mut Base<'_>, pool: PoolId) {
    any(any(&mut *base).pair::<Plain, Plain>([any(pool), any(pool)])).ok();
    let ends = [(any(pool), settings(), call as _), (any(pool), settings(), call as _)];
    let Ok([one, _]) = any(&mut *base).pair_with(ends) else { return };
    if let Ok(mut view) = any(&mut *base).conn(any(one)) {
        views(any(&mut view), pool);
    }
}

fn views(conn: &mut ConnMut<'_, '_, App>, pool: PoolId) {
    any(any(&*conn).partner());
    any(any(conn).filter::<Unknown, Plain>(any(pool))).ok();
}
