//! With the feature `local-address`: the local address of a connection. The back end reports the address, and the
//! connection's slot stores it.

use core::net::SocketAddr;

use crate::EventBase;
use crate::address::Address;
use crate::conn::ConnMut;
use crate::handle::Conn;
use crate::record::Entry;

/// A local address. Port 0 means that the address is not known.
#[derive(Clone, Copy)]
pub(crate) struct Local(Address);

impl Local {
    pub(crate) const NONE: Self = Self(Address::EMPTY);

    fn get(self) -> Option<SocketAddr> {
        Some(SocketAddr::from(self.0)).filter(|address| address.port() != 0)
    }
}

impl<A> EventBase<'_, A> {
    /// Reports the local address of a connection, before [`connected`](Self::connected) or after
    /// [`accepted`](Self::accepted). `local` returns the address. `local` is called only with the feature
    /// `local-address`.
    pub fn local_is(&mut self, conn: Conn, local: impl FnOnce() -> Option<SocketAddr>) {
        let Some(local) = local() else { return };
        self.cx.recorder.record(|| Entry::Local(conn, local));
        if let Some(slot) = self.cx.tables.conns.get_mut(conn) {
            slot.local = Local(local.into());
        }
    }
}

impl<A> ConnMut<'_, '_, A> {
    /// Returns the local address and port of the connection (`getsockname`). If the device has several addresses,
    /// returns the address that this connection uses. The address is kept until the connection reconnects. For a
    /// connection above a filter, returns the local address of the connection below the filter. Returns `None` before
    /// the connection is established, and for a connection of a [pair](crate::Cx::pair). This method needs the feature
    /// `local-address`. The feature makes each connection's slot 24 bytes longer.
    ///
    /// In this example a server that listens on all addresses sends the address in a greeting:
    ///
    /// ```
    /// use picoevent::{ConnMut, Protocol};
    /// # struct App;
    /// struct Greeting;
    ///
    /// impl Protocol<App> for Greeting {
    ///     fn opened(_: &mut App, conn: &mut ConnMut<App>) {
    ///         if let Some(local) = conn.local_addr() {
    ///             let _ = write!(conn, "this is {local}\n");
    ///         }
    ///     }
    ///
    ///     fn readable(_: &mut App, conn: &mut ConnMut<App>) {
    ///         conn.consume(usize::MAX);
    ///     }
    /// }
    /// # let _ = <Greeting as Protocol<App>>::opened;
    /// ```
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.bottom()?.local.get()
    }
}
