//! The application's state for each connection of a pool.

use crate::handle::Conn;
use crate::{ConnMut, PoolId};

/// The application's state for each connection of one pool. A lookup takes O(1) and checks the handle. When a
/// connection has ended, a new connection can have the same [index in the pool](ConnMut::index_in_pool). The new
/// connection gets a new state.
///
/// `N` is the number of connections of the pool, including spare connections: [`Pool::conns`](crate::Pool::conns). The
/// spare connections must be included, because a connection that the application uses can be in any slot of the pool.
/// For several kinds of connections, use one map with its own state type for each kind.
///
/// ```
/// use picoevent::{ConnEnd, ConnMap, ConnMut, Pool, Protocol};
///
/// const CLIENTS: Pool = Pool::new(4).spare(1).rings(80, 80);
///
/// struct App {
///     sessions: ConnMap<Session, { CLIENTS.conns() }>,
/// }
///
/// #[derive(Default)]
/// struct Session {
///     lines: u32,
/// }
///
/// struct Console;
///
/// impl Protocol<App> for Console {
///     const ROOM: usize = 16;
///
///     fn readable(app: &mut App, conn: &mut ConnMut<App>) {
///         let mut buffer = [0; 80];
///         let Some(session) = app.sessions.of(conn) else { return };
///         while let Some(_line) = conn.read_line(&mut buffer) {
///             session.lines += 1;
///             let _ = write!(conn, "line {}\r\n", session.lines);
///         }
///     }
///
///     fn ended(app: &mut App, conn: &mut ConnMut<App>, _: ConnEnd) {
///         app.sessions.remove(conn.id());
///     }
/// }
/// # let _ = (App { sessions: ConnMap::new() }, <Console as Protocol<App>>::ended);
/// ```
pub struct ConnMap<T, const N: usize> {
    /// The pool, and the index of its first connection.
    pool: Option<(PoolId, usize)>,
    entries: [Option<(Conn, T)>; N],
}

impl<T, const N: usize> ConnMap<T, N> {
    /// Makes an empty map.
    pub const fn new() -> Self {
        Self { pool: None, entries: [const { None }; N] }
    }

    /// Returns the state of a connection. If the connection has no state, makes a state with [`Default`]. The map
    /// belongs to the pool of the first connection that is passed to this method or to [`of_or`](Self::of_or). Returns
    /// `None` for a connection of another pool, and for a connection whose index in the pool is `N` or more.
    pub fn of<A>(&mut self, conn: &ConnMut<'_, '_, A>) -> Option<&mut T>
    where
        T: Default,
    {
        self.of_or(conn, T::default)
    }

    /// Does the same as [`of`](Self::of), but makes a new state with `make`.
    pub fn of_or<A>(
        &mut self,
        conn: &ConnMut<'_, '_, A>,
        make: impl FnOnce() -> T,
    ) -> Option<&mut T> {
        let pool = (conn.pool()?, conn.id().index().checked_sub(conn.index_in_pool()?)?);
        if *self.pool.get_or_insert(pool) != pool {
            return None;
        }
        let entry = self.entries.get_mut(conn.index_in_pool()?)?;
        if entry.as_ref().is_none_or(|(owner, _)| *owner != conn.id()) {
            *entry = Some((conn.id(), make()));
        }
        entry.as_mut().map(|(_, state)| state)
    }

    /// Returns the state of a connection, if it has one.
    pub fn get(&self, conn: Conn) -> Option<&T> {
        let (owner, state) = self.entries.get(self.index(conn)?)?.as_ref()?;
        (*owner == conn).then_some(state)
    }

    /// Returns the state of a connection, if it has one.
    pub fn get_mut(&mut self, conn: Conn) -> Option<&mut T> {
        let index = self.index(conn)?;
        let (owner, state) = self.entries.get_mut(index)?.as_mut()?;
        (*owner == conn).then_some(state)
    }

    /// Removes the state of a connection and returns the state; `None` if the connection has no state.
    pub fn remove(&mut self, conn: Conn) -> Option<T> {
        self.get(conn)?;
        let index = self.index(conn)?;
        self.entries.get_mut(index)?.take().map(|(_, state)| state)
    }

    fn index(&self, conn: Conn) -> Option<usize> {
        let (_, first) = self.pool?;
        conn.index().checked_sub(first)
    }

    /// Returns all connections that have a state, with their states.
    ///
    /// This example writes a line to each of these connections:
    ///
    /// ```
    /// # use picoevent::{ConnMap, Cx};
    /// # struct App { clients: ConnMap<(), 4>, total: u32 }
    /// fn tell_all(app: &mut App, cx: &mut Cx<App>) {
    ///     for (client, ()) in app.clients.iter() {
    ///         if let Ok(mut conn) = cx.conn(client) {
    ///             let _ = writeln!(conn, "total {}", app.total);
    ///         }
    ///     }
    /// }
    /// # let _ = tell_all;
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = (Conn, &T)> {
        self.entries.iter().flatten().map(|(conn, state)| (*conn, state))
    }
}

impl<T, const N: usize> Default for ConnMap<T, N> {
    fn default() -> Self {
        Self::new()
    }
}
