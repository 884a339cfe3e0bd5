//! The application's state for each connection of a pool.

use crate::handle::Conn;
use crate::{ConnMut, PoolId};

/// The application's state for each connection of one pool. A lookup takes O(1) and checks the handle. The next
/// connection with the same [index in the pool](ConnMut::place) gets a new state.
///
/// `N` is the number of connections of the pool, including spare connections: [`Pool::conns`](crate::Pool::conns). A
/// connection that the application sees can have any of these indexes. For several kinds of connections, use one map
/// with its own state type for each kind.
///
/// ```
/// use picoevent::{ConnEnd, ConnMap, ConnMut, Protocol};
///
/// struct App {
///     sessions: ConnMap<Session, 4>,
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
    places: [Option<(Conn, T)>; N],
}

impl<T, const N: usize> ConnMap<T, N> {
    /// Makes an empty map.
    pub const fn new() -> Self {
        Self { pool: None, places: [const { None }; N] }
    }

    /// Returns the state of a connection. If it has none, makes one with [`Default`]. Returns `None` for a
    /// connection of another pool than that of the first call, and for a connection beyond the first `N` of
    /// its pool.
    pub fn of<A>(&mut self, conn: &ConnMut<'_, '_, A>) -> Option<&mut T>
    where
        T: Default,
    {
        self.of_or(conn, T::default)
    }

    /// As [`of`](Self::of), but makes a new state with `make`.
    pub fn of_or<A>(
        &mut self,
        conn: &ConnMut<'_, '_, A>,
        make: impl FnOnce() -> T,
    ) -> Option<&mut T> {
        let pool = (conn.pool()?, conn.id().index().checked_sub(conn.place()?)?);
        if *self.pool.get_or_insert(pool) != pool {
            return None;
        }
        let place = self.places.get_mut(conn.place()?)?;
        if place.as_ref().is_none_or(|(held, _)| *held != conn.id()) {
            *place = Some((conn.id(), make()));
        }
        place.as_mut().map(|(_, state)| state)
    }

    /// Returns the state of a connection, if it has one.
    pub fn get(&self, conn: Conn) -> Option<&T> {
        let (held, state) = self.places.get(self.place(conn)?)?.as_ref()?;
        (*held == conn).then_some(state)
    }

    /// Returns the state of a connection, if it has one.
    pub fn get_mut(&mut self, conn: Conn) -> Option<&mut T> {
        let place = self.place(conn)?;
        let (held, state) = self.places.get_mut(place)?.as_mut()?;
        (*held == conn).then_some(state)
    }

    /// Removes the state of a connection and returns it; `None` if it has none.
    pub fn remove(&mut self, conn: Conn) -> Option<T> {
        self.get(conn)?;
        let place = self.place(conn)?;
        self.places.get_mut(place)?.take().map(|(_, state)| state)
    }

    fn place(&self, conn: Conn) -> Option<usize> {
        let (_, first) = self.pool?;
        conn.index().checked_sub(first)
    }

    /// Returns all connections that have a state.
    ///
    /// For example, to write a line to each of them:
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
        self.places.iter().flatten().map(|(conn, state)| (*conn, state))
    }
}

impl<T, const N: usize> Default for ConnMap<T, N> {
    fn default() -> Self {
        Self::new()
    }
}
